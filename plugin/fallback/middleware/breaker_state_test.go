package middleware_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/statetest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// replica is one replica's breaker in front of its model.
type replica struct {
	model   *llmtest.Model
	breaker model.LLM
	changes []string // of its state
}

func newReplica(shared *state.Shared, config middleware.BreakerConfig, steps ...llmtest.Step) *replica {
	r := &replica{model: llmtest.NewModel("flash", steps...)}
	config.State = shared
	config.OnStateChange = func(_ string, from, to middleware.BreakerState) {
		r.changes = append(r.changes, fmt.Sprintf("%s→%s", from, to))
	}
	r.breaker = middleware.MustBreaker(config)(r.model)
	return r
}

func (r *replica) state() *inspect.Breaker { return inspect.Of(r.breaker).Breaker }

var broken = llmtest.Fail(genai.APIError{Code: 503, Message: "overloaded"})

// B95: by a push at once, and without pushes within a second.
func TestOtherReplicasHonourACooldown(t *testing.T) {
	for name, within := range map[string]time.Duration{"pushed": 0, "polled": time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := statetest.NewStore()
				if within > 0 {
					store.Deaf()
				}
				config := middleware.BreakerConfig{ConsecutiveFailures: 3, OpenFor: time.Minute}
				a := newReplica(store.Replica(t), config, broken)
				others := []*replica{newReplica(store.Replica(t), config, llmtest.Text("ok")), newReplica(store.Replica(t), config, llmtest.Text("ok"))}
				synctest.Wait()
				for range 3 {
					generate(t.Context(), a.breaker)
				}
				opened := time.Now()
				time.Sleep(within)
				synctest.Wait()
				for i, b := range others {
					refused := refusedBy(generate(t.Context(), b.breaker), "breaker")
					if refused == nil || !strings.Contains(refused.Reason, a.state().Reason) || refused.Until.Sub(opened.Add(time.Minute)).Abs() > within {
						t.Errorf("replica %d refuses with %+v; want the reason %q and until a minute after the failures", i, refused, a.state().Reason)
					}
					if n := len(b.model.Asked()); n != 0 {
						t.Errorf("replica %d has called the model %d times", i, n)
					}
					if got := fmt.Sprint(b.changes); got != "[closed→open]" {
						t.Errorf("replica %d has changed %s", i, got)
					}
				}
				time.Sleep(time.Minute)
				if err := generate(t.Context(), others[0].breaker); err != nil || others[0].state().State != inspect.Closed {
					t.Errorf("after the cooldown: %v, and the breaker is %s; want one probe that closes it", err, others[0].state().State)
				}
			})
		})
	}
}

// A probe is each replica's own; one that fails extends the rest of the others. B95
func TestFailedProbeExtendsTheRestOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := statetest.NewStore()
		config := middleware.BreakerConfig{ConsecutiveFailures: 1, OpenFor: time.Minute, MaxOpenFor: 4 * time.Minute}
		a, b := newReplica(store.Replica(t), config, broken), newReplica(store.Replica(t), config, llmtest.Text("ok"))
		synctest.Wait()
		generate(t.Context(), a.breaker)
		synctest.Wait()
		time.Sleep(time.Minute)
		generate(t.Context(), a.breaker)
		synctest.Wait()
		if got, want := b.state().Until, time.Now().Add(2*time.Minute); !got.Equal(want) {
			t.Errorf("the other rests until %v; want %v", got, want)
		}
		if n := len(b.model.Asked()); n != 0 {
			t.Errorf("the other has called the model %d times", n)
		}
	})
}

// A breaker that closes closes those that have opened because of it, and no other.
func TestClosingClosesWhatItHasOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := statetest.NewStore()
		config := middleware.BreakerConfig{ConsecutiveFailures: 1, OpenFor: 10 * time.Minute}
		a, b, c := newReplica(store.Replica(t), config, llmtest.Text("ok")), newReplica(store.Replica(t), config, llmtest.Text("ok")), newReplica(store.Replica(t), config, broken)
		synctest.Wait()
		a.state().Open(time.Hour, "maintenance")
		synctest.Wait()
		if got := b.state(); got.State != inspect.Open || got.Reason != "maintenance" {
			t.Fatalf("the other is %s for %q", got.State, got.Reason)
		}
		c.state().Open(10*time.Minute, "its own") // within what it has learnt
		a.state().Close()
		synctest.Wait()
		if got := b.state().State; got != inspect.Closed {
			t.Errorf("a breaker that was open because of another is %s", got)
		}
		if got := c.state(); got.State != inspect.Open || got.Reason != "its own" || !got.Until.Equal(time.Now().Add(10*time.Minute)) {
			t.Errorf("a breaker with a cause of its own is %+v; want it to rest for that", got)
		}
	})
}

// A breaker that learns of another's end only after its own rest still tries its model before it closes. B95
func TestLateEndOfAnotherLeavesTheProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := statetest.NewStore()
		ofA, ofB := store.Replica(t), store.Replica(t)
		a, b := newReplica(ofA, middleware.BreakerConfig{}), newReplica(ofB, middleware.BreakerConfig{})
		busy := ofB.Flag("busy", func(state.Flag) { time.Sleep(2 * time.Second) }) // b is told of one flag at a time
		defer runtime.KeepAlive(busy)
		synctest.Wait()
		b.state().Open(time.Minute, "by hand")
		time.Sleep(59 * time.Second)
		ofA.Flag("busy", nil).Raise(time.Minute, "")
		a.state().Close()
		time.Sleep(5 * time.Second)
		if got := b.state().State; got != inspect.Open {
			t.Errorf("a breaker that has not tried its model is %s", got)
		}
	})
}

