package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// full is an answer with all that an answer may have.
func full() *model.LLMResponse {
	return &model.LLMResponse{
		Content: &genai.Content{Role: genai.RoleModel, Parts: []*genai.Part{
			{Text: "hm", Thought: true}, {Text: "one "}, {Text: "two"},
			{FunctionCall: &genai.FunctionCall{ID: "c1", Name: "f", Args: map[string]any{"x": 1}}, ThoughtSignature: []byte("sig")},
			{FunctionCall: &genai.FunctionCall{ID: "c2", Name: "g"}},
		}},
		FinishReason: genai.FinishReasonStop,
		UsageMetadata: &genai.GenerateContentResponseUsageMetadata{
			PromptTokenCount: 10, CachedContentTokenCount: 4, CandidatesTokenCount: 5, ThoughtsTokenCount: 2, TotalTokenCount: 17,
		},
		LogprobsResult: &genai.LogprobsResult{
			ChosenCandidates: []*genai.LogprobsResultCandidate{{Token: "one", LogProbability: -0.5}, {Token: "two", LogProbability: -0.1}},
			TopCandidates:    []*genai.LogprobsResultTopCandidates{{Candidates: []*genai.LogprobsResultCandidate{{Token: "two", LogProbability: -1.1}}}},
		},
	}
}

// streamed shows parts of full first.
func streamed(_ context.Context, _ *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
	if stream {
		for _, part := range full().Content.Parts[:2] {
			if !yield(&model.LLMResponse{Content: &genai.Content{Role: genai.RoleModel, Parts: []*genai.Part{part}}, Partial: true}, nil) {
				return
			}
		}
	}
	yield(full(), nil)
}

var changing = regexp.MustCompile(`chatcmpl-[A-Z0-9]+|"created":[0-9]+`)

// fixed replaces what differs from answer to answer.
func fixed(text string) string { return changing.ReplaceAllString(text, "_") }

// A whole answer, byte for byte.
func TestWholeChatAnswer(t *testing.T) {
	w := chat(t, llmtest.NewModel("a", streamed), `{"model": "a", `+hello+`}`)
	const want = `{"id":"_","object":"chat.completion",_,"model":"a","usage":{"prompt_tokens":10,"completion_tokens":7,"total_tokens":17,` +
		`"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":2,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},` +
		`"choices":[{"index":0,"message":{"role":"assistant","reasoning_content":"hm","content":"one two","refusal":null,"tool_calls":[` +
		`{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"x\":1}"},"extra_content":{"google":{"thought_signature":"c2ln"}}},` +
		`{"id":"c2","type":"function","function":{"name":"g","arguments":"{}"}}]},` +
		`"logprobs":{"content":[{"token":"one","logprob":-0.5,"bytes":null,"top_logprobs":[{"token":"two","logprob":-1.1,"bytes":null}]},` +
		`{"token":"two","logprob":-0.1,"bytes":null,"top_logprobs":[]}]},"finish_reason":"tool_calls"}],` +
		`"fallback":{"model_name":"a"}}`
	if diff := cmp.Diff(want, fixed(w.Body.String())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if w.Header().Get("Content-Type") != "application/json" || w.Header().Get("X-Fallback-Model") != "a" {
		t.Errorf("headers %v", w.Header())
	}
}

// A streamed answer, byte for byte. Each text is sent once.
func TestStreamedChatAnswer(t *testing.T) {
	for _, usage := range []bool{false, true} {
		options := ""
		if usage {
			options = `"stream_options": {"include_usage": true}, `
		}
		w := chat(t, llmtest.NewModel("a", streamed), `{"model": "a", "stream": true, `+options+hello+`}`)
		const head = `data: {"id":"_","object":"chat.completion.chunk",_,"model":"a",`
		want := head + `"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}` + "\n\n" +
			head + `"choices":[{"index":0,"delta":{"reasoning_content":"hm"},"finish_reason":null}]}` + "\n\n" +
			head + `"choices":[{"index":0,"delta":{"content":"one "},"finish_reason":null}]}` + "\n\n" +
			head + `"choices":[{"index":0,"delta":{"content":"two"},"finish_reason":null}]}` + "\n\n" +
			head + `"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"f","arguments":"{\"x\":1}"},"extra_content":{"google":{"thought_signature":"c2ln"}}}]},"finish_reason":null}]}` + "\n\n" +
			head + `"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"c2","type":"function","function":{"name":"g","arguments":"{}"}}]},"finish_reason":null}]}` + "\n\n" +
			head + `"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls","logprobs":{"content":[{"token":"one","logprob":-0.5,"bytes":null,"top_logprobs":[{"token":"two","logprob":-1.1,"bytes":null}]},{"token":"two","logprob":-0.1,"bytes":null,"top_logprobs":[]}]}}],"fallback":{"model_name":"a"}}` + "\n\n"
		if usage {
			want += head + `"usage":{"prompt_tokens":10,"completion_tokens":7,"total_tokens":17,"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":2,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},"choices":[]}` + "\n\n"
		}
		if diff := cmp.Diff(want+"data: [DONE]\n\n", fixed(w.Body.String())); diff != "" {
			t.Errorf("usage %v (-want +got):\n%s", usage, diff)
		}
	}
}

// Why an answer ended, in the protocol's words.
func TestFinishReasons(t *testing.T) {
	for _, test := range []struct {
		resp   model.LLMResponse
		finish string
		status int
	}{
		{model.LLMResponse{Content: genai.NewContentFromText("x", genai.RoleModel), FinishReason: genai.FinishReasonStop}, "stop", 200},
		{model.LLMResponse{Content: genai.NewContentFromText("x", genai.RoleModel), FinishReason: genai.FinishReasonMaxTokens}, "length", 200},
		{model.LLMResponse{Content: genai.NewContentFromText("x", genai.RoleModel), FinishReason: genai.FinishReasonSafety}, "content_filter", 200},
		{model.LLMResponse{FinishReason: genai.FinishReasonProhibitedContent, ErrorCode: "PROHIBITED_CONTENT", ErrorMessage: "no"}, "content_filter", 200},
		{model.LLMResponse{ErrorCode: "PROHIBITED_CONTENT", ErrorMessage: "blocked"}, "", 400},
	} {
		for _, stream := range []string{"true", "false"} {
			resp := test.resp
			a := llmtest.NewModel("a", llmtest.Respond(func() *model.LLMResponse { return &resp }))
			g := newGateway(t, live(t, "primary: a\n", handsIn(a)))
			got := post(t, serve(t, g), "/v1/chat/completions", `{"model": "a", "stream": `+stream+`, `+hello+`}`)
			if got.status != test.status || got.finish != test.finish || (test.status == 400) != (got.failed["code"] == "content_filter") {
				t.Errorf("%s %s: %d, %q, %v; want %d, %q", test.resp.FinishReason, test.resp.ErrorCode, got.status, got.finish, got.failed, test.status, test.finish)
			}
		}
	}
}

// An answer that a content policy stops within its text ends so.
func TestAnswerThatIsStopped(t *testing.T) {
	a := llmtest.NewModel("a", func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		if yield(&model.LLMResponse{Content: genai.NewContentFromText("one", genai.RoleModel), Partial: true}, nil) {
			yield(&model.LLMResponse{FinishReason: genai.FinishReasonSafety, ErrorCode: "SAFETY"}, nil)
		}
	})
	got := post(t, serve(t, newGateway(t, live(t, "primary: a\n", handsIn(a)))), "/v1/chat/completions", `{"model": "a", "stream": true, `+hello+`}`)
	if got.text != "one" || got.finish != "content_filter" || !got.done || got.failed != nil {
		t.Errorf("%q, %q, %v", got.text, got.finish, got.failed)
	}
}

