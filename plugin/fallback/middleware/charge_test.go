package middleware_test

import (
	"context"
	"errors"
	"iter"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// B78
func TestEveryAttemptIsCharged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := middleware.MustBudget(middleware.BudgetConfig{Price: price(10), Cost: perToken})
		empty := counted("", 3) // is no answer, but was paid for
		m := middleware.Chain(llmtest.NewModel("flash", empty, llmtest.Fail(llmtest.ErrUnavailable), counted("hi", 5)),
			middleware.MustRetry(middleware.RetryConfig{MaxRetries: 2}), budget.Middleware())
		if got := ask(t.Context(), m, false); got.err != nil {
			t.Fatal(got.err)
		}
		wantSpent(t, budget, 3+0+5)
	})
}

// A model that is called again at once is charged for all its attempts. B78
func TestAttemptsOfARepairedCallAreCharged(t *testing.T) {
	budget := middleware.MustBudget(middleware.BudgetConfig{Price: price(10), Cost: perToken})
	refused := llmtest.Fail(errors.New(`Error 400, Message: temperature is not supported, Status: INVALID_ARGUMENT`))
	m := budget.Middleware()(llmtest.NewModel("flash", counted("", 3), refused, counted("hi", 5)))
	req := &model.LLMRequest{
		Contents: []*genai.Content{
			genai.NewContentFromText("hi", genai.RoleUser),
			{Role: genai.RoleModel, Parts: []*genai.Part{{FunctionCall: &genai.FunctionCall{Name: "f"}}}},
			{Role: genai.RoleUser, Parts: []*genai.Part{{FunctionResponse: &genai.FunctionResponse{Name: "f"}}}},
		},
		Config: &genai.GenerateContentConfig{Temperature: genai.Ptr[float32](1)},
	}
	if all, err := responses(t.Context(), m, req, false); err != nil || len(all) != 1 || llmtest.TextOf(all[0].Content) != "hi" {
		t.Fatalf("%v, %v; want the third attempt's answer", all, err)
	}
	wantSpent(t, budget, 3+0+5)
}

// B76, B78
func TestLoserOfAHedgeIsCharged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := middleware.MustBudget(middleware.BudgetConfig{Price: price(10), Cost: perToken})
		slow := budget.Middleware()(llmtest.NewModel("slow", silence))
		quick := budget.Middleware()(llmtest.NewModel("quick", counted("hi", 3)))
		hedge, err := router.NewHedge(router.HedgeConfig{Delay: time.Second}, slow, quick)
		if err != nil {
			t.Fatal(err)
		}
		if got := ask(t.Context(), hedge, false); got.text != "hi" {
			t.Fatalf("%+v, want the quick model's answer", got)
		}
		synctest.Wait()
		wantSpent(t, budget, 10+3)
	})
}

// B78
func TestChargeOfAnAttemptByItsEnd(t *testing.T) {
	const projected, used = 10, 3
	half := func(end llmtest.Step) llmtest.Step {
		return func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
			if yield(&model.LLMResponse{Content: genai.NewContentFromText("half ", genai.RoleModel), Partial: true}, nil) {
				end(ctx, req, stream, yield)
			}
		}
	}
	blocked := llmtest.Respond(func() *model.LLMResponse {
		return &model.LLMResponse{FinishReason: genai.FinishReasonSafety, UsageMetadata: &genai.GenerateContentResponseUsageMetadata{TotalTokenCount: used}}
	})
	nothing := func(context.Context, *model.LLMRequest, bool, func(*model.LLMResponse, error) bool) {}
	for name, test := range map[string]struct {
		step llmtest.Step
		want float64
	}{
		"answer":                     {counted("hi", used), used},
		"streamed answer":            {half(counted("hi", used)), used},
		"answer without usage":       {llmtest.Text("hi"), projected},
		"usage that counts nothing":  {counted("hi", 0), projected},
		"refused, counting nothing":  {counted("", 0), projected},
		"blocked":                    {blocked, used},
		"rate limit":                 {llmtest.Fail(llmtest.ErrQuota), 0},
		"overload":                   {llmtest.Fail(llmtest.ErrUnavailable), 0},
		"overload after content":     {half(llmtest.Fail(llmtest.ErrUnavailable)), projected},
		"not reached":                {llmtest.Fail(errors.New("dial tcp: connect: connection refused")), 0},
		"no credential":              {llmtest.Fail(errors.New("google: could not find default credentials")), 0},
		"limit without a status":     {llmtest.Fail(errors.New("bedrock: rate limit exceeded, try again later")), 0},
		"limit after content":        {half(llmtest.Fail(errors.New("bedrock: rate limit exceeded, try again later"))), projected},
		"truncated":                  {half(nothing), projected},
		"empty":                      {nothing, projected},
		"timeout":                    {silence, projected},
		"timeout after content":      {half(silence), projected},
		"panic of the model":         {func(context.Context, *model.LLMRequest, bool, func(*model.LLMResponse, error) bool) { panic("model") }, projected}, // B80
		"unrecognized, perhaps paid": {llmtest.Fail(errors.New("no idea")), projected},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				budget := middleware.MustBudget(middleware.BudgetConfig{Limit: 100, Price: price(projected), Cost: perToken})
				m := middleware.Chain(llmtest.NewModel("flash", test.step), middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Second}), budget.Middleware())
				for range m.GenerateContent(t.Context(), hello(), true) {
					continue
				}
				wantSpent(t, budget, test.want)
				wantNothingReserved(t, budget)
			})
		})
	}
}

