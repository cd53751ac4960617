package queue_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/queue"
)

func never(time.Time) bool { return false }

// enqueue lets a call of that rank wait, which sends its name to order when its turn comes.
func enqueue(ctx context.Context, q *queue.Queue, rank int, name string, order chan<- string) (done <-chan error) {
	end := make(chan error, 1)
	go func() {
		_, err := q.Wait(ctx, rank, 1, 0, never)
		if err == nil {
			order <- name
		}
		end <- err
	}()
	synctest.Wait()
	return end
}

// B77
func TestHigherRanksComeFirstAndReplaceLowerOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.New(queue.Limits{MaxConcurrent: 1, MaxQueue: 3, MaxWait: time.Minute})
		if _, _, ok := q.Enter(t.Context(), 0); !ok {
			t.Fatal("a call does not enter an empty queue")
		}
		if _, _, ok := q.Enter(t.Context(), 0); ok {
			t.Fatal("two calls have entered, of one at once")
		}
		order := make(chan string, 4)
		low := enqueue(t.Context(), q, -1, "low", order)
		enqueue(t.Context(), q, 0, "first", order)
		enqueue(t.Context(), q, 0, "second", order)
		enqueue(t.Context(), q, 1, "high", order) // in low's place
		if err, want := <-low, "queue: the queue is full of calls of higher priority"; fmt.Sprint(err) != want {
			t.Errorf("the lowest: %v, want %s", err, want)
		}
		if _, err := q.Wait(t.Context(), 0, 0, 0, never); fmt.Sprint(err) != "queue: the queue is full" {
			t.Errorf("an equal call in a full queue: %v, want a refusal", err)
		}
		var got []string
		for range 3 {
			q.Leave(0, queue.Unknown, 0)
			got = append(got, <-order)
		}
		if diff := cmp.Diff([]string{"high", "first", "second"}, got); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
	})
}

func TestCallThatWouldWaitInVainIsRefusedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		minute := queue.Limits{RequestsPerMinute: 1, TokensPerMinute: 100, MaxQueue: 1, MaxWait: time.Hour}
		impatient := minute
		impatient.MaxWait = time.Second
		for name, c := range map[string]struct {
			limits queue.Limits
			tokens int
			ends   func(time.Time) bool
			want   queue.Refusal
		}{
			"longer than MaxWait": {impatient, 1, never, queue.Refusal{Reason: "the rate is used up for longer than a call may wait", Until: started.Add(time.Minute)}},
			"to the call's end":   {minute, 1, func(then time.Time) bool { return then.Equal(started.Add(time.Minute)) }, queue.Refusal{Reason: "the rate is used up for longer than a call may wait", Until: started.Add(time.Minute)}},
			"for too many tokens": {minute, 101, never, queue.Refusal{Reason: "the request has more tokens than a minute allows"}},
		} {
			q := queue.New(c.limits)
			q.Enter(t.Context(), 1)
			_, err := q.Wait(t.Context(), 0, c.tokens, 0, c.ends)
			refused, ok := errors.AsType[*queue.Refusal](err)
			if !ok {
				t.Errorf("%s: %v, want a refusal", name, err)
				continue
			}
			if diff := cmp.Diff(c.want, *refused); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		if took := time.Since(started); took != 0 {
			t.Errorf("the refusals took %v, want none", took)
		}
	})
}

func TestCallerThatHasLeftIsNotRefused(t *testing.T) {
	q := queue.New(queue.Limits{TokensPerMinute: 1})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := q.Wait(ctx, 0, 2, 0, never); err != context.Canceled {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

func TestCallThatGivesUpLetsTheNextIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.New(queue.Limits{MaxConcurrent: 1, MaxQueue: 3, MaxWait: time.Minute})
		q.Enter(t.Context(), 0)
		order := make(chan string, 2)
		ctx, cancel := context.WithCancel(t.Context())
		first := enqueue(ctx, q, 0, "first", order)
		enqueue(t.Context(), q, 0, "second", order)
		cancel()
		if err := <-first; err != context.Canceled {
			t.Errorf("the cancelled call: %v, want context.Canceled", err)
		}
		q.Leave(0, queue.Unknown, 0)
		if got := <-order; got != "second" {
			t.Errorf("%s has its turn, want second", got)
		}
		started := time.Now()
		if _, err := q.Wait(t.Context(), 0, 0, 0, never); fmt.Sprint(err) != "queue: the turn did not come in time" || time.Since(started) != time.Minute {
			t.Errorf("after %v: %v, want a refusal after 1m", time.Since(started), err)
		}
	})
}

