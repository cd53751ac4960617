package peers_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	ft "github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// npmVersion is the version of the package openai that the test installs.
const npmVersion = "7.59.0"

// npmScript has the package hold the conversation of newStrictServer, in every way
// that it offers, and prints what it made of it as one JSON object.
const npmScript = `
import OpenAI from 'openai';
const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: 'sk-test', maxRetries: 0 });
const seen = {};
const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };

async function chat(name, ask) {
  const body = {
    model: 'gpt-4o',
    messages: [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'How is it?' }],
    tools: [{ type: 'function', function: { name: 'weather', parameters } }],
  };
  const first = (await ask(body)).choices[0];
  const calls = first.message.tool_calls;
  body.messages.push({ role: 'assistant', content: first.message.content, tool_calls: calls.map(({ id, type, function: f }) => ({ id, type, function: { name: f.name, arguments: f.arguments } })) });
  for (const c of calls) body.messages.push({ role: 'tool', tool_call_id: c.id, content: '{"sky":"clear"}' });
  const second = (await ask(body)).choices[0];
  seen[name] = [first.message.content, first.finish_reason, ...calls.map((c) => c.function.arguments), second.message.content, second.finish_reason].join('|');
}
await chat('chat', (body) => client.chat.completions.create(body));
await chat('chat streamed', (body) => client.chat.completions.stream({ ...body, stream_options: { include_usage: true } }).finalChatCompletion());

async function responses(name, ask) {
  const body = {
    model: 'gpt-5', store: false, include: ['reasoning.encrypted_content'], input: [{ role: 'user', content: 'How is it?' }],
    tools: [{ type: 'function', name: 'weather', strict: false, parameters }],
  };
  const first = await ask(body);
  for (const { parsed_arguments, ...item } of first.output) {
    if (item.content) item.content = item.content.map(({ parsed, ...part }) => part);
    body.input.push(item);
    if (item.type === 'function_call') body.input.push({ type: 'function_call_output', call_id: item.call_id, output: '{"sky":"clear"}' });
  }
  const second = await ask(body);
  seen[name] = [first.output[0].summary[0].text, ...first.output.map((i) => i.type), second.output_text, second.status, second.usage.output_tokens].join('|');
}
await responses('responses', (body) => client.responses.create(body));
await responses('responses streamed', (body) => client.responses.stream(body).finalResponse());

const fails = async (name, ask) => {
  try { await ask(); seen[name] = 'no error'; } catch (e) { seen[name] = [e.constructor.name, e.status, e.code, e.param].join('|'); }
};
const hi = [{ role: 'user', content: 'hi' }];
await fails('refused', () => client.chat.completions.create({ model: 'gpt-5', messages: hi, temperature: 0.5 }));
await fails('refused stream', () => client.responses.create({ model: 'gpt-5', input: 'hi', stop: 'x', stream: true }));
await fails('wrong key', () => client.chat.completions.create({ model: 'locked', messages: hi }));
await fails('within a stream', async () => { for await (const _ of await client.responses.create({ model: 'breaks', input: 'hi', stream: true })); });
await fails('within a chat stream', async () => { for await (const _ of await client.chat.completions.create({ model: 'breaks', messages: hi, stream: true })); });
console.log(JSON.stringify(seen));
`

func TestOpenAINpmPackageAcceptsTheServer(t *testing.T) {
	dir := installNpmPackage(t)
	srv := newStrictServer(t)
	srv.Script("locked", ft.InvalidKey())
	srv.Script("breaks", ft.Text("It is sunny").ErrorAt(2, ft.ContextLength()))
	if err := os.WriteFile(filepath.Join(dir, "talk.mjs"), []byte(npmScript), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "talk.mjs")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "BASE_URL="+srv.URL+"/v1")
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		stderr := ""
		if exit, ok := err.(*exec.ExitError); ok {
			stderr = string(exit.Stderr)
		}
		t.Fatalf("node: %v\n%s%s\nviolations: %q", err, out, stderr, srv.Violations())
	}
	got := map[string]string{}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	const (
		chat  = `One moment.|tool_calls|{"city":"Köln"}|{"city":"Paris"}|It is clear there.|stop`
		items = `They ask. I look.|reasoning|message|function_call|function_call|It is clear there.|completed|4`
	)
	want := map[string]string{
		"chat": chat, "chat streamed": chat, "responses": items, "responses streamed": items,
		"refused":              "BadRequestError|400|unsupported_value|temperature",
		"refused stream":       "BadRequestError|400|unknown_parameter|stop",
		"wrong key":            "AuthenticationError|401|invalid_api_key|",
		"within a stream":      "APIError||context_length_exceeded|input",
		"within a chat stream": "APIError||context_length_exceeded|messages",
	}
	if !maps.Equal(got, want) {
		for name := range want {
			if got[name] != want[name] {
				t.Errorf("%s: %q, want %q", name, got[name], want[name])
			}
		}
	}
	if v := srv.Violations(); len(v) != 2 { // the two that are refused on purpose
		t.Errorf("violations = %q", v)
	}
}

// installNpmPackage returns a folder that has the package. It skips the test where
// that cannot be had.
func installNpmPackage(t *testing.T) string {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("needs %s: install Node.js 22 (https://nodejs.org/en/download) to test with the npm package openai@%s", tool, npmVersion)
		}
	}
	if testing.Short() {
		t.Skipf("installs the npm package openai@%s: run without -short", npmVersion)
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "npm", "install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "openai@"+npmVersion, "--prefix", dir)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("npm cannot install openai@%s; it needs the npm registry: %v\n%s", npmVersion, err, out)
	}
	return dir
}
