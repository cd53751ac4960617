package anthropic_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/anthropic"
)

var (
	_ model.LLM          = (*anthropic.Model)(nil)
	_ provider.Described = (*anthropic.Model)(nil)
)

// Nothing of the environment reaches a request: it is the configuration's alone.
func TestEnvironmentIsNotRead(t *testing.T) {
	elsewhere := serve(t, reply{body: done})
	for name, value := range map[string]string{
		"ANTHROPIC_API_KEY": "env-key", "ANTHROPIC_AUTH_TOKEN": "env-token", "ANTHROPIC_BASE_URL": elsewhere.URL,
		"ANTHROPIC_CUSTOM_HEADERS": "X-From-Env: 1", "ANTHROPIC_PROFILE": "nobody",
	} {
		t.Setenv(name, value)
	}
	for _, key := range []string{"", "own-key"} {
		s := serve(t, reply{body: done})
		if _, _, err := ask(t, newModel(t, s, "claude-x", anthropic.Config{APIKey: key}), says("hi"), false); err != nil {
			t.Fatal(err)
		}
		_, head, path := s.last()
		bearer := ""
		if key != "" {
			bearer = "Bearer " + key
		}
		if head.Get("Authorization") != bearer || head.Get("X-Api-Key") != key || head.Get("X-From-Env") != "" || path != "/v1/messages" {
			t.Errorf("key %q: %s with %v", key, path, head)
		}
	}
	if elsewhere.calls() != 0 {
		t.Error("the base URL of the environment is asked")
	}
}

