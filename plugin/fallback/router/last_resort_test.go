package router_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// outage has models of which all fail, in the order in which they are asked.
type outage struct{ asked []string }

// down returns a model that fails.
func (o *outage) down(name string) model.LLM {
	return llmtest.NewModel(name, llmtest.Respond(func() *model.LLMResponse {
		o.asked = append(o.asked, name)
		return &model.LLMResponse{ErrorCode: "503"}
	}))
}

// healthy returns a model that answers.
func (o *outage) healthy(name string) model.LLM {
	return llmtest.NewModel(name, llmtest.Respond(func() *model.LLMResponse {
		o.asked = append(o.asked, name)
		return &model.LLMResponse{Content: chunk(name).Content, FinishReason: "STOP"}
	}))
}

func sorry(name string) model.LLM {
	return degrade.MustTemplate(degrade.TemplateConfig{Name: name, Text: "sorry, " + name})
}

func fallback(models ...model.LLM) model.LLM { return router.MustFallback(router.Config{}, models...) }

// missing is an answer of last resort that is not there.
func missing() model.LLM { return degrade.CachedAnswer(nil) }

// B111
func TestLastResortsComeAfterEveryModel(t *testing.T) {
	layers := []middleware.Middleware{
		middleware.MustRetry(middleware.RetryConfig{MaxRetries: 1, SkipWait: time.Nanosecond}), middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Minute}),
		middleware.MustBreaker(middleware.BreakerConfig{}), middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Minute, Grace: time.Second}),
	}
	hedge := func(models ...model.LLM) model.LLM { return router.MustHedge(router.HedgeConfig{}, models...) }
	split := func(models ...model.LLM) model.LLM { // all users are in the first arm
		config := router.SplitConfig{}
		for i, m := range models {
			config.Arms = append(config.Arms, router.Arm{Cohort: m.Name(), Weight: max(0, 1-i), Model: m})
		}
		return router.MustSplit(config)
	}
	ahead := func(split, m model.LLM) model.LLM {
		through := func(int) middleware.Middleware { return middleware.MustBreaker(middleware.BreakerConfig{}) }
		m, err := router.SplitAhead(split, m, through)
		if err != nil {
			panic(err)
		}
		return m
	}
	for _, test := range []struct {
		name  string
		tree  func(o *outage) model.LLM
		asked []string
		want  string // who answers
	}{
		{"explicit order", func(o *outage) model.LLM { return fallback(o.down("a"), sorry("s"), o.down("b")) }, []string{"a", "b"}, "s"},
		{"explicit order, the last is healthy", func(o *outage) model.LLM { return fallback(o.down("a"), sorry("s"), o.healthy("b")) }, []string{"a", "b"}, "b"},
		{"first", func(o *outage) model.LLM { return fallback(sorry("s"), o.down("a"), o.healthy("b")) }, []string{"a", "b"}, "b"},
		{"first, nobody else answers", func(o *outage) model.LLM { return fallback(sorry("s"), o.down("a")) }, []string{"a"}, "s"},
		{"two", func(o *outage) model.LLM { return fallback(o.down("a"), sorry("s"), o.down("b"), sorry("r")) }, []string{"a", "b"}, "s"},
		{"the first of two is not there", func(o *outage) model.LLM { return fallback(o.down("a"), missing(), o.down("b"), sorry("r")) }, []string{"a", "b"}, "r"},
		{"in a group", func(o *outage) model.LLM { return fallback(fallback(o.down("a"), sorry("s")), o.healthy("b")) }, []string{"a", "b"}, "b"},
		{"in a group, nobody else answers", func(o *outage) model.LLM { return fallback(fallback(o.down("a"), sorry("s")), o.down("b")) }, []string{"a", "b"}, "s"},
		{"in a group, after another", func(o *outage) model.LLM {
			return fallback(o.down("a"), fallback(o.down("b"), sorry("s")), o.down("c"), sorry("r"))
		}, []string{"a", "b", "c"}, "s"},
		{"not there in a group", func(o *outage) model.LLM { return fallback(fallback(o.down("a"), missing()), o.down("b"), sorry("r")) }, []string{"a", "b"}, "r"},
		{"three deep", func(o *outage) model.LLM {
			return fallback(fallback(fallback(o.down("a"), sorry("s")), o.down("b")), o.down("c"))
		}, []string{"a", "b", "c"}, "s"},
		{"three deep, healthy", func(o *outage) model.LLM {
			return fallback(fallback(fallback(o.down("a"), sorry("s")), o.down("b")), o.healthy("c"))
		}, []string{"a", "b", "c"}, "c"},
		{"in middlewares", func(o *outage) model.LLM {
			return fallback(middleware.Chain(fallback(o.down("a"), middleware.Chain(sorry("s"), layers...)), layers...), o.healthy("b"))
		}, []string{"a", "b"}, "b"},
		{"in middlewares, nobody else answers", func(o *outage) model.LLM {
			return fallback(middleware.Chain(fallback(o.down("a"), middleware.Chain(sorry("s"), layers...)), layers...), o.down("b"))
		}, []string{"a", "b"}, "s"},
		{"described", func(o *outage) model.LLM {
			return fallback(router.Describe(fallback(o.down("a"), sorry("s")), router.Traits{Provider: "p"}), o.healthy("b"))
		}, []string{"a", "b"}, "b"},
		{"in a hedge", func(o *outage) model.LLM { return fallback(hedge(o.down("a"), sorry("s")), o.healthy("b")) }, []string{"a", "b"}, "b"},
		{"in a hedge, nobody else answers", func(o *outage) model.LLM { return fallback(hedge(o.down("a"), sorry("s")), o.down("b")) }, []string{"a", "b"}, "s"},
		{"in a hedge alone", func(o *outage) model.LLM { return hedge(o.down("a"), sorry("s"), o.down("b")) }, []string{"a", "b"}, "s"},
		{"in a hedge alone, healthy", func(o *outage) model.LLM { return hedge(sorry("s"), o.down("a"), o.healthy("b")) }, []string{"a", "b"}, "b"},
		{"in a hedge's group", func(o *outage) model.LLM { return hedge(fallback(o.down("a"), sorry("s")), o.healthy("b")) }, []string{"a", "b"}, "b"},
		{"in a hedge's group, nobody else answers", func(o *outage) model.LLM { return hedge(fallback(o.down("a"), sorry("s")), o.down("b")) }, []string{"a", "b"}, "s"},
		{"a hedge of nothing else", func(o *outage) model.LLM { return fallback(hedge(sorry("s"), sorry("r")), o.down("b")) }, []string{"b"}, "s"},
		{"in a split", func(o *outage) model.LLM {
			return fallback(split(fallback(o.down("a"), sorry("s")), o.down("x")), o.healthy("b"))
		}, []string{"a", "b"}, "b"},
		{"in a split, nobody else answers", func(o *outage) model.LLM {
			return fallback(split(fallback(o.down("a"), sorry("s")), o.down("x")), o.down("b"))
		}, []string{"a", "b"}, "s"},
		{"in the other arm of a split", func(o *outage) model.LLM {
			return fallback(split(o.down("a"), fallback(o.down("x"), sorry("s"))), o.down("b"))
		}, []string{"a", "b"}, ""},
		{"an arm of a split", func(o *outage) model.LLM { return fallback(split(sorry("s"), o.down("x")), o.healthy("b")) }, []string{"b"}, "b"},
		{"ahead of a split", func(o *outage) model.LLM {
			s := split(o.down("a"), o.down("x"))
			return fallback(ahead(s, fallback(s, sorry("s"))), o.healthy("b"))
		}, []string{"a", "b"}, "b"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, streamed := range []bool{false, true} {
				o := &outage{}
				got := ask(t.Context(), test.tree(o), streamed)
				md := got.metadata()
				if md.ModelName != test.want || test.want == "" && got.err == nil {
					t.Errorf("%q (%v) answers, want %q", md.ModelName, got.err, test.want)
				}
				if degraded := test.want == "s" || test.want == "r"; degraded != (md.Degraded == test.want && md.Degraded != "") {
					t.Errorf("degraded is %q of %q", md.Degraded, test.want)
				}
				if diff := cmp.Diff(test.asked, o.asked); diff != "" {
					t.Errorf("asked (-want +got):\n%s", diff)
				}
				recorded := map[string]int{}
				for _, a := range md.Attempts {
					if recorded[a.Model]++; recorded[a.Model] > 1 && a.Outcome == call.OK {
						t.Errorf("%s is on record %d times: %+v", a.Model, recorded[a.Model], md.Attempts)
					}
				}
			}
		})
	}
}