// Only calls that met the halved limits can halve them again.
func TestLimitsFallByHalvesAndRiseByTenths(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.New(queue.Limits{MaxConcurrent: 10, MaxQueue: 1, MaxWait: time.Nanosecond})
		// atOnce returns how many calls may be in progress.
		atOnce := func() (n int) {
			for {
				if _, _, ok := q.Enter(t.Context(), 0); !ok {
					break
				}
				n++
			}
			for range n {
				q.Leave(0, queue.Unknown, 0)
			}
			return n
		}
		var got []int
		end := func(f queue.Feedback, round int) {
			q.Enter(t.Context(), 0)
			q.Leave(round, f, 0)
			got = append(got, atOnce())
		}
		end(queue.Kept, 0)
		end(queue.Exceeded, 0)
		end(queue.Exceeded, 0) // it began before the fall
		end(queue.Exceeded, 1)
		end(queue.Kept, 2)
		time.Sleep(10*time.Second - 1)
		end(queue.Kept, 2)
		time.Sleep(time.Nanosecond)
		end(queue.Unknown, 2)
		end(queue.Kept, 2)
		end(queue.Kept, 2)
		if diff := cmp.Diff([]int{10, 5, 5, 2, 2, 2, 2, 3, 3}, got); diff != "" {
			t.Errorf("calls at once (-want +got):\n%s", diff)
		}
	})
}

// The rest of the rate is halved once for all calls of one round, as the limits are.
func TestRateFallsOnceForCallsOfOneRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.New(queue.Limits{RequestsPerMinute: 60})
		for range 2 {
			q.Enter(t.Context(), 0)
		}
		for range 2 {
			q.Leave(0, queue.Exceeded, 0)
		}
		entered := 0
		for ok := true; ok; entered++ {
			_, _, ok = q.Enter(t.Context(), 0)
		}
		if entered--; entered != 29 {
			t.Errorf("%d calls enter, want 29: half of the 58 that were left", entered)
		}
	})
}

func TestFallenLimitLeavesOneCall(t *testing.T) {
	q := queue.New(queue.Limits{MaxConcurrent: 2})
	for round := range 4 {
		if _, _, ok := q.Enter(t.Context(), 0); !ok {
			t.Fatalf("no call enters after %d falls", round)
		}
		q.Leave(round, queue.Exceeded, 0)
	}
}

// A call that enters after the limits have fallen can make them fall again, however it has entered.
func TestCallEntersInTheLatestRound(t *testing.T) {
	open := func(context.Context, int) time.Duration { return 0 }
	for name, c := range map[string]struct {
		gate  func(context.Context, int) time.Duration
		enter func(*queue.Queue) (round int)
	}{
		"at once":               {nil, func(q *queue.Queue) int { round, _, _ := q.Enter(t.Context(), 0); return round }},
		"through the gate":      {open, func(q *queue.Queue) int { round, _, _ := q.Enter(t.Context(), 0); return round }},
		"having passed before":  {open, func(q *queue.Queue) int { round, _ := q.EnterPassed(0); return round }},
		"after waiting":         {nil, func(q *queue.Queue) int { round, _ := q.Wait(t.Context(), 0, 0, 0, never); return round }},
		"after waiting at gate": {open, func(q *queue.Queue) int { round, _ := q.Wait(t.Context(), 0, 0, 0, never); return round }},
	} {
		q := queue.New(queue.Limits{MaxConcurrent: 1, MaxQueue: 1, MaxWait: time.Minute, Gate: c.gate})
		q.Enter(t.Context(), 0)
		q.Leave(0, queue.Exceeded, 0)
		if got := c.enter(q); got != 1 {
			t.Errorf("%s: round %d, want 1", name, got)
		}
	}
}

// A call that must wait in the queue takes nothing from the gate.
func TestCallThatMustWaitTakesNothingAtTheGate(t *testing.T) {
	taken := 0
	q := queue.New(queue.Limits{MaxConcurrent: 1, Gate: func(context.Context, int) time.Duration { taken++; return 0 }})
	if q.Busy() {
		t.Error("an empty queue is busy")
	}
	q.Enter(t.Context(), 0)
	if _, _, ok := q.Enter(t.Context(), 0); ok || !q.Busy() || taken != 1 {
		t.Errorf("the second call of one at once: admitted is %t, busy is %t, %d have taken from the gate; want false, true and 1", ok, q.Busy(), taken)
	}
}

// B77: no call overtakes one that waits, or one that is at the gate.
func TestNoCallOvertakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.New(queue.Limits{TokensPerMinute: 60, MaxQueue: 2, MaxWait: time.Minute, Gate: func(_ context.Context, tokens int) time.Duration {
			if tokens == 60 {
				time.Sleep(5 * time.Second)
			}
			return 0
		}})
		q.Enter(t.Context(), 1)
		go q.Wait(t.Context(), 0, 60, 0, never) // for a second, then five at the gate
		for range 3 {
			synctest.Wait()
			_, ok := q.EnterPassed(0)
			if _, _, entered := q.Enter(t.Context(), 0); ok || entered || !q.Busy() {
				t.Errorf("admitted is %t and %t, busy is %t; want that the calls wait", ok, entered, q.Busy())
			}
			time.Sleep(2 * time.Second)
		}
		time.Sleep(time.Second)
		if _, ok := q.EnterPassed(0); !ok || q.Busy() {
			t.Errorf("behind the last call: admitted is %t, busy is %t; want true and false", ok, q.Busy())
		}
	})
}

