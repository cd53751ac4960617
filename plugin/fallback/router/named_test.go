package router_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// askFor asks m with the name of another model, as the plugin and outer loops do.
func askFor(ctx context.Context, m model.LLM, name string) seen {
	return collect(m.GenerateContent(ctx, &model.LLMRequest{Model: name, Contents: genai.Text("hi")}, true))
}

// echo is a model that answers with the name it was asked for.
func echo(name string) *llmtest.Model {
	return llmtest.NewModel(name, func(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
		llmtest.Text(req.Model)(ctx, req, streamed, yield)
	})
}

// logged has what is logged while f runs.
func logged(t *testing.T, f func()) string {
	t.Helper()
	var text bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&text, nil)))
	defer slog.SetDefault(before)
	f()
	return text.String()
}

// B114: a router starts at the target that the request names.
func TestNamedTargetIsAskedFirst(t *testing.T) {
	type tree func(a, b, c, d model.LLM) model.LLM
	breaker := middleware.MustBreaker(middleware.BreakerConfig{})
	flat := func(a, b, c, d model.LLM) model.LLM { return fallback(a, b, c, d) }
	nested := func(a, b, c, d model.LLM) model.LLM { return fallback(a, breaker(fallback(b, c)), d) }
	hedged := func(a, b, c, d model.LLM) model.LLM {
		return fallback(a, router.MustHedge(router.HedgeConfig{}, b, c), d)
	}
	split := func(a, b, c, d model.LLM) model.LLM {
		return fallback(router.MustSplit(router.SplitConfig{Experiment: "e", Arms: []router.Arm{{Weight: 1, Model: a}, {Model: b}}}), c, d)
	}
	deep := func(a, b, c, d model.LLM) model.LLM {
		return fallback(fallback(a, router.MustHedge(router.HedgeConfig{}, b, fallback(c, d))))
	}
	for _, test := range []struct {
		name, names string
		tree        tree
		down        []string // what fails
		want        []string // who is asked
	}{
		{"the first", "a", flat, nil, []string{"a"}},
		{"another", "c", flat, nil, []string{"c"}},
		{"it fails", "c", flat, []string{"c"}, []string{"c", "d"}},
		{"it and all after it fail", "c", flat, []string{"c", "d"}, []string{"c", "d", "a"}},
		{"in a group", "c", nested, nil, []string{"c"}},
		{"in a group, and fails", "c", nested, []string{"c"}, []string{"c", "b"}},
		{"in a group, which fails", "c", nested, []string{"b", "c"}, []string{"c", "b", "d"}},
		{"in a hedge", "c", hedged, nil, []string{"c"}},
		{"in a hedge, and fails", "c", hedged, []string{"c"}, []string{"c", "b"}},
		{"in a hedge, which fails", "c", hedged, []string{"b", "c"}, []string{"c", "b", "d"}},
		{"in a split", "b", split, nil, []string{"b"}},
		{"in a split, and fails", "b", split, []string{"b"}, []string{"b", "c"}},
		{"deep down", "d", deep, nil, []string{"d"}},
		{"deep down, and fails", "d", deep, []string{"d"}, []string{"d", "c"}},
		{"deep down, and all fail", "d", deep, []string{"d", "c", "b"}, []string{"d", "c", "b", "a"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var asked []string
			at := func(name string) model.LLM {
				return llmtest.NewModel(name, func(ctx context.Context, req *model.LLMRequest, s bool, yield func(*model.LLMResponse, error) bool) {
					asked = append(asked, req.Model)
					if slices.Contains(test.down, name) {
						yield(nil, llmtest.ErrQuota)
						return
					}
					llmtest.Text(name)(ctx, req, s, yield)
				})
			}
			var got seen
			text := logged(t, func() { got = askFor(t.Context(), test.tree(at("a"), at("b"), at("c"), at("d")), test.names) })
			if diff := cmp.Diff(test.want, asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
			md, last := got.metadata(), test.want[len(test.want)-1]
			if md.ModelName != last || text != "" {
				t.Errorf("metadata names %q, want %q; logged: %s", md.ModelName, last, text)
			}
			if md.Triggered != (len(test.want) > 1) || md.Triggered && (md.OriginalModel != test.names || md.FallbackModel != last) {
				t.Errorf("metadata %+v, want a fallback from the named model if it failed", md)
			}
		})
	}
}

// B114: a target has two names: the label that it has here, and its model's own.
func TestTargetIsNamedByItsLabelOrItsModel(t *testing.T) {
	for _, name := range []string{"cheap", "gpt-4o-mini"} {
		m := echo("cheap")
		tree := fallback(echo("a"), router.Describe(m, router.Traits{Target: provider.Target{Model: "gpt-4o-mini"}}))
		if got := askFor(t.Context(), tree, name); len(m.Requests()) != 1 {
			t.Errorf("%s: %q answers, want the second target", name, got.metadata().ModelName)
		}
	}
}

// B114: a name that no target has is logged once, and the first is asked under its
// own name.
func TestUnknownNameIsLoggedOnce(t *testing.T) {
	for name, group := range map[string]func(a, b model.LLM) model.LLM{
		"fallback": func(a, b model.LLM) model.LLM { return fallback(a, b) },
		"hedge":    func(a, b model.LLM) model.LLM { return router.MustHedge(router.HedgeConfig{}, a, b) },
		"split": func(a, b model.LLM) model.LLM {
			return router.MustSplit(router.SplitConfig{Arms: []router.Arm{{Weight: 1, Model: a}, {Model: b}}})
		},
		"nested": func(a, b model.LLM) model.LLM { return fallback(fallback(a, b)) },
	} {
		t.Run(name, func(t *testing.T) {
			m := group(echo("a"), echo("b"))
			text := logged(t, func() {
				for range 3 {
					if got := askFor(t.Context(), m, "nobody"); got.stream != "a[a]" || got.metadata().ModelName != "a" || got.metadata().Triggered {
						t.Errorf("the consumer saw %q with %+v, want a", got.stream, got.metadata())
					}
				}
			})
			if strings.Count(text, "\n") != 1 || !strings.Contains(text, "model=nobody") {
				t.Errorf("logged %q, want one line", text)
			}
		})
	}
}

// B114: a tree around one model passes the name on to it, past what it has for
// another model: answers in a cache, and prices.
func TestNameReachesTheOneModelOfATree(t *testing.T) {
	c := cache.MustNew(cache.Config{})
	defer c.Close()
	var priced []string
	budget := middleware.MustBudget(middleware.BudgetConfig{
		Price: func(name string, _ *model.LLMRequest) (float64, bool) {
			priced = append(priced, name)
			return 0.01, true
		},
		Cost: func(name string, _ *genai.GenerateContentResponseUsageMetadata) float64 {
			priced = append(priced, name)
			return 0.01
		},
	})
	own := llmtest.NewModel("own", func(ctx context.Context, req *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		yield(&model.LLMResponse{
			Content: chunk(req.Model).Content, FinishReason: genai.FinishReasonStop,
			UsageMetadata: &genai.GenerateContentResponseUsageMetadata{PromptTokenCount: 1, TotalTokenCount: 1},
		}, nil)
	})
	m := middleware.Chain(own, c.Middleware(), middleware.MustRetry(middleware.RetryConfig{}), middleware.MustBreaker(middleware.BreakerConfig{}),
		middleware.MustTimeout(middleware.TimeoutConfig{FirstContent: 1e9, Grace: 1e9}), budget.Middleware())
	for _, test := range []struct{ name, status string }{{"own", "miss"}, {"other", "bypass"}, {"own", "hit"}, {"", "hit"}, {"other", "bypass"}} {
		priced = nil
		got := askFor(t.Context(), m, test.name)
		want := test.name
		if want == "" {
			want = "own"
		}
		md := got.metadata()
		if text := llmtest.TextOf(got.final.Content); text != want || md.ModelName != want || md.CacheStatus != test.status || md.Triggered {
			t.Errorf("asked for %q: %q answers with %+v, want %q and status %s", test.name, text, md, want, test.status)
		}
		for _, name := range priced {
			if name != want {
				t.Errorf("asked for %q: charged the price of %q", test.name, name)
			}
		}
	}
	if diff := cmp.Diff([]string{"own", "other", "other"}, own.Asked()); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

// B114: the request is made to fit the model that is named, and not the one whose
// place it takes.
func TestRequestFitsTheNamedModel(t *testing.T) {
	own := echo("gemini-2.5-flash")
	m := middleware.MustRetry(middleware.RetryConfig{})(own)
	for _, name := range []string{"gemini-2.5-flash", "gemini-3-pro-preview"} {
		req := &model.LLMRequest{Model: name, Contents: genai.Text("hi"), Config: &genai.GenerateContentConfig{
			ThinkingConfig: &genai.ThinkingConfig{ThinkingLevel: genai.ThinkingLevelLow},
		}}
		collect(m.GenerateContent(t.Context(), req, false))
	}
	requests := own.Requests()
	level := func(i int) genai.ThinkingLevel {
		if c := requests[i].Config.ThinkingConfig; c != nil {
			return c.ThinkingLevel
		}
		return ""
	}
	if level(0) == genai.ThinkingLevelLow || level(1) != genai.ThinkingLevelLow {
		t.Errorf("thinking levels %q of 2.5, %q of 3; want none, and the request's", level(0), level(1))
	}
}

// B114, B113: the name of a call counts more than where its turn stays.
func TestNameCountsMoreThanTheTurn(t *testing.T) {
	a, b, c := llmtest.NewModel("a", llmtest.Fail(llmtest.ErrQuota)), echo("b"), echo("c")
	m := fallback(a, b, c)
	ctx := inTurn(t.Context(), "t1")
	var got []string
	for _, name := range []string{"a", "c", "b", "a"} {
		got = append(got, askFor(ctx, m, name).metadata().ModelName)
	}
	if diff := cmp.Diff([]string{"b", "c", "b", "b"}, got); diff != "" || len(a.Requests()) != 1 {
		t.Errorf("a was asked %d times; answered by (-want +got):\n%s", len(a.Requests()), diff)
	}
}