// What one replica finds out, b, after what another has found out, a. B95
func TestCausesOfTwoReplicas(t *testing.T) {
	open := func(r *replica, d time.Duration) {
		r.state().Open(d, "by hand")
		synctest.Wait()
	}
	end := func(r *replica) {
		r.state().Close()
		synctest.Wait()
	}
	for name, c := range map[string]struct {
		do   func(t *testing.T, a, b *replica)
		want time.Duration // how long b is open still; 0 if it is closed
	}{
		"a shorter rest of the other shortens nothing": {func(_ *testing.T, a, b *replica) {
			open(b, time.Hour)
			end(a) // b stays open
			open(a, time.Minute)
		}, time.Hour},
		"a shorter rest of its own shortens nothing": {func(_ *testing.T, a, b *replica) {
			open(b, time.Hour)
			open(b, time.Minute)
			end(a)
		}, time.Hour},
		"a rest that was ended counts no more": {func(_ *testing.T, a, b *replica) {
			open(b, time.Hour)
			end(b)
			open(a, time.Minute)
		}, time.Minute},
		"nor when another one ends": {func(_ *testing.T, a, b *replica) {
			open(b, time.Hour)
			end(b)
			open(a, time.Minute)
			end(a)
		}, 0},
		"the other's model answers again": {func(t *testing.T, a, b *replica) {
			open(a, time.Hour)
			if err := force(t, a.breaker); err != nil {
				t.Error(err)
			}
			synctest.Wait()
		}, 0},
		"its own probe decides": {func(t *testing.T, a, b *replica) {
			open(b, time.Minute)
			time.Sleep(time.Minute)
			go generate(t.Context(), b.breaker)
			synctest.Wait()
			open(a, time.Hour)
			if got := b.state().State; got != inspect.HalfOpen {
				t.Errorf("%s beside a probe", got)
			}
			time.Sleep(time.Second)
			synctest.Wait()
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := statetest.NewStore()
				a, b := newReplica(store.Replica(t), middleware.BreakerConfig{}, llmtest.Text("ok")), newReplica(store.Replica(t), middleware.BreakerConfig{}, after(time.Second, llmtest.Text("ok")))
				synctest.Wait()
				c.do(t, a, b)
				want := inspect.Breaker{State: inspect.Closed}
				if c.want > 0 {
					want = inspect.Breaker{State: inspect.Open, Reason: "by hand", Until: time.Now().Add(c.want)}
				}
				if diff := cmp.Diff(want, *b.state(), cmpopts.IgnoreFields(inspect.Breaker{}, "Control")); diff != "" {
					t.Errorf("b (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A breaker that is made later, such as by a reload or in a new replica, learns what rests.
func TestNewBreakerLearnsWhatRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := statetest.NewStore()
		here := store.Replica(t)
		config := middleware.BreakerConfig{ConsecutiveFailures: 1, OpenFor: time.Minute}
		a := newReplica(here, config, broken)
		generate(t.Context(), a.breaker)
		synctest.Wait()
		config.ConsecutiveFailures = 2
		for name, shared := range map[string]*state.Shared{"same replica": here, "new replica": store.Replica(t)} {
			later := newReplica(shared, config, llmtest.Text("ok"))
			time.Sleep(time.Second) // a new replica has its first beat
			synctest.Wait()
			if got := later.state().State; got != inspect.Open {
				t.Errorf("%s: the breaker is %s; want open", name, got)
			}
			config.StateKey = "another"
			if got := newReplica(shared, config, llmtest.Text("ok")); got.state().State != inspect.Closed || generate(t.Context(), got.breaker) != nil {
				t.Errorf("%s: a breaker with another key is not closed", name)
			}
			config.StateKey = ""
		}
	})
}

// A breaker with requests of its own makes them also for a rest that it has learnt of.
func TestLearntRestEndsWithTheBreakersOwnProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := statetest.NewStore()
		config := middleware.BreakerConfig{ConsecutiveFailures: 1, OpenFor: time.Minute, Probe: middleware.Ping}
		a, b := newReplica(store.Replica(t), config, broken), newReplica(store.Replica(t), config, llmtest.Text("ok"))
		synctest.Wait()
		generate(t.Context(), a.breaker)
		time.Sleep(time.Minute)
		synctest.Wait()
		if err := generate(t.Context(), b.breaker); refusedBy(err, "breaker") == nil {
			t.Errorf("the call after the rest: %v; want a refusal", err)
		}
		synctest.Wait()
		if got := b.state().State; got != inspect.Closed || len(b.model.Asked()) != 1 {
			t.Errorf("the breaker is %s after %d requests; want one of its own to close it", got, len(b.model.Asked()))
		}
	})
}

// Without the store, breakers know what is known here, and nothing waits or fails; when it
// is back, they share again. B96
func TestBreakersGoOnWithoutTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := statetest.NewStore()
		config := middleware.BreakerConfig{ConsecutiveFailures: 1, OpenFor: time.Hour}
		a, b := newReplica(store.Replica(t), config, broken), newReplica(store.Replica(t), config, llmtest.Text("ok"))
		synctest.Wait()
		store.Frozen(true)
		time.Sleep(time.Second)
		started := time.Now()
		generate(t.Context(), a.breaker)
		if err := generate(t.Context(), b.breaker); err != nil || a.state().State != inspect.Open {
			t.Errorf("the other: %v; the one that has failed is %s", err, a.state().State)
		}
		if took := time.Since(started); took != 0 {
			t.Errorf("calls took %v; want none", took)
		}
		store.Frozen(false)
		time.Sleep(5 * time.Second)
		if err := generate(t.Context(), b.breaker); refusedBy(err, "breaker") == nil {
			t.Errorf("after the outage: %v; want a refusal", err)
		}
	})
}
