package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// price is a Price that is the same for every call.
func price(dollars float64) func(string, *model.LLMRequest) (float64, bool) {
	return func(string, *model.LLMRequest) (float64, bool) { return dollars, true }
}

// perToken is a Cost of a dollar for each token.
func perToken(_ string, usage *genai.GenerateContentResponseUsageMetadata) float64 {
	return float64(usage.TotalTokenCount)
}

// counted answers with text that took so many tokens.
func counted(text string, tokens int32) llmtest.Step {
	return llmtest.Respond(func() *model.LLMResponse {
		return &model.LLMResponse{
			Content: genai.NewContentFromText(text, genai.RoleModel), FinishReason: genai.FinishReasonStop,
			UsageMetadata: &genai.GenerateContentResponseUsageMetadata{TotalTokenCount: tokens},
		}
	})
}

func tenant(ctx context.Context, name string) context.Context {
	return call.With(ctx, call.Info{Tenant: name})
}

// wantSpent checks what has been charged to the calls without a tenant.
func wantSpent(t *testing.T, budget *middleware.Budget, want float64) {
	t.Helper()
	if got := budget.Spent(""); got != want {
		t.Errorf("spent %v, want %v", got, want)
	}
}

// B78
func TestBudgetHoldsUnderConcurrentCalls(t *testing.T) {
	for _, cost := range []float64{0.005, 0.01, 0.02} {
		t.Run(fmt.Sprint(cost), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const limit, projected = 1.00, 0.01
				budget := middleware.MustBudget(middleware.BudgetConfig{
					Limit: limit, Price: price(projected),
					Cost: func(string, *genai.GenerateContentResponseUsageMetadata) float64 { return cost },
				})
				var inFlight, most atomic.Int64
				m := budget.Middleware()(llmtest.NewModel("flash", func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
					now := inFlight.Add(1)
					for before := most.Load(); now > before && !most.CompareAndSwap(before, now); before = most.Load() {
					}
					defer inFlight.Add(-1)
					after(time.Second, counted("hi", 1))(ctx, req, stream, yield)
				}))
				served := 0
				for range 8 {
					for _, got := range llmtest.AskMany(t.Context(), m, 200) {
						if got.Err == nil {
							served++
						}
					}
				}
				if got := budget.Spent(""); got > limit+float64(most.Load())*projected || got < limit-projected || math.Abs(got-float64(served)*cost) > 1e-9 {
					t.Errorf("spent %v on %d calls, want %v, exceeded by no more than what %d calls had reserved", got, served, limit, most.Load())
				}
				if cost == projected && served != 100 {
					t.Errorf("%d calls served, want 100", served)
				}
			})
		})
	}
}

// B78
func TestFallingBackDoesNotGoRoundTheBudget(t *testing.T) {
	budget := middleware.MustBudget(middleware.BudgetConfig{
		Limit: 1,
		Price: func(name string, _ *model.LLMRequest) (float64, bool) {
			return map[string]float64{"flash": 1, "pro": 2, "local": 0}[name], true
		},
		Cost: perToken,
	})
	flash, pro, local := llmtest.NewModel("flash", counted("hi", 3)), llmtest.NewModel("pro", llmtest.Text("pro")), llmtest.NewModel("local", llmtest.Text("local"))
	paid := router.MustFallback(router.Config{}, budget.Middleware()(flash), budget.Middleware()(pro))
	if got := ask(t.Context(), paid, false); got.err != nil {
		t.Fatal(got.err)
	}
	got := ask(t.Context(), paid, false)
	var refused *middleware.RefusedError
	if !errors.As(got.err, &refused) || refused.By != "budget" || len(pro.Requests()) != 0 {
		t.Errorf("error %v, %d calls of the fallback; want a refusal and none", got.err, len(pro.Requests()))
	}
	// What is free is not refused, also to who has spent more than the limit.
	all := router.MustFallback(router.Config{}, paid, budget.Middleware()(local))
	if got := ask(t.Context(), all, false); got.text != "local" {
		t.Errorf("%+v, want the free model's answer", got)
	}
	wantSpent(t, budget, 3)
}

func TestBudgetIsPerTenant(t *testing.T) {
	budget := middleware.MustBudget(middleware.BudgetConfig{
		Limit: 1, Limits: map[string]float64{"Acme": 3, "internal": math.Inf(1)}, Price: price(1),
	})
	m := budget.Middleware()(llmtest.NewModel("flash", llmtest.Text("hi")))
	for name, want := range map[string]float64{"": 1, "other": 1, "ACME": 3, "internal": 9} {
		for range 9 {
			ask(tenant(t.Context(), name), m, false)
		}
		if got := budget.Spent(name); got != want {
			t.Errorf("tenant %q has spent %v, want %v", name, got, want)
		}
	}
	if got := budget.Share("internal"); got != 0 {
		t.Errorf("share of a tenant without a limit is %v, want 0", got)
	}
	if got := budget.Share("acme"); got != 1 {
		t.Errorf("share of a tenant at its limit is %v, want 1", got)
	}
}

