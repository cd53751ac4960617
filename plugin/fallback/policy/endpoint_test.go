package policy_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// B107: two models of one server that cannot be reached, and one elsewhere. The
// second of that server is asked after the one elsewhere, in front of the
// template.
func TestUnreachableServerIsAskedLast(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	srv := fallbacktest.NewServer()
	defer srv.Close()
	srv.Script("c", fallbacktest.Overloaded())
	text := "primary: a\nfallbacks: [{name: b}, {name: c}, {name: template-response}]\nmodels:\n" +
		"  a: {provider: openai, base_url: " + gone.URL + "}\n  b: {provider: openai, base_url: " + gone.URL + "}\n  c: {provider: openai, base_url: " + srv.URL + "/v1}\n"
	got := ask(t.Context(), build(t, text, env(nil)), false)
	var asked []string
	for _, a := range got.md.Attempts {
		asked = append(asked, a.Model)
	}
	if want := []string{"a", "c", "b", "template-response"}; len(asked) != len(want) || asked[1] != "c" || asked[2] != "b" {
		t.Errorf("asked %v, want %v", asked, want)
	}
	if got.md.Degraded == "" {
		t.Errorf("metadata %+v: want the answer of last resort", got.md)
	}
}

// A server at an address of its own gets the usual key of its provider only for
// one of the provider's own models, and shares no account with it.
func TestUsualKeyStaysWithItsProvider(t *testing.T) {
	keys := map[string]string{}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys[r.URL.Path] = r.Header.Get("Authorization")
		http.Error(w, `{"error":{"message":"overloaded","type":"server_error"}}`, http.StatusServiceUnavailable)
	}))
	defer web.Close()
	text := "primary: gpt-4o\nfallbacks: [{name: local}]\nmodels:\n" +
		"  gpt-4o: {provider: openai, base_url: " + web.URL + "/proxy}\n  local: {provider: openai, base_url: " + web.URL + "/local}\n"
	ask(t.Context(), build(t, text, env(map[string]string{"OPENAI_API_KEY": "secret"})), false)
	if got := keys["/proxy/chat/completions"]; got != "Bearer secret" {
		t.Errorf("the proxy was asked with %q, want the usual key", got)
	}
	if got, asked := keys["/local/chat/completions"]; !asked || got != "" {
		t.Errorf("the local server was asked %v with %q, want no key", asked, got)
	}
}
