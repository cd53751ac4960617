package openai_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/capture"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai"
)

// chatRecorder is a transport that keeps the request and answers it. No host is
// really asked.
type chatRecorder struct {
	url    string
	header http.Header
	body   map[string]any
	answer string // default: a text
}

func (r *chatRecorder) RoundTrip(req *http.Request) (*http.Response, error) {
	data, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	r.url, r.header, r.body = req.URL.String(), req.Header, nil
	if err := json.Unmarshal(data, &r.body); err != nil {
		return nil, err
	}
	answer := r.answer
	if answer == "" {
		answer = `{"model":"v1","choices":[{"message":{"content":"ok"},"finish_reason":"stop"}]}`
	}
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(answer)), Request: req}, nil
}

// chatBody returns what is sent for req.
func chatBody(t *testing.T, name, baseURL string, req *model.LLMRequest) map[string]any {
	t.Helper()
	r := &chatRecorder{}
	m, err := openai.New(name, openai.Config{BaseURL: baseURL, API: openai.Chat, HTTPClient: &http.Client{Transport: r}})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range m.GenerateContent(t.Context(), req, false) {
		if err != nil {
			t.Fatal(err)
		}
	}
	return r.body
}

// chatJSON reads a JSON text, for comparison.
func chatJSON(t *testing.T, text string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

const (
	plainURL    = "http://models.example/v1"
	openaiURL   = "https://api.openai.com/v1"
	mistralURL  = "https://api.mistral.ai/v1"
	deepseekURL = "https://api.deepseek.com"
	routerURL   = "https://openrouter.ai/api/v1"
	studioURL   = "http://127.0.0.1:1234/v1"
	geminiURL   = "https://generativelanguage.googleapis.com/v1beta/openai"
)

func chatContent(role string, parts ...*genai.Part) *genai.Content {
	return &genai.Content{Role: role, Parts: parts}
}

// chatLoop is a conversation with two calls at once. The thought and the first
// call carry signatures.
func chatLoop(thought, signature []byte) []*genai.Content {
	return []*genai.Content{
		chatContent("user", genai.NewPartFromText("weather?")),
		chatContent("model",
			&genai.Part{Text: "hm", Thought: true, ThoughtSignature: thought}, genai.NewPartFromText("let me see"),
			&genai.Part{FunctionCall: &genai.FunctionCall{ID: "call:1", Name: "get weather", Args: map[string]any{"city": "<Paris>"}}, ThoughtSignature: signature},
			&genai.Part{FunctionCall: &genai.FunctionCall{ID: strings.Repeat("x", 50), Name: "map"}}),
		chatContent("user",
			&genai.Part{FunctionResponse: &genai.FunctionResponse{ID: strings.Repeat("x", 50), Name: "map", Response: map[string]any{"map": "below"}, Parts: []*genai.FunctionResponsePart{{InlineData: &genai.FunctionResponseBlob{MIMEType: "image/png", Data: []byte("abc")}}}}},
			&genai.Part{FunctionResponse: &genai.FunctionResponse{ID: "call:1", Name: "get weather", Response: map[string]any{"sky": "clear"}}}),
	}
}

// B64, B100, B104: calls and results in the order and with the ids of the API,
// media behind all results, no foreign thought.
func TestChatToolLoop(t *testing.T) {
	body := chatBody(t, "m", plainURL, &model.LLMRequest{Contents: chatLoop(nil, []byte("gemini"))})
	ids := [2]string{}
	for i, call := range body["messages"].([]any)[1].(map[string]any)["tool_calls"].([]any) {
		ids[i] = call.(map[string]any)["id"].(string)
		if len(ids[i]) > 40 || strings.Trim(ids[i], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" {
			t.Errorf("the id %q is refused", ids[i])
		}
	}
	name := body["messages"].([]any)[1].(map[string]any)["tool_calls"].([]any)[0].(map[string]any)["function"].(map[string]any)["name"].(string)
	if !strings.HasPrefix(name, "get_weather_") {
		t.Errorf("the name is %q", name)
	}
	want := chatJSON(t, `[{"role":"user","content":"weather?"},
		{"role":"assistant","content":"let me see","tool_calls":[
			{"id":"`+ids[0]+`","type":"function","function":{"name":"`+name+`","arguments":"{\"city\":\"<Paris>\"}"}},
			{"id":"`+ids[1]+`","type":"function","function":{"name":"map","arguments":"{}"}}]},
		{"role":"tool","tool_call_id":"`+ids[0]+`","content":"{\"sky\":\"clear\"}"},
		{"role":"tool","tool_call_id":"`+ids[1]+`","content":"{\"map\":\"below\"}"},
		{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,YWJj"}}]}]`)
	if diff := cmp.Diff(want, body["messages"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, field := range []string{"tools", "tool_choice", "parallel_tool_calls", "stream", "stream_options", "response_format", "n", "stop"} {
		if v, ok := body[field]; ok {
			t.Errorf("%s is sent: %v", field, v)
		}
	}
}

func TestChatMistral(t *testing.T) {
	contents := append(chatLoop(nil, nil), chatContent("model", genai.NewPartFromText("clear")))
	body := chatBody(t, "mistral-large-latest", mistralURL, &model.LLMRequest{Contents: contents, Config: &genai.GenerateContentConfig{
		Tools:      []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "map"}}}},
		ToolConfig: &genai.ToolConfig{FunctionCallingConfig: &genai.FunctionCallingConfig{Mode: genai.FunctionCallingConfigModeAny, AllowedFunctionNames: []string{"map"}}},
	}})
	var order []string
	for _, message := range body["messages"].([]any) {
		message := message.(map[string]any)
		order = append(order, message["role"].(string))
		calls, _ := message["tool_calls"].([]any)
		for _, call := range calls {
			id := call.(map[string]any)["id"].(string)
			if len(id) != 9 || strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
				t.Errorf("the id %q is refused", id)
			}
		}
	}
	if diff := cmp.Diff([]string{"user", "assistant", "tool", "tool", "assistant", "user", "assistant", "user"}, order); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
	if body["tool_choice"] != "any" {
		t.Errorf("tool_choice is %v", body["tool_choice"])
	}
}

