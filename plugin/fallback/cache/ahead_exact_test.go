package cache_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/statetest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// B97: a limit is exact if calls take ahead, whether they then use that, are hits or are cancelled.
func TestLimitIsExactWithCallsThatTakeAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perMinute, lasting = 100, 30 * time.Second
		store := statetest.NewStore()
		var replicas []*state.Shared
		for range 4 {
			replicas = append(replicas, store.Replica(t))
		}
		flash := llmtest.NewModel("flash", llmtest.Text("ok"))
		time.Sleep(2 * time.Second)
		store.Trip(300 * time.Microsecond)
		ends := time.Now().Add(lasting)
		var wg sync.WaitGroup
		for i, shared := range replicas {
			limit := middleware.MustLimit(middleware.LimitConfig{RequestsPerMinute: perMinute, MaxWait: time.Nanosecond, State: shared})
			budget := middleware.MustBudget(middleware.BudgetConfig{Limit: 1e6, State: shared, Price: func(string, *model.LLMRequest) (float64, bool) { return 1, true }})
			m := newCache(t, cache.Config{State: shared}).Middleware()(limit(budget.Middleware()(flash)))
			for j := range 3 {
				r := rand.New(rand.NewPCG(uint64(i), uint64(j)))
				wg.Go(func() {
					for n := 0; time.Now().Before(ends); n++ {
						question := fmt.Sprint(i, j, n)
						if r.IntN(3) == 0 {
							question = fmt.Sprint(r.IntN(20))
						}
						ctx, cancel := context.WithTimeout(t.Context(), time.Duration(r.IntN(1500))*time.Microsecond)
						llmtest.Collect(m.GenerateContent(ctx, llmtest.UserSays(question), false))
						cancel()
						time.Sleep(time.Duration(1+r.IntN(20)) * time.Millisecond)
					}
				})
			}
		}
		wg.Wait()
		want := perMinute + int(lasting.Minutes()*perMinute)
		if got := len(flash.Asked()); got > want+1 || got < want-5 {
			t.Errorf("%d calls in %v, want %d", got, lasting, want)
		}
	})
}
