package gateway_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/anthropic"
)

// A tool loop through the gateway, with providers of each protocol that hold requests to
// their rules: calls with ids and signatures come, and go back. B144
func TestToolLoopsOfEachProtocol(t *testing.T) {
	srv := fallbacktest.NewServer()
	defer srv.Close()
	srv.Strict()
	l := live(t, `
primary: gemini-3-flash-preview
models:
  gemini-*: {provider: gemini, base_url: "`+srv.URL+`", credential_env: KEY}
  claude-*: {provider: anthropic, base_url: "`+srv.URL+`", credential_env: KEY}
  gpt-4*: {provider: openai_chat, base_url: "`+srv.URL+`/v1", credential_env: KEY}
  gpt-5*: {provider: openai, api: responses, base_url: "`+srv.URL+`/v1", credential_env: KEY}
`, policy.WithEnv(func(string) (string, bool) { return "key", true }), anthropic.Provider)
	c := serve(t, newGateway(t, l))
	for _, name := range []string{"gemini-3-flash-preview", "claude-opus-5", "gpt-4o", "gpt-5"} {
		for _, stream := range []string{"false", "true"} {
			srv.Script(name, fallbacktest.ToolCall("weather", map[string]any{"city": "Paris"}).Usage(7, 3), fallbacktest.Text("It is sunny.").Usage(20, 4))
			const tools = `"tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]`
			ask := func(messages string) reply {
				return post(t, c, "/v1/chat/completions", `{"model": "`+name+`", "stream": `+stream+`, "stream_options": {"include_usage": true}, `+tools+`, "messages": [{"role": "user", "content": "How is Paris?"}`+messages+`]}`)
			}
			first := ask("")
			calls, err := json.Marshal(callsOf(first))
			if err != nil || first.finish != "tool_calls" || !strings.Contains(string(calls), `"name":"weather"`) || !strings.Contains(string(calls), `"{\"city\":\"Paris\"}"`) || first.model != name {
				t.Errorf("%s, stream %s: %s, %q, %v: %s", name, stream, calls, first.finish, first.failed, first.body)
				continue
			}
			if first.usage["total_tokens"] != 10.0 {
				t.Errorf("%s: usage %v, want 10 tokens", name, first.usage)
			}
			var ids []struct{ ID string }
			if err := json.Unmarshal(calls, &ids); err != nil {
				t.Fatal(err)
			}
			second := ask(`, {"role": "assistant", "content": null, "tool_calls": ` + string(calls) + `}, {"role": "tool", "tool_call_id": "` + ids[0].ID + `", "content": "{\"weather\": \"sunny\"}"}`)
			if second.text != "It is sunny." || second.finish != "stop" {
				t.Errorf("%s, stream %s: %q, %q, %v", name, stream, second.text, second.finish, second.failed)
			}
			requests := srv.RequestsFor(name)
			last := requests[len(requests)-1].Contents
			if result := last[len(last)-1].Parts[0].FunctionResponse; result == nil || result.Response["weather"] != "sunny" {
				t.Errorf("%s got %v, want the result", name, last[len(last)-1].Parts[0])
			}
		}
	}
	for _, v := range srv.Violations() {
		t.Error(v)
	}
}

// The text of a tool's result, such as a file, reaches the target as it is: within JSON, its quotes
// and line breaks would be escaped. B144
func TestResultsAreNotEscaped(t *testing.T) {
	srv := fallbacktest.NewServer()
	defer srv.Close()
	l := live(t, `
primary: claude-opus-5
models:
  claude-*: {provider: anthropic, base_url: "`+srv.URL+`", credential_env: KEY}
  gpt-4*: {provider: openai_chat, base_url: "`+srv.URL+`/v1", credential_env: KEY}
  gpt-5*: {provider: openai, api: responses, base_url: "`+srv.URL+`/v1", credential_env: KEY}
`, policy.WithEnv(func(string) (string, bool) { return "key", true }), anthropic.Provider)
	g := newGateway(t, l)
	for _, name := range []string{"claude-opus-5", "gpt-4o", "gpt-5"} {
		srv.Script(name, fallbacktest.Text("fine"))
		const file = `"fmt.Println(\"hi\")\n\treturn"`
		w := posted(g, "/v1/chat/completions", `{"model": "`+name+`", "messages": [{"role": "user", "content": "read it"},
			{"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "read", "arguments": "{}"}}]}, {"role": "tool", "tool_call_id": "c", "content": `+file+`}]}`)
		sent := srv.RequestsFor(name)
		if w.Code != http.StatusOK || len(sent) != 1 || !strings.Contains(string(sent[0].Body), `:`+file) {
			t.Errorf("%s: %d %s; sent %s", name, w.Code, w.Body, sent[0].Body)
		}
	}
}

