package deadline_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/deadline"
)

// late is the cause of a cut.
type late struct{ phase string }

func (l late) Error() string { return l.phase }

func why(phase string, _ time.Duration) error { return late{phase} }

// B119: an idle limit too short for its steps still ends an attempt.
func TestTheShortestIdleLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m deadline.Meter
		ctx, end := m.Limit(t.Context(), deadline.Limits{Idle: 4, Why: why}, new(deadline.Context))
		defer end()
		m.Beat()
		m.Beat()
		started := time.Now()
		select {
		case <-ctx.Done():
		case <-time.After(time.Minute):
			t.Fatal("it has not ended after a minute")
		}
		if took := time.Since(started); took > 2*time.Millisecond {
			t.Errorf("it ended after %v, want 2ms at most", took)
		}
	})
}

// The time for which the consumer has control does not count as silence of the attempt.
func TestTheConsumersTimeDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m deadline.Meter
		ctx, end := m.Limit(t.Context(), deadline.Limits{Idle: 8 * time.Second, Why: why}, new(deadline.Context))
		defer end()
		m.Watch()
		m.Beat()
		time.Sleep(time.Hour)
		m.Beat()
		time.Sleep(6 * time.Second)
		m.Beat()
		m.Beat()
		time.Sleep(6 * time.Second)
		if err := ctx.Err(); err != nil {
			t.Errorf("after the consumer's hour and two silences of 6s: %v, want no error", err)
		}
		time.Sleep(4 * time.Second)
		if ctx.Err() == nil || !errors.Is(context.Cause(ctx), late{"idle"}) {
			t.Errorf("after 10s of silence: %v, %v; want the idle limit", ctx.Err(), context.Cause(ctx))
		}
	})
}

// Ends reports what a limit would end, also for an inner part of the call, as long as the limit is in force.
func TestLimitsInForce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var outer, inner deadline.Meter
		_, end := outer.Limit(t.Context(), deadline.Limits{FirstContent: time.Minute, Why: why}, new(deadline.Context))
		inner.Within(&outer)
		for _, m := range []*deadline.Meter{&outer, &inner} {
			if m.Ends(t.Context(), time.Now().Add(59*time.Second)) || !m.Ends(t.Context(), time.Now().Add(time.Minute)) {
				t.Error("not the limit of a minute")
			}
		}
		end()
		if outer.Ends(t.Context(), time.Now().Add(time.Hour)) {
			t.Error("the limit is in force after its end")
		}
	})
}