// The status is what ended the call. A provider's 401 and 403 concern the gateway's key, and
// nothing of the provider's words goes on unredacted. B144
func TestStatuses(t *testing.T) {
	const key = "sk-proj-abcdefghijklmnopqrstuvwxyz012345"
	for name, test := range map[string]struct {
		step   fallbacktest.Step
		status int
		code   string
	}{
		"rate limit":     {fallbacktest.Exhausted(), 429, "rate_limit_exceeded"},
		"long limit":     {fallbacktest.Exhausted().Header("Retry-After", "900"), 429, "insufficient_quota"},
		"overloaded":     {fallbacktest.Overloaded(), 503, "overloaded"},
		"server":         {fallbacktest.Internal(), 502, "upstream_error"},
		"network":        {fallbacktest.Reset(), 502, "upstream_error"},
		"silence":        {fallbacktest.Silence(), 504, "timeout"},
		"key":            {fallbacktest.Status(401, `{"error":{"message":"Incorrect API key provided: `+key+`","code":"invalid_api_key"}}`), 502, "upstream_error"},
		"forbidden":      {fallbacktest.Status(403, `{"error":{"message":"no access for `+key+`"}}`), 502, "upstream_error"},
		"billing":        {fallbacktest.Status(402, `{"error":{"message":"Insufficient credits"}}`), 502, "upstream_error"},
		"context length": {fallbacktest.ContextLength(), 400, "context_length_exceeded"},
		"invalid":        {fallbacktest.Status(400, `{"error":{"message":"temperature is too high","type":"invalid_request_error"}}`), 400, "invalid_request"},
		"no such model":  {fallbacktest.Status(404, `{"error":{"message":"The model does not exist","code":"model_not_found"}}`), 502, "upstream_error"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := fallbacktest.NewPipeServer()
				t.Cleanup(srv.Close)
				srv.Script("m", test.step)
				c := serve(t, newGateway(t, live(t, proxied+"timeouts: {attempt: 20s}\n", through(srv))))
				for _, stream := range []string{"true", "false"} {
					got := post(t, c, "/v1/chat/completions", `{"model": "m", "stream": `+stream+`, `+hello+`}`)
					if got.status != test.status || got.failed["code"] != test.code || strings.Contains(got.body, key) {
						t.Errorf("stream %s: %d %s; want %d %s", stream, got.status, got.body, test.status, test.code)
					}
					if (test.status == 429 || test.status == 503) && got.header.Get("Retry-After") == "" {
						t.Errorf("no Retry-After")
					}
				}
			})
		})
	}
}