// A cache breakpoint of a part or a message, as coding agents set it for Claude, reaches Claude, and no
// other model. B144
func TestCacheBreakpoints(t *testing.T) {
	srv := fallbacktest.NewServer()
	defer srv.Close()
	srv.Strict()
	l := live(t, `
primary: claude-opus-5
models:
  claude-*: {provider: anthropic, base_url: "`+srv.URL+`", credential_env: KEY}
  gemini-*: {provider: gemini, base_url: "`+srv.URL+`", credential_env: KEY}
  gpt-4*: {provider: openai_chat, base_url: "`+srv.URL+`/v1", credential_env: KEY}
`, policy.WithEnv(func(string) (string, bool) { return "key", true }), anthropic.Provider)
	g := newGateway(t, l)
	for name, want := range map[string]int{"claude-opus-5": 3, "gemini-3-flash-preview": 0, "gpt-4o": 0} {
		srv.Script(name, fallbacktest.Text("fine"))
		w := posted(g, "/v1/chat/completions", `{"model": "`+name+`", "messages": [
			{"role": "system", "content": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]},
			{"role": "user", "content": "a", "cache_control": {"type": "ephemeral"}}, {"role": "assistant", "content": "b", "cache_control": null},
			{"role": "user", "content": [{"type": "text", "text": "c", "cache_control": "none"}, {"type": "text", "text": "d", "cache_control": {"type": "ephemeral"}}]}]}`)
		sent := string(srv.RequestsFor(name)[0].Body)
		got := strings.Count(sent, `"cache_control":{"type":"ephemeral","ttl":"`)
		if w.Code != http.StatusOK || got != want || want == 0 && strings.Contains(sent, "cache_control") {
			t.Errorf("%s: %d %s; sent %s; want %d breakpoints", name, w.Code, w.Body, sent, want)
		}
		for _, text := range []string{`"text":"Be brief.","cache_control":{"type":"ephemeral","ttl":"1h"}`, `"text":"a","cache_control":{"type":"ephemeral","ttl":"5m"}`, `"text":"d","cache_control":{"type":"ephemeral","ttl":"5m"}`} {
			if want > 0 && !strings.Contains(sent, text) {
				t.Errorf("%s was sent %s; want %s", name, sent, text)
			}
		}
	}
	srv.Script("claude-opus-5", fallbacktest.Text("fine"))
	posted(g, "/v1/chat/completions", `{"model": "claude-opus-5", "messages": [{"role": "user", "content": "a"},
		{"role": "assistant", "reasoning_content": "hm", "cache_control": {"type": "ephemeral"}}, {"role": "user", "content": "b"},
		{"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "f"}}, {"id": "2", "function": {"name": "f"}}], "cache_control": {"type": "ephemeral"}},
		{"role": "tool", "tool_call_id": "1", "content": "r", "cache_control": {"type": "ephemeral"}},
		{"role": "tool", "tool_call_id": "2", "content": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": "t"}]}]}`)
	sent := string(srv.RequestsFor("claude-opus-5")[1].Body)
	if got := strings.Count(sent, `"cache_control":{"type":"ephemeral","ttl":"5m"}`); got != 3 {
		t.Errorf("sent %s; want breakpoints after the calls and after both results", sent)
	}
	for name, want := range map[string]int{"claude-opus-5": 4, "gemini-3-flash-preview": 0, "gpt-4o": 0} {
		srv.Script(name, fallbacktest.Text("fine"))
		w := posted(g, "/v1/chat/completions", `{"model": "`+name+`", "tools": [
			{"type": "function", "function": {"name": "a"}, "cache_control": {"type": "ephemeral"}},
			{"type": "function", "function": {"name": "b"}},
			{"type": "function", "function": {"name": "c", "cache_control": {"type": "ephemeral", "ttl": "1h"}}},
			{"type": "function", "function": {"name": "d", "cache_control": null}, "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
			"messages": [{"role": "system", "content": "s", "cache_control": {"type": "ephemeral", "ttl": "1h"}}, {"role": "user", "content": "u", "cache_control": {"type": "ephemeral"}}]}`)
		requests := srv.RequestsFor(name)
		sent := string(requests[len(requests)-1].Body)
		if got := strings.Count(sent, `"cache_control"`); w.Code != http.StatusOK || got != want {
			t.Errorf("%s: %d %s; sent %s; want %d breakpoints", name, w.Code, w.Body, sent, want)
		}
		if last := `"cache_control":{"type":"ephemeral","ttl":"1h"}},{"name":"d",`; want > 0 && !strings.Contains(sent, last) {
			t.Errorf("%s was sent %s; want the breakpoints of the last two tools", name, sent)
		}
	}
	for _, v := range srv.Violations() {
		t.Error(v)
	}
}

