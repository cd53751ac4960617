package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"pgregory.net/rapid"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

func TestMaxConcurrentAdmitsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{release: make(chan error)}
		m := middleware.MustLimit(middleware.LimitConfig{MaxConcurrent: 2})(d.model())
		for i := range 5 {
			send(t.Context(), m, fmt.Sprint(i), "")
		}
		for i := 2; i <= 5; i++ {
			if got := len(d.names()); got != i {
				t.Fatalf("%d calls have started, want %d", got, i)
			}
			d.release <- nil
			synctest.Wait()
		}
		d.release <- nil
		if diff := cmp.Diff([]string{"0", "1", "2", "3", "4"}, d.names()); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
	})
}

// B77
func TestPaidWorkOvertakesFreeWorkInAFullQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{release: make(chan error)}
		priorities := map[string]int{"paid": 10, "batch": -1}
		m := middleware.MustLimit(middleware.LimitConfig{MaxConcurrent: 1, MaxQueue: 3, Priorities: priorities})(d.model())
		clear(priorities) // the caller's map is the caller's
		send(t.Context(), m, "first", "")
		batch := send(t.Context(), m, "batch", "batch")
		send(t.Context(), m, "free 1", "")
		free2 := send(t.Context(), m, "free 2", "free")
		free3 := send(t.Context(), m, "free 3", "") // takes the place of batch
		send(t.Context(), m, "paid 1", "paid")      // takes the place of free 3
		send(t.Context(), m, "paid 2", "paid")      // takes the place of free 2
		for name, done := range map[string]<-chan error{"batch": batch, "free 2": free2, "free 3": free3} {
			if refused := refusedBy(<-done, "limit"); refused == nil || refused.Reason != "the queue is full of calls of higher priority" || refused.Model != "flash" {
				t.Errorf("%s: %+v, want a refusal for calls of higher priority", name, refused)
			}
		}
		if refused := refusedBy(<-send(t.Context(), m, "free 4", ""), "limit"); refused == nil || refused.Reason != "the queue is full" {
			t.Errorf("free 4: %+v, want a refusal by the full queue", refused)
		}
		for range 4 {
			d.release <- nil
			synctest.Wait()
		}
		if diff := cmp.Diff([]string{"first", "paid 1", "paid 2", "free 1"}, d.names()); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
	})
}

// B77
func TestWaitEndsInARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{release: make(chan error)}
		m := middleware.MustLimit(middleware.LimitConfig{MaxConcurrent: 1})(d.model())
		send(t.Context(), m, "first", "")
		started := time.Now()
		err := <-send(t.Context(), m, "second", "")
		if refusedBy(err, "limit") == nil || time.Since(started) != middleware.DefaultMaxQueueWait {
			t.Errorf("%v after %v, want a refusal after %v", err, time.Since(started), middleware.DefaultMaxQueueWait)
		}
		d.release <- nil
	})
}

func TestCancelledWaitReturnsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{release: make(chan error)}
		m := middleware.MustLimit(middleware.LimitConfig{MaxConcurrent: 1})(d.model())
		send(t.Context(), m, "first", "")
		ctx, cancel := context.WithCancel(t.Context())
		started := time.Now()
		second := send(ctx, m, "second", "")
		third := send(t.Context(), m, "third", "")
		cancel()
		if err := <-second; !errors.Is(err, context.Canceled) || time.Since(started) != 0 {
			t.Errorf("%v after %v, want the caller's own error at once", err, time.Since(started))
		}
		d.release <- nil
		d.release <- nil
		if err := <-third; err != nil {
			t.Errorf("the one behind: %v", err)
		}
		if diff := cmp.Diff([]string{"first", "third"}, d.names()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}

func TestCancelledCallIsNotRefused(t *testing.T) {
	flash := llmtest.NewModel("flash", llmtest.Text("ok"))
	m := middleware.MustLimit(middleware.LimitConfig{RequestsPerMinute: 1})(flash)
	calls(t, m, flash, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := generate(ctx, m); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want the caller's own error", err)
	}
}

// B80
func TestTurnThatComesTooLateIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{release: make(chan error)}
		m := middleware.MustLimit(middleware.LimitConfig{MaxConcurrent: 1})(d.model())
		send(t.Context(), m, "first", "")
		ctx := llmtest.NewLeaving(t.Context(), func() {
			d.release <- nil // the place of the first is now the second's
			synctest.Wait()
		})
		second := send(ctx, m, "second", "")
		ctx.Leave()
		if err := <-second; !errors.Is(err, context.Canceled) {
			t.Errorf("second: %v, want the caller's own error", err)
		}
		third := send(t.Context(), m, "third", "")
		if diff := cmp.Diff([]string{"first", "third"}, d.names()); diff != "" {
			t.Fatalf("calls (-want +got):\n%s", diff)
		}
		d.release <- nil
		<-third
	})
}

