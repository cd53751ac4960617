package httpclient_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/httpclient"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// A key and a prompt stay at the host that they were meant for.
func TestRedirectsStayAtTheHost(t *testing.T) {
	reached := ""
	target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		reached = r.Method + " " + r.Header.Get("X-Api-Key") + " " + string(body)
	}))
	defer target.Close()
	elsewhere := strings.Replace(target.URL, "127.0.0.1", "localhost", 1)
	for _, test := range []struct {
		name, to string
		status   int
		want     string // what the target gets; "" for nothing
	}{
		{"same host", target.URL, http.StatusTemporaryRedirect, "POST key prompt"},
		{"same host, as GET", target.URL, http.StatusMovedPermanently, ""},
		{"another host", elsewhere, http.StatusTemporaryRedirect, ""},
		{"another host for good", elsewhere, http.StatusPermanentRedirect, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			reached = ""
			source := httptest.NewServer(http.RedirectHandler(test.to, test.status))
			defer source.Close()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, source.URL, strings.NewReader("prompt"))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("X-Api-Key", "key")
			resp, err := (&http.Client{CheckRedirect: httpclient.StayAtHost}).Do(req)
			if err == nil {
				resp.Body.Close()
			}
			if reached != test.want {
				t.Errorf("the target got %q, want %q", reached, test.want)
			}
			var refused *httpclient.RedirectError
			if errors.As(err, &refused) != (test.want == "") {
				t.Errorf("error %v", err)
			}
			if v := failure.Classify(err); test.want == "" && (v.Action != failure.Fail || v.Scope != failure.ScopeEndpoint) {
				t.Errorf("verdict %+v, want that of a wrong address", v)
			}
		})
	}
}
