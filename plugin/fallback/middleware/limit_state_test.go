package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/statetest"
	"github.com/adk-fallback/adk-fallback/internal/tokens"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// limits returns the limits of n replicas in front of m.
func limits(t *testing.T, store *statetest.Store, n int, config middleware.LimitConfig, m model.LLM) (limits []model.LLM) {
	for range n {
		config.State = store.Replica(t)
		limits = append(limits, middleware.MustLimit(config)(m))
	}
	time.Sleep(2 * time.Second) // until all know each other
	synctest.Wait()
	return limits
}

// flood makes calls through all limits for a time, as fast as refusals come, and returns how
// many were admitted.
func flood(ctx context.Context, limits []model.LLM, d time.Duration) (admitted int) {
	var n atomic.Int64
	var running sync.WaitGroup
	end := time.Now().Add(d)
	for i, m := range limits {
		running.Go(func() {
			for time.Now().Before(end) {
				if generate(ctx, m) == nil {
					n.Add(1)
				}
				time.Sleep(time.Duration(7+i) * time.Millisecond)
			}
		})
	}
	running.Wait()
	return int(n.Load())
}

// B97
func TestReplicasKeepALimitTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := llmtest.NewModel("flash", llmtest.Text("ok"))
		config := middleware.LimitConfig{RequestsPerMinute: 100, MaxWait: 1}
		replicas := limits(t, statetest.NewStore(), 4, config, flash)
		for minute, want := range []int{200, 100, 100} { // the first has a full bucket, and what a minute adds
			if got := flood(t.Context(), replicas, time.Minute); got < want-1 || got > want+1 {
				t.Errorf("minute %d: %d calls were admitted; want %d ± 1", minute, got, want)
			}
		}
	})
}

// Without the store each replica keeps its share, and no call waits for it for more than 5 ms. B96
func TestReplicasKeepTheirShareWithoutTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := statetest.NewStore()
		flash := llmtest.NewModel("flash", llmtest.Text("ok"))
		replicas := limits(t, store, 4, middleware.LimitConfig{RequestsPerMinute: 100, MaxWait: 1}, flash)
		flood(t.Context(), replicas, time.Minute)
		store.Frozen(true)
		for i, m := range replicas {
			started := time.Now()
			generate(t.Context(), m)
			if took := time.Since(started); took > 5*time.Millisecond {
				t.Errorf("the first call of replica %d took %v; want at most 5ms", i, took)
			}
			started = time.Now()
			generate(t.Context(), m)
			if took := time.Since(started); took != 0 {
				t.Errorf("the second call of replica %d took %v; want no wait", i, took)
			}
		}
		if got := flood(t.Context(), replicas, time.Minute); got < 90 || got > 105 {
			t.Errorf("%d calls were admitted; want about 100", got)
		}
	})
}

// A call waits for what all replicas have used, or is refused at once with the time.
func TestCallWaitsForTheSharedLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := llmtest.NewModel("flash", llmtest.Text("ok"))
		replicas := limits(t, statetest.NewStore(), 2, middleware.LimitConfig{RequestsPerMinute: 6, MaxWait: 15 * time.Second}, flash)
		for range 6 {
			if err := generate(t.Context(), replicas[0]); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		started := time.Now()
		short, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		refused := refusedBy(generate(short, replicas[1]), "limit")
		if took := time.Since(started); refused == nil || took != 0 || refused.Until.Sub(started).Round(time.Second) != 9*time.Second {
			t.Errorf("a call that ends too soon: %+v after %v; want a refusal at once, for 9s", refused, took)
		}
		if err := generate(t.Context(), replicas[1]); err != nil || time.Since(started).Round(time.Second) != 9*time.Second {
			t.Errorf("a call that can wait: %v after %v; want it to start after 9s", err, time.Since(started))
		}
	})
}

// Calls that wait for the shared limit start in the order of their priorities.
func TestPrioritiesHoldForTheSharedLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := llmtest.NewModel("flash", llmtest.Text("ok"))
		config := middleware.LimitConfig{RequestsPerMinute: 6, MaxWait: 5 * time.Minute, Priorities: map[string]int{"high": 1, "low": -1}}
		replicas := limits(t, statetest.NewStore(), 2, config, flash)
		for range 6 {
			generate(t.Context(), replicas[0])
		}
		time.Sleep(time.Second) // the other knows of it
		var mu sync.Mutex
		var order []string
		var running sync.WaitGroup
		for _, priority := range []string{"low", "low", "", "high"} {
			running.Go(func() {
				ctx := call.With(t.Context(), call.Info{Priority: priority})
				if err := generate(ctx, replicas[1]); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				order = append(order, priority)
			})
			time.Sleep(time.Second)
			synctest.Wait()
		}
		running.Wait()
		if got := fmt.Sprintf("%q", order); got != `["high" "" "low" "low"]` {
			t.Errorf("calls started in the order %s", got)
		}
	})
}

