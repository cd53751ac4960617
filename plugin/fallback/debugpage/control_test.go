package debugpage_test

import (
	"context"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/debugpage"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
)

// post sends a form as the page of an origin does; "" for no browser.
func post(t *testing.T, page *debugpage.Page, origin string, form url.Values) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://example.com/debug/", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	switch origin {
	case "":
	case "http://example.com":
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Origin", origin)
	default:
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Origin", origin)
	}
	w := httptest.NewRecorder()
	page.ServeHTTP(w, r)
	return w
}

// A breaker is opened and closed by hand in two steps, without JavaScript.
func TestBreakerByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		page := debugpage.New(debugpage.Config{AllowBreakerControl: true})
		m, _ := flashAndPro(page)
		breaker := func() breaker { return read(t, page, "").target(t, "flash").Breakers[0] }
		id := breaker().ID
		if text := html(t, page, ""); !strings.Contains(text, `href="?breaker=`+id+`&amp;do=open"`) {
			t.Fatalf("no link to open the breaker:\n%s", text)
		}
		if text := html(t, page, "?do=open&breaker="+id); !strings.Contains(text, `<form method="post"`) || !strings.Contains(text, "Open the breaker of") || breaker().State != "closed" {
			t.Errorf("the link changes the breaker, or has no form: %s", text)
		}

		w := post(t, page, "http://example.com", url.Values{"breaker": {id}, "do": {"open"}, "for": {"10m0s"}, "reason": {"maintenance\nat <b>"}})
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "?changed="+id {
			t.Errorf("status %d to %q: %s", w.Code, w.Header().Get("Location"), w.Body)
		}
		if b := breaker(); b.State != "open" || b.Reason != "maintenance at <b>" || time.Until(b.Until) != 10*time.Minute {
			t.Errorf("breaker %+v, want it open for ten minutes", b)
		}
		if got := ask(t, t.Context(), m); got != "from pro" {
			t.Errorf("answer %q, want pro's", got)
		}
		if text := html(t, page, "?changed="+id); !strings.Contains(text, "The breaker of flash was changed.") {
			t.Errorf("the page does not say what was changed:\n%s", text)
		}

		post(t, page, "", url.Values{"breaker": {id}, "do": {"close"}})
		if b := breaker(); b.State != "closed" {
			t.Errorf("breaker %+v, want it closed", b)
		}
		if got := ask(t, t.Context(), m); got != "hello" {
			t.Errorf("answer %q, want flash's", got)
		}
		post(t, page, "", url.Values{"breaker": {id}, "do": {"open"}, "for": {"1m0s"}})
		if b := breaker(); b.Reason != "opened by hand on the debug page" {
			t.Errorf("reason %q without one in the form", b.Reason)
		}
	})
}

func TestBreakerIsLeftAlone(t *testing.T) {
	allowed, readOnly := debugpage.New(debugpage.Config{AllowBreakerControl: true}), debugpage.New(debugpage.Config{})
	m, _ := flashAndPro(allowed)
	readOnly.Watch(m)
	id := read(t, allowed, "").target(t, "flash").Breakers[0].ID
	form := func(pairs ...string) url.Values {
		f := url.Values{"breaker": {id}, "do": {"open"}, "for": {"1m0s"}}
		for i := 0; i < len(pairs); i += 2 {
			f.Set(pairs[i], pairs[i+1])
		}
		return f
	}
	for name, c := range map[string]struct {
		page   *debugpage.Page
		origin string
		form   url.Values
		code   int
	}{
		"read-only page":  {readOnly, "http://example.com", form(), 405},
		"another site":    {allowed, "https://evil.example", form(), 403},
		"unknown breaker": {allowed, "", form("breaker", "x"), 404},
		"unknown change":  {allowed, "", form("do", "explode"), 400},
		"any duration":    {allowed, "", form("for", "9999h"), 400},
		"no duration":     {allowed, "", form("for", ""), 400},
		"huge form":       {allowed, "", form("reason", strings.Repeat("x", 1<<20)), 400},
	} {
		if w := post(t, c.page, c.origin, c.form); w.Code != c.code {
			t.Errorf("%s: status %d, want %d: %s", name, w.Code, c.code, w.Body)
		}
		if b := read(t, allowed, "").target(t, "flash").Breakers[0]; b.State != "closed" {
			t.Errorf("%s: breaker %+v", name, b)
		}
	}
	if text := html(t, readOnly, "?do=open&breaker="+id); strings.Contains(text, `method="post"`) || strings.Contains(text, "do=open&amp;") {
		t.Error("a read-only page has a form that changes a breaker")
	}
	for query, code := range map[string]int{"?do=open&breaker=x": 404, "?do=x&breaker=" + id: 400} {
		if w := get(t, allowed, "/"+query); w.Code != code {
			t.Errorf("%s: status %d, want %d", query, w.Code, code)
		}
	}
}

// Models that share a breaker have one; each name has its own.
func TestBreakersOfATree(t *testing.T) {
	page := debugpage.New(debugpage.Config{})
	m, _ := flashAndPro(page)
	other, _ := flashAndPro(page)
	page.Watch(wrapper{m})
	s := read(t, page, "")
	if got := s.target(t, "flash").Breakers; len(got) != 2 || got[0].ID == got[1].ID || len(s.Models) != 3 {
		t.Errorf("%d models with breakers %+v; want two of three models", len(s.Models), got)
	}
	_ = other
}

// wrapper is a model that is not comparable, around another one.
type wrapper struct{ model.LLM }

func (w wrapper) Inspect() inspect.Node { return inspect.Of(w.LLM) }

// panicking is a model whose state cannot be read.
type panicking []int

func (panicking) Name() string { return "p" }

func (panicking) GenerateContent(context.Context, *model.LLMRequest, bool) iter.Seq2[*model.LLMResponse, error] {
	return nil
}

func (panicking) Inspect() inspect.Node { panic("my prompt") }

func TestTreeThatPanics(t *testing.T) {
	page := debugpage.New(debugpage.Config{})
	page.Watch(panicking{}, panicking{}) // a slice: these cannot be compared
	m, _ := flashAndPro(page)
	ask(t, t.Context(), m)
	s := read(t, page, "")
	if len(s.Problems) != 2 || strings.Contains(s.Problems[0], "my prompt") || s.Status != "warning" || len(s.Models) != 1 {
		t.Errorf("%+v", s)
	}
}
