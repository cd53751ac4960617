package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// B145: a cached answer stays within its tenant, whatever user a request names; a key that may
// not name a model may not name it as a fallback either; no key is logged.
func TestTenantsAreKeptApart(t *testing.T) {
	a, b := llmtest.NewModel("a", llmtest.Text("fine")), llmtest.NewModel("b", llmtest.Text("fine"))
	log := &logged{}
	g, err := gateway.New(gateway.Config{
		Routes: map[string]*policy.Live{"main": live(t, "primary: a\ncache: {}\nmodels: {b: {}}", handsIn(a, b))},
		Keys: keysOf(t, `
keys:
  - {tenant: acme, sha256: KEYalpha, models: [a]}
  - {tenant: umbrella, sha256: KEYbeta}
`),
		Logger: log.logger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		key, fields, cache string
		status             int
	}{
		{"alpha", `"model": "a"`, "miss", 200},
		{"alpha", `"model": "a"`, "hit", 200},
		{"beta", `"model": "a", "user": "acme"`, "miss", 200},
		{"beta", `"model": "a", "fallbacks": ["b"]`, "hit", 200},
		{"alpha", `"model": "a", "fallbacks": ["b"]`, "", 404},
		{"alpha", `"model": "b"`, "", 404},
		{"alpha", `"model": "main"`, "", 404},
		{"alpha", `"model": "main/a"`, "", 404},
	} {
		body := `{` + step.fields + `, "messages": [{"role": "user", "content": "x"}]}`
		w := posted(g, "/v1/chat/completions?key="+step.key, body)
		if w.Code != step.status || w.Header().Get("X-Fallback-Cache") != step.cache {
			t.Errorf("%s: %s: %d, cache %q, %s; want %d and %q", step.key, body, w.Code, w.Header().Get("X-Fallback-Cache"), w.Body, step.status, step.cache)
		}
	}
	for _, secret := range []string{"alpha", "beta", "acme", "umbrella"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log has %s: %s", secret, log)
		}
	}
}

// panicking is a connection whose first write panics.
type panicking struct {
	*httptest.ResponseRecorder
	done bool
}

func (p *panicking) Write(data []byte) (int, error) {
	if !p.done {
		p.done = true
		panic("broken")
	}
	return p.ResponseRecorder.Write(data)
}

// A panic within an answer ends it with an error, and is logged.
func TestAPanicWithinAnAnswerIsLogged(t *testing.T) {
	log := &logged{}
	g := gatewayFor(t, gateway.Config{Logger: log.logger()}, llmtest.Text("hi"))
	w := &panicking{ResponseRecorder: httptest.NewRecorder()}
	g.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, stream, strings.NewReader(helloGemini)))
	if !strings.Contains(w.Body.String(), "the gateway panicked") || !strings.Contains(log.String(), "an answer panicked") {
		t.Errorf("answer %s, log %s; want an error in both", w.Body, log)
	}
}
