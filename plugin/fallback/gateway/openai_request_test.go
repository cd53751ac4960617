package gateway_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
	"pgregory.net/rapid"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai"
)

const hello = `"messages": [{"role": "user", "content": "hello"}]`

// chat posts the body of a chat completion to a gateway with the model a.
func chat(t testing.TB, a *llmtest.Model, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	newGateway(t, live(t, "primary: a\n", handsIn(a))).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/chat/completions", strings.NewReader(body)))
	return w
}

// A request that is wrong is refused in OpenAI's shape, with the field at fault.
func TestWrongChatRequests(t *testing.T) {
	tool := func(of string) string { return `{"model": "a", ` + hello + `, ` + of + `}` }
	say := func(message string) string {
		return `{"model": "a", "messages": [{"role": "user", "content": "x"}, ` + message + `]}`
	}
	declared := func(choice string) string {
		return tool(`"tools": [{"function": {"name": "f"}}], "tool_choice": ` + choice)
	}
	for _, test := range []struct{ body, param string }{
		{``, ""}, {`{`, ""}, {`null`, ""}, {`[]`, ""}, {`"x"`, ""},
		{`{` + hello + `}`, "model"},
		{`{"model": 1, ` + hello + `}`, "model"},
		{`{"model": "a"}`, "messages"},
		{`{"model": "a", "messages": []}`, "messages"},
		{`{"model": "a", "messages": {}}`, "messages"},
		{`{"model": "a", "messages": [1]}`, "messages[0]"},
		{tool(`"temperature": "hot"`), "temperature"},
		{tool(`"temperature": 1e308`), "temperature"}, {tool(`"top_p": -1e39`), "top_p"}, {tool(`"presence_penalty": 1e999`), "presence_penalty"},
		{tool(`"n": 2`), "n"}, {tool(`"n": -1`), "n"}, {tool(`"n": 0`), "n"},
		{tool(`"max_tokens": -1`), "max_tokens"}, {tool(`"max_tokens": 0`), "max_tokens"},
		{tool(`"max_completion_tokens": -1`), "max_completion_tokens"}, {tool(`"max_completion_tokens": 0, "max_tokens": 5`), "max_completion_tokens"},
		{tool(`"max_tokens": 1.5`), "max_tokens"},
		{tool(`"stop": 3`), "stop"},
		{tool(`"stream": "yes"`), "stream"},
		{tool(`"stream_options": {"include_usage": 1}`), "stream_options.include_usage"},
		{tool(`"top_logprobs": 2`), "top_logprobs"}, {tool(`"logprobs": true, "top_logprobs": 21`), "top_logprobs"},
		{tool(`"reasoning_effort": "lots"`), "reasoning_effort"},
		{tool(`"response_format": {"type": "xml"}`), "response_format.type"},
		{tool(`"response_format": {"type": "json_schema"}`), "response_format.json_schema"},
		{tool(`"response_format": {"type": "json_schema", "json_schema": {"schema": []}}`), "response_format.json_schema.schema"},
		{tool(`"response_format": {"type": "json_object", "schema": "x"}`), "response_format.schema"},
		{tool(`"tools": [{"type": "custom"}]`), "tools[0].type"},
		{tool(`"tools": [{"type": "function", "function": {}}]`), "tools[0].function.name"},
		{tool(`"tools": [{"type": "function", "function": {"name": "f", "parameters": []}}]`), "tools[0].function.parameters"},
		{tool(`"tool_choice": "maybe"`), "tool_choice"}, {tool(`"tool_choice": 1`), "tool_choice"}, {tool(`"tool_choice": "required"`), "tool_choice"},
		{declared(`{"type": "function", "function": {"name": "g"}}`), "tool_choice"},
		{declared(`{"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"function": {"name": "f"}}, {"function": {"name": "g"}}]}}`), "tool_choice"},
		{declared(`{"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}`), "tool_choice.allowed_tools.tools"},
		{tool(`"tool_choice": {"type": "function", "function": {"name": "f"}}`), "tool_choice"},
		{tool(`"functions": []`), "functions"}, {tool(`"function_call": "auto"`), "function_call"},
		{tool(`"fallbacks": "b"`), "fallbacks"}, {tool(`"fallbacks": [1]`), "fallbacks"},
		{tool(`"fallbacks": [` + strings.Repeat(`"a",`, 16) + `"a"]`), "fallbacks"},
		{tool(`"user": 1`), "user"},
		{say(`{"role": "robot", "content": "x"}`), "messages[1].role"},
		{say(`{"role": 1}`), "messages[1].role"},
		{say(`{"role": "user", "content": 1}`), "messages[1].content"},
		{say(`{"role": "user", "content": []}`), "messages[1].content"},
		{say(`{"role": "user", "content": null}`), "messages[1].content"},
		{say(`{"role": "user", "content": ""}, {"role": "user", "text": "hello"}`), "messages[2].content"},
		{say(`{"role": "user", "content": [{"type": "video"}]}`), "messages[1].content[0].type"},
		{say(`{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "ftp://x"}}]}`), "messages[1].content[0].image_url.url"},
		{say(`{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,?"}}]}`), "messages[1].content[0].image_url.url"},
		{say(`{"role": "user", "content": [{"type": "input_audio", "input_audio": {"format": "ogg"}}]}`), "messages[1].content[0].input_audio.format"},
		{say(`{"role": "user", "content": [{"type": "file", "file": {}}]}`), "messages[1].content[0].file"},
		{say(`{"role": "system", "content": [{"type": "image_url"}]}`), "messages[1].content[0].type"},
		{say(`{"role": "tool", "tool_call_id": "c", "content": "x"}`), "messages[1].tool_call_id"},
		{say(`{"role": "assistant", "tool_calls": [{"id": "c", "function": {"arguments": "{}"}}]}`), "messages[1].tool_calls[0].function.name"},
		{say(`{"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{}"}}`), "messages[1].function_call"},
		{say(`{"role": "assistant", "audio": {"id": "audio_1"}}`), "messages[1].audio"},
	} {
		a := llmtest.NewModel("a", llmtest.Text("fine"))
		w := chat(t, a, test.body)
		var got struct {
			Error struct {
				Message, Type, Code string
				Param               *string
			}
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Errorf("%s: %v: %s", test.body, err, w.Body)
			continue
		}
		param := ""
		if got.Error.Param != nil {
			param = *got.Error.Param
		}
		if w.Code != http.StatusBadRequest || param != test.param || got.Error.Message == "" || got.Error.Type != "invalid_request_error" || len(a.Requests()) > 0 {
			t.Errorf("%s: %d %s; want 400 with param %q and no call", test.body, w.Code, w.Body, test.param)
		}
	}
}