// B80
func TestRefusalThatComesTooLateGivesNothingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{release: make(chan error)}
		m := middleware.MustLimit(middleware.LimitConfig{MaxConcurrent: 1, MaxQueue: 1, Priorities: map[string]int{"paid": 1}})(d.model())
		send(t.Context(), m, "first", "")
		var paid <-chan error
		ctx := llmtest.NewLeaving(t.Context(), func() {
			paid = send(t.Context(), m, "paid", "paid") // takes the place of the second in the queue
		})
		second := send(ctx, m, "second", "")
		ctx.Leave()
		<-second
		synctest.Wait()
		if diff := cmp.Diff([]string{"first"}, d.names()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		d.release <- nil
		d.release <- nil
		<-paid
	})
}

// A large request waits for its tokens at the head of the queue; when it gives
// up, a small one behind it need not wait.
func TestGivingUpLetsTheNextIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := llmtest.NewModel("flash", llmtest.Text("ok"))
		m := middleware.MustLimit(middleware.LimitConfig{TokensPerMinute: 60, MaxWait: time.Hour})(flash)
		<-send(t.Context(), m, strings.Repeat("word", 50), "")
		ctx, cancel := context.WithCancel(t.Context())
		large := send(ctx, m, strings.Repeat("word", 60), "")
		small := send(t.Context(), m, "word", "")
		if got := len(flash.Asked()); got != 1 {
			t.Errorf("%d calls have started, want 1: nobody overtakes", got)
		}
		started := time.Now()
		cancel()
		<-large
		if err := <-small; err != nil || time.Since(started) != 0 {
			t.Errorf("the small one: %v after %v, want an answer at once", err, time.Since(started))
		}
	})
}

// B77, B80: whatever callers do, no more calls run than may, and no place is
// lost.
func TestLimitLosesNoPlace(t *testing.T) {
	type caller struct {
		Delay, Patience, Work int // milliseconds
		Priority              string
	}
	draw := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) caller {
		return caller{
			rapid.IntRange(0, 30).Draw(r, "delay"), rapid.IntRange(1, 30).Draw(r, "patience"), rapid.IntRange(0, 10).Draw(r, "work"),
			rapid.SampledFrom([]string{"", "paid", "batch"}).Draw(r, "priority"),
		}
	}), 1, 30)
	const places = 3
	rapid.Check(t, func(r *rapid.T) {
		callers := draw.Draw(r, "callers")
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			var running, most int // guarded by mu
			begin := func() {
				mu.Lock()
				defer mu.Unlock()
				running++
				most = max(most, running)
			}
			end := func() {
				mu.Lock()
				defer mu.Unlock()
				running--
			}
			flash := llmtest.NewModel("flash", func(_ context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
				begin()
				work, err := time.ParseDuration(req.Contents[0].Parts[0].Text)
				if err != nil {
					r.Error(err)
				}
				time.Sleep(work)
				end() // with its final response, a call is over
				llmtest.Text("ok")(nil, req, stream, yield)
			})
			m := middleware.MustLimit(middleware.LimitConfig{
				MaxConcurrent: places, RequestsPerMinute: 6000, TokensPerMinute: 6000, MaxQueue: 4, MaxWait: 10 * time.Millisecond,
				Priorities: map[string]int{"paid": 1, "batch": -1},
			})(flash)
			var all sync.WaitGroup
			for _, c := range callers {
				all.Go(func() {
					time.Sleep(time.Duration(c.Delay) * time.Millisecond)
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(c.Patience)*time.Millisecond)
					defer cancel()
					_ = say(ctx, m, fmt.Sprintf("%dms", c.Work), c.Priority)
				})
			}
			all.Wait()
			if most > places {
				r.Errorf("%d calls ran at a time, want at most %d", most, places)
			}
			time.Sleep(time.Minute)
			most = 0
			for range places {
				all.Go(func() { _ = say(t.Context(), m, "1s", "") })
			}
			all.Wait()
			if most != places {
				r.Errorf("%d places are left, want %d", most, places)
			}
		})
	})
}