// A call that is cancelled while it waits, or that lacks tokens, keeps nothing and gives back
// no more than it has taken.
func TestWhatIsNotStartedTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := statetest.NewStore()
		flash := llmtest.NewModel("flash", llmtest.Text("ok"))
		config := middleware.LimitConfig{RequestsPerMinute: 60, TokensPerMinute: 60, MaxWait: time.Minute}
		replicas := limits(t, store, 2, config, flash)
		long := &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText(string(make([]byte, 4*50)), genai.RoleUser)}}
		for range replicas[0].GenerateContent(t.Context(), long, false) {
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			var last error
			for _, err := range replicas[1].GenerateContent(ctx, long, false) {
				last = err
			}
			ended <- last
		}()
		time.Sleep(5 * time.Second)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the cancelled call: %v", err)
		}
		time.Sleep(2 * time.Minute) // all is full again
		synctest.Wait()
		started := time.Now()
		admitted := 0
		for i := 0; time.Since(started) < time.Second; i++ { // of a token each
			if generate(t.Context(), replicas[i%2]) == nil {
				admitted++
			}
		}
		if admitted < 59 || admitted > 62 {
			t.Errorf("%d calls were admitted at once; want the 60 of a full bucket", admitted)
		}
	})
}

// A call whose limits of requests and tokens are both more than half used waits for the store
// once.
func TestLimitsAreTakenAtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := statetest.NewStore()
		m := limits(t, store, 1, middleware.LimitConfig{RequestsPerMinute: 100, TokensPerMinute: 100, MaxWait: 1}, llmtest.NewModel("flash", llmtest.Text("ok")))[0] // "hi" is a token
		if got := flood(t.Context(), []model.LLM{m}, 2*time.Second); got < 90 {
			t.Fatalf("%d calls were admitted; want a full bucket", got)
		}
		time.Sleep(10 * time.Second) // a sixth of each limit is back
		store.Trip(time.Millisecond)
		ctx, trips := statetest.CountTrips(t.Context())
		began := time.Now()
		if err := generate(ctx, m); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != time.Millisecond || trips.Load() != 2 {
			t.Errorf("the call waited %v, for %d answers; want 1ms for two", took, trips.Load())
		}
	})
}

// What a call has taken from one limit goes back if the other one refuses it.
func TestRefusedCallTakesNothingFromTheOtherLimit(t *testing.T) {
	const text = "How is the weather in Paris today, and will it rain?"
	each := tokens.Estimate(llmtest.UserSays(text))
	// say makes a call of so many texts, and reports whether it was admitted.
	say := func(t *testing.T, m model.LLM, texts int) bool {
		for _, err := range m.GenerateContent(t.Context(), llmtest.UserSays(strings.Repeat(text, texts)), false) {
			if err != nil {
				return false
			}
		}
		return true
	}
	// drained returns a replica's limits after another replica has made so many calls.
	drained := func(t *testing.T, texts, calls int) model.LLM {
		config := middleware.LimitConfig{RequestsPerMinute: 20, TokensPerMinute: texts * each, MaxWait: 1}
		replicas := limits(t, statetest.NewStore(), 2, config, llmtest.NewModel("flash", llmtest.Text("ok")))
		for i := range calls {
			if !say(t, replicas[0], 1) {
				t.Fatalf("call %d of %d was refused", i, calls)
			}
		}
		time.Sleep(time.Second) // the other one reads what is left
		return replicas[1]
	}
	t.Run("tokens refuse", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := drained(t, 20, 12)
			for range 5 {
				if say(t, m, 12) {
					t.Fatal("12 texts were admitted; there are tokens for 8")
				}
				time.Sleep(10 * time.Millisecond)
			}
			for i := range 8 {
				if !say(t, m, 1) {
					t.Fatalf("call %d was refused; want the 8 requests that are left", i)
				}
			}
		})
	})
	t.Run("requests refuse", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := drained(t, 30, 20)
			for range 5 {
				if say(t, m, 1) {
					t.Fatal("a call was admitted; no request is left")
				}
				time.Sleep(10 * time.Millisecond)
			}
			time.Sleep(30 * time.Second) // half of both limits is back
			if !say(t, m, 23) {
				t.Error("23 texts were refused; there are tokens for 25")
			}
		})
	})
}