// B77: a call that the gate stops gives its place to the next one, even if it does not wait
// itself.
func TestCallStoppedAtTheGateGivesItsPlaceUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		q := queue.New(queue.Limits{RequestsPerMinute: 600, MaxConcurrent: 1, MaxQueue: 1, MaxWait: time.Minute, Gate: func(context.Context, int) time.Duration {
			if first {
				first = false
				time.Sleep(time.Second)
				return time.Hour
			}
			return 0
		}})
		go func() {
			if _, after, ok := q.Enter(t.Context(), 1); ok || after != time.Hour {
				t.Errorf("Enter: %v, %t; want to be stopped for an hour", after, ok)
			}
		}()
		synctest.Wait()
		started := time.Now()
		if _, err := q.Wait(t.Context(), 0, 1, 0, never); err != nil || time.Since(started) != time.Second {
			t.Errorf("the next call: %v after %v, want its turn after 1s", err, time.Since(started))
		}
	})
}

// B77: a call that gives up in the moment in which its turn comes takes nothing from the rate, and
// the next call gets its turn.
func TestGivingUpWithTheTurnTakesNothing(t *testing.T) {
	for name, gate := range map[string]func(context.Context, int) time.Duration{"no gate": nil, "gate": func(context.Context, int) time.Duration { return 0 }} {
		synctest.Test(t, func(t *testing.T) {
			q := queue.New(queue.Limits{RequestsPerMinute: 3, TokensPerMinute: 3, MaxConcurrent: 1, MaxQueue: 2, MaxWait: time.Minute, Gate: gate})
			q.Enter(t.Context(), 1)
			ctx := llmtest.NewLeaving(t.Context(), func() { q.Leave(0, queue.Unknown, 0) })
			order := make(chan string, 1)
			second := enqueue(ctx, q, 0, "second", order)
			third := enqueue(t.Context(), q, 0, "third", order)
			ctx.Leave()
			if err := <-second; err != context.Canceled {
				t.Fatalf("%s: the second call: %v, want that it gives up", name, err)
			}
			if err := <-third; err != nil {
				t.Fatalf("%s: the third call: %v, want that it has its turn", name, err)
			}
			q.Leave(0, queue.Unknown, 0)
			for n, want := range []bool{true, false} {
				if _, _, ok := q.Enter(t.Context(), 1); ok != want {
					t.Errorf("%s: call %d, when one is left in this minute: admitted is %t, want %t", name, n+1, ok, want)
				}
				q.Leave(0, queue.Unknown, 0)
			}
		})
	}
}

// B77: a call that the gate stops when its turn has come holds nothing while it waits. It ends at
// once if it cannot wait that long.
func TestCallThatTheGateStops(t *testing.T) {
	const refused = "queue: the rate is used up for longer than a call may wait"
	for name, c := range map[string]struct {
		wait   time.Duration // that the gate asks for, the first time
		ends   bool          // the call is over then
		leaves bool          // the caller, at the gate
		want   string
	}{
		"for less than it may wait": {wait: 2 * time.Second, want: "<nil>"},
		"for longer":                {wait: time.Minute, want: refused},
		"to its end":                {wait: time.Second, ends: true, want: refused},
		"while its caller leaves":   {wait: time.Minute, leaves: true, want: "context canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				stopped := false
				q := queue.New(queue.Limits{RequestsPerMinute: 1, TokensPerMinute: 1, MaxConcurrent: 1, MaxQueue: 1, MaxWait: time.Minute, Gate: func(context.Context, int) time.Duration {
					if stopped {
						return 0
					}
					stopped = true
					if c.leaves {
						leave()
					}
					return c.wait
				}})
				started := time.Now()
				_, err := q.Wait(ctx, 0, 1, 0, func(time.Time) bool { return c.ends })
				var took time.Duration
				if err == nil {
					took = c.wait
				}
				if fmt.Sprint(err) != c.want || time.Since(started) != took {
					t.Errorf("error %v after %v, want %s after %v", err, time.Since(started), c.want, took)
				}
				if r, ok := errors.AsType[*queue.Refusal](err); ok && !r.Until.Equal(started.Add(c.wait)) {
					t.Errorf("refused until %v, want for %v", r.Until, c.wait)
				}
				if _, ok := q.EnterPassed(1); ok != (err != nil) {
					t.Errorf("another call enters then: %t", ok)
				}
			})
		})
	}
}

// B77
func TestCallThatTheGateStopsKeepsItsPlaceInItsRank(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stopped := false
		q := queue.New(queue.Limits{MaxConcurrent: 1, MaxQueue: 3, MaxWait: time.Minute, Gate: func(context.Context, int) time.Duration {
			if stopped {
				return 0
			}
			stopped = true
			time.Sleep(time.Second)
			return time.Second
		}})
		order := make(chan string, 3)
		enqueue(t.Context(), q, 0, "first", order)
		enqueue(t.Context(), q, 0, "second", order)
		enqueue(t.Context(), q, 1, "high", order)
		var got []string
		for range 3 {
			got = append(got, <-order)
			q.Leave(0, queue.Unknown, 0)
		}
		if diff := cmp.Diff([]string{"high", "first", "second"}, got); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
	})
}
