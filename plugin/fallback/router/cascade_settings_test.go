package router_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/suite"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

func TestCascadeCeiling(t *testing.T) {
	price := func(usd float64, ok bool) func(string, *model.LLMRequest) (float64, bool) {
		return func(name string, _ *model.LLMRequest) (float64, bool) {
			if name != "pro" {
				t.Errorf("the price of %s is asked for, want that of pro", name)
			}
			return usd, ok
		}
	}
	const stands, replaced = "cheap|[cheap]", "cheap|strong[strong]"
	for name, test := range map[string]struct {
		max   float64
		price func(string, *model.LLMRequest) (float64, bool)
		want  string
		why   string
	}{
		"within":         {0.05, price(0.05, true), replaced, ""},
		"over":           {0.05, price(0.12, true), stands, "pro skipped: 0.1200 USD is over the ceiling of 0.0500 USD"},
		"unknown":        {0.05, price(0, false), stands, "pro skipped: its cost is not known, and the ceiling is 0.0500 USD"},
		"no number":      {0.05, price(math.NaN(), true), stands, "pro skipped: its cost is not known, and the ceiling is 0.0500 USD"},
		"negative":       {0.05, price(-1, true), stands, "pro skipped: its cost is not known, and the ceiling is 0.0500 USD"},
		"panics":         {0.05, func(string, *model.LLMRequest) (float64, bool) { panic("boom") }, stands, "pro skipped: its cost is not known, and the ceiling is 0.0500 USD"},
		"no ceiling":     {0, price(1e6, true), replaced, ""},
		"infinite limit": {math.Inf(1), price(1e6, true), replaced, ""},
	} {
		t.Run(name, func(t *testing.T) {
			config, record := recorded(router.CascadeConfig{Judges: []router.Judge{sure(0.42)}, MaxCost: test.max, Price: test.price})
			strong := suite.NewModel("pro", suite.Text("strong"))
			got := ask(t.Context(), router.MustCascade(config, suite.NewModel("flash", suite.Text("cheap")), strong), true)
			if got.stream != test.want || got.err != nil {
				t.Fatalf("the consumer saw %q (%v), want %q", got.stream, got.err, test.want)
			}
			if test.want == replaced {
				return
			}
			if diff := cmp.Diff([]string{"flash failed: judge: confidence 0.42 below 0.8", test.why}, attempts(*record)); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
			if got.metadata().Degraded != "flash" || got.metadata().ModelName != "flash" || len(strong.Requests()) > 0 {
				t.Errorf("metadata %+v, want the cheap model's answer marked", got.metadata())
			}
		})
	}
}

// A model without a list price may have no ceiling; then its price is not asked for.
func TestNoCeilingNeedsNoPrice(t *testing.T) {
	none := map[string]router.CascadeSettings{"t": {MaxCost: math.Inf(1)}}
	for name, config := range map[string]router.CascadeConfig{
		"nothing set":          {},
		"infinite":             {MaxCost: math.Inf(1)},
		"infinite of a tenant": {Tenants: none},
		"a price that panics":  {MaxCost: 0.01, Tenants: none, Price: func(string, *model.LLMRequest) (float64, bool) { panic("asked for") }},
	} {
		config.Judges = []router.Judge{sure(0)}
		m, err := router.NewCascade(config, suite.NewModel("flash", suite.Text("cheap")), suite.NewModel("pro", suite.Text("strong")))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := ask(call.With(t.Context(), call.Info{Tenant: "t"}), m, true); got.stream != "cheap|strong[strong]" {
			t.Errorf("%s: the consumer saw %q (%v), want the strong model's answer", name, got.stream, got.err)
		}
	}
}

// The error names every ceiling without a price, beside other mistakes.
func TestEveryCeilingWithoutAPriceIsNamed(t *testing.T) {
	ceiling := router.CascadeSettings{MaxCost: 1}
	_, err := router.NewCascade(router.CascadeConfig{MaxCost: 1, Tenants: map[string]router.CascadeSettings{"a": ceiling, "b": ceiling}},
		suite.NewModel("flash"), suite.NewModel("pro"))
	for _, want := range []string{"CascadeConfig.MaxCost is", `CascadeConfig.Tenants["a"].MaxCost is`, `CascadeConfig.Tenants["b"].MaxCost is`, "CascadeConfig.Judges is empty"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want it to say %q", err, want)
		}
	}
}

