package debugpage_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/debugpage"
)

func TestMethods(t *testing.T) {
	for _, c := range []struct {
		method  string
		control bool
		code    int
		allow   string
	}{
		{http.MethodGet, false, 200, ""},
		{http.MethodHead, false, 200, ""},
		{http.MethodPost, false, 405, "GET, HEAD"},
		{http.MethodPut, false, 405, "GET, HEAD"},
		{http.MethodDelete, true, 405, "GET, HEAD, POST"},
		{http.MethodOptions, false, 405, "GET, HEAD"},
		{"BREW", false, 405, "GET, HEAD"},
	} {
		for _, query := range []string{"", "?format=json", "?format=events"} {
			if c.method == http.MethodGet && query == "?format=events" {
				continue // does not end
			}
			w := httptest.NewRecorder()
			page := debugpage.New(debugpage.Config{AllowBreakerControl: c.control})
			page.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), c.method, "/"+query, nil))
			if w.Code != c.code || w.Header().Get("Allow") != c.allow {
				t.Errorf("%s %s: status %d, Allow %q; want %d, %q", c.method, query, w.Code, w.Header().Get("Allow"), c.code, c.allow)
			}
			if c.method == http.MethodHead && (w.Body.Len() > 0 || w.Header().Get("Content-Type") == "") {
				t.Errorf("HEAD %s: %d bytes of type %q, want none of a type", query, w.Body.Len(), w.Header().Get("Content-Type"))
			}
		}
	}
}

func TestFormats(t *testing.T) {
	for _, c := range []struct{ query, accept, want string }{
		{"", "", "text/html; charset=utf-8"},
		{"", "*/*", "text/html; charset=utf-8"},
		{"", "text/html,application/xhtml+xml,application/json;q=0.9", "text/html; charset=utf-8"},
		{"", "application/json", "application/json"},
		{"?format=json", "text/html", "application/json"},
		{"?format=html", "application/json", "text/html; charset=utf-8"},
		{"?outcome=failed&format=json", "", "application/json"},
		{"?format=xml", "", ""},
		{"?outcome=%3Cscript%3E", "", ""},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/"+c.query, nil)
		r.Header.Set("Accept", c.accept)
		w := httptest.NewRecorder()
		new(debugpage.Page).ServeHTTP(w, r)
		if c.want == "" {
			if w.Code != http.StatusBadRequest || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") || strings.Contains(w.Body.String(), "<script>") && w.Header().Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: status %d, %v, %s", c.query, w.Code, w.Header(), w.Body)
			}
		} else if got := w.Header().Get("Content-Type"); got != c.want || w.Header().Get("Vary") != "Accept" {
			t.Errorf("%s with Accept %q: %s, Vary %q; want %s", c.query, c.accept, got, w.Header().Get("Vary"), c.want)
		}
	}
}

// The page works under any path: it has no link but queries and fragments.
func TestAnyPath(t *testing.T) {
	page := debugpage.New(debugpage.Config{AllowBreakerControl: true})
	m, _ := flashAndPro(page)
	ask(t, call.With(t.Context(), call.Info{Tenant: "acme", Invocation: "i1"}), m)
	mux := http.NewServeMux()
	mux.Handle("/debug/fallback/", page)
	mux.Handle("/exact", page)
	mux.Handle("/stripped/", http.StripPrefix("/stripped", page))
	links := regexp.MustCompile(`(?:href|src|action|data-events)="([^"]*)"`)
	for _, path := range []string{"/debug/fallback/", "/exact", "/stripped/"} {
		w := get(t, mux, path)
		if w.Code != http.StatusOK {
			t.Fatalf("%s: status %d", path, w.Code)
		}
		found := links.FindAllStringSubmatch(w.Body.String(), -1)
		if len(found) < 10 {
			t.Errorf("%s: %d links", path, len(found))
		}
		for _, link := range found {
			if !strings.HasPrefix(link[1], "?") && !strings.HasPrefix(link[1], "#") && link[1] != "data:," {
				t.Errorf("%s has a link to %q", path, link[1])
			}
		}
	}
}

// The policy allows exactly the style and the script of the page, by their hashes.
func TestContentSecurityPolicy(t *testing.T) {
	w := get(t, new(debugpage.Page), "/")
	policy, page := w.Header().Get("Content-Security-Policy"), w.Body.String()
	for _, want := range []string{"default-src 'none'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("%q is not in the policy %q", want, policy)
		}
	}
	for _, element := range []string{"style", "script"} {
		found := regexp.MustCompile(`(?s)<`+element+`>(.*?)</`+element+`>`).FindAllStringSubmatch(page, -1)
		if len(found) != 1 || strings.Count(page, "<"+element) != 1 {
			t.Fatalf("%d elements %s, want one", len(found), element)
		}
		sum := sha256.Sum256([]byte(found[0][1]))
		if want := element + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(policy, want) {
			t.Errorf("the policy %q has not %s", policy, want)
		}
	}
	if inline := regexp.MustCompile(`\s(on[a-z]+|style)=`).FindAllString(page, -1); inline != nil || strings.Contains(policy, "unsafe") {
		t.Errorf("inline handlers or styles %q, policy %q", inline, policy)
	}
	for key, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Frame-Options": "DENY",
		"Access-Control-Allow-Origin": "",
	} {
		if got := w.Header().Get(key); got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
}

func TestZeroPage(t *testing.T) {
	var page debugpage.Page
	for _, query := range []string{"", "&outcome=failed&tenant=x&invocation=y"} {
		s := read(t, &page, query)
		if s.Status != "idle" || len(s.Latest) != 0 || len(s.Calls) != 3 || s.Since.IsZero() {
			t.Errorf("an empty page has %+v", s)
		}
		html(t, &page, "?format=html"+query)
	}
	page.Watch()
	page.Watch(nil)
	page.Hooks().OnEnd(t.Context(), call.Result{})
	page.Hooks().OnAttempt(t.Context(), call.Attempt{})
	if s := read(t, &page, ""); len(s.Latest) != 1 || len(s.Targets) != 1 {
		t.Errorf("after a call without anything: %+v", s)
	}
	if text := html(t, &page, ""); !strings.Contains(text, "(no name)") {
		t.Error("a target without a name has no words")
	}
	if out, err := json.Marshal(read(t, &page, "").Models); err != nil || string(out) != "[]" {
		t.Errorf("models %s, %v; want an empty list", out, err)
	}
}
