package gateway_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// A call that the policy refuses has the status of the reason.
func TestRefusals(t *testing.T) {
	for _, test := range []struct {
		name, file string
		calls      int
		status     int
		code       string
	}{
		{"budget", "budgets: {usd_per_day: $0.01}\nmodels: {a: {price: {input: $0, output: $10000}}}", 1, 429, "insufficient_quota"},
		{"input", "budgets: {max_input_tokens: 1}", 1, 413, "request_too_large"},
		{"limit", "rate_limits: {requests_per_minute: 1, queue_timeout: 1ms}", 2, 429, "rate_limit_exceeded"},
		{"window", "models: {a: {context_window: 1}}", 1, 400, "context_length_exceeded"},
		{"rules", "compliance: {rules: [{data_classes: [pii], targets: [other]}]}\nmodels: {other: {provider: openai, base_url: 'http://127.0.0.1:1/v1'}}\ncontext: {data_class: class}", 1, 403, "forbidden"},
		{"flag", "flags: {off: {targets: [a], default: false}}", 1, 503, "overloaded"},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := newGateway(t, live(t, "primary: a\n"+test.file, handsIn(llmtest.NewModel("a", llmtest.Text("fine")))))
			var w *httptest.ResponseRecorder
			for range test.calls {
				w = httptest.NewRecorder()
				body := `{"model": "main", "max_tokens": 1000, "messages": [{"role": "user", "content": "` + strings.Repeat("word ", 50) + `"}]}`
				g.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/chat/completions", strings.NewReader(body)))
			}
			if w.Code != test.status || !strings.Contains(w.Body.String(), `"code":"`+test.code+`"`) {
				t.Errorf("%d %s; want %d %s", w.Code, w.Body, test.status, test.code)
			}
		})
	}
}

// A fallback may refuse fields of the request that the primary knows, such as those of one vendor. It
// is called again without them. The primary is not called again, and its client gets the refusal. B144
func TestAFallbackMayRefuseUnknownFields(t *testing.T) {
	srv := fallbacktest.NewServer()
	defer srv.Close()
	refuses := fallbacktest.Func(func(r fallbacktest.Request) fallbacktest.Step {
		if strings.Contains(string(r.Body), "x_top") {
			return fallbacktest.Status(422, `{"detail":[{"type":"extra_forbidden","loc":["body","x_top"],"msg":"Extra inputs are not permitted","input":1}]}`)
		}
		return fallbacktest.Text("fine")
	})
	refusesBoth := fallbacktest.Func(func(r fallbacktest.Request) fallbacktest.Step {
		for _, field := range []string{"seed", "x_top", "top_p"} { // one at a time
			if strings.Contains(string(r.Body), `"`+field+`"`) {
				return fallbacktest.Status(400, `{"error":{"message":"Unsupported parameter: '`+field+`' is not supported with this model.","param":"`+field+`"}}`)
			}
		}
		return fallbacktest.Text("fine")
	})
	srv.Script("down", fallbacktest.Overloaded())
	srv.Script("strict", refuses)
	srv.Script("stricter", refusesBoth)
	srv.Script("other", fallbacktest.Status(400, `{"error":{"message":"no such tool","param":"tools"}}`))
	g := newGateway(t, live(t, `
primary: down
fallbacks: [{name: strict}]
retry: {max_attempts: 1}
models:
  down: {provider: openai_chat, base_url: "`+srv.URL+`/v1", credential_env: KEY}
  strict: {provider: openai_chat, base_url: "`+srv.URL+`/v1", credential_env: KEY}
  stricter: {provider: openai_chat, base_url: "`+srv.URL+`/v1", credential_env: KEY}
  other: {provider: openai_chat, base_url: "`+srv.URL+`/v1", credential_env: KEY}
`, policy.WithEnv(func(string) (string, bool) { return "key", true })))
	for _, test := range []struct {
		fields       string
		status       int
		calls        int // of the last model
		last, reason string
	}{
		{`"model": "main"`, 200, 2, "strict", `"fallback_adapted":["extra_body"]`},
		{`"model": "main", "stream": true`, 200, 2, "strict", `"fallback_adapted":["extra_body"]`},
		{`"model": "down", "fallbacks": ["stricter"], "seed": 1, "top_p": 0.5`, 200, 4, "stricter", `"fallback_adapted":["extra_body","seed","top_p"]`},
		{`"model": "down", "fallbacks": ["stricter"], "seed": 1, "top_p": 0.5`, 200, 2, "stricter", `"fallback_adapted":["extra_body","seed","top_p"]`}, // the settings are known
		{`"model": "strict"`, 400, 1, "strict", "Extra inputs are not permitted"},
		{`"model": "down", "fallbacks": ["other"]`, 400, 1, "other", "no such tool"},
	} {
		before := len(srv.RequestsFor(test.last))
		w := httptest.NewRecorder()
		body := `{` + test.fields + `, "x_top": 1, "too": 1, "parallel_tool_calls": false, ` + hello + `}`
		g.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/chat/completions", strings.NewReader(body)))
		requests := srv.RequestsFor(test.last)[before:]
		if w.Code != test.status || len(requests) != test.calls || !strings.Contains(w.Body.String(), test.reason) {
			t.Errorf("%s: %d after %d calls, %s; want %d after %d with %q", test.fields, w.Code, len(requests), w.Body, test.status, test.calls, test.reason)
			continue
		}
		if sent := string(requests[0].Body); !strings.Contains(sent, `"x_top":1`) || !strings.Contains(sent, `"parallel_tool_calls":false`) {
			t.Errorf("%s: the first request has not all fields: %s", test.fields, sent)
		}
		if sent := string(requests[len(requests)-1].Body); test.calls > 1 && strings.Contains(sent, "parallel_tool_calls") {
			t.Errorf("%s: the second request is %s", test.fields, sent)
		}
	}
}

