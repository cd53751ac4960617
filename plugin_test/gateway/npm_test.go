package gateway_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// The npm packages that the test installs.
var packages = []string{"openai@7.59.0", "@google/genai@3.3.0"}

// script holds the conversation with both packages, in every way that they offer, and prints the
// results as one JSON object.
const script = `
import OpenAI from 'openai';
import { GoogleGenAI } from '@google/genai';
const url = process.env.BASE_URL;
const seen = {};
const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const fails = async (name, ask) => {
  try { await ask(); seen[name] = 'no error'; } catch (e) { seen[name] = [e.constructor.name, e.status].join('|'); }
};

const openai = new OpenAI({ baseURL: url + '/v1', apiKey: 'sk-test', maxRetries: 0 });
async function chat(name, ask) {
  const body = {
    model: 'assistant',
    messages: [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'How is it?' }],
    tools: [{ type: 'function', function: { name: 'weather', parameters } }],
  };
  const first = (await ask(body)).choices[0];
  const calls = first.message.tool_calls;
  body.messages.push({ role: 'assistant', content: first.message.content, tool_calls: calls.map(({ id, type, function: f }) => ({ id, type, function: { name: f.name, arguments: f.arguments } })) });
  for (const c of calls) body.messages.push({ role: 'tool', tool_call_id: c.id, content: '{"sky":"clear"}' });
  const second = await ask(body);
  seen[name] = [first.message.content, first.finish_reason, ...calls.map((c) => c.function.arguments), second.choices[0].message.content, second.choices[0].finish_reason, second.usage.total_tokens].join('|');
}
await chat('openai', (body) => openai.chat.completions.create(body));
await chat('openai streamed', (body) => openai.chat.completions.stream({ ...body, stream_options: { include_usage: true } }).finalChatCompletion());
const hi = [{ role: 'user', content: 'hi' }];
await fails('openai upstream key', () => openai.chat.completions.create({ model: 'other-locked', messages: hi }));
await fails('openai limit', () => openai.chat.completions.create({ model: 'other-full', messages: hi }));
await fails('openai unknown', () => openai.chat.completions.create({ model: 'unknown', messages: hi }));
await fails('openai within a stream', async () => { for await (const _ of await openai.chat.completions.create({ model: 'other-breaks', messages: hi, stream: true })); });
seen['openai models'] = (await openai.models.list()).data.map((m) => m.id).sort().join('|');

const google = new GoogleGenAI({ apiKey: 'test', httpOptions: { baseUrl: url } });
async function talk(name, ask) {
  const request = { model: 'assistant', contents: [{ role: 'user', parts: [{ text: 'How is it?' }] }], config: { systemInstruction: 'Be brief.', tools: [{ functionDeclarations: [{ name: 'weather', parametersJsonSchema: parameters }] }] } };
  const first = await ask(request);
  request.contents.push({ role: 'model', parts: first.parts });
  request.contents.push({ role: 'user', parts: first.calls.map((c) => ({ functionResponse: { id: c.id, name: c.name, response: { sky: 'clear' } } })) });
  const second = await ask(request);
  seen[name] = [first.text, ...first.calls.map((c) => JSON.stringify(c.args)), second.text, second.finish, second.tokens].join('|');
}
const read = (parts, resp, text) => ({ parts, text, calls: parts.filter((p) => p.functionCall).map((p) => p.functionCall), finish: resp.candidates[0].finishReason, tokens: resp.usageMetadata.totalTokenCount });
const textOf = (parts) => parts.map((p) => p.text ?? '').join('');
await talk('genai', async (request) => {
  const resp = await google.models.generateContent(request);
  return read(resp.candidates[0].content.parts, resp, textOf(resp.candidates[0].content.parts));
});
await talk('genai streamed', async (request) => {
  const parts = [];
  let last;
  for await (const chunk of await google.models.generateContentStream(request)) {
    last = chunk;
    parts.push(...(chunk.candidates?.[0]?.content?.parts ?? []));
  }
  return read(parts, last, textOf(parts));
});
const ask = (model) => google.models.generateContent({ model, contents: 'hi' });
await fails('genai upstream key', () => ask('other-locked'));
await fails('genai limit', () => ask('other-full'));
await fails('genai unknown', () => ask('unknown'));
await fails('genai within a stream', async () => { for await (const _ of await google.models.generateContentStream({ model: 'other-breaks', contents: 'hi' })); });
const names = [];
for await (const m of await google.models.list()) names.push(m.name);
seen['genai models'] = names.sort().join('|');
console.log(JSON.stringify(seen));
`

// B144
func TestNpmPackagesHoldAConversation(t *testing.T) {
	dir := installed(t)
	srv := conversation(t)
	if err := os.WriteFile(filepath.Join(dir, "talk.mjs"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "talk.mjs")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "BASE_URL="+serve(t, srv))
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
		chat   = `One moment.|tool_calls|{"city":"Köln"}|{"city":"Paris"}|It is clear there.|stop|15`
		gemini = `One moment.|{"city":"Köln"}|{"city":"Paris"}|It is clear there.|STOP|15`
	)
	want := map[string]string{
		"openai": chat, "openai streamed": chat, "genai": gemini, "genai streamed": gemini,
		"openai upstream key":    "InternalServerError|502",
		"openai limit":           "RateLimitError|429",
		"openai unknown":         "NotFoundError|404",
		"openai within a stream": "APIError|",
		"openai models":          "assistant|gemini-2.5-flash|gpt-4o",
		"genai upstream key":     "ApiError|502",
		"genai limit":            "ApiError|429",
		"genai unknown":          "ApiError|404",
		"genai within a stream":  "ApiError|502",
		"genai models":           "models/assistant|models/gemini-2.5-flash|models/gpt-4o",
	}
	if !maps.Equal(got, want) {
		for name := range want {
			if got[name] != want[name] {
				t.Errorf("%s: %q, want %q", name, got[name], want[name])
			}
		}
	}
	if v := srv.Violations(); len(v) > 0 {
		t.Errorf("the gateway sent what a provider refuses: %q", v)
	}
}

// installed returns a folder that has the packages. It skips the test if they cannot be
// installed.
func installed(t *testing.T) string {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("needs %s: install Node.js 20 or later (https://nodejs.org/en/download) to test with the npm packages %q", tool, packages)
		}
	}
	if testing.Short() {
		t.Skipf("installs the npm packages %q: run without -short", packages)
	}
	dir := t.TempDir()
	arguments := append([]string{"install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", dir}, packages...)
	cmd := exec.CommandContext(t.Context(), "npm", arguments...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("npm cannot install %q; it needs the npm registry: %v\n%s", packages, err, out)
	}
	return dir
}