// The list price of a long request is over a ceiling that a short one keeps.
func TestCeilingByListPrice(t *testing.T) {
	m := router.MustCascade(router.CascadeConfig{Judges: []router.Judge{sure(0)}, MaxCost: 0.02, Hold: true},
		suite.NewModel("gemini-2.5-flash-lite", suite.Text("cheap")), suite.NewModel("gemini-2.5-pro", suite.Text("strong")))
	for length, want := range map[int]string{10: "strong[strong]", 1 << 20: "cheap[cheap]"} {
		req := userSays(strings.Repeat("word ", length/5))
		if got := collect(m.GenerateContent(t.Context(), req, true)); got.stream != want {
			t.Errorf("of %d characters the consumer saw %q (%v), want %q", length, got.stream, got.err, want)
		}
	}
}

func TestCascadeByTenant(t *testing.T) {
	config := router.CascadeConfig{
		Judges: []router.Judge{sure(0.5)},
		Price:  func(string, *model.LLMRequest) (float64, bool) { return 0.1, true },
		Tenants: map[string]router.CascadeSettings{
			"free":     {Use: router.UseCheap},
			"premium":  {Use: router.UseStrong},
			"relaxed":  {Threshold: 0.3},
			"frugal":   {MaxCost: 0.01},
			"generous": {MaxCost: math.Inf(1)},
			"default":  {},
		},
	}
	for tenant, want := range map[string]string{
		"free": "cheap[cheap]", "premium": "strong[strong]", "relaxed": "cheap[cheap]", "frugal": "cheap|[cheap]", "generous": "cheap|strong[strong]",
		"default": "cheap|strong[strong]", "": "cheap|strong[strong]", "another": "cheap|strong[strong]",
	} {
		m := router.MustCascade(config, suite.NewModel("flash", suite.Text("cheap")), suite.NewModel("pro", suite.Text("strong")))
		got := ask(call.With(t.Context(), call.Info{Tenant: tenant}), m, true)
		if got.stream != want || got.metadata().Triggered != strings.HasSuffix(want, "|strong[strong]") {
			t.Errorf("tenant %q saw %q (%+v), want %q", tenant, got.stream, got.metadata(), want)
		}
	}

	down := func() (m model.LLM, cheap, strong *suite.Model) {
		cheap, strong = suite.NewModel("flash", suite.Fail(suite.ErrQuota)), suite.NewModel("pro", suite.Fail(suite.ErrQuota))
		return router.MustCascade(config, cheap, strong), cheap, strong
	}
	m, _, strong := down()
	if got := ask(call.With(t.Context(), call.Info{Tenant: "free"}), m, true); got.err == nil || len(strong.Requests()) > 0 {
		t.Errorf("error %v after %d calls of the strong model, want no call", got.err, len(strong.Requests()))
	}
	m, cheap, _ := down()
	if got := ask(call.With(t.Context(), call.Info{Tenant: "premium"}), m, true); got.err == nil || len(cheap.Requests()) != 1 {
		t.Errorf("error %v after %d calls of the cheap model, want it called when the strong one is down", got.err, len(cheap.Requests()))
	}
}