// A client does not learn the addresses of servers behind the gateway. B144
func TestAddressesOfServersAreNotShown(t *testing.T) {
	srv := fallbacktest.NewServer()
	defer srv.Close()
	srv.Script("good", fallbacktest.Text("fine"))
	l := live(t, `
primary: down
retry: {max_attempts: 1}
models:
  good: {provider: openai_chat, base_url: "`+srv.URL+`/v1", credential_env: KEY}
  refused-*: {provider: openai_chat, base_url: "http://127.0.0.1:1/v1", credential_env: KEY}
  unheard-*: {provider: openai_chat, base_url: "http://host.invalid/v1", credential_env: KEY}
  down: {provider: openai_chat, base_url: "http://127.0.0.1:1/v1", credential_env: KEY}
`, policy.WithEnv(func(string) (string, bool) { return "key", true }))
	g := newGateway(t, l)
	for body, status := range map[string]int{
		`"model": "refused-1", "fallbacks": []`:                            502,
		`"model": "refused-1", "fallbacks": ["unheard-1"]`:                 502,
		`"model": "unheard-1", "fallbacks": ["refused-1", "refused-2"]`:    502,
		`"model": "refused-3", "fallbacks": ["good"]`:                      200,
		`"model": "unheard-3", "fallbacks": ["good"], "stream": true`:      200,
		`"model": "refused-4", "fallbacks": ["refused-5"], "stream": true`: 502,
	} {
		w := httptest.NewRecorder()
		body = `{` + body + `, "messages": [{"role": "user", "content": "x"}]}`
		g.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/chat/completions", strings.NewReader(body)))
		seen := fmt.Sprint(w.Header(), w.Body)
		for _, address := range []string{"127.0.0.1", "host.invalid"} {
			if strings.Contains(seen, address) {
				t.Errorf("%s: the client sees %s: %s", body, address, seen)
			}
		}
		if w.Code != status {
			t.Errorf("%s: %d %s; want %d", body, w.Code, w.Body, status)
		}
	}
}

// A wrong address in the policy is no mistake of the client, who does not learn it. B144
func TestWrongAddressesAreNotTheClientsMistake(t *testing.T) {
	for name, h := range map[string]http.Handler{
		"another server": http.RedirectHandler("http://inside.invalid/v1", http.StatusTemporaryRedirect),
		"another method": http.RedirectHandler("/v2", http.StatusFound),
		"nothing there":  http.NotFoundHandler(),
	} {
		srv := httptest.NewServer(h)
		defer srv.Close()
		g := newGateway(t, live(t, "primary: a\nmodels: {a: {provider: openai_chat, base_url: '"+srv.URL+"/v1', credential_env: KEY}}",
			policy.WithEnv(func(string) (string, bool) { return "key", true })))
		for path, body := range map[string]string{
			"/v1/chat/completions":                  `{"model": "a", "messages": [{"role": "user", "content": "x"}]}`,
			"/v1beta/models/a:generateContent":      `{"contents": [{"parts": [{"text": "x"}]}]}`,
			"/v1beta/models/main:generateContent":   `{"contents": [{"parts": [{"text": "x"}]}], "fallbacks": ["a"]}`,
			"/v1/models/a:streamGenerateContent":    `{"contents": [{"parts": [{"text": "x"}]}]}`,
			"/v1/models/main:streamGenerateContent": `{"contents": [{"parts": [{"text": "x"}]}]}`,
		} {
			w := httptest.NewRecorder()
			g.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body)))
			if text := w.Body.String(); w.Code != http.StatusBadGateway || !strings.Contains(text, "upstream_error") || !strings.Contains(text, "a wrong base URL") || strings.Contains(text, "127.0.0.1") || strings.Contains(text, "inside") {
				t.Errorf("%s, %s: %d %s; want 502 without an address", name, path, w.Code, text)
			}
		}
	}
}
