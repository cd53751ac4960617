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

// While the consumer has control, a beat that is read is odd; when somebody
// starts to read in that time, the end of it is a beat.
func TestBeats(t *testing.T) {
	for _, c := range []struct {
		name                 string
		watched, watchedThen bool // before, and while the consumer has control
		within, afterwards   uint32
	}{
		{"nobody reads", false, false, 2, 2},
		{"somebody reads", true, true, 3, 4},
		{"somebody starts to read", false, true, 2, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s *Sink
			s = NewSink(func(*model.LLMResponse, error) bool {
				if got := s.Beats(); got != c.within {
					t.Errorf("%d beats while the consumer has control, want %d", got, c.within)
				}
				s.watched.Store(c.watchedThen)
				return true
			})
			s.watched.Store(c.watched)
			s.Send(&model.LLMResponse{})
			if got := s.Beats(); got != c.afterwards {
				t.Errorf("%d beats afterwards, want %d", got, c.afterwards)
			}
		})
	}
}

// Objects of more than 512 bytes come in classes far apart, and have a word of
// the allocator's before them: one more field may cost every call 128 bytes.
func TestSinkFitsItsSizeClass(t *testing.T) {
	const class, header = 768, 8
	if size := unsafe.Sizeof(Sink{}); size > class-header {
		t.Errorf("a Sink takes %d bytes, want at most %d", size, class-header)
	}
}