// B111: wherever a turn begins, the models before that place have their turn before
// an answer of last resort.
func TestLastResortComesAfterTheRoot(t *testing.T) {
	for name, tree := range map[string]func(a, b, c, s model.LLM) model.LLM{
		"flat":          func(a, b, c, s model.LLM) model.LLM { return fallback(a, b, c, s) },
		"in the middle": func(a, b, c, s model.LLM) model.LLM { return fallback(a, s, b, c) },
		"in the group where the turn stays": func(a, b, c, s model.LLM) model.LLM {
			return fallback(a, fallback(b, s), c)
		},
		"in a group of a group": func(a, b, c, s model.LLM) model.LLM { return fallback(a, fallback(fallback(b, s), c)) },
		"in a hedge": func(a, b, c, s model.LLM) model.LLM {
			return fallback(a, router.MustHedge(router.HedgeConfig{}, b, s), c)
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := llmtest.NewModel("a", llmtest.Fail(llmtest.ErrQuota), llmtest.Text("root again"))
			b := llmtest.NewModel("b", llmtest.Text("b"), llmtest.Fail(llmtest.ErrUnavailable))
			c := llmtest.NewModel("c", llmtest.Fail(llmtest.ErrInternal))
			m := tree(a, b, c, sorry("s"))
			ctx := inTurn(t.Context(), "t1")
			first, second := ask(ctx, m, true).metadata(), ask(ctx, m, true)
			if first.ModelName != "b" || second.metadata().ModelName != "a" || second.metadata().Degraded != "" {
				t.Errorf("the turn was answered by %q, then %q (%v); want b, then the root", first.ModelName, second.metadata().ModelName, second.err)
			}
			if n := len(c.Requests()); n != 1 {
				t.Errorf("c was asked %d times, want once", n)
			}
		})
	}
}