func TestBudgetIsPerDay(t *testing.T) {
	berlin := time.FixedZone("Berlin", 3600)
	for _, location := range []*time.Location{nil, berlin} {
		synctest.Test(t, func(t *testing.T) {
			midnight := time.Date(2000, 1, 2, 0, 0, 0, 0, time.UTC) // the bubble starts on the first
			if location != nil {
				midnight = time.Date(2000, 1, 2, 0, 0, 0, 0, location)
			}
			budget := middleware.MustBudget(middleware.BudgetConfig{Limit: 1, Price: price(1), Location: location})
			m := budget.Middleware()(llmtest.NewModel("flash", after(2*time.Second, llmtest.Text("hi"))))
			ask(t.Context(), m, false)
			time.Sleep(time.Until(midnight) - time.Second)
			var refused *middleware.RefusedError
			if got := ask(t.Context(), m, false); !errors.As(got.err, &refused) || !refused.Until.Equal(midnight) {
				t.Errorf("error %v, want a refusal until %v", got.err, midnight)
			}
			time.Sleep(time.Second)
			if got := ask(t.Context(), m, false); got.err != nil {
				t.Errorf("error %v on a new day", got.err)
			}
			wantSpent(t, budget, 1)
		})
	}
}

// A day has one budget where clocks are put forward from midnight, so that there
// is none, or back over it, so that there are two.
func TestBudgetIsPerDayWhereClocksChangeAtMidnight(t *testing.T) {
	for _, test := range []struct{ zone, start, midnight string }{
		{"America/Santiago", "2000-10-15T03:30:00Z", "2000-10-15T04:00:00Z"}, // from 23:59 to 01:00
		{"America/Havana", "2000-04-02T04:30:00Z", "2000-04-02T05:00:00Z"},
		{"America/Santiago", "2000-03-12T02:30:00Z", "2000-03-12T04:00:00Z"}, // from 23:59 to 23:00
		{"America/St_Johns", "2000-10-29T01:30:00Z", "2000-10-29T02:30:00Z"}, // from 00:00 to 23:01
		{"America/St_Johns", "2000-10-29T02:40:00Z", "2000-10-29T03:30:00Z"}, // after that
	} {
		t.Run(test.zone+" "+test.start, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				zone, err := time.LoadLocation(test.zone)
				if err != nil {
					t.Fatal(err)
				}
				at := func(text string) time.Time {
					at, err := time.Parse(time.RFC3339, text)
					if err != nil {
						t.Fatal(err)
					}
					return at
				}
				start, midnight := at(test.start), at(test.midnight)
				time.Sleep(time.Until(start))
				budget := middleware.MustBudget(middleware.BudgetConfig{Limit: 1, Price: price(1), Location: zone})
				m := budget.Middleware()(llmtest.NewModel("flash", llmtest.Text("hi")))
				ask(t.Context(), m, false)
				for ; time.Now().Before(midnight); time.Sleep(time.Minute) {
					var refused *middleware.RefusedError
					if got := ask(t.Context(), m, false); !errors.As(got.err, &refused) || !refused.Until.Equal(midnight) {
						t.Fatalf("error %v at %v, want a refusal until %v", got.err, time.Now().In(zone), midnight)
					}
				}
				for answers := 1; time.Until(midnight) > -23*time.Hour; time.Sleep(time.Hour) {
					if got := ask(t.Context(), m, false); (got.err == nil) != (answers == 1) {
						t.Fatalf("error %v at %v, want one answer on the new day", got.err, time.Now().In(zone))
					}
					answers = 0
				}
			})
		})
	}
}

func TestCallOverMidnightBelongsToTheDayItStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := middleware.MustBudget(middleware.BudgetConfig{Limit: 1, Price: price(1)})
		m := budget.Middleware()(llmtest.NewModel("flash", after(2*time.Second, llmtest.Text("hi"))))
		time.Sleep(24*time.Hour - time.Second)
		ask(t.Context(), m, false)
		wantSpent(t, budget, 0)
		if got := ask(t.Context(), m, false); got.err != nil {
			t.Errorf("error %v, want a whole budget on the new day", got.err)
		}
	})
}

