package router_test

import (
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

var errUnauthorized = genai.APIError{Code: 401, Status: "UNAUTHENTICATED", Message: "API key not valid. Please pass a valid API key."}

// nesting is a way to put a model into a group, beside another that would answer.
type nesting struct {
	name string
	in   func(m, other model.LLM) model.LLM
}

// nestings have m asked and, if its failure lets them, other.
func nestings() []nesting {
	layered := func(layers ...middleware.Middleware) func(m, other model.LLM) model.LLM {
		return func(m, other model.LLM) model.LLM {
			return middleware.Chain(router.MustFallback(router.Config{}, m, other), layers...)
		}
	}
	split := func(m, other model.LLM) model.LLM {
		return router.MustSplit(router.SplitConfig{Arms: []router.Arm{{Cohort: "m", Weight: 1, Model: m}, {Cohort: "other", Model: other}}})
	}
	return []nesting{
		{"fallback", func(m, other model.LLM) model.LLM { return router.MustFallback(router.Config{}, m, other) }},
		{"resumed fallback", func(m, other model.LLM) model.LLM {
			return router.MustFallback(router.Config{MidStream: router.Resume}, m, other)
		}},
		{"after another failure", func(m, other model.LLM) model.LLM {
			return router.MustFallback(router.Config{}, llmtest.NewModel("down "+m.Name(), llmtest.Fail(llmtest.ErrUnavailable)), m, other)
		}},
		{"hedge", func(m, other model.LLM) model.LLM { return router.MustHedge(router.HedgeConfig{}, m, other) }},
		{"hedge after another failure", func(m, other model.LLM) model.LLM {
			return router.MustHedge(router.HedgeConfig{}, llmtest.NewModel("late "+m.Name(), llmtest.Fail(llmtest.ErrInternal)), m, other)
		}},
		{"split", split},
		{"retry", layered(middleware.MustRetry(middleware.RetryConfig{}))},
		{"breaker, validate", layered(middleware.MustBreaker(middleware.BreakerConfig{}), middleware.MustValidate(middleware.ValidateConfig{MinLength: 1}))},
		{"timeout with grace", layered(middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Minute, Grace: time.Second}))},
		{"described", func(m, other model.LLM) model.LLM {
			return router.Describe(router.MustFallback(router.Config{}, m, other), router.Traits{Provider: "p"})
		}},
	}
}

// B110: however deep a verdict to fail arises, it ends the call, and the error of
// the call means that.
func TestFailVerdictEndsTheCallFromAnyDepth(t *testing.T) {
	for _, end := range []struct {
		name string
		step llmtest.Step
		kind failure.Kind
		http int
		want string // what the consumer sees of it
	}{
		{"bad key", llmtest.Fail(errUnauthorized), failure.KindAuth, 401, ""},
		{"bad key as 400", llmtest.Fail(errBadKey), failure.KindAuth, 400, ""},
		{"content policy, an error", llmtest.Fail(genai.APIError{Code: 400, Status: "INVALID_ARGUMENT", Message: "The request was blocked by our content policy (content_policy_violation)."}), failure.KindContent, 400, ""},
		{"content policy, a response", refuse("no"), failure.KindContent, 0, "[SAFETY]"},
		{"content policy, a blocked prompt", llmtest.Respond(func() *model.LLMResponse {
			return &model.LLMResponse{ErrorCode: "PROHIBITED_CONTENT", ErrorMessage: "blocked"}
		}), failure.KindContent, 0, "[PROHIBITED_CONTENT]"},
	} {
		for _, inner := range nestings() {
			for _, outer := range nestings() {
				t.Run(end.name+"/"+inner.name+"/"+outer.name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						bad := llmtest.NewModel("bad", end.step)
						var others []*llmtest.Model
						other := func(name string) model.LLM {
							others = append(others, llmtest.NewModel(name, llmtest.Text("answered all the same")))
							return others[len(others)-1]
						}
						group := outer.in(inner.in(bad, other("x")), other("y"))
						m := router.MustFallback(router.Config{}, llmtest.NewModel("first", llmtest.Fail(llmtest.ErrQuota)), group, other("z"))
						for _, streamed := range []bool{false, true} {
							got := ask(t.Context(), m, streamed)
							if got.stream != end.want || end.want == "" && got.err == nil {
								t.Fatalf("streamed %v: the consumer saw %q (%v), want %q", streamed, got.stream, got.err, end.want)
							}
							if v := failure.Classify(got.err); end.want == "" && (v.Action != failure.Fail || v.Kind != end.kind || v.HTTPStatus != end.http) {
								t.Errorf("streamed %v: the error means %s %s %d, want fail %s %d", streamed, v.Action, v.Kind, v.HTTPStatus, end.kind, end.http)
							}
						}
						for _, o := range others {
							if n := len(o.Requests()); n > 0 {
								t.Errorf("%s was asked %d times", o.Name(), n)
							}
						}
					})
				})
			}
		}
	}
}