// Claude calls one function at a time if the request says so, also as a fallback. B144
func TestOneCallAtATime(t *testing.T) {
	srv := fallbacktest.NewServer()
	defer srv.Close()
	srv.Strict()
	g := newGateway(t, live(t, `
primary: gpt-4o
fallbacks: [{name: claude-opus-5}]
retry: {max_attempts: 1}
models:
  claude-*: {provider: anthropic, base_url: "`+srv.URL+`", credential_env: KEY}
  gpt-4*: {provider: openai_chat, base_url: "`+srv.URL+`/v1", credential_env: KEY}
`, policy.WithEnv(func(string) (string, bool) { return "key", true }), anthropic.Provider))
	srv.Script("gpt-4o", fallbacktest.Overloaded())
	srv.Script("claude-opus-5", fallbacktest.Text("fine"))
	for _, test := range []struct{ fields, want string }{
		{`"parallel_tool_calls": false`, `"tool_choice":{"type":"auto","disable_parallel_tool_use":true}`},
		{`"parallel_tool_calls": false, "tool_choice": "required"`, `"tool_choice":{"type":"any","disable_parallel_tool_use":true}`},
		{`"parallel_tool_calls": true, "tool_choice": "required"`, `"tool_choice":{"type":"any"}`},
	} {
		w := posted(g, "/v1/chat/completions", `{"model": "main", `+hello+`, "tools": [{"type": "function", "function": {"name": "f"}}], `+test.fields+`}`)
		requests := srv.RequestsFor("claude-opus-5")
		if sent := string(requests[len(requests)-1].Body); w.Code != http.StatusOK || !strings.Contains(sent, test.want) || strings.Count(sent, "parallel") != strings.Count(test.want, "parallel") {
			t.Errorf("%s: %d %s; sent %s; want %s", test.fields, w.Code, w.Body, sent, test.want)
		}
		if applied := strings.Contains(test.want, "parallel"); applied == strings.Contains(w.Body.String(), "extra_body") {
			t.Errorf("%s: the answer is %s; it must name extra_body only if a field was omitted", test.fields, w.Body)
		}
	}
	for _, v := range srv.Violations() {
		t.Error(v)
	}
}

// callsOf returns the calls of an answer, without their numbers.
func callsOf(r reply) (calls []any) {
	events := r.events
	if events == nil {
		var doc map[string]any
		if json.Unmarshal([]byte(r.body), &doc) != nil {
			return nil
		}
		events = []map[string]any{doc}
	}
	for _, event := range events {
		choices, _ := event["choices"].([]any)
		for _, choice := range choices {
			for _, of := range []string{"message", "delta"} {
				message, _ := choice.(map[string]any)[of].(map[string]any)
				some, _ := message["tool_calls"].([]any)
				for _, call := range some {
					delete(call.(map[string]any), "index")
					calls = append(calls, call)
				}
			}
		}
	}
	return calls
}

// B144: an id of 64 bits in the arguments and results of calls is the same id behind the
// gateway, whichever protocol the target speaks.
func TestLongNumbersStayExact(t *testing.T) {
	const id = "9007199254740993" // float64 has no such number
	srv := fallbacktest.NewServer()
	defer srv.Close()
	var sent string
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		sent = string(body)
		r.Body, r.RequestURI = io.NopCloser(bytes.NewReader(body)), ""
		r.URL.Scheme, r.URL.Host = "http", strings.TrimPrefix(srv.URL, "http://")
		resp, err := srv.Client().Do(r)
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		maps.Copy(w.Header(), resp.Header)
		_, _ = io.Copy(w, resp.Body)
	}))
	defer up.Close()
	l := live(t, `
primary: gemini-2.5-flash
models:
  gemini-*: {provider: gemini, base_url: "`+up.URL+`", credential_env: KEY}
  claude-*: {provider: anthropic, base_url: "`+up.URL+`", credential_env: KEY}
  gpt-4*: {provider: openai_chat, base_url: "`+up.URL+`/v1", credential_env: KEY}
  gpt-5*: {provider: openai, api: responses, base_url: "`+up.URL+`/v1", credential_env: KEY}
`, policy.WithEnv(func(string) (string, bool) { return "key", true }), anthropic.Provider)
	c := serve(t, newGateway(t, l))
	for _, name := range []string{"gemini-2.5-flash", "claude-opus-5", "gpt-4o", "gpt-5"} {
		for _, stream := range []string{"false", "true"} {
			srv.Script(name, fallbacktest.ToolCall("read", map[string]any{"id": int64(9007199254740993)}))
			got := post(t, c, "/v1/chat/completions", `{"model": "`+name+`", "stream": `+stream+`, "tools": [{"type": "function", "function": {"name": "read"}}], "messages": [
				{"role": "user", "content": "the next one"},
				{"role": "assistant", "content": null, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "read", "arguments": "{\"id\":`+id+`}"}}]},
				{"role": "tool", "tool_call_id": "c1", "content": "{\"id\":`+id+`,\"next\":`+id+`}"}]}`)
			if calls, err := json.Marshal(callsOf(got)); err != nil || !strings.Contains(string(calls), `{\"id\":`+id+`}`) {
				t.Errorf("%s, stream %s: the answer calls %s: %v", name, stream, calls, got.failed)
			}
			if n := strings.Count(sent, id); n != 3 {
				t.Errorf("%s, stream %s: %d of 3 ids in %s", name, stream, n, sent)
			}
		}
	}
}