func TestNewRequiresCredential(t *testing.T) {
	for _, test := range []struct {
		name   string
		config anthropic.Config
		want   string // in the error; "" for none
	}{
		{"none", anthropic.Config{}, "no API key"},
		{"none for its URL", anthropic.Config{BaseURL: "https://api.anthropic.com/v1"}, "no API key"},
		{"a client without one", anthropic.Config{HTTPClient: &http.Client{Timeout: time.Minute}}, "no API key"},
		{"a key with a line break", anthropic.Config{APIKey: "secret\n"}, "line break"},
		{"a key", anthropic.Config{APIKey: "k"}, ""},
		{"a header", anthropic.Config{Header: http.Header{"x-api-key": {"k"}}}, ""},
		{"a transport that signs", anthropic.Config{HTTPClient: &http.Client{Transport: http.DefaultTransport}}, ""},
		{"none for a local server", anthropic.Config{BaseURL: "http://127.0.0.1:8000"}, ""},
	} {
		_, err := anthropic.New("claude-x", test.config)
		if (err == nil) != (test.want == "") || err != nil && (!strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

func TestHeadersAndBody(t *testing.T) {
	config := anthropic.Config{
		Betas: []string{"a-2026-01-01", "b-2026-02-02"}, Header: http.Header{"X-Own": {"1", "2"}, "anthropic-version": {"2023-06-01"}},
		ExtraBody: map[string]any{"service_tier": "auto", "max_tokens": nil, "model": "other"},
	}
	body, head := sent(t, "claude-x", config, says("<&>"))
	if head.Get("Anthropic-Beta") != "a-2026-01-01,b-2026-02-02" || len(head.Values("X-Own")) != 2 || head.Get("Anthropic-Version") != "2023-06-01" {
		t.Errorf("%v", head)
	}
	equal(t, "body", any(body), `{"model":"other","service_tier":"auto","messages":[{"role":"user","content":[{"type":"text","text":"<&>"}]}]}`)
}

// The fields and headers of a request come over those of the configuration.
func TestRequestExtras(t *testing.T) {
	config := anthropic.Config{APIKey: "own-key", Header: http.Header{"X-A": {"config"}, "X-B": {"config"}}, ExtraBody: map[string]any{"service_tier": "auto", "speed": "fast"}}
	req := says("hi")
	req.Config = &genai.GenerateContentConfig{HTTPOptions: &genai.HTTPOptions{
		ExtraBody: map[string]any{"speed": nil, "max_tokens": 7}, Headers: http.Header{"x-b": {"request"}, "X-Goog-Api-Client": {"google-adk/1.0"}, "User-Agent": {"google-adk/1.0"}, "X-Api-Key": {"another-key"}},
	}}
	body, head := sent(t, "claude-x", config, req)
	equal(t, "body", any(body), `{"model":"claude-x","service_tier":"auto","max_tokens":7,"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]}`)
	for name, want := range map[string]string{"X-A": "config", "X-B": "request", "X-Goog-Api-Client": "", "X-Api-Key": "own-key", "Authorization": "Bearer own-key"} {
		if got := head.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if agent := head.Get("User-Agent"); strings.Contains(agent, "google-adk") {
		t.Errorf("user agent %q", agent)
	}
	req.Config.HTTPOptions.ExtraBody = map[string]any{"f": func() {}}
	if _, _, err := ask(t, newModel(t, serve(t, reply{body: done}), "claude-x", config), req, false); err == nil || !strings.HasPrefix(err.Error(), `anthropic: ExtraBody["f"] is no JSON`) {
		t.Errorf("a function as a field: %v", err)
	}
}

// A router names its target in the request.
func TestRequestNamesTheModel(t *testing.T) {
	req := says("hi")
	req.Model = "claude-haiku-4-5"
	body, _ := sent(t, "claude-sonnet-5", anthropic.Config{}, req)
	equal(t, "model", body["model"], `"claude-haiku-4-5"`)
	equal(t, "max_tokens", body["max_tokens"], `64000`)
}

func TestNew(t *testing.T) {
	for _, c := range []struct {
		name   string
		model  string
		config anthropic.Config
		want   string // of the error
	}{
		{"no name", "", anthropic.Config{APIKey: "k"}, "no name"},
		{"no URL", "m", anthropic.Config{BaseURL: "localhost:80"}, "not an http or https URL"},
		{"a password", "m", anthropic.Config{BaseURL: "https://u:secret@h"}, "user name or password"},
		{"negative limit", "m", anthropic.Config{APIKey: "k", MaxTokens: -1}, "must be positive"},
		{"cache", "m", anthropic.Config{APIKey: "k", CacheControl: "2h"}, `"5m" or "1h"`},
		{"extra", "m", anthropic.Config{APIKey: "k", ExtraBody: map[string]any{"f": func() {}}}, "is no JSON"},
	} {
		m, err := anthropic.New(c.model, c.config)
		if m != nil || err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	for url, endpoint := range map[string]string{
		"": "api.anthropic.com", "https://api.anthropic.com/v1/": "api.anthropic.com", "http://LOCALHOST:8080/anthropic": "localhost:8080", "https://x:443": "x",
	} {
		m, err := anthropic.New("m", anthropic.Config{APIKey: "k", BaseURL: url})
		if err != nil {
			t.Fatal(err)
		}
		want := provider.Target{API: provider.Anthropic, Model: "m", Endpoint: endpoint}
		if got := m.Target(); got.API != want.API || got.Model != want.Model || got.Endpoint != want.Endpoint || m.Name() != "m" {
			t.Errorf("%q: %+v", url, got)
		}
	}
}

// A base URL may end with the version, as those of other APIs do.
func TestBaseURLWithVersion(t *testing.T) {
	s := serve(t, reply{body: done})
	m := anthropic.MustNew("claude-x", anthropic.Config{BaseURL: s.URL + "/proxy/v1/"})
	if _, _, err := ask(t, m, says("hi"), false); err != nil {
		t.Fatal(err)
	}
	if _, _, path := s.last(); path != "/proxy/v1/messages" {
		t.Error(path)
	}
}

// The caller's client is used, and not changed.
func TestOwnClient(t *testing.T) {
	s := serve(t, reply{status: 529, body: `{"type":"error","error":{"type":"overloaded_error","message":"x"}}`, head: map[string]string{"Retry-After": "3"}})
	used := 0
	own := &http.Client{Transport: transport(func(req *http.Request) (*http.Response, error) {
		used++
		return http.DefaultTransport.RoundTrip(req)
	})}
	before := *own
	m := newModel(t, s, "claude-x", anthropic.Config{HTTPClient: own})
	ctx := failure.WithCapture(t.Context())
	for _, err := range m.GenerateContent(ctx, says("hi"), false) {
		if v := (failure.Classifier{}).Classify(ctx, err); v.HTTPStatus != 529 {
			t.Errorf("%+v", v)
		}
	}
	if used != 1 || own.Timeout != before.Timeout || own.Transport == nil {
		t.Errorf("used %d times: %+v", used, own)
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// Streams leave their connection to the next call.
func TestConnectionsAreReused(t *testing.T) {
	s := serve(t, reply{body: events(start, text0, piece(0, "text_delta", "text", "a"), ended, stopped)})
	opened := 0
	counting := http.DefaultTransport.(*http.Transport).Clone()
	dial := counting.DialContext
	counting.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		opened++
		return dial(ctx, network, addr)
	}
	defer counting.CloseIdleConnections()
	m := newModel(t, s, "claude-x", anthropic.Config{HTTPClient: &http.Client{Transport: counting}})
	for range 20 {
		if _, _, err := ask(t, m, says("hi"), true); err != nil {
			t.Fatal(err)
		}
	}
	if opened != 1 {
		t.Errorf("%d connections for 20 calls", opened)
	}
}

func TestProvider(t *testing.T) {
	s := serve(t, reply{body: done})
	llm, err := anthropic.Provider.New(provider.Settings{Model: "claude-haiku-4-5", APIKey: "k", BaseURL: s.URL, Drop: true})
	if err != nil {
		t.Fatal(err)
	}
	m := llm.(*anthropic.Model)
	if _, _, err := ask(t, m, says("hi"), false); err != nil {
		t.Fatal(err)
	}
	if _, head, _ := s.last(); head.Get("X-Api-Key") != "k" || !m.Target().Drop || anthropic.Provider.Name != "anthropic" {
		t.Errorf("%v, %+v", head, m.Target())
	}
	if llm, err := anthropic.Provider.New(provider.Settings{Model: "claude-haiku-4-5"}); llm != nil || err == nil {
		t.Errorf("without a key: %v, %v", llm, err)
	}
}