// A field that is null counts as absent: some clients send all that they know. B144
func TestNullIsAbsent(t *testing.T) {
	m := llmtest.NewModel("a", streamed)
	body := `{"model": "a", "messages": [{"role": "user", "content": "hello", "name": null},
		{"role": "assistant", "content": "hi", "refusal": null, "audio": null, "function_call": null, "tool_calls": null}, {"role": "user", "content": "go on"}]`
	for _, field := range []string{
		"audio", "fallbacks", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs", "max_completion_tokens", "max_tokens", "metadata", "modalities", "n",
		"parallel_tool_calls", "prediction", "presence_penalty", "reasoning_effort", "response_format", "seed", "service_tier", "stop", "store", "stream", "stream_options",
		"temperature", "tool_choice", "tools", "top_k", "top_logprobs", "top_p", "user",
	} {
		body += `, "` + field + `": null`
	}
	if w := chat(t, m, body+"}"); w.Code != http.StatusOK {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	want := []*genai.Content{genai.NewContentFromText("hello", genai.RoleUser), genai.NewContentFromText("hi", genai.RoleModel), genai.NewContentFromText("go on", genai.RoleUser)}
	got := m.Requests()[0]
	if diff := cmp.Diff(want, got.Contents); diff != "" {
		t.Errorf("contents (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&genai.GenerateContentConfig{}, got.Config, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

// Fields that the gateway does not know reach a target that speaks chat completions as they
// are, also as a fallback, and no other, except for those that Responses have too; its own reach
// none. B144
func TestUnknownFields(t *testing.T) {
	srv := fallbacktest.NewServer()
	defer srv.Close()
	srv.Script("down", fallbacktest.Status(401, `{"error":{"message":"no"}}`).Header("X", "y"))
	srv.Script("chat", fallbacktest.Overloaded(), fallbacktest.Text("fine"))
	srv.Script("responses", fallbacktest.Text("fine"))
	srv.Script("gemini-2.5-flash", fallbacktest.Text("fine"))
	l := live(t, `
primary: gemini-2.5-flash
retry: {max_attempts: 2, base_delay: 1ms}
models:
  gemini-*: {provider: gemini, base_url: "`+srv.URL+`", credential_env: KEY}
  chat: {provider: openai_chat, base_url: "`+srv.URL+`/v1"}
  responses: {provider: openai, api: responses, base_url: "`+srv.URL+`/v1"}
`, policy.WithEnv(func(string) (string, bool) { return "key", true }))
	g := newGateway(t, l)
	const fields = `"service_tier": "flex", "logit_bias": {"1": 1.50}, "max_tokens": 5.0, "x_top": [2.0, {"y": 12345678901234567890}], "parallel_tool_calls": false, "user": "u", "fallbacks": %s`
	for model, fallbacks := range map[string]string{"chat": "[]", "responses": "[]", "gemini-2.5-flash": "[]"} {
		w := httptest.NewRecorder()
		body := `{"model": "` + model + `", ` + hello + `, ` + strings.Replace(fields, "%s", fallbacks, 1) + `}`
		g.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/chat/completions", strings.NewReader(body)))
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", model, w.Code, w.Body)
		}
	}
	for _, r := range srv.Requests() {
		var body map[string]json.RawMessage
		if err := json.Unmarshal(r.Body, &body); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, name := range []string{"service_tier", "logit_bias", "x_top", "parallel_tool_calls", "user", "fallbacks", "adk-fallback/chat", "adk-fallback/responses"} {
			if value, ok := body[name]; ok {
				got[name] = string(value)
			}
		}
		want := map[string]string{}
		if r.Model == "chat" {
			want = map[string]string{"service_tier": `"flex"`, "logit_bias": `{"1":1.50}`, "x_top": `[2.0,{"y":12345678901234567890}]`, "parallel_tool_calls": "false"}
		}
		if r.Model == "responses" {
			want = map[string]string{"service_tier": `"flex"`, "parallel_tool_calls": "false"}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s got (-want +got):\n%s", r.Model, diff)
		}
	}
	if n := len(srv.RequestsFor("chat")); n != 2 {
		t.Errorf("chat was called %d times, want 2", n)
	}
}

// What provider/openai writes, the gateway reads as it was. B144
func TestRequestsRoundTrip(t *testing.T) {
	a := llmtest.NewModel("a", llmtest.Text("fine"))
	srv := httptest.NewServer(newGateway(t, live(t, "primary: a\n", handsIn(a))))
	defer srv.Close()
	client := openai.MustNew("a", openai.Config{BaseURL: srv.URL + "/v1", API: openai.Chat, HTTPClient: srv.Client()})
	rapid.Check(t, func(t *rapid.T) {
		req := &model.LLMRequest{Model: "a", Contents: conversation(t), Config: settings(t)}
		before := len(a.Requests())
		for _, err := range client.GenerateContent(t.Context(), req, rapid.Bool().Draw(t, "stream")) {
			if err != nil {
				t.Fatal(err)
			}
		}
		got := a.Requests()[before]
		if diff := cmp.Diff(req.Contents, got.Contents, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("contents (-sent +received):\n%s", diff)
		}
		if diff := cmp.Diff(req.Config, got.Config, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("config (-sent +received):\n%s", diff)
		}
	})
}

// text draws a text that is not empty and has no line break: several texts of one message
// are joined by one.
func text(t *rapid.T, label string) string {
	return rapid.StringMatching(`[a-zA-Z0-9äß€😀"\\<>&\x{2028} ]{1,20}`).Draw(t, label)
}

// conversation draws a history that ends with the user.
func conversation(t *rapid.T) (contents []*genai.Content) {
	for i := range rapid.IntRange(0, 3).Draw(t, "turns") {
		contents = append(contents, genai.NewContentFromText(text(t, "question"), genai.RoleUser))
		if rapid.Bool().Draw(t, "calls") {
			call, result := &genai.Content{Role: genai.RoleModel}, &genai.Content{Role: genai.RoleUser}
			for j := range rapid.IntRange(1, 3).Draw(t, "calls") {
				id, name := "call_"+string(rune('a'+i))+string(rune('a'+j)), rapid.SampledFrom([]string{"f", "g_1"}).Draw(t, "name")
				call.Parts = append(call.Parts, &genai.Part{FunctionCall: &genai.FunctionCall{ID: id, Name: name, Args: map[string]any{"x": text(t, "arg")}}})
				result.Parts = append(result.Parts, &genai.Part{FunctionResponse: &genai.FunctionResponse{ID: id, Name: name, Response: map[string]any{"y": 1.5}}})
			}
			contents = append(contents, call, result)
		}
		contents = append(contents, genai.NewContentFromText(text(t, "answer"), genai.RoleModel))
	}
	last := genai.NewContentFromText(text(t, "question"), genai.RoleUser)
	if rapid.Bool().Draw(t, "image") {
		last.Parts = append(last.Parts, &genai.Part{InlineData: &genai.Blob{MIMEType: "image/png", Data: []byte(text(t, "image"))}})
	}
	return append(contents, last)
}

func settings(t *rapid.T) *genai.GenerateContentConfig {
	c := &genai.GenerateContentConfig{MaxOutputTokens: rapid.Int32Range(0, 100).Draw(t, "max")}
	maybe := func(label string, set func()) {
		if rapid.Bool().Draw(t, label) {
			set()
		}
	}
	maybe("system", func() { c.SystemInstruction = genai.NewContentFromText(text(t, "system"), genai.RoleUser) })
	maybe("temperature", func() { c.Temperature = genai.Ptr(rapid.Float32Range(0, 2).Draw(t, "temperature")) })
	maybe("top_p", func() { c.TopP = genai.Ptr(rapid.Float32Range(0, 1).Draw(t, "top_p")) })
	maybe("seed", func() { c.Seed = genai.Ptr(rapid.Int32().Draw(t, "seed")) })
	maybe("penalty", func() { c.PresencePenalty = genai.Ptr(rapid.Float32Range(-2, 2).Draw(t, "penalty")) })
	maybe("stop", func() { c.StopSequences = rapid.SliceOfN(rapid.StringMatching(`[a-z]{1,4}`), 1, 4).Draw(t, "stop") })
	maybe("logprobs", func() { c.ResponseLogprobs, c.Logprobs = true, genai.Ptr(rapid.Int32Range(1, 20).Draw(t, "logprobs")) })
	maybe("thinking", func() {
		level := rapid.SampledFrom([]genai.ThinkingLevel{genai.ThinkingLevelLow, genai.ThinkingLevelMedium, genai.ThinkingLevelHigh}).Draw(t, "level")
		c.ThinkingConfig = &genai.ThinkingConfig{ThinkingLevel: level}
	})
	maybe("schema", func() {
		c.ResponseMIMEType = "application/json"
		c.ResponseJsonSchema = json.RawMessage(`{"properties":{"b":{"type":"string"},"a":{"type":"string"}},"type":"object"}`) // in this order
	})
	maybe("tools", func() {
		c.Tools = []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{
			{Name: "f", Description: text(t, "description"), ParametersJsonSchema: json.RawMessage(`{"properties":{"x":{"type":"string"},"a":{"type":"string"}},"type":"object"}`)},
			{Name: "g_1", ParametersJsonSchema: json.RawMessage(`{"properties":{},"type":"object"}`)},
		}}}
		maybe("choice", func() {
			mode := rapid.SampledFrom([]genai.FunctionCallingConfigMode{genai.FunctionCallingConfigModeNone, genai.FunctionCallingConfigModeAny}).Draw(t, "mode")
			c.ToolConfig = &genai.ToolConfig{FunctionCallingConfig: &genai.FunctionCallingConfig{Mode: mode}}
		})
	})
	return c
}