// B110: whether a refusal by content policy moves on is each router's own to say;
// where one has no more targets, the router around it says.
func TestContentPolicyIsEachRoutersOwn(t *testing.T) {
	moves, down := router.Config{FallbackOnContentPolicy: true}, llmtest.Fail(llmtest.ErrUnavailable)
	for _, test := range []struct {
		name         string
		inner, outer router.Config
		a, b         llmtest.Step
		want         string
	}{
		{"neither", router.Config{}, router.Config{}, refuse("no"), llmtest.Text("b"), "[SAFETY]"},
		{"inner", moves, router.Config{}, refuse("no"), llmtest.Text("b"), "[b]"},
		{"inner, which then fails", moves, router.Config{}, refuse("no"), down, "[SAFETY]"},
		{"inner, which had failed", moves, router.Config{}, down, refuse("no"), "[SAFETY]"},
		{"outer", router.Config{}, moves, refuse("no"), llmtest.Text("b"), "[z]"},
		{"both", moves, moves, refuse("no"), refuse("no"), "[z]"},
		{"both, after a failure", moves, moves, down, refuse("no"), "[z]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			inner := router.MustFallback(test.inner, llmtest.NewModel("a", test.a), llmtest.NewModel("b", test.b))
			m := router.MustFallback(test.outer, inner, llmtest.NewModel("z", llmtest.Text("z")))
			if got := ask(t.Context(), m, false); got.stream != test.want {
				t.Errorf("the consumer saw %q (%v), want %q", got.stream, got.err, test.want)
			}
		})
	}
}

// B110: what ends the call after a refusal is told, and not the refusal.
func TestBadKeyAfterARefusal(t *testing.T) {
	m := router.MustFallback(router.Config{FallbackOnContentPolicy: true}, llmtest.NewModel("a", refuse("no")), llmtest.NewModel("b", llmtest.Fail(errUnauthorized)))
	got := ask(t.Context(), m, false)
	if v := failure.Classify(got.err); got.final != nil || v.Kind != failure.KindAuth || v.HTTPStatus != 401 {
		t.Errorf("the consumer saw %q and %v, which means %s %d; want the bad key", got.stream, got.err, v.Kind, v.HTTPStatus)
	}
}

// B110: a group that waits for the breaker of its first model to close is refused
// until the soonest of its breakers does.
func TestGroupIsRefusedUntilItsFirstMemberRecovers(t *testing.T) {
	now := time.Now()
	member := func(name string, until time.Duration) model.LLM {
		return openBreaker(llmtest.NewModel(name, llmtest.Text(name)), now.Add(until))
	}
	for name, in := range map[string]func(models ...model.LLM) model.LLM{
		"fallback": func(models ...model.LLM) model.LLM { return router.MustFallback(router.Config{}, models...) },
		"hedge":    func(models ...model.LLM) model.LLM { return router.MustHedge(router.HedgeConfig{}, models...) },
	} {
		group := in(member("a", 9*time.Second), member("b", time.Second), member("c", 5*time.Second))
		m := router.MustFallback(router.Config{}, member("x", 3*time.Second), group)
		if got := ask(t.Context(), m, false); name == "fallback" && got.stream != "[b]" {
			t.Errorf("%s: the consumer saw %q (%v), want b, which recovers first", name, got.stream, got.err)
		} else if name == "hedge" && got.stream == "[x]" {
			t.Errorf("%s: the consumer saw %q, want a model of the group, which recovers first", name, got.stream)
		}
	}
}