// B111, B73: a last resort answers before a call is forced through an open breaker.
func TestLastResortComesBeforeAForcedCall(t *testing.T) {
	until := time.Now().Add(time.Minute)
	open := func(name string, d time.Duration) model.LLM {
		return openBreaker(llmtest.NewModel(name, llmtest.Text(name)), until.Add(d))
	}
	for _, test := range []struct {
		name string
		m    model.LLM
		want string
	}{
		{"there is one", fallback(open("a", 0), open("b", 1), sorry("s")), "s"},
		{"in a group", fallback(fallback(open("a", 0), sorry("s")), open("b", 1)), "s"},
		{"it is not there", fallback(open("a", 1), open("b", 0), missing()), "b"},
		{"it is not there in a group", fallback(fallback(open("a", 0), missing()), open("b", 1)), "a"},
		{"it is not there in a group of a group", fallback(open("b", 1), fallback(fallback(open("a", 0), missing()), open("c", 2))), "a"},
		{"it is not there in a hedge", fallback(router.MustHedge(router.HedgeConfig{}, open("a", 0), missing()), open("b", 1)), "a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := ask(t.Context(), test.m, false); got.metadata().ModelName != test.want {
				t.Errorf("%q (%v) answers, want %q", got.metadata().ModelName, got.err, test.want)
			}
		})
	}
}

// B111: what keeps calls from the models of a group keeps nobody from its answer of
// last resort, which says nothing of the models either.
func TestLastResortOfAGroupThatIsRefused(t *testing.T) {
	for name, layer := range map[string]middleware.Middleware{
		"breaker": middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 2}),
		"limit":   middleware.MustLimit(middleware.LimitConfig{RequestsPerMinute: 1, MaxWait: time.Nanosecond}),
		"budget": middleware.MustBudget(middleware.BudgetConfig{
			Limit: 1, Price: func(string, *model.LLMRequest) (float64, bool) { return 0.6, true },
			Cost: func(string, *genai.GenerateContentResponseUsageMetadata) float64 { return 0.6 },
		}).Middleware(),
	} {
		t.Run(name, func(t *testing.T) {
			o := &outage{}
			a := llmtest.NewModel("a", llmtest.Respond(func() *model.LLMResponse {
				o.asked = append(o.asked, "a")
				return &model.LLMResponse{ErrorCode: "503", UsageMetadata: &genai.GenerateContentResponseUsageMetadata{PromptTokenCount: 1}}
			}))
			m := fallback(layer(fallback(a, sorry("s"))), o.down("b"))
			for i := range 5 {
				if got := ask(t.Context(), m, true); got.err != nil || !strings.Contains(got.stream, "sorry, s") {
					t.Errorf("call %d: the consumer saw %q (%v), want the answer of last resort", i, got.stream, got.err)
				}
			}
			if n := len(o.asked) - 5; n < 1 || n > 2 {
				t.Errorf("a was asked %d times, want it refused in the end: %v", n, o.asked)
			}
		})
	}
}
