package inspect_test

import (
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cascade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// foreign is a middleware of an application that shows what is inside it.
type foreign struct{ model.LLM }

func (f foreign) Inspect() inspect.Node {
	return inspect.Node{Layer: "foreign", Name: f.Name(), Inner: inspect.Each(f.LLM)}
}

// google is a model with the optional methods of ADK's Gemini model.
type google struct{ model.LLM }

func (google) GetGoogleLLMVariant() genai.Backend { return genai.BackendGeminiAPI }

func (google) Client() *genai.Client { return nil }

var others atomic.Int64

// other returns a model with a name of its own.
func other() model.LLM {
	return llmtest.NewModel(fmt.Sprint("other ", others.Add(1)), llmtest.Text("hello"))
}

func split(m model.LLM) model.LLM {
	return router.MustSplit(router.SplitConfig{Experiment: "e", Arms: []router.Arm{{Cohort: "old", Weight: 1, Model: other()}, {Cohort: "new", Weight: 1, Model: m}}})
}

// around has a function for each layer of this module, and each place in a group, that puts
// it around a model.
func around(t *testing.T) map[string]func(model.LLM) model.LLM {
	kept := cache.MustNew(cache.Config{})
	t.Cleanup(func() { kept.Close() })
	sure := cascade.JudgeLogProbs(false)
	return map[string]func(model.LLM) model.LLM{
		"attempt":   middleware.Attempt(middleware.AttemptConfig{}),
		"breaker":   middleware.MustBreaker(middleware.BreakerConfig{}),
		"budget":    middleware.MustBudget(middleware.BudgetConfig{Price: func(string, *model.LLMRequest) (float64, bool) { return 0, true }}).Middleware(),
		"cache":     kept.Middleware(),
		"keep-warm": middleware.MustKeepWarm(middleware.KeepWarmConfig{Models: []model.LLM{other()}}),
		"limit":     middleware.MustLimit(middleware.LimitConfig{MaxConcurrent: 9}),
		"retry":     middleware.MustRetry(middleware.RetryConfig{}),
		"timeout":   middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Hour}),
		"trim":      middleware.MustTrim(middleware.TrimConfig{Window: 1000}),
		"validate":  middleware.MustValidate(middleware.ValidateConfig{MinLength: 1}),
		"describe":  func(m model.LLM) model.LLM { return router.Describe(m, router.Traits{}) },
		"guard":     func(m model.LLM) model.LLM { return guard.Around(m, guard.Target{}, guard.Tenants("a")) },
		"when": func(m model.LLM) model.LLM {
			return router.MustFallback(router.Config{}, other(), router.When(router.Rule{}, m))
		},
		"primary":  func(m model.LLM) model.LLM { return router.MustFallback(router.Config{}, m, other()) },
		"fallback": func(m model.LLM) model.LLM { return router.MustFallback(router.Config{}, other(), m) },
		"hedge":    func(m model.LLM) model.LLM { return router.MustHedge(router.HedgeConfig{}, other(), m) },
		"split":    split,
		"ahead": func(m model.LLM) model.LLM {
			s := split(m)
			ahead, err := router.SplitAhead(s, s, func(int) middleware.Middleware { return kept.Middleware() })
			if err != nil {
				t.Fatal(err)
			}
			return ahead
		},
		"front": func(m model.LLM) model.LLM {
			s := split(other())
			ahead, err := router.SplitAhead(s, s, func(arm int) middleware.Middleware {
				return func(behind model.LLM) model.LLM {
					if arm == 0 {
						return behind
					}
					return router.MustFallback(router.Config{}, behind, m)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			return ahead
		},
		"cheap": func(m model.LLM) model.LLM {
			return cascade.MustNew(cascade.Config{Judges: []cascade.Judge{sure}, Threshold: 0.5}, m, other())
		},
		"strong": func(m model.LLM) model.LLM {
			return cascade.MustNew(cascade.Config{Judges: []cascade.Judge{sure}, Threshold: 0.5}, other(), m)
		},
		"judge": func(m model.LLM) model.LLM {
			return cascade.MustNew(cascade.Config{Judges: []cascade.Judge{cascade.JudgeModel(m, "")}, Threshold: 0.5}, other(), other())
		},
		"preview": func(m model.LLM) model.LLM { return router.MustProgressive(router.ProgressiveConfig{}, m, other()) },
		"answer":  func(m model.LLM) model.LLM { return router.MustProgressive(router.ProgressiveConfig{}, other(), m) },
		"foreign": func(m model.LLM) model.LLM { return foreign{m} },
	}
}

// No layer hides what is inside it, whichever other layer surrounds it.
func TestNoLayerHidesWhatIsInside(t *testing.T) {
	layers := around(t)
	names := slices.Sorted(maps.Keys(layers))
	for _, outer := range names {
		for _, inner := range names {
			breaker := middleware.MustBreaker(middleware.BreakerConfig{})(google{llmtest.NewModel("innermost", llmtest.Text("hello"))})
			m := layers[outer](layers[inner](breaker))
			found, model := false, false
			for n := range inspect.Of(m).All() {
				found = found || n.Breaker != nil && n.State == inspect.Of(breaker).State
				model = model || n.Layer == "model" && n.Name == "innermost"
			}
			if !found || !model {
				t.Errorf("%s around %s: the breaker is found: %v, the model: %v", outer, inner, found, model)
			}
		}
	}
}

// renaming is a model whose name changes.
type renaming struct {
	model.LLM
	names *[]string
}

func (r renaming) Name() string {
	name := (*r.names)[0]
	if len(*r.names) > 1 {
		*r.names = (*r.names)[1:]
	}
	return name
}

// A model has the name in the tree that it has in records.
func TestNameOfAModel(t *testing.T) {
	m := router.MustFallback(router.Config{}, renaming{llmtest.NewModel("a"), &[]string{"a", "a", "a", "a", "a", "a", "a", "b"}}, other())
	for range 10 {
		n := inspect.Of(m)
		if got := n.Inner[0]; got.Name != n.Name || got.Layer != "model" {
			t.Errorf("the primary of %s is the %s %s", n.Name, got.Layer, got.Name)
		}
	}
}
