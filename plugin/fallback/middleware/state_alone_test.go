package middleware_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/statetest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// course makes calls with random outcomes and pauses through all layers, and returns how they
// ended.
func course(t *testing.T, seed uint64, shared *state.Shared) string {
	random := rand.New(rand.NewPCG(seed, 0))
	steps := []llmtest.Step{
		llmtest.Text("ok"), llmtest.Text("ok"), llmtest.Text("ok"), llmtest.Fail(genai.APIError{Code: 503}), llmtest.Fail(genai.APIError{Code: 503}),
		llmtest.Fail(genai.APIError{Code: 400, Status: "INVALID_ARGUMENT"}), llmtest.Fail(genai.APIError{Code: 429, Status: "RESOURCE_EXHAUSTED"}),
	}
	next := steps[0]
	flash := llmtest.NewModel("flash", func(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
		next(ctx, req, streamed, yield)
	})
	budget := middleware.MustBudget(middleware.BudgetConfig{Limit: 40, Price: price(1), State: shared})
	m := middleware.Chain(flash,
		middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 2, OpenFor: 10 * time.Second, MaxOpenFor: time.Minute, State: shared}),
		middleware.MustLimit(middleware.LimitConfig{RequestsPerMinute: 12, MaxWait: 3 * time.Second, State: shared}),
		budget.Middleware(),
	)
	time.Sleep(2 * time.Second)
	var ends strings.Builder
	for i := range 80 {
		next = steps[random.IntN(len(steps))]
		outcome := "ok"
		if err := generate(t.Context(), m); err != nil {
			outcome = "failed"
			for _, layer := range []string{"breaker", "limit", "budget"} {
				if refusedBy(err, layer) != nil {
					outcome = layer
				}
			}
		}
		fmt.Fprintf(&ends, "%d %s\n", i, outcome)
		time.Sleep(time.Duration(random.IntN(4001)) * time.Millisecond)
	}
	return ends.String()
}

// A single replica that shares its state behaves as one that does not.
func TestSharingChangesNothingForASingleReplica(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			alone := course(t, seed, nil)
			time.Sleep(time.Until(time.Now().Truncate(time.Hour).Add(time.Hour))) // both within a day, from a round time
			if shared := course(t, seed, statetest.NewStore().Replica(t)); shared != alone {
				t.Errorf("seed %d: alone\n%s\nshared\n%s", seed, alone, shared)
			}
		})
	}
}
