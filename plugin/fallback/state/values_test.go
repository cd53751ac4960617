package state_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

func TestValuesAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, _ := team(t, 2, state.Config{})
		replicas[0].Set("key", []byte("value"), time.Minute)
		replicas[0].Set("empty", nil, time.Minute)
		replicas[0].Set("over", []byte("value"), 0)
		synctest.Wait()
		for key, want := range map[string]string{"key": "value", "empty": "", "over": "", "none": ""} {
			if got := replicas[1].Get(t.Context(), key); string(got) != want {
				t.Errorf("%s is %q, want %q", key, got, want)
			}
		}
		time.Sleep(time.Minute)
		if got := replicas[1].Get(t.Context(), "key"); got != nil {
			t.Errorf("after its time: %q", got)
		}
	})
}

// B96: values wait for the store, as many as there is room for.
func TestValuesWaitForTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, stores := team(t, 2, state.Config{Logger: (&journal{}).logger()})
		stores[0].set(frozen)
		time.Sleep(time.Second)
		for i := range 300 {
			replicas[0].Set(fmt.Sprint(i), []byte("value"), time.Minute)
		}
		time.Sleep(30 * time.Second)
		stores[0].set(healthy)
		time.Sleep(2 * time.Second)
		kept := 0
		for i := range 300 {
			if replicas[1].Get(t.Context(), fmt.Sprint(i)) != nil {
				kept++
			}
		}
		if dropped := replicas[0].Inspect().Shared.Dropped; kept != 256 || dropped != 44 {
			t.Errorf("%d kept and %d dropped, want 256 and 44", kept, dropped)
		}
		time.Sleep(29 * time.Second) // a minute after Set, not after it was sent
		if got := replicas[1].Get(t.Context(), "0"); got != nil {
			t.Errorf("after its time: %q", got)
		}
	})
}

// B96: calls of many at once do not wait for each other, nor make the store seem late.
func TestFewGetsWaitAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, stores := team(t, 1, state.Config{})
		replicas[0].Set("key", []byte("value"), time.Hour)
		synctest.Wait()
		stores[0].trip.Store(int64(time.Millisecond))
		ctx, asked := counted(t.Context())
		for range 2 { // those that have ended make room
			var found atomic.Int64
			var wg sync.WaitGroup
			for range 1000 {
				wg.Go(func() {
					if replicas[0].Get(ctx, "key") != nil {
						found.Add(1)
					}
				})
			}
			wg.Wait()
			if n := asked.Swap(0); n != 64 || found.Load() != n {
				t.Errorf("%d of 1000 calls have asked, and %d found the value; want 64", n, found.Load())
			}
		}
	})
}
