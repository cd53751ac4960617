package cascade_test

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

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cascade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
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
			config, record := recorded(cascade.Config{Judges: []cascade.Judge{sure(0.42)}, MaxCost: test.max, Price: test.price})
			strong := llmtest.NewModel("pro", llmtest.Text("strong"))
			got := llmtest.Ask(t.Context(), cascade.MustNew(config, llmtest.NewModel("flash", llmtest.Text("cheap")), strong), true)
			if got.Stream != test.want || got.Err != nil {
				t.Fatalf("the consumer saw %q (%v), want %q", got.Stream, got.Err, test.want)
			}
			if test.want == replaced {
				return
			}
			if diff := cmp.Diff([]string{"flash failed: judge: confidence 0.42 below 0.8", test.why}, attempts(*record)); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
			if got.Metadata().Degraded != "flash" || got.Metadata().ModelName != "flash" || len(strong.Requests()) > 0 {
				t.Errorf("metadata %+v, want the cheap model's answer marked", got.Metadata())
			}
		})
	}
}

// A model without a list price may have no ceiling; then its price is not asked for.
func TestNoCeilingNeedsNoPrice(t *testing.T) {
	none := map[string]cascade.Settings{"t": {MaxCost: math.Inf(1)}}
	for name, config := range map[string]cascade.Config{
		"nothing set":          {},
		"infinite":             {MaxCost: math.Inf(1)},
		"infinite of a tenant": {Tenants: none},
		"a price that panics":  {MaxCost: 0.01, Tenants: none, Price: func(string, *model.LLMRequest) (float64, bool) { panic("asked for") }},
	} {
		config.Judges = []cascade.Judge{sure(0)}
		m, err := cascade.New(config, llmtest.NewModel("flash", llmtest.Text("cheap")), llmtest.NewModel("pro", llmtest.Text("strong")))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := llmtest.Ask(call.With(t.Context(), call.Info{Tenant: "t"}), m, true); got.Stream != "cheap|strong[strong]" {
			t.Errorf("%s: the consumer saw %q (%v), want the strong model's answer", name, got.Stream, got.Err)
		}
	}
}

// The error names every ceiling without a price, beside other mistakes.
func TestEveryCeilingWithoutAPriceIsNamed(t *testing.T) {
	ceiling := cascade.Settings{MaxCost: 1}
	_, err := cascade.New(cascade.Config{MaxCost: 1, Tenants: map[string]cascade.Settings{"a": ceiling, "b": ceiling}},
		llmtest.NewModel("flash"), llmtest.NewModel("pro"))
	for _, want := range []string{"Config.MaxCost is", `Config.Tenants["a"].MaxCost is`, `Config.Tenants["b"].MaxCost is`, "Config.Judges is empty"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want it to say %q", err, want)
		}
	}
}

// The list price of a long request is over a ceiling that a short one keeps.
func TestCeilingByListPrice(t *testing.T) {
	m := cascade.MustNew(cascade.Config{Judges: []cascade.Judge{sure(0)}, MaxCost: 0.02, Hold: true},
		llmtest.NewModel("gemini-2.5-flash-lite", llmtest.Text("cheap")), llmtest.NewModel("gemini-2.5-pro", llmtest.Text("strong")))
	for length, want := range map[int]string{10: "strong[strong]", 1 << 20: "cheap[cheap]"} {
		req := llmtest.UserSays(strings.Repeat("word ", length/5))
		if got := llmtest.Collect(m.GenerateContent(t.Context(), req, true)); got.Stream != want {
			t.Errorf("of %d characters the consumer saw %q (%v), want %q", length, got.Stream, got.Err, want)
		}
	}
}

func TestCascadeByTenant(t *testing.T) {
	config := cascade.Config{
		Judges: []cascade.Judge{sure(0.5)},
		Price:  func(string, *model.LLMRequest) (float64, bool) { return 0.1, true },
		Tenants: map[string]cascade.Settings{
			"free":     {Use: cascade.UseCheap},
			"premium":  {Use: cascade.UseStrong},
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
		m := cascade.MustNew(config, llmtest.NewModel("flash", llmtest.Text("cheap")), llmtest.NewModel("pro", llmtest.Text("strong")))
		got := llmtest.Ask(call.With(t.Context(), call.Info{Tenant: tenant}), m, true)
		if got.Stream != want || got.Metadata().Triggered != strings.HasSuffix(want, "|strong[strong]") {
			t.Errorf("tenant %q saw %q (%+v), want %q", tenant, got.Stream, got.Metadata(), want)
		}
	}

	down := func() (m model.LLM, cheap, strong *llmtest.Model) {
		cheap, strong = llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrQuota)), llmtest.NewModel("pro", llmtest.Fail(llmtest.ErrQuota))
		return cascade.MustNew(config, cheap, strong), cheap, strong
	}
	m, _, strong := down()
	if got := llmtest.Ask(call.With(t.Context(), call.Info{Tenant: "free"}), m, true); got.Err == nil || len(strong.Requests()) > 0 {
		t.Errorf("error %v after %d calls of the strong model, want no call", got.Err, len(strong.Requests()))
	}
	m, cheap, _ := down()
	if got := llmtest.Ask(call.With(t.Context(), call.Info{Tenant: "premium"}), m, true); got.Err == nil || len(cheap.Requests()) != 1 {
		t.Errorf("error %v after %d calls of the cheap model, want it called when the strong one is down", got.Err, len(cheap.Requests()))
	}
}