// Mistral has a form of its own for documents, as vercel/ai's mistral/src has it.
func TestChatMistralDocument(t *testing.T) {
	pdf := genai.NewPartFromBytes([]byte("%PDF"), "application/pdf")
	for url, want := range map[string]string{
		mistralURL: `{"type":"document_url","document_url":"data:application/pdf;base64,JVBERg=="}`,
		openaiURL:  `{"type":"file","file":{"filename":"document.pdf","file_data":"data:application/pdf;base64,JVBERg=="}}`,
	} {
		body := chatBody(t, "m", url, &model.LLMRequest{Contents: []*genai.Content{chatContent("user", genai.NewPartFromText("sum it up"), pdf)}})
		part := body["messages"].([]any)[0].(map[string]any)["content"].([]any)[1]
		if diff := cmp.Diff(chatJSON(t, want), part); diff != "" {
			t.Errorf("%s (-want +got):\n%s", url, diff)
		}
	}
}

// B104: a model gets its own thoughts back where it wants them, and nobody else's.
func TestChatThoughtsGoBack(t *testing.T) {
	details := []byte(`[{"type":"reasoning.text","text":"hm","signature":"s"}]`)
	signed := []byte(`{"google":{"thought_signature":"c2ln"}}`)
	router, deepseek, gemini := "chat:openrouter.ai", "chat:api.deepseek.com", "chat:generativelanguage.googleapis.com"
	for _, test := range []struct {
		name, url          string
		thought, signature []byte
		want               string // the fields of the message beside role, content and calls
		extra              string // of the first call
		later              bool   // the user has spoken since
	}{
		{name: "a server that does not want them", url: plainURL, thought: request.Seal("chat:models.example", nil), want: `{}`},
		{name: "OpenRouter", url: routerURL, thought: request.Seal(router, details), want: `{"reasoning_details":` + string(details) + `}`},
		{name: "OpenRouter, text", url: routerURL, thought: request.Seal(router, nil), want: `{"reasoning":"hm"}`},
		{name: "OpenRouter, another's", url: routerURL, thought: request.Seal("anthropic", details), want: `{}`},
		{name: "OpenRouter, Gemini's", url: routerURL, thought: []byte("sig"), want: `{}`},
		{name: "OpenRouter, an earlier turn", url: routerURL, thought: request.Seal(router, details), want: `{}`, later: true},
		{name: "DeepSeek", url: deepseekURL, thought: request.Seal(deepseek, nil), want: `{"reasoning_content":"hm"}`},
		{name: "DeepSeek, none of its own", url: deepseekURL, thought: request.Seal(router, nil), want: `{"reasoning_content":""}`},
		{name: "DeepSeek, an earlier turn", url: deepseekURL, thought: request.Seal(deepseek, nil), want: `{"reasoning_content":"hm"}`, later: true},
		{name: "Gemini", url: geminiURL, signature: request.Seal(gemini, signed), want: `{}`, extra: string(signed)},
		{name: "Gemini, from another model", url: geminiURL, signature: []byte("sig"), want: `{}`, extra: `{"google":{"thought_signature":"` + request.SkipSignature + `"}}`},
		{name: "Gemini, from another model in an earlier turn", url: geminiURL, want: `{}`, later: true},
		{name: "Gemini's signature elsewhere", url: plainURL, signature: []byte("sig"), want: `{}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			contents := chatLoop(test.thought, test.signature)
			if test.later {
				contents = append(contents, chatContent("model", genai.NewPartFromText("clear")), chatContent("user", genai.NewPartFromText("and Rome?")))
			}
			body := chatBody(t, "m", test.url, &model.LLMRequest{Contents: contents})
			message := body["messages"].([]any)[1].(map[string]any)
			call := message["tool_calls"].([]any)[0].(map[string]any)
			if text, _ := message["content"].(string); strings.Contains(text, "hm") {
				t.Error("a thought is sent as text")
			}
			for _, field := range []string{"role", "content", "tool_calls"} {
				delete(message, field)
			}
			if diff := cmp.Diff(chatJSON(t, test.want), any(message)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			want := any(nil)
			if test.extra != "" {
				want = chatJSON(t, test.extra)
			}
			if diff := cmp.Diff(want, call["extra_content"]); diff != "" {
				t.Errorf("extra content (-want +got):\n%s", diff)
			}
		})
	}
}

// B104: steps that were merged into one keep all their thoughts, in order.
func TestChatThoughtsOfMergedSteps(t *testing.T) {
	thought := func(vendor, text, details string) *genai.Part {
		return &genai.Part{Text: text, Thought: true, ThoughtSignature: request.Seal(vendor, []byte(details))}
	}
	router, deepseek := "chat:openrouter.ai", "chat:api.deepseek.com"
	for _, test := range []struct {
		name, url string
		parts     []*genai.Part
		want      string // the fields of the message beside role, content and calls
	}{
		{"reasoning_content", deepseekURL, []*genai.Part{thought(deepseek, "one", ""), thought(router, "other", ""), thought(deepseek, "two", "")}, `{"reasoning_content":"one\n\ntwo"}`},
		{"reasoning_details", routerURL, []*genai.Part{thought(router, "a", `[{"data":"1"},{"data":"2"}]`), thought(router, "b", ""), thought(router, "c", `[{"data":"3"}]`)},
			`{"reasoning":"b","reasoning_details":[{"data":"1"},{"data":"2"},{"data":"3"}]}`},
		{"details that are no list", routerURL, []*genai.Part{thought(router, "a", `{"data":`)}, `{"reasoning":"a"}`},
	} {
		contents := []*genai.Content{chatContent("user", genai.NewPartFromText("go"))}
		for _, part := range test.parts {
			contents = append(contents, chatContent("model", part))
		}
		contents = append(contents, chatContent("model", &genai.Part{FunctionCall: &genai.FunctionCall{ID: "call12345", Name: "f"}}),
			chatContent("user", &genai.Part{FunctionResponse: &genai.FunctionResponse{ID: "call12345", Name: "f"}}))
		message := chatBody(t, "m", test.url, &model.LLMRequest{Contents: contents})["messages"].([]any)[1].(map[string]any)
		for _, field := range []string{"role", "content", "tool_calls"} {
			delete(message, field)
		}
		if diff := cmp.Diff(chatJSON(t, test.want), any(message)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// Media of a model stands behind the results of its calls, and is never lost.
func TestChatMediaBesideCalls(t *testing.T) {
	r := &chatRecorder{}
	m := openai.MustNew("m", openai.Config{BaseURL: plainURL, HTTPClient: &http.Client{Transport: r}})
	req := &model.LLMRequest{Contents: []*genai.Content{
		chatContent("user", genai.NewPartFromText("draw")),
		chatContent("model", genai.NewPartFromBytes([]byte("abc"), "image/png"), &genai.Part{FunctionCall: &genai.FunctionCall{ID: "c1", Name: "f"}}),
		chatContent("user", &genai.Part{FunctionResponse: &genai.FunctionResponse{ID: "c1", Name: "f"}}, genai.NewPartFromText("and?")),
	}}
	// Without Fit, which would have moved it.
	for _, err := range m.GenerateContent(&capture.Context{Context: t.Context(), Fitted: true}, req, false) {
		if err != nil {
			t.Fatal(err)
		}
	}
	want := chatJSON(t, `[{"role":"tool","tool_call_id":"c1","content":"{}"},
		{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,YWJj"}},{"type":"text","text":"and?"}]}]`)
	if diff := cmp.Diff(want, any(r.body["messages"].([]any)[2:])); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What a model said goes back to it: answer and request together.
func TestChatThoughtsRoundTrip(t *testing.T) {
	r := &chatRecorder{answer: `{"choices":[{"message":{"content":null,"reasoning":"hm","reasoning_details":[{"type":"reasoning.text","text":"h","index":0},{"type":"reasoning.text","text":"m","index":0,"signature":"s"},{"type":"reasoning.encrypted","data":"e"}],
		"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}`}
	m := openai.MustNew("anthropic/claude", openai.Config{BaseURL: routerURL, HTTPClient: &http.Client{Transport: r}})
	contents := []*genai.Content{chatContent("user", genai.NewPartFromText("go"))}
	for range 2 {
		for resp, err := range m.GenerateContent(t.Context(), &model.LLMRequest{Contents: contents}, false) {
			if err != nil {
				t.Fatal(err)
			}
			contents = append(contents, resp.Content, chatContent("user", &genai.Part{FunctionResponse: &genai.FunctionResponse{ID: "c1", Name: "f", Response: map[string]any{}}}))
		}
	}
	want := chatJSON(t, `[{"type":"reasoning.text","text":"hm","index":0,"signature":"s"},{"type":"reasoning.encrypted","data":"e"}]`)
	if diff := cmp.Diff(want, r.body["messages"].([]any)[1].(map[string]any)["reasoning_details"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// B101: each server gets the names that it knows.
func TestChatDialects(t *testing.T) {
	weather := &genai.FunctionDeclaration{Name: "weather", Description: "tells it", Parameters: &genai.Schema{Type: genai.TypeObject, Properties: map[string]*genai.Schema{"city": {Type: genai.TypeString, Nullable: genai.Ptr(true)}}}}
	tools := []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{weather, {Name: "other"}}}}
	forced := func(names ...string) *genai.ToolConfig {
		return &genai.ToolConfig{FunctionCallingConfig: &genai.FunctionCallingConfig{Mode: genai.FunctionCallingConfigModeAny, AllowedFunctionNames: names}}
	}
	system := &genai.Content{Parts: []*genai.Part{{Text: "be brief"}}}
	schema := &genai.Schema{Type: genai.TypeObject, Properties: map[string]*genai.Schema{"a": {Type: genai.TypeString}}}
	for _, test := range []struct {
		name, model, url string
		config           genai.GenerateContentConfig
		want             string // fields; null for one that must not be sent
	}{
		{"unknown server", "m", plainURL, genai.GenerateContentConfig{SystemInstruction: system, MaxOutputTokens: 9, Seed: genai.Ptr[int32](3), Temperature: genai.Ptr[float32](0.7), TopP: genai.Ptr[float32](0.9)},
			`{"model":"m","messages":[{"role":"system","content":"be brief"},{"role":"user","content":"hi"}],"max_tokens":9,"max_completion_tokens":null,"seed":3,"temperature":0.7,"top_p":0.9,"metadata":null}`},
		{"OpenAI", "gpt-4o", openaiURL, genai.GenerateContentConfig{SystemInstruction: system, MaxOutputTokens: 9, StopSequences: []string{"a", "", "b"}, PresencePenalty: genai.Ptr[float32](0.5), ResponseLogprobs: true, Logprobs: genai.Ptr[int32](2), Labels: map[string]string{"k": "v"}},
			`{"messages":[{"role":"system","content":"be brief"},{"role":"user","content":"hi"}],"max_completion_tokens":9,"max_tokens":null,"stop":["a","b"],"presence_penalty":0.5,"logprobs":true,"top_logprobs":2}`},
		{"OpenAI, thinking", "o3", openaiURL, genai.GenerateContentConfig{SystemInstruction: system, ThinkingConfig: &genai.ThinkingConfig{ThinkingLevel: genai.ThinkingLevelHigh}},
			`{"messages":[{"role":"developer","content":"be brief"},{"role":"user","content":"hi"}],"reasoning_effort":"high"}`},
		{"OpenAI, before the role developer", "o1-mini", openaiURL, genai.GenerateContentConfig{SystemInstruction: system},
			`{"messages":[{"role":"user","content":"be brief\nhi"}]}`},
		{"OpenAI, tools without thinking", "gpt-5.4", openaiURL, genai.GenerateContentConfig{Tools: tools}, `{"reasoning_effort":"none"}`},
		{"a model of OpenAI's elsewhere", "openai/gpt-5.1", routerURL, genai.GenerateContentConfig{SystemInstruction: system, MaxOutputTokens: 9},
			`{"messages":[{"role":"system","content":"be brief"},{"role":"user","content":"hi"}],"max_tokens":9}`},
		{"xAI", "grok-4.5", "https://api.x.ai/v1", genai.GenerateContentConfig{MaxOutputTokens: 9}, `{"max_completion_tokens":9,"max_tokens":null}`},
		{"DeepSeek", "deepseek-v4", deepseekURL, genai.GenerateContentConfig{SystemInstruction: system, Seed: genai.Ptr[int32](3)}, `{"messages":[{"role":"system","content":"be brief"},{"role":"user","content":"hi"}],"seed":null}`},

		{"tools", "m", plainURL, genai.GenerateContentConfig{Tools: tools},
			`{"tools":[{"type":"function","function":{"name":"weather","description":"tells it","parameters":{"type":"object","properties":{"city":{"type":["string","null"]}}}}},{"type":"function","function":{"name":"other","parameters":{"type":"object","properties":{}}}}],"tool_choice":null}`},
		{"a tool forced", "m", plainURL, genai.GenerateContentConfig{Tools: tools, ToolConfig: forced()}, `{"tool_choice":"required"}`},
		{"one tool forced", "m", plainURL, genai.GenerateContentConfig{Tools: tools, ToolConfig: forced("other")},
			`{"tools":[{"type":"function","function":{"name":"other","parameters":{"type":"object","properties":{}}}}],"tool_choice":{"type":"function","function":{"name":"other"}}}`},
		{"one of two forced", "m", plainURL, genai.GenerateContentConfig{Tools: tools, ToolConfig: forced("other", "weather")}, `{"tool_choice":"required"}`},
		{"one tool forced at LM Studio", "m", studioURL, genai.GenerateContentConfig{Tools: tools, ToolConfig: forced("other")}, `{"tool_choice":"required"}`},
		{"no tool to be called", "m", plainURL, genai.GenerateContentConfig{Tools: tools, ToolConfig: &genai.ToolConfig{FunctionCallingConfig: &genai.FunctionCallingConfig{Mode: genai.FunctionCallingConfigModeNone}}}, `{"tool_choice":"none"}`},

		{"schema", "m", plainURL, genai.GenerateContentConfig{ResponseMIMEType: "application/json", ResponseSchema: schema},
			`{"response_format":{"type":"json_schema","json_schema":{"name":"response","schema":{"type":"object","properties":{"a":{"type":"string"}}}}}}`},
		{"JSON", "m", plainURL, genai.GenerateContentConfig{ResponseMIMEType: "application/json", SystemInstruction: &genai.Content{Parts: []*genai.Part{{Text: "Answer in json."}}}},
			`{"response_format":{"type":"json_object"},"messages":[{"role":"system","content":"Answer in json."},{"role":"user","content":"hi"}]}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			body := chatBody(t, test.model, test.url, &model.LLMRequest{Contents: []*genai.Content{chatContent("user", genai.NewPartFromText("hi"))}, Config: &test.config})
			for field, want := range chatJSON(t, test.want).(map[string]any) {
				if diff := cmp.Diff(want, body[field]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", field, diff)
				}
			}
		})
	}
}

// B62: what a model's configuration says reaches the server as it stands.
func TestChatConfig(t *testing.T) {
	ask := func(name string, config openai.Config) *chatRecorder {
		t.Helper()
		r := &chatRecorder{}
		config.HTTPClient = &http.Client{Transport: r}
		m, err := openai.New(name, config)
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range m.GenerateContent(t.Context(), &model.LLMRequest{Contents: genai.Text("hi"), Config: &genai.GenerateContentConfig{MaxOutputTokens: 9}}, false) {
			if err != nil {
				t.Fatal(err)
			}
		}
		return r
	}
	r := ask("m", openai.Config{BaseURL: "http://h/v1/", APIKey: "k", Organization: "org", Project: "proj", Header: http.Header{"x-a": {"1"}, "User-Agent": {"me"}},
		ExtraBody: map[string]any{"top_k": 5, "max_tokens": nil, "chat_template_kwargs": map[string]any{"enable_thinking": false}}})
	if r.url != "http://h/v1/chat/completions" {
		t.Errorf("asked %s", r.url)
	}
	for name, want := range map[string]string{"Authorization": "Bearer k", "Openai-Organization": "org", "Openai-Project": "proj", "X-A": "1", "User-Agent": "me", "Content-Type": "application/json"} {
		if got := r.header.Get(name); got != want {
			t.Errorf("%s is %q, not %q", name, got, want)
		}
	}
	if r.body["top_k"] != 5.0 || r.body["max_tokens"] != nil || r.body["chat_template_kwargs"] == nil || r.body["model"] != "m" {
		t.Errorf("sent %v", r.body)
	}
	for _, test := range []struct {
		azure            openai.Azure
		api, base        string
		wantURL, wantVia string
	}{
		{openai.Azure{Deployment: "mine"}, "", "https://r.openai.azure.com", "https://r.openai.azure.com/openai/v1/chat/completions", "mine"},
		{openai.Azure{APIVersion: "preview"}, openai.Responses, "https://r.openai.azure.com/openai/v1/", "https://r.openai.azure.com/openai/v1/responses?api-version=preview", "gpt-4o"},
		{openai.Azure{Deployment: "a b", APIVersion: "2024-10-21"}, "", "https://r.openai.azure.com/", "https://r.openai.azure.com/openai/deployments/a%20b/chat/completions?api-version=2024-10-21", "a b"},
		{openai.Azure{Deployment: "mine", APIVersion: "2025-03-01-preview"}, openai.Responses, "https://r.openai.azure.com", "https://r.openai.azure.com/openai/responses?api-version=2025-03-01-preview", "mine"},
	} {
		answer := &chatRecorder{answer: `{"status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"ok"}]}],"choices":[{"message":{"content":"ok"},"finish_reason":"stop"}]}`}
		m := openai.MustNew("gpt-4o", openai.Config{BaseURL: test.base, API: test.api, APIKey: "k", Azure: &test.azure, HTTPClient: &http.Client{Transport: answer}})
		for range m.GenerateContent(t.Context(), &model.LLMRequest{Model: "gpt-4o", Contents: genai.Text("hi")}, false) {
		}
		if answer.url != test.wantURL || answer.body["model"] != test.wantVia {
			t.Errorf("asked %s for %v; want %s for %s", answer.url, answer.body["model"], test.wantURL, test.wantVia)
		}
		if answer.header.Get("Api-Key") != "k" || answer.header.Get("Authorization") != "" {
			t.Errorf("the key is in %v", answer.header)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for name, config := range map[string]openai.Config{
		"no key":                  {},
		"no key for its URL":      {BaseURL: "https://API.openai.com:443/v1"},
		"a client without a key":  {HTTPClient: &http.Client{Timeout: time.Minute}},
		"a key with a line break": {APIKey: "secret\n", BaseURL: "http://models.example/v1"},
		"no address":              {BaseURL: "models.example"},
		"another scheme":          {BaseURL: "ftp://models.example"},
		"a password":              {BaseURL: "http://user:secret@models.example/v1"},
		"an unknown API":          {APIKey: "k", API: "completions"},
		"Azure without a base":    {Azure: &openai.Azure{}},
		"a body that is no JSON":  {APIKey: "k", ExtraBody: map[string]any{"f": func() {}}},
		"an address with a space": {BaseURL: "http://models example/v1"},
	} {
		if _, err := openai.New("m", config); err == nil || !strings.HasPrefix(err.Error(), "openai: ") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := openai.New("", openai.Config{}); err == nil {
		t.Error("a model without a name is accepted")
	}
}

func TestNewTakesEachCredential(t *testing.T) {
	for name, config := range map[string]openai.Config{
		"a key":                   {APIKey: "k"},
		"a header":                {Header: http.Header{"authorization": {"Bearer k"}}},
		"a transport that signs":  {HTTPClient: &http.Client{Transport: &chatRecorder{}}},
		"none for a local server": {BaseURL: "http://127.0.0.1:11434/v1"},
	} {
		if _, err := openai.New("m", config); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// B100: a call without a name, such as one in the history of a model that failed to call, gets
// a name, because the API refuses it otherwise.
func TestCallWithoutName(t *testing.T) {
	contents := []*genai.Content{genai.NewContentFromText("hi", genai.RoleUser), {Role: genai.RoleModel, Parts: []*genai.Part{{FunctionCall: &genai.FunctionCall{}}}}}
	req := &model.LLMRequest{Contents: contents}
	call := chatBody(t, "gpt-4o", openaiURL, req)["messages"].([]any)[1].(map[string]any)["tool_calls"].([]any)[0].(map[string]any)
	if name := call["function"].(map[string]any)["name"]; name == "" {
		t.Errorf("chat completions got %v", call)
	}
	if item := sent(t, "gpt-4o", req)["input"].([]any)[1].(map[string]any); item["name"] == nil || item["name"] == "" {
		t.Errorf("Responses got %v", item)
	}
}

// B60: a request stays as it was, names come back as they were, and the name in
// the request wins.
func TestChatNames(t *testing.T) {
	r := &chatRecorder{}
	m := openai.MustNew("m", openai.Config{BaseURL: plainURL, HTTPClient: &http.Client{Transport: r}})
	req := func() *model.LLMRequest {
		return &model.LLMRequest{Model: "other", Contents: chatLoop(nil, nil), Config: &genai.GenerateContentConfig{
			TopK: genai.Ptr[float32](3), SafetySettings: []*genai.SafetySetting{{}}, Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "get weather"}}}},
		}}
	}
	given := req()
	_ = r
	for _, err := range m.GenerateContent(t.Context(), given, false) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if r.body["model"] != "other" {
		t.Errorf("asked for %v", r.body["model"])
	}
	if diff := cmp.Diff(req(), given); diff != "" {
		t.Errorf("the request changed (-want +got):\n%s", diff)
	}
	wire := r.body["tools"].([]any)[0].(map[string]any)["function"].(map[string]any)["name"].(string)
	r.answer = `{"choices":[{"message":{"tool_calls":[{"id":"c","function":{"name":"` + wire + `","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}`
	for resp, err := range m.GenerateContent(t.Context(), given, false) {
		if err != nil || resp.Content.Parts[0].FunctionCall.Name != "get weather" {
			t.Errorf("called %v, %v", resp, err)
		}
	}
}

// resolved returns media with a resolution of their own.
func resolved(kind string, level genai.PartMediaResolutionLevel) *genai.Part {
	return &genai.Part{InlineData: &genai.Blob{MIMEType: kind, Data: []byte("abc")}, MediaResolution: &genai.PartMediaResolution{Level: level}}
}

// The resolution of an image is its detail; other media have none.
func TestChatDetail(t *testing.T) {
	body := chatBody(t, "m", plainURL, &model.LLMRequest{Contents: []*genai.Content{{Role: genai.RoleUser, Parts: []*genai.Part{
		resolved("image/png", genai.PartMediaResolutionLevelMediaResolutionLow), resolved("image/png", genai.PartMediaResolutionLevelMediaResolutionHigh),
		resolved("image/png", genai.PartMediaResolutionLevelMediaResolutionMedium), resolved("application/pdf", genai.PartMediaResolutionLevelMediaResolutionLow),
	}}}})
	const image = `{"type":"image_url","image_url":{"url":"data:image/png;base64,YWJj"`
	want := chatJSON(t, `[{"role":"user","content":[`+image+`,"detail":"low"}},`+image+`,"detail":"high"}},`+image+`}},
		{"type":"file","file":{"filename":"document.pdf","file_data":"data:application/pdf;base64,YWJj"}}]}]`)
	if diff := cmp.Diff(want, body["messages"]); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}
