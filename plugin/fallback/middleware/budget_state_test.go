package middleware_test

import (
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/statetest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// purse is one replica's budget in front of its model.
type purse struct {
	*middleware.Budget
	model.LLM
}

func newPurse(shared *state.Shared, config middleware.BudgetConfig) purse {
	config.State = shared
	b := middleware.MustBudget(config)
	return purse{b, b.Middleware()(llmtest.NewModel("flash", llmtest.Text("ok")))}
}

// B97
func TestReplicasKeepABudgetTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := statetest.NewStore()
		var warned atomic.Int64
		config := middleware.BudgetConfig{Limit: 20, Limits: map[string]float64{"big": 40, "free": math.Inf(1)}, Price: price(1), WarnAt: 0.9, Location: time.FixedZone("ten to midnight", 23*3600+50*60),
			Warn: func(string, float64, float64) { warned.Add(1) }}
		var replicas []purse
		for range 4 {
			replicas = append(replicas, newPurse(store.Replica(t), config))
		}
		time.Sleep(2 * time.Second)
		for name, want := range map[string]int64{"small": 20, "BIG": 40, "free": 100} {
			var spent atomic.Int64
			warned.Store(0)
			var running sync.WaitGroup
			for _, r := range replicas {
				running.Go(func() {
					for range 25 {
						switch err := generate(tenant(t.Context(), name), r); {
						case err == nil:
							spent.Add(1)
						case refusedBy(err, "budget") == nil || refusedBy(err, "budget").Until.IsZero():
							t.Errorf("%s: %v; want a refusal until the end of the day", name, err)
						}
						time.Sleep(200 * time.Millisecond)
					}
				})
			}
			running.Wait()
			time.Sleep(3 * time.Second) // the last dollar may have been leased in parts
			for range 2 {
				if name != "free" && generate(tenant(t.Context(), name), replicas[0]) == nil {
					spent.Add(1)
				}
			}
			if got := spent.Load(); got != want {
				t.Errorf("%s: %d dollars were spent; want %d", name, got, want)
			}
			time.Sleep(3 * time.Second)
			for i, r := range replicas {
				if got := r.Spent(name); got != float64(want) {
					t.Errorf("%s: replica %d knows of %v dollars", name, i, got)
				}
				if got := r.Share(name); name != "free" && got != 1 {
					t.Errorf("%s: replica %d says that %v of the limit is used", name, i, got)
				}
			}
			if n := warned.Load(); name != "free" && (n < 1 || n > 4) || name == "free" && n > 0 {
				t.Errorf("%s: %d warnings; want one by each replica at most", name, n)
			}
		}
		time.Sleep(10 * time.Minute)
		if err := generate(tenant(t.Context(), "small"), replicas[3]); err != nil {
			t.Errorf("on the next day: %v", err)
		}
	})
}

// A new limit counts what all have spent.
func TestNewLimitCountsWhatAllHaveSpent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := statetest.NewStore()
		config := middleware.BudgetConfig{Limit: 2, Price: price(1)}
		a, b := newPurse(store.Replica(t), config), newPurse(store.Replica(t), config)
		time.Sleep(2 * time.Second)
		generate(t.Context(), a)
		generate(t.Context(), a)
		if err := generate(t.Context(), b); refusedBy(err, "budget") == nil {
			t.Errorf("beyond the limit: %v", err)
		}
		if err := b.SetLimits(3, nil); err != nil {
			t.Fatal(err)
		}
		if err := generate(t.Context(), b); err != nil {
			t.Errorf("within the new limit: %v", err)
		}
		if err := a.SetLimits(3, nil); err != nil { // earlier, a could lease a part of what b needs
			t.Fatal(err)
		}
		if err := generate(t.Context(), a); refusedBy(err, "budget") == nil {
			t.Errorf("beyond the new limit: %v", err)
		}
	})
}

// What a process has spent before it shares its budget counts, and so does an attempt that
// is under way.
func TestSpendingIsBroughtAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := statetest.NewStore()
		config := middleware.BudgetConfig{Limit: 10, Price: price(1)}
		a, b := newPurse(nil, config), newPurse(store.Replica(t), config)
		generate(t.Context(), a)
		generate(t.Context(), a)
		slow := a.Middleware()(llmtest.NewModel("slow", llmtest.Within(5*time.Second, llmtest.Text("ok"))))
		ended := make(chan error, 1)
		go func() { ended <- generate(t.Context(), slow) }()
		synctest.Wait()
		a.SetState(store.Replica(t))
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		b.Spent("")                 // b must know the tenant to learn of it
		time.Sleep(3 * time.Second) // what others spent in the latest two seconds may be missing
		wantSpent(t, a.Budget, 3)
		wantSpent(t, b.Budget, 3)
		a.SetState(nil)
		wantSpent(t, a.Budget, 3)
	})
}

// B96: a replica goes on with its share, or refuses.
func TestBudgetWithoutTheStore(t *testing.T) {
	for _, deny := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			store := statetest.NewStore()
			config := middleware.BudgetConfig{Limit: 100, Limits: map[string]float64{"free": math.Inf(1)}, Price: price(1)}
			a := newPurse(store.ReplicaWith(t, state.Config{Deny: deny}), config)
			newPurse(store.ReplicaWith(t, state.Config{Deny: deny}), config)
			time.Sleep(2 * time.Second)
			store.Frozen(true)
			time.Sleep(time.Minute) // leases have run out
			admitted := 0
			started := time.Now()
			var refused *middleware.RefusedError
			for range 100 {
				err := generate(t.Context(), a)
				if err == nil {
					admitted++
				} else if refused = refusedBy(err, "budget"); refused == nil {
					t.Fatalf("%v; want a refusal", err)
				}
			}
			if took := time.Since(started); took > 5*time.Millisecond {
				t.Errorf("deny %t: calls took %v; want 5ms at most", deny, took)
			}
			switch {
			case deny && (admitted > 0 || !strings.Contains(refused.Reason, "other replicas") || !refused.Until.IsZero()):
				t.Errorf("deny: %d calls were admitted, and the refusal is %v", admitted, refused)
			case !deny && (admitted < 45 || admitted > 55):
				t.Errorf("local: %d calls were admitted; want about half of the limit", admitted)
			}
			if err := generate(tenant(t.Context(), "free"), a); err != nil {
				t.Errorf("a tenant without a limit: %v", err)
			}
		})
	}
}