// What has no price is not free.
func TestUnknownPriceIsRefusedToWhoHasALimit(t *testing.T) {
	for name, price := range map[string]func(string, *model.LLMRequest) (float64, bool){
		"unknown":      func(string, *model.LLMRequest) (float64, bool) { return 0, false },
		"panics":       func(string, *model.LLMRequest) (float64, bool) { panic("price") }, // B80
		"negative":     func(string, *model.LLMRequest) (float64, bool) { return -1, true },
		"not a number": func(string, *model.LLMRequest) (float64, bool) { return math.NaN(), true },
		"infinite":     func(string, *model.LLMRequest) (float64, bool) { return math.Inf(1), true },
	} {
		t.Run(name, func(t *testing.T) {
			budget := middleware.MustBudget(middleware.BudgetConfig{Limit: 1, Limits: map[string]float64{"internal": math.Inf(1)}, Price: price, Cost: perToken})
			m := budget.Middleware()(llmtest.NewModel("flash", counted("hi", 3)))
			var refused *middleware.RefusedError
			if got := ask(t.Context(), m, false); !errors.As(got.err, &refused) || refused.Model != "flash" {
				t.Errorf("error %v, want a refusal", got.err)
			}
			if got := ask(tenant(t.Context(), "internal"), m, false); got.err != nil || budget.Spent("internal") != 3 {
				t.Errorf("error %v, spent %v; want an answer that is counted", got.err, budget.Spent("internal"))
			}
		})
	}
}

func TestBudgetWarnsOnceADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var warnings []string
		var budget *middleware.Budget
		budget = middleware.MustBudget(middleware.BudgetConfig{
			Limit: 10, Price: price(1),
			Warn: func(tenant string, spent, limit float64) {
				warnings = append(warnings, fmt.Sprintf("%s %v of %v, %v", tenant, spent, limit, budget.Share(tenant)))
				panic("warn") // B80
			},
		})
		m := budget.Middleware()(llmtest.NewModel("flash", llmtest.Text("hi")))
		for range 2 {
			for range 12 {
				ask(tenant(t.Context(), "acme"), m, false)
			}
			time.Sleep(24 * time.Hour)
		}
		if got, want := strings.Join(warnings, "; "), "acme 8 of 10, 0.8; acme 8 of 10, 0.8"; got != want {
			t.Errorf("warnings %q, want %q", got, want)
		}
	})
}

// Both take the final response from the same call.
func TestBudgetWithinCache(t *testing.T) {
	budget := middleware.MustBudget(middleware.BudgetConfig{Price: price(10), Cost: perToken})
	answers := cache.MustNew(cache.Config{})
	defer answers.Close()
	m := middleware.Chain(llmtest.NewModel("flash", counted("hi", 3)), answers.Middleware(), budget.Middleware())
	for _, want := range []string{call.CacheMiss, call.CacheHit} {
		got := llmtest.Ask(t.Context(), m, false)
		if got.Err != nil || got.Text() != "hi" || got.Metadata().CacheStatus != want {
			t.Errorf("%q, %q, error %v; want hi, %q", got.Text(), got.Metadata().CacheStatus, got.Err, want)
		}
	}
	wantSpent(t, budget, 3)
}

func TestBudgetConfigNamesEveryWrongField(t *testing.T) {
	_, err := middleware.NewBudget(middleware.BudgetConfig{Limit: -1, Limits: map[string]float64{"acme": 0, "other": math.NaN(), "Other": 1}, WarnAt: 2})
	for _, field := range []string{"Price", "Limit:", `Limits["acme"]`, `Limits["other"]: NaN`, `Limits["other"]: is the same name as "Other"`, "WarnAt"} {
		if err == nil || !strings.Contains(err.Error(), "BudgetConfig."+field) {
			t.Errorf("error %v, want one that names %s", err, field)
		}
	}
}

func TestBudgetIsSafeToReadWhileItIsSpent(t *testing.T) {
	budget := middleware.MustBudget(middleware.BudgetConfig{Limit: 1, Price: price(0.001)})
	m := budget.Middleware()(llmtest.NewModel("flash", llmtest.Text("hi")))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				ask(context.Background(), m, false)
				budget.Spent("")
				budget.Share("")
			}
		})
	}
	wg.Wait()
	wantSpent(t, budget, 0.4)
}

func BenchmarkBudget(b *testing.B) {
	budget := middleware.MustBudget(middleware.BudgetConfig{Limit: 1e6, Price: price(0.001), Cost: perToken})
	plain := llmtest.Bare{Step: counted("hi", 0)}
	for name, m := range map[string]model.LLM{"without": middleware.Attempt(middleware.AttemptConfig{})(plain), "with": budget.Middleware()(plain)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			req := hello()
			for b.Loop() {
				for _, err := range m.GenerateContent(b.Context(), req, false) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

func ExampleBudget() {
	budget, err := middleware.NewBudget(middleware.BudgetConfig{
		Limit: 0.02,
		Price: func(string, *model.LLMRequest) (float64, bool) { return 0.01, true },
	})
	if err != nil {
		log.Fatal(err)
	}
	m := budget.Middleware()(llmtest.NewModel("flash", llmtest.Text("hi")))
	ctx := call.With(context.Background(), call.Info{Tenant: "acme"})
	for range 3 {
		for _, err := range m.GenerateContent(ctx, hello(), false) {
			fmt.Println(budget.Spent("acme"), err)
		}
	}
	// Output:
	// 0 <nil>
	// 0.01 <nil>
	// 0.02 middleware: budget refused flash: no place for 0.0100 USD in the day's budget of 0.02 USD
}
