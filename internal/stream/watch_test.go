package stream

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"google.golang.org/adk/v2/model"
)

var errSlow = errors.New("too slow")

// after cuts off what has lasted so long.
type after time.Duration

func (limit after) Look(elapsed, _ time.Duration, _ bool) (time.Duration, error) {
	if elapsed >= time.Duration(limit) {
		return 0, errSlow
	}
	return time.Duration(limit) - elapsed, nil
}

func begin(ctx context.Context, limit time.Duration) *Watch {
	return NewSink(nil).Watch(ctx, after(limit))
}

// B55
func TestWatchTellsWhoListens(t *testing.T) {
	for name, listen := range map[string]func(w *Watch) (done <-chan struct{}){
		"from the start": func(w *Watch) <-chan struct{} { return w.Done() },
		"later":          func(w *Watch) <-chan struct{} { time.Sleep(time.Second); return w.Done() },
		"too late":       func(w *Watch) <-chan struct{} { time.Sleep(3 * time.Second); return w.Done() },
		"through a context of its own": func(w *Watch) <-chan struct{} {
			ctx, cancel := context.WithTimeout(w, time.Hour)
			context.AfterFunc(w, cancel)
			return ctx.Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := begin(t.Context(), 2*time.Second)
				defer w.End()
				started := time.Now()
				<-listen(w)
				if took := time.Since(started); took != 2*time.Second && !(name == "too late" && took == 3*time.Second) {
					t.Errorf("told after %v, want 2s", took)
				}
				if err, cause := w.Err(), context.Cause(w); err != context.Canceled || cause != errSlow {
					t.Errorf("error %v because of %v, want canceled because of %v", err, cause, errSlow)
				}
			})
		})
	}
}

// A model that does not listen may still ask.
func TestWatchTellsWhoAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t.Context(), 2*time.Second)
		defer w.End()
		if err, cause := w.Err(), context.Cause(w); err != nil || cause != nil {
			t.Errorf("error %v because of %v, want none", err, cause)
		}
		time.Sleep(2 * time.Second)
		if cause := context.Cause(w); cause != errSlow {
			t.Errorf("cause %v, want %v", cause, errSlow)
		}
		if w.Err() != context.Canceled {
			t.Errorf("error %v, want canceled", w.Err())
		}
	})
}

// B39
func TestWatchPassesTheCallersEndOn(t *testing.T) {
	for _, listens := range []bool{true, false} {
		own := errors.New("the caller's")
		ctx, cancel := context.WithCancelCause(t.Context())
		w := begin(ctx, time.Hour)
		if listens {
			w.Done()
		}
		cancel(own)
		if err, cause := w.Err(), context.Cause(w); err != context.Canceled || cause != own {
			t.Errorf("listens %v: error %v because of %v, want canceled because of %v", listens, err, cause, own)
		}
		<-w.Done()
		w.End()
	}
}

// Whoever keeps the context of an attempt beyond its end finds it done.
func TestWatchIsDoneAfterItsEnd(t *testing.T) {
	for _, listens := range []bool{true, false} {
		w := begin(t.Context(), time.Hour)
		if listens {
			w.Done()
		}
		w.End()
		if w.Err() != context.Canceled {
			t.Errorf("listens %v: error %v, want canceled", listens, w.Err())
		}
		<-w.Done()
		if cause := context.Cause(w); cause != context.Canceled {
			t.Errorf("listens %v: cause %v, want canceled", listens, cause)
		}
	}
}

func TestWatchIsSafeForConcurrentUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t.Context(), time.Second)
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 100 * time.Millisecond)
				w.Value(t)
				if w.Err() == nil {
					<-w.Done()
				}
				if cause := context.Cause(w); cause != errSlow {
					t.Errorf("cause %v, want %v", cause, errSlow)
				}
			})
		}
		all.Wait()
		w.End()
	})
}

// What nobody listens to costs no channel and no timer.
func TestWatchIsFreeUnlessListenedTo(t *testing.T) {
	ctx, out := t.Context(), NewSink(nil)
	var by Watcher = after(time.Hour)
	allocations := testing.AllocsPerRun(100, func() {
		w := out.Watch(ctx, by)
		if w.Err() != nil {
			t.Error(w.Err())
		}
		w.End()
	})
	if allocations > 1 { // the Watch itself
		t.Errorf("%v allocations, want 1", allocations)
	}
}

// While the consumer has control, the beat is odd.
func TestBeats(t *testing.T) {
	var s *Sink
	s = NewSink(func(*model.LLMResponse, error) bool {
		if got := s.Beats(); got%2 == 0 {
			t.Errorf("%d beats while the consumer has control, want an odd number", got)
		}
		return true
	})
	for want := uint32(2); want <= 4; want += 2 {
		s.Send(&model.LLMResponse{})
		if got := s.Beats(); got != want {
			t.Errorf("%d beats, want %d", got, want)
		}
	}
}

// A field more may cost every call 128 bytes: above 576, objects come in classes
// far apart, and have a word of the allocator's before them.
func TestSinkFitsItsSizeClass(t *testing.T) {
	if size := unsafe.Sizeof(Sink{}); size > 576 {
		t.Errorf("a Sink takes %d bytes, want at most 576", size)
	}
}

// askers counts how often it is asked.
type askers int

func (n *askers) Look(elapsed, _ time.Duration, _ bool) (time.Duration, error) {
	*n++
	if elapsed >= 2*time.Second {
		return 0, errSlow
	}
	return time.Second, nil
}

// A Watcher may take long to decide: it is asked when it wants to be, however
// often a model asks.
func TestWatchAsksWhenItIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked askers
		w := NewSink(nil).Watch(t.Context(), &asked)
		for range 25 {
			_ = w.Err()
			time.Sleep(100 * time.Millisecond)
		}
		<-w.Done()
		if asked != 3 || context.Cause(w) != errSlow {
			t.Errorf("asked %d times, cause %v; want 3, at 0, 1 and 2 s", asked, context.Cause(w))
		}
		w.End()
	})
}

// An attempt that its caller has ended is not cut off as well.
func TestWatchOfAnEndedCallAsksNobody(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var asked askers
	w := NewSink(nil).Watch(ctx, &asked)
	<-w.Done()
	if w.End(); asked != 0 {
		t.Errorf("asked %d times, want never", asked)
	}
}

// The timer ends with the attempt.
func TestWatchLeavesNoTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked askers
		w := NewSink(nil).Watch(t.Context(), &asked)
		w.Done()
		w.End()
		time.Sleep(time.Minute)
		if synctest.Wait(); asked != 1 {
			t.Errorf("asked %d times, want once, before the end", asked)
		}
	})
}
