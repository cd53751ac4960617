package state_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// B96: a single late answer costs the call that waits for it the timeout, and others the time
// of one probe at most, in which they do not wait.
func TestOneLateAnswerIsNoOutage(t *testing.T) {
	const trip = 300 * time.Microsecond
	for _, call := range calls {
		synctest.Test(t, func(t *testing.T) {
			log := &journal{}
			replicas, stores := team(t, 1, state.Config{Logger: log.logger()})
			s, store := replicas[0], stores[0]
			store.trip.Store(int64(trip))
			for i := range 10 {
				time.Sleep(time.Second + 10*time.Millisecond) // between beats
				synctest.Wait()
				store.late.Store(1)
				started := time.Now()
				if call.do(t.Context(), s, string(rune('a'+i))) {
					t.Fatalf("%s: failed", call.name)
				}
				if took := time.Since(started); took != state.DefaultTimeout {
					t.Errorf("%s: the first call took %v, want %v", call.name, took, state.DefaultTimeout)
				}
				started = time.Now()
				if failed := call.do(t.Context(), s, "next"); failed || time.Since(started) > 0 {
					t.Errorf("%s: the second call: failed %v, took %v; want that it does not wait", call.name, failed, time.Since(started))
				}
				synctest.Wait() // the probe's answer
				time.Sleep(trip)
				synctest.Wait()
				if n := s.Inspect().Shared; !n.Reachable {
					t.Fatalf("%s: after one probe: %+v", call.name, n)
				}
			}
			log.check(t)
		})
	}
}

// A store that is late again soon after a probe is not trusted at once: else it would hold up a
// call each time.
func TestStoreThatIsLateAgainIsAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, stores := team(t, 1, state.Config{Logger: (&journal{}).logger()})
		waited := 0
		for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(time.Millisecond) {
			stores[0].late.Store(1) // the next, whether a probe or a call
			ctx, asked := counted(t.Context())
			replicas[0].Get(ctx, "key")
			waited += int(asked.Load())
		}
		if waited == 0 || waited > 100 {
			t.Errorf("%d calls have waited, want about one a second", waited)
		}
	})
}

// A late answer in a flood that empties the bucket meanwhile costs a call for each asker that
// waits for it, and not the replica's share, which is 25.
func TestLateAnswerInAFlood(t *testing.T) {
	const perMinute, askers = 100, 4
	for _, lasting := range []time.Duration{time.Second, 10 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			replicas, stores := team(t, 4, state.Config{Logger: (&journal{}).logger()})
			for _, s := range stores {
				s.trip.Store(int64(300 * time.Microsecond))
			}
			stores[0].late.Store(1)
			want := int64(perMinute + lasting.Minutes()*perMinute)
			got := flood(t.Context(), replicas, perMinute, []int{askers, 10, 10, 10}, lasting)
			if got > want+askers+1 || got < want-1 {
				t.Errorf("%d admitted in %v, want %d, and at most %d more", got, lasting, want, askers)
			}
		})
	}
}

// What a replica owes to a bucket is still owed after an outage, and counts in its share.
func TestDebtOutlivesAnOutage(t *testing.T) {
	for _, outage := range []time.Duration{10 * time.Millisecond, 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			replicas, stores := team(t, 4, state.Config{Logger: (&journal{}).logger()})
			a, b := replicas[0].Bucket("model", 60), replicas[1].Bucket("model", 60)
			if wait := b.Take(t.Context(), 60); wait > 0 {
				t.Fatalf("wait %v", wait)
			}
			a.Settle(30)
			time.Sleep(state.DefaultBeat) // a knows that nothing is left
			stores[0].set(refused)
			replicas[0].Get(t.Context(), "key")
			if wait := a.Take(t.Context(), 1); wait < 20*time.Second {
				t.Errorf("its share, with a debt of 30: wait %v", wait)
			}
			time.Sleep(outage)
			stores[0].set(healthy)
			time.Sleep(2 * time.Second)
			if wait := a.Take(t.Context(), 1); wait < 25*time.Second-outage || wait > 31*time.Second {
				t.Errorf("after an outage of %v: wait %v, want about 28s: 30 are owed", outage, wait)
			}
		})
	}
}
