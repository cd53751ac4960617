package state_test

import (
	"context"
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// lateBeats is a store whose answers to beats arrive 20 ms late.
type lateBeats struct{ *faulty }

func (s lateBeats) Beat(ctx context.Context, space, replica string, ttl time.Duration) (replicas int, flags []state.Flag, err error) {
	if replicas, flags, err = s.faulty.Beat(ctx, space, replica, ttl); err == nil {
		err = pause(ctx, 20*time.Millisecond)
	}
	return replicas, flags, err
}

// B95: a beat's answer that is on the way while a flag is pushed does not undo the push.
func TestLateAnswerDoesNotUndoAPush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := state.NewMemory()
		store := &faulty{}
		store.store.Store(memory)
		a, b := replica(t, lateBeats{store}, state.Config{}), replica(t, memory, state.Config{})
		var e ear
		w, other := a.Flag("down", e.on), b.Flag("down", nil)
		synctest.Wait() // a's first beat has been answered, and the answer is on the way
		const changes = 200
		for i := range changes { // for two seconds
			other.Raise(time.Hour, strconv.Itoa(i))
			time.Sleep(10 * time.Millisecond)
		}
		heard := e.take()
		if len(heard) != changes {
			t.Errorf("told %d times of %d changes", len(heard), changes)
		}
		for i, f := range heard {
			if f.For <= 0 || f.Reason != strconv.Itoa(i) {
				t.Fatalf("told of %+v as change %d", f, i)
			}
		}
		runtime.KeepAlive(w)
	})
}
