package plugin_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/anthropic"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/gemini"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai"
)

const hostileKey = "key-0123456789-abcdefghij"

// modelsAt returns a model of each protocol at base, with clients of their own.
func modelsAt(t *testing.T, base string) map[string]model.LLM {
	t.Helper()
	models := map[string]model.LLM{
		"responses": openai.MustNew("gpt-5.2", openai.Config{APIKey: hostileKey, BaseURL: base, API: openai.Responses}),
		"chat":      openai.MustNew("llama-4-maverick", openai.Config{APIKey: hostileKey, BaseURL: base}),
		"azure":     openai.MustNew("gpt-4o", openai.Config{APIKey: hostileKey, BaseURL: base, Azure: &openai.Azure{}}),
		"anthropic": anthropic.MustNew("claude-sonnet-5", anthropic.Config{APIKey: hostileKey, BaseURL: base}),
	}
	m, err := gemini.New(t.Context(), "gemini-2.5-flash", gemini.Config{Client: &genai.ClientConfig{
		Backend: genai.BackendGeminiAPI, APIKey: hostileKey, HTTPOptions: genai.HTTPOptions{BaseURL: base},
	}})
	if err != nil {
		t.Fatal(err)
	}
	models["gemini"] = m
	return models
}

func askStream(t *testing.T, m model.LLM) (final *model.LLMResponse, err error) {
	t.Helper()
	for resp, e := range m.GenerateContent(t.Context(), &model.LLMRequest{Contents: genai.Text("a secret prompt")}, true) {
		final, err = resp, e
	}
	return final, err
}

// B54: an answer that has its finish reason is delivered, even if the server sends
// no end mark and keeps the connection open.
func TestStreamWithoutEndIsDelivered(t *testing.T) {
	for name, body := range map[string]string{
		"gemini": "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"hello\"}]},\"finishReason\":\"STOP\"}]}\n\n",
		"chat":   "data: {\"choices\":[{\"delta\":{\"content\":\"hello\"}}]}\n\ndata: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
		"anthropic": "data: {\"type\":\"message_start\",\"message\":{\"type\":\"message\",\"content\":[]}}\n\n" +
			"data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"hello\"}}\n\n" +
			"data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n",
		"responses": "data: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\",\"output\":[{\"type\":\"message\",\"content\":[{\"type\":\"output_text\",\"text\":\"hello\"}]}]}}\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const patience = 30 * time.Second
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				_, _ = io.WriteString(w, body)
				_ = http.NewResponseController(w).Flush()
				select {
				case <-r.Context().Done():
				case <-time.After(patience):
					t.Error("the client did not give up the connection")
				}
			}))
			defer srv.Close()
			final, err := askStream(t, modelsAt(t, srv.URL)[name])
			if err != nil || final == nil || final.FinishReason != genai.FinishReasonStop || final.Content.Parts[0].Text != "hello" {
				t.Errorf("got %+v and error %v, want the answer", final, err)
			}
		})
	}
}

// A redirect to another host gets neither key nor prompt.
func TestRedirectGetsNoKey(t *testing.T) {
	reached := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer elsewhere.Close()
	srv := httptest.NewServer(http.RedirectHandler(strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1), http.StatusTemporaryRedirect))
	defer srv.Close()
	for name, m := range modelsAt(t, srv.URL) {
		_, err := askStream(t, m)
		if v := failure.Classify(err); reached || v.Action != failure.Fail || v.Scope != failure.ScopeEndpoint {
			t.Errorf("%s: reached: %v, error %v, verdict %+v", name, reached, err, v)
		}
	}
}

// A server that echoes the request's headers does not make the key appear, and an
// error keeps no request.
func TestEchoedKeyIsRedacted(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var headers strings.Builder
		_ = r.Header.Write(&headers)
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"type":"error","error":{"type":"invalid_request_error","message":%q}}`, headers.String())
	}))
	defer srv.Close()
	for name, m := range modelsAt(t, srv.URL) {
		_, err := askStream(t, m)
		if err == nil || strings.Contains(fmt.Sprintf("%v %+v", err, failure.Classify(err)), hostileKey) {
			t.Errorf("%s: error %v, want one without the key", name, err)
		}
		if resp := responseOf(err); resp == nil || resp.Request != nil {
			t.Errorf("%s: the error keeps a request, which has the key", name)
		}
	}
}

// An error of the network names the host alone: a query may hold a key.
func TestNetworkErrorHidesTheURL(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	for _, api := range []string{openai.Chat, openai.Responses} {
		_, err := askStream(t, openai.MustNew("m", openai.Config{BaseURL: srv.URL + "/v1?key=" + hostileKey, API: api}))
		if err == nil || strings.Contains(err.Error(), hostileKey) || failure.Classify(err).Kind != failure.KindNetwork {
			t.Errorf("%s: error %v, want one of the network without the query", api, err)
		}
	}
}

// The query of a base URL stays a query.
func TestBaseURLWithAQuery(t *testing.T) {
	var path, query string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, query = r.URL.Path, r.URL.RawQuery
		w.WriteHeader(http.StatusNotFound)
	}))
	defer srv.Close()
	m, err := gemini.New(t.Context(), "gemini-2.5-flash", gemini.Config{Client: &genai.ClientConfig{
		Backend: genai.BackendGeminiAPI, APIKey: hostileKey, HTTPOptions: genai.HTTPOptions{BaseURL: srv.URL + "/gateway?team=a"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := askStream(t, m); err == nil {
		t.Fatal("no error")
	}
	if path != "/gateway/v1beta/models/gemini-2.5-flash:streamGenerateContent" || query != "team=a&alt=sse" {
		t.Errorf("the server got %s?%s", path, query)
	}
}

// responseOf returns the response that a provider's error keeps; nil if none.
func responseOf(err error) *http.Response {
	if e, ok := errorAs[*anthropic.Error](err); ok {
		return e.Response
	}
	if e, ok := errorAs[*gemini.Error](err); ok {
		return e.Response
	}
	if e, ok := errorAs[*openaiwire.Error](err); ok {
		return e.Response
	}
	return nil
}

func errorAs[E error](err error) (e E, ok bool) {
	ok = errors.As(err, &e)
	return e, ok
}