// A client that goes away ends the call of the provider. B144
func TestClientThatGoesCancels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		a := llmtest.NewModel("a", func(ctx context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
			yield(&model.LLMResponse{Content: genai.NewContentFromText("one", genai.RoleModel), Partial: true}, nil)
			<-ctx.Done()
			ended <- context.Cause(ctx)
			yield(nil, ctx.Err())
		})
		c := serve(t, newGateway(t, live(t, "primary: a\n", handsIn(a))))
		ctx, cancel := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://gateway/v1/chat/completions", strings.NewReader(`{"model": "a", "stream": true, `+hello+`}`))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		resp.Body.Close()
		select {
		case err := <-ended:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
		case <-time.After(time.Minute):
			t.Error("the call goes on")
		}
	})
}

// Which model a name is, and what the list has.
func TestNames(t *testing.T) {
	models := func() policy.Option {
		return handsIn(llmtest.NewModel("a", llmtest.Text("a")), llmtest.NewModel("b", llmtest.Text("b")), llmtest.NewModel("c", llmtest.Text("c")))
	}
	const text = "primary: a\nfallbacks: [{name: b}, {name: template-response}]\nmodels: {c: {family: c}, 'x-*': {provider: openai, base_url: 'http://127.0.0.1:1/v1'}}\naliases: {see: c}\n"
	one := newGateway(t, live(t, text, models()))
	two, err := gateway.New(gateway.Config{Routes: map[string]*policy.Live{"main": live(t, text, models()), "other": live(t, "primary: b\n", models())}})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		g          *gateway.Gateway
		body, want string
		status     int
	}{
		{one, `"model": "main"`, "a", 200}, {one, `"model": "a"`, "a", 200}, {one, `"model": "b"`, "b", 200}, {one, `"model": "c"`, "c", 200},
		{one, `"model": "see"`, "c", 200}, {one, `"model": "main/c"`, "c", 200}, {one, `"model": "c", "fallbacks": ["a", "main/b"]`, "c", 200},
		{one, `"model": "x"`, "", 404}, {one, `"model": "x-*"`, "", 404}, {one, `"model": "template-response"`, "", 404}, {one, `"model": "other/a"`, "", 404},
		{one, `"model": "c", "fallbacks": ["nope"]`, "", 404}, {one, `"model": "x-../../files"`, "", 404}, {one, `"model": "a\u000d\u000aX-Evil: 1"`, "", 404},
		{two, `"model": "other"`, "b", 200}, {two, `"model": "main/c"`, "c", 200}, {two, `"model": "c"`, "", 404}, {two, `"model": "main/c", "fallbacks": ["other/b"]`, "", 404},
	} {
		w := httptest.NewRecorder()
		test.g.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/chat/completions", strings.NewReader(`{`+hello+`, `+test.body+`}`)))
		if w.Code != test.status || w.Header().Get("X-Fallback-Model") != test.want || w.Header().Get("X-Evil") != "" {
			t.Errorf("%s: %d by %q; want %d by %q: %s", test.body, w.Code, w.Header().Get("X-Fallback-Model"), test.status, test.want, w.Body)
		}
		if test.status == 404 && !strings.Contains(w.Body.String(), `"code":"model_not_found"`) {
			t.Errorf("%s: %s", test.body, w.Body)
		}
	}
	for g, want := range map[*gateway.Gateway][]string{one: {"main", "a", "b", "c", "see"}, two: {"main", "main/a", "main/b", "main/c", "main/see", "other", "other/b"}} {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/models", nil))
		var list struct {
			Data   []struct{ ID, Object, Name string }
			Models []struct{ Name string }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil {
			t.Fatal(err)
		}
		var got []string
		for i, m := range list.Data {
			got = append(got, m.ID)
			if m.Object != "model" || m.Name != "" || list.Models[i].Name != "models/"+m.ID { // Open WebUI shows a name instead of the id
				t.Errorf("listed as %+v and %+v", m, list.Models[i])
			}
			w := httptest.NewRecorder()
			g.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/models/"+m.ID, nil))
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"id":"`+m.ID+`"`) {
				t.Errorf("GET %s: %d %s", m.ID, w.Code, w.Body)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("models (-want +got):\n%s", diff)
		}
	}
	for path, status := range map[string]int{"/v1/models/x-1": 200, "/v1/models/y": 404, "/v1/models/x-*": 404, "/v1/nothing": 404} {
		w := httptest.NewRecorder()
		one.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if w.Code != status || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s: %d %s, want %d", path, w.Code, w.Body, status)
		}
	}
}