// Any count is one: what a free tier or an adapter leaves at zero is not all.
func TestUsageThatCountsAnything(t *testing.T) {
	for _, usage := range []genai.GenerateContentResponseUsageMetadata{
		{PromptTokenCount: 1}, {CandidatesTokenCount: 1}, {ThoughtsTokenCount: 1}, {ToolUsePromptTokenCount: 1}, {CachedContentTokenCount: 1}, {TotalTokenCount: 1},
	} {
		budget := middleware.MustBudget(middleware.BudgetConfig{
			Price: price(10), Cost: func(string, *genai.GenerateContentResponseUsageMetadata) float64 { return 3 },
		})
		ask(t.Context(), budget.Middleware()(llmtest.NewModel("flash", llmtest.Respond(func() *model.LLMResponse {
			return &model.LLMResponse{Content: genai.NewContentFromText("hi", genai.RoleModel), UsageMetadata: &usage}
		}))), false)
		if got := budget.Spent(""); got != 3 {
			t.Errorf("%+v: spent %v, want 3", usage, got)
		}
	}
}

// A tariff wins over the configuration; one that knows no price is not free. B78
func TestTariffOfAModel(t *testing.T) {
	budget := middleware.MustBudget(middleware.BudgetConfig{Limit: 100, Price: price(50), Cost: perToken})
	double := middleware.Tariff{
		Price: func(*model.LLMRequest) (float64, bool) { return 20, true },
		Cost: func(usage *genai.GenerateContentResponseUsageMetadata) float64 {
			return 2 * float64(usage.TotalTokenCount)
		},
	}
	ask(t.Context(), budget.MiddlewareAt(double)(llmtest.NewModel("flash", counted("hi", 3))), false)
	wantSpent(t, budget, 6)
	ask(t.Context(), budget.MiddlewareAt(double)(llmtest.NewModel("flash", llmtest.Text("hi"))), false)
	wantSpent(t, budget, 6+20)
	refused := (*middleware.RefusedError)(nil)
	if got := ask(t.Context(), budget.MiddlewareAt(middleware.Tariff{})(llmtest.NewModel("flash", llmtest.Text("hi"))), false); !errors.As(got.err, &refused) {
		t.Errorf("no price: error %v, want a refusal", got.err)
	}
	wantSpent(t, budget, 6+20)
	wantNothingReserved(t, budget)
}

// wantNothingReserved checks that of a limit of 100 only what is spent is taken.
func wantNothingReserved(t *testing.T, budget *middleware.Budget) {
	t.Helper()
	if got, want := budget.Share(""), budget.Spent("")/100; math.Abs(got-want) > 1e-9 {
		t.Errorf("share %v, want %v: something is still reserved", got, want)
	}
}

// B78, B80
func TestBudgetOfACallerThatLeaves(t *testing.T) {
	for name, leave := range map[string]func(m model.LLM){
		"stops":  func(m model.LLM) { ask(context.Background(), breaksOff{m}, true) },
		"panics": func(m model.LLM) { defer func() { _ = recover() }(); panicking(m) },
		"cancels": func(m model.LLM) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			for range m.GenerateContent(ctx, hello(), true) {
				cancel() // the stream ends with the model's error
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				budget := middleware.MustBudget(middleware.BudgetConfig{Limit: 100, Price: price(10), Cost: perToken})
				leave(budget.Middleware()(llmtest.NewModel("flash", words(10, time.Second))))
				wantSpent(t, budget, 10)
				wantNothingReserved(t, budget)
			})
		})
	}
}

// breaksOff takes one response of a model's.
type breaksOff struct{ model.LLM }

func (m breaksOff) GenerateContent(ctx context.Context, req *model.LLMRequest, stream bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		for resp, err := range m.LLM.GenerateContent(ctx, req, stream) {
			yield(resp, err)
			return
		}
	}
}

func panicking(m model.LLM) {
	for range m.GenerateContent(context.Background(), hello(), true) {
		panic("consumer")
	}
}

// B80
func TestUnknownCostIsWhatWasProjected(t *testing.T) {
	for name, cost := range map[string]func(string, *genai.GenerateContentResponseUsageMetadata) float64{
		"none":     nil,
		"panics":   func(string, *genai.GenerateContentResponseUsageMetadata) float64 { panic("cost") },
		"negative": func(string, *genai.GenerateContentResponseUsageMetadata) float64 { return -1 },
	} {
		budget := middleware.MustBudget(middleware.BudgetConfig{Price: price(10), Cost: cost})
		ask(t.Context(), budget.Middleware()(llmtest.NewModel("flash", counted("hi", 3))), false)
		if got := budget.Spent(""); got != 10 {
			t.Errorf("%s: spent %v, want 10", name, got)
		}
	}
}

func TestSmallestPricesAddUp(t *testing.T) {
	budget := middleware.MustBudget(middleware.BudgetConfig{Price: price(1e-8)})
	m := budget.Middleware()(llmtest.Bare{Step: llmtest.Text("hi")})
	for range 100_000 {
		for range m.GenerateContent(t.Context(), hello(), false) {
			continue
		}
	}
	wantSpent(t, budget, 0.001)
}
