package openai_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	metadata "github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// withOptions is a request with a limit of tokens and these HTTP options.
func withOptions(extra map[string]any, headers http.Header) *model.LLMRequest {
	return &model.LLMRequest{Contents: genai.Text("hi"), Config: &genai.GenerateContentConfig{
		MaxOutputTokens: 99, HTTPOptions: &genai.HTTPOptions{ExtraBody: extra, Headers: headers},
	}}
}

// The fields and headers of a request come over those of the configuration.
func TestRequestExtras(t *testing.T) {
	for _, api := range []string{openai.Chat, openai.Responses} {
		r := &chatRecorder{answer: `{"status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"ok"}]}],"choices":[{"message":{"content":"ok"},"finish_reason":"stop"}]}`}
		m := openai.MustNew("m", openai.Config{BaseURL: plainURL, API: api, APIKey: "own-key", HTTPClient: &http.Client{Transport: r},
			Header: http.Header{"X-A": {"config"}, "X-B": {"config"}}, ExtraBody: map[string]any{"a": "config", "b": "config", "c": "config"}})
		req := withOptions(map[string]any{"b": map[string]any{"<": 1}, "c": nil, "model": "other"}, http.Header{
			"x-b": {"request"}, "X-Goog-Api-Client": {"google-adk/1.0 gl-go/1"}, "x-goog-api-key": {"another-key"}, "User-Agent": {"google-adk/1.0"}, "authorization": {"Bearer another-key"},
		})
		for _, err := range m.GenerateContent(t.Context(), req, false) {
			if err != nil {
				t.Fatal(err)
			}
		}
		_, kept := r.body["c"]
		if diff := cmp.Diff(map[string]any{"a": "config", "b": map[string]any{"<": 1.0}, "model": "other"}, map[string]any{"a": r.body["a"], "b": r.body["b"], "model": r.body["model"]}); diff != "" || kept {
			t.Errorf("%s: body %v (-want +got):\n%s", api, r.body, diff)
		}
		for name, want := range map[string]string{"X-A": "config", "X-B": "request", "X-Goog-Api-Client": "", "X-Goog-Api-Key": "", "User-Agent": "adk-fallback", "Authorization": "Bearer own-key"} {
			if got := strings.Join(r.header.Values(name), ","); got != want {
				t.Errorf("%s: %s is %q, want %q", api, name, got, want)
			}
		}
		for _, err := range m.GenerateContent(t.Context(), withOptions(map[string]any{"f": func() {}}, nil), false) {
			if err == nil || !strings.HasPrefix(err.Error(), `openai: ExtraBody["f"] is no JSON`) {
				t.Errorf("%s: a function as a field: %v", api, err)
			}
		}
	}
}

// B126: a limit that a repair has renamed is sent under that name alone.
func TestRepairedTokenLimit(t *testing.T) {
	for _, test := range []struct {
		repair, url string
		config      map[string]any
	}{
		{"max_completion_tokens", plainURL, nil},
		{"max_completion_tokens", plainURL, map[string]any{"max_tokens": 5}},
		{"max_tokens", openaiURL, nil},
		{"max_tokens", openaiURL, map[string]any{"max_completion_tokens": 5}},
	} {
		r := &chatRecorder{}
		m := openai.MustNew("m", openai.Config{BaseURL: test.url, API: openai.Chat, HTTPClient: &http.Client{Transport: r}, ExtraBody: test.config})
		req := withOptions(nil, nil)
		provider.Repair(test.repair).Apply(req)
		for _, err := range m.GenerateContent(t.Context(), req, false) {
			if err != nil {
				t.Fatal(err)
			}
		}
		want := map[string]any{test.repair: 99.0}
		got := map[string]any{}
		for _, name := range []string{"max_tokens", "max_completion_tokens"} {
			if value, ok := r.body[name]; ok {
				got[name] = value
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s over %v (-want +got):\n%s", test.repair, test.config, diff)
		}
	}
}

// B126: a deployment whose name does not tell its model refuses the limit's old
// name once; the same model then answers, and is asked under the new name.
func TestRefusedTokenLimitIsRepaired(t *testing.T) {
	var sent []map[string]any
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := map[string]any{}
		data, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(data, &body); err != nil {
			t.Error(err)
		}
		sent = append(sent, body)
		if body["max_tokens"] != nil {
			w.WriteHeader(400)
			_, _ = io.WriteString(w, `{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}}`)
			return
		}
		_, _ = io.WriteString(w, `{"model":"gpt-5","choices":[{"message":{"content":"ok"},"finish_reason":"stop"}]}`)
	}))
	defer server.Close()
	m := router.MustFallback(router.Config{}, openai.MustNew("my-deployment", openai.Config{BaseURL: server.URL}), openai.MustNew("other", openai.Config{BaseURL: "http://127.0.0.1:0"}))
	for range 2 {
		got := ask(t, m, withOptions(nil, nil), false)
		if got.err != nil {
			t.Fatal(got.err)
		}
		if md, _ := metadata.ReadResponse(got.final); md.Triggered || md.ModelName != "my-deployment" {
			t.Errorf("metadata %+v, want no fallback", md)
		}
	}
	if len(sent) != 3 {
		t.Fatalf("asked %d times, want 3: the lesson is kept", len(sent))
	}
	for _, body := range sent[1:] {
		if body["max_completion_tokens"] != 99.0 || body["max_tokens"] != nil {
			t.Errorf("sent %v", body)
		}
	}
}

// B126: the same against the rules of a real family, through a stream.
func TestStrictServerTakesRepairedLimit(t *testing.T) {
	server := fallbacktest.NewServer()
	defer server.Close()
	server.Strict()
	server.Script("gpt-5-mini", fallbacktest.Text("ok"))
	m := router.MustFallback(router.Config{}, openai.MustNew("gpt-5-mini", openai.Config{BaseURL: server.URL + "/v1", HTTPClient: server.Client()}), openai.MustNew("other", openai.Config{BaseURL: "http://127.0.0.1:0"}))
	if got := ask(t, m, withOptions(nil, nil), true); got.err != nil || told(got.final.Content.Parts...) != "ok" {
		t.Fatalf("got %+v", got)
	}
	if n := len(server.Violations()); n != 1 {
		t.Errorf("refused %d times, want once: %v", n, server.Violations())
	}
}
