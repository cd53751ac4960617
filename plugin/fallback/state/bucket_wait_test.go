package state_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// Tokens that are given back serve the replica's next calls without the store, and go back to it soon.
func TestTokensThatAreGivenBackServeTheNextCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, _ := team(t, 2, state.Config{})
		b := replicas[0].Bucket("model", 60)
		if wait := b.Take(t.Context(), 40); wait > 0 {
			t.Fatalf("wait %v", wait)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if wait := b.Take(t.Context(), 5); wait > 0 { // less than half is left
			t.Fatalf("wait %v", wait)
		}
		b.Settle(-5)
		ctx, asked := counted(t.Context())
		for range 20 {
			if wait := b.Take(ctx, 5); wait > 0 || asked.Load() > 0 {
				t.Fatalf("wait %v after %d calls of the store; want those given back", wait, asked.Load())
			}
			b.Settle(-5)
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if wait := replicas[1].Bucket("model", 60).Take(t.Context(), 20); wait > 0 {
			t.Errorf("another replica: wait %v for 20 tokens; want all that are left", wait)
		}
	})
}

// What the background sends or reads does not hold up a call, and nothing is taken twice.
func TestCallDoesNotWaitForTheBackground(t *testing.T) {
	for _, more := range []int{0, 7} {
		synctest.Test(t, func(t *testing.T) {
			const trip = 2 * time.Millisecond
			replicas, stores := team(t, 1, state.Config{})
			b, memory := replicas[0].Bucket("model", 6000), stores[0].store.Load()
			if wait := b.Take(t.Context(), 4000); wait > 0 {
				t.Fatalf("wait %v", wait)
			}
			time.Sleep(240 * time.Millisecond)
			left := func() int {
				now, err := memory.Take(t.Context(), state.Bucket{Key: state.DefaultPrefix + "bucket:model", PerMinute: 6000}, 0, 0)
				if err != nil {
					t.Fatal(err)
				}
				return now.Left
			}
			before := left()
			stores[0].trip.Store(int64(trip))
			if b.Settle(more); more == 0 {
				time.Sleep(10 * time.Millisecond) // until the bucket is read
			}
			time.Sleep(trip / 2)
			began := time.Now()
			if wait := b.Take(t.Context(), 10); wait > 0 || time.Since(began) != trip {
				t.Errorf("settled %d: wait %v after %v; want no wait after %v", more, wait, time.Since(began), trip)
			}
			time.Sleep(time.Second)
			if got, want := left(), before-10-more+101; got < want-1 || got > want+1 { // 100 a second are added
				t.Errorf("settled %d: %d are left, want %d", more, got, want)
			}
		})
	}
}

// B97: what calls take and give back is neither lost nor taken twice.
func TestReplicasShareALimitAndGiveBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perMinute, lasting = 100, 30 * time.Second
		replicas, stores := team(t, 4, state.Config{})
		for _, s := range stores {
			s.trip.Store(int64(300 * time.Microsecond))
		}
		var used atomic.Int64
		var wg sync.WaitGroup
		ends := time.Now().Add(lasting)
		for i, s := range replicas {
			b, r := s.Bucket("model", perMinute), rand.New(rand.NewPCG(97, uint64(i)))
			var mine sync.Mutex // guards r
			for range 3 {
				wg.Go(func() {
					for time.Now().Before(ends) {
						wait := b.Take(t.Context(), 1)
						mine.Lock()
						unused, pause := r.IntN(2) == 0, time.Duration(1+r.IntN(20))*time.Millisecond
						mine.Unlock()
						switch {
						case wait > 0:
						case unused:
							b.Settle(-1)
						default:
							used.Add(1)
						}
						time.Sleep(pause)
					}
				})
			}
		}
		wg.Wait()
		want := int64(perMinute + lasting.Minutes()*perMinute)
		if got := used.Load(); got > want+1 || got < want-1-int64(len(replicas)) { // each may hold one at the end
			t.Errorf("%d were used in %v, want %d", got, lasting, want)
		}
	})
}

// Calls of a replica that wait for the store do not wait for each other's answers.
func TestCallsWaitForOneAnswerEach(t *testing.T) {
	for _, rate := range []int{20, 300, 1000} { // calls a second
		synctest.Test(t, func(t *testing.T) {
			const trip = time.Millisecond
			replicas, stores := team(t, 1, state.Config{})
			perMinute := 2 * 60 * rate
			b, r := replicas[0].Bucket("model", perMinute), rand.New(rand.NewPCG(1, uint64(rate)))
			if wait := b.Take(t.Context(), perMinute*6/10); wait > 0 {
				t.Fatalf("wait %v", wait)
			}
			time.Sleep(time.Second)
			stores[0].trip.Store(int64(trip))
			var calls sync.WaitGroup
			for range 3 * rate {
				time.Sleep(time.Duration(r.ExpFloat64() * float64(time.Second) / float64(rate)))
				calls.Go(func() {
					began := time.Now()
					if wait := b.Take(t.Context(), 1); wait > 0 || time.Since(began) > trip {
						t.Errorf("%d calls a second: wait %v after %v; want no wait after %v", rate, wait, time.Since(began), trip)
					}
				})
			}
			calls.Wait()
		})
	}
}

// putsBackSlowly is a store that needs 4 ms to put tokens back.
type putsBackSlowly struct{ state.Store }

func (s putsBackSlowly) Take(ctx context.Context, b state.Bucket, least, most int) (state.Tokens, error) {
	if most < 0 {
		time.Sleep(4 * time.Millisecond)
	}
	return s.Store.Take(ctx, b, least, most)
}

// A call that needs tokens which are being put back gets them.
func TestCallWaitsForTokensThatArePutBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := replica(t, putsBackSlowly{state.NewMemory()}, state.Config{}).Bucket("model", 60)
		if wait := b.Take(t.Context(), 60); wait > 0 {
			t.Fatalf("wait %v", wait)
		}
		synctest.Wait()
		b.Settle(-10)
		time.Sleep(252 * time.Millisecond) // since the latest tick
		if wait := b.Take(t.Context(), 10); wait > 0 {
			t.Errorf("wait %v", wait)
		}
	})
}
