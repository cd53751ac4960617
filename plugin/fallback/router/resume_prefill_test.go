package router_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// B53: a model that is held to JSON begins its answer anew, whatever text it is given. A model
// with tools may call a function. So their answers are compared and not appended.
func TestResumeOfJSONOrWithToolsIsReplayed(t *testing.T) {
	for name, config := range map[string]*genai.GenerateContentConfig{
		"JSON":          {ResponseMIMEType: "application/json"},
		"a schema":      {ResponseSchema: &genai.Schema{Type: genai.TypeObject}},
		"tools":         {Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "lookup"}}}}},
		"a JSON schema": {ResponseJsonSchema: map[string]any{"type": "object"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, test := range []struct {
				second, want string
				err          error
			}{
				{`{"a": 1, "b": 2}`, `{"a": 1, "b": 2}[{"a": 1, "b": 2}]`, nil},
				{`{"a":1,"b":2}`, `{"a": 1, `, router.ErrDiverged},
			} {
				second := llmtest.NewModel("b", llmtest.Text(test.second))
				m := resuming(llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable, `{"a": `, `1, `)), router.Describe(second, router.Traits{Prefill: true}))
				req := userSays("hi")
				req.Config = config
				got := collect(m.GenerateContent(t.Context(), req, true))
				if got.stream != test.want || !errors.Is(got.err, test.err) {
					t.Errorf("the consumer saw %q (%v), want %q (%v)", got.stream, got.err, test.want, test.err)
				}
				if n := len(second.Requests()[0].Contents); n != 1 {
					t.Errorf("the second model gets %d contents, want the user's message alone", n)
				}
			}
		})
	}
}

// B53: a model is given the text to continue without the white space at its end. Whether it
// begins with that white space or after it, the text has it once.
func TestResumeAfterWhiteSpace(t *testing.T) {
	for name, test := range map[string]struct {
		shown string
		next  llmtest.Step
		want  string
	}{
		"it goes on after it":        {"one two ", pieces("three", "three"), "one two three"},
		"in pieces":                  {"one\r\n\n", pieces("\r\n\ntwo", "\r", "\n", "\ntwo"), "one\r\n\ntwo"},
		"only in the final response": {"one\n", pieces("\ntwo"), "one\ntwo"},
	} {
		t.Run(name, func(t *testing.T) {
			next := llmtest.NewModel("b", test.next)
			m := resuming(llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable, test.shown)), router.Describe(next, router.Traits{Prefill: true}))
			if got := ask(t.Context(), m, true); got.stream != test.want+"["+test.want+"]" || got.err != nil {
				t.Errorf("the consumer saw %q (%v), want %q twice", got.stream, got.err, test.want)
			}
			contents := next.Requests()[0].Contents
			if got, want := llmtest.TextOf(contents[len(contents)-1]), strings.TrimSpace(test.shown); got != want {
				t.Errorf("the model is given %q to continue, want %q", got, want)
			}
		})
	}
}

// B120: a retry of a continuation begins with the white space again.
func TestRetryOfAContinuation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := llmtest.NewModel("b", llmtest.Fail(llmtest.ErrUnavailable, "\n"), pieces("\n\ntwo", "\n\n", "two"))
		m := resuming(llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable, "one\n\n")), router.Describe(middleware.MustRetry(middleware.RetryConfig{})(next), router.Traits{Prefill: true}))
		if got := ask(t.Context(), m, true); got.stream != "one\n\ntwo[one\n\ntwo]" || got.err != nil {
			t.Errorf("the consumer saw %q (%v), want one text", got.stream, got.err)
		}
	})
}

// B53: white space alone is no text to continue.
func TestResumeAfterWhiteSpaceAlone(t *testing.T) {
	next := llmtest.NewModel("b", llmtest.Text("\n\none"))
	m := resuming(llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable, "\n")), router.Describe(next, router.Traits{Prefill: true}))
	if got := ask(t.Context(), m, true); got.stream != "\n\none[\n\none]" || got.err != nil || len(next.Requests()[0].Contents) != 1 {
		t.Errorf("the consumer saw %q (%v), want the second answer, which begins with what was shown", got.stream, got.err)
	}
}