func TestCascadeConfigIsChecked(t *testing.T) {
	a, b := suite.NewModel("a", suite.Text("a")), suite.NewModel("b", suite.Text("b"))
	ok := []router.Judge{sure(1)}
	for want, build := range map[string]func() (model.LLM, error){
		"CascadeConfig.Judges is empty; must have 1 or more": func() (model.LLM, error) { return router.NewCascade(router.CascadeConfig{}, a, b) },
		"CascadeConfig.Judges[0] is empty; use a function such as JudgeStated": func() (model.LLM, error) {
			return router.NewCascade(router.CascadeConfig{Judges: make([]router.Judge, 1)}, a, b)
		},
		"CascadeConfig.Judges[0]: JudgeFunc: the function is nil": func() (model.LLM, error) {
			return router.NewCascade(router.CascadeConfig{Judges: []router.Judge{router.JudgeFunc(nil)}}, a, b)
		},
		"CascadeConfig.Judges[0]: JudgeModel: the model is nil": func() (model.LLM, error) {
			return router.NewCascade(router.CascadeConfig{Judges: []router.Judge{router.JudgeModel(nil, "")}}, a, b)
		},
		"DegradeBelow: the limit is 1.5; must be above 0": func() (model.LLM, error) {
			return router.NewCascade(router.CascadeConfig{Judges: []router.Judge{sure(1).DegradeBelow(1.5, b)}}, a, b)
		},
		"DegradeBelow: the model is nil": func() (model.LLM, error) {
			return router.NewCascade(router.CascadeConfig{Judges: []router.Judge{sure(1).DegradeBelow(0.5, nil)}}, a, b)
		},
		"CascadeConfig.Threshold is 1.5; must be from 0 to 1": func() (model.LLM, error) {
			return router.NewCascade(router.CascadeConfig{Judges: ok, Threshold: 1.5}, a, b)
		},
		"CascadeConfig.Threshold is NaN; must be from 0 to 1": func() (model.LLM, error) {
			return router.NewCascade(router.CascadeConfig{Judges: ok, Threshold: math.NaN()}, a, b)
		},
		"CascadeConfig.MaxCost is -1; must be 0 or more": func() (model.LLM, error) {
			return router.NewCascade(router.CascadeConfig{Judges: ok, MaxCost: -1}, a, b)
		},
		"CascadeConfig.MaxCost is set, but b has no list price; set CascadeConfig.Price": func() (model.LLM, error) {
			return router.NewCascade(router.CascadeConfig{Judges: ok, MaxCost: 1}, a, b)
		},
		`CascadeConfig.Tenants["x"].MaxCost is set, but b has no list price; set CascadeConfig.Price`: func() (model.LLM, error) {
			return router.NewCascade(router.CascadeConfig{Judges: ok, Tenants: map[string]router.CascadeSettings{"x": {MaxCost: 1}}}, a, b)
		},
		`CascadeConfig.Tenants["y"].MaxCost is set, but b has no list price; set CascadeConfig.Price`: func() (model.LLM, error) {
			return router.NewCascade(router.CascadeConfig{Judges: ok, MaxCost: math.Inf(1), Tenants: map[string]router.CascadeSettings{"y": {Use: router.UseStrong, MaxCost: 1}}}, a, b)
		},
		`CascadeConfig.Tenants["x"].MaxCost is NaN; must be 0 or more`: func() (model.LLM, error) {
			return router.NewCascade(router.CascadeConfig{Judges: ok, Tenants: map[string]router.CascadeSettings{"x": {MaxCost: math.NaN()}}}, a, b)
		},
		`CascadeConfig.MaxCost is -Inf; must be 0 or more`: func() (model.LLM, error) {
			return router.NewCascade(router.CascadeConfig{Judges: ok, MaxCost: math.Inf(-1)}, a, b)
		},
		"CascadeConfig.JudgeTimeout is -1s; must be 0 (default: 5s) or more": func() (model.LLM, error) {
			return router.NewCascade(router.CascadeConfig{Judges: ok, JudgeTimeout: -1e9}, a, b)
		},
		`CascadeConfig.Tenants["x"].Threshold is -1; must be from 0 to 1`: func() (model.LLM, error) {
			return router.NewCascade(router.CascadeConfig{Judges: ok, Tenants: map[string]router.CascadeSettings{"x": {Threshold: -1}}}, a, b)
		},
		`CascadeConfig.Tenants["x"].Use is "best"; must be empty, "cheap" or "st`: func() (model.LLM, error) {
			return router.NewCascade(router.CascadeConfig{Judges: ok, Tenants: map[string]router.CascadeSettings{"x": {Use: "best"}}}, a, b)
		},
		"NewCascade: models[1] is nil; must be a model":                      func() (model.LLM, error) { return router.NewCascade(router.CascadeConfig{Judges: ok}, a, nil) },
		`NewCascade: models[1] is called "a" like models[0]; must be unique`: func() (model.LLM, error) { return router.NewCascade(router.CascadeConfig{Judges: ok}, a, a) },
	} {
		t.Run(want, func(t *testing.T) {
			if m, err := build(); err == nil || m != nil || !strings.Contains(err.Error(), "router: ") || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want it to say %q", err, want)
			}
		})
	}
}

// A wait of the cheap model is spared if the strong one may answer, and only then.
func TestCascadeSparesAWait(t *testing.T) {
	for use, want := range map[router.CascadeUse]string{router.UseBoth: "strong[strong] after 0s", router.UseCheap: "cheap[cheap] after 20s"} {
		synctest.Test(t, func(t *testing.T) {
			busy := genai.APIError{Code: 429, Details: []map[string]any{{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "20s"}}}
			patient := middleware.MustRetry(middleware.RetryConfig{SkipWait: time.Second, Rand: func() float64 { return 0 }})
			m := router.MustCascade(router.CascadeConfig{Judges: []router.Judge{sure(1)}, Tenants: map[string]router.CascadeSettings{"": {Use: use}}},
				patient(suite.NewModel("flash", suite.Fail(busy), suite.Text("cheap"))), suite.NewModel("pro", suite.Text("strong")))
			started := time.Now()
			got := ask(t.Context(), m, true)
			if heard := fmt.Sprint(got.stream, " after ", time.Since(started)); heard != want {
				t.Errorf("the consumer saw %s (%v), want %s", heard, got.err, want)
			}
		})
	}
}