func TestCascadeConfigIsChecked(t *testing.T) {
	a, b := llmtest.NewModel("a", llmtest.Text("a")), llmtest.NewModel("b", llmtest.Text("b"))
	ok := []cascade.Judge{sure(1)}
	for want, build := range map[string]func() (model.LLM, error){
		"Config.Judges is empty; must have 1 or more": func() (model.LLM, error) { return cascade.New(cascade.Config{}, a, b) },
		"Config.Judges[0] is empty; use a function such as JudgeStated": func() (model.LLM, error) {
			return cascade.New(cascade.Config{Judges: make([]cascade.Judge, 1)}, a, b)
		},
		"Config.Judges[0]: JudgeFunc: the function is nil": func() (model.LLM, error) {
			return cascade.New(cascade.Config{Judges: []cascade.Judge{cascade.JudgeFunc(nil)}}, a, b)
		},
		"Config.Judges[0]: JudgeModel: the model is nil": func() (model.LLM, error) {
			return cascade.New(cascade.Config{Judges: []cascade.Judge{cascade.JudgeModel(nil, "")}}, a, b)
		},
		"DegradeBelow: the limit is 1.5; must be above 0": func() (model.LLM, error) {
			return cascade.New(cascade.Config{Judges: []cascade.Judge{sure(1).DegradeBelow(1.5, b)}}, a, b)
		},
		"DegradeBelow: the model is nil": func() (model.LLM, error) {
			return cascade.New(cascade.Config{Judges: []cascade.Judge{sure(1).DegradeBelow(0.5, nil)}}, a, b)
		},
		"Config.Threshold is 1.5; must be from 0 to 1": func() (model.LLM, error) {
			return cascade.New(cascade.Config{Judges: ok, Threshold: 1.5}, a, b)
		},
		"Config.Threshold is NaN; must be from 0 to 1": func() (model.LLM, error) {
			return cascade.New(cascade.Config{Judges: ok, Threshold: math.NaN()}, a, b)
		},
		"Config.MaxCost is -1; must be 0 or more": func() (model.LLM, error) {
			return cascade.New(cascade.Config{Judges: ok, MaxCost: -1}, a, b)
		},
		"Config.MaxCost is set, but b has no list price; set Config.Price": func() (model.LLM, error) {
			return cascade.New(cascade.Config{Judges: ok, MaxCost: 1}, a, b)
		},
		`Config.Tenants["x"].MaxCost is set, but b has no list price; set Config.Price`: func() (model.LLM, error) {
			return cascade.New(cascade.Config{Judges: ok, Tenants: map[string]cascade.Settings{"x": {MaxCost: 1}}}, a, b)
		},
		`Config.Tenants["y"].MaxCost is set, but b has no list price; set Config.Price`: func() (model.LLM, error) {
			return cascade.New(cascade.Config{Judges: ok, MaxCost: math.Inf(1), Tenants: map[string]cascade.Settings{"y": {Use: cascade.UseStrong, MaxCost: 1}}}, a, b)
		},
		`Config.Tenants["x"].MaxCost is NaN; must be 0 or more`: func() (model.LLM, error) {
			return cascade.New(cascade.Config{Judges: ok, Tenants: map[string]cascade.Settings{"x": {MaxCost: math.NaN()}}}, a, b)
		},
		`Config.MaxCost is -Inf; must be 0 or more`: func() (model.LLM, error) {
			return cascade.New(cascade.Config{Judges: ok, MaxCost: math.Inf(-1)}, a, b)
		},
		"Config.JudgeTimeout is -1s; must be 0 (default: 5s) or more": func() (model.LLM, error) {
			return cascade.New(cascade.Config{Judges: ok, JudgeTimeout: -1e9}, a, b)
		},
		`Config.Tenants["x"].Threshold is -1; must be from 0 to 1`: func() (model.LLM, error) {
			return cascade.New(cascade.Config{Judges: ok, Tenants: map[string]cascade.Settings{"x": {Threshold: -1}}}, a, b)
		},
		`Config.Tenants["x"].Use is "best"; must be empty, "cheap" or "st`: func() (model.LLM, error) {
			return cascade.New(cascade.Config{Judges: ok, Tenants: map[string]cascade.Settings{"x": {Use: "best"}}}, a, b)
		},
		"New: models[1] is nil; must be a model":                          func() (model.LLM, error) { return cascade.New(cascade.Config{Judges: ok}, a, nil) },
		`New: models[1] is called "a" like models[0]; use each name once`: func() (model.LLM, error) { return cascade.New(cascade.Config{Judges: ok}, a, a) },
	} {
		t.Run(want, func(t *testing.T) {
			if m, err := build(); err == nil || m != nil || !strings.Contains(err.Error(), "cascade: ") || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want it to say %q", err, want)
			}
		})
	}
}

// A wait of the cheap model is spared if the strong one may answer, and only then.
func TestCascadeSparesAWait(t *testing.T) {
	for use, want := range map[cascade.Use]string{cascade.UseBoth: "strong[strong] after 0s", cascade.UseCheap: "cheap[cheap] after 20s"} {
		synctest.Test(t, func(t *testing.T) {
			busy := genai.APIError{Code: 429, Details: []map[string]any{{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "20s"}}}
			patient := middleware.MustRetry(middleware.RetryConfig{SkipWait: time.Second, Rand: func() float64 { return 0 }})
			m := cascade.MustNew(cascade.Config{Judges: []cascade.Judge{sure(1)}, Tenants: map[string]cascade.Settings{"": {Use: use}}},
				patient(llmtest.NewModel("flash", llmtest.Fail(busy), llmtest.Text("cheap"))), llmtest.NewModel("pro", llmtest.Text("strong")))
			started := time.Now()
			got := llmtest.Ask(t.Context(), m, true)
			if heard := fmt.Sprint(got.Stream, " after ", time.Since(started)); heard != want {
				t.Errorf("the consumer saw %s (%v), want %s", heard, got.Err, want)
			}
		})
	}
}
