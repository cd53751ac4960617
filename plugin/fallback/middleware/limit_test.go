package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
	"pgregory.net/rapid"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/suite"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// desk is a model whose calls stay until they are let go, and that notes who
// came when.
type desk struct {
	release chan error // one for each call; nil for an answer

	mu   sync.Mutex
	came []string // text of each request; guarded by mu
}

func (d *desk) model() *suite.Model {
	return suite.NewModel("flash", func(_ context.Context, req *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		d.mu.Lock()
		d.came = append(d.came, req.Contents[0].Parts[0].Text)
		d.mu.Unlock()
		if err := <-d.release; err != nil {
			yield(nil, err)
			return
		}
		suite.Text("ok")(nil, nil, false, yield)
	})
}

func (d *desk) names() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.came...)
}

// say makes one call with the given text and priority.
func say(ctx context.Context, m model.LLM, text, priority string) (last error) {
	req := &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText(text, genai.RoleUser)}}
	for _, err := range m.GenerateContent(call.With(ctx, call.Info{Priority: priority}), req, false) {
		last = err
	}
	return last
}

// send starts a call, lets it come as far as it can, and returns where its end
// will be told.
func send(ctx context.Context, m model.LLM, text, priority string) <-chan error {
	done := make(chan error, 1)
	go func() { done <- say(ctx, m, text, priority) }()
	synctest.Wait()
	return done
}

func TestRequestsPerMinuteSpacesCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := suite.NewModel("flash", suite.Text("ok"))
		m := middleware.MustLimit(middleware.LimitConfig{RequestsPerMinute: 60})(flash)
		started := time.Now()
		for i := range 70 {
			if err := generate(t.Context(), m); err != nil {
				t.Fatalf("call %d: %v", i, err)
			}
			want := time.Duration(max(i-59, 0)) * time.Second
			if got := time.Since(started).Truncate(time.Millisecond); got != want {
				t.Fatalf("call %d came after %v, want %v", i, got, want)
			}
		}
	})
}

// B77
func TestCallThatWouldWaitInVainIsRefusedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := suite.NewModel("flash", suite.Text("ok"))
		m := middleware.MustLimit(middleware.LimitConfig{RequestsPerMinute: 2})(flash)
		calls(t, m, flash, 2)
		started := time.Now()
		err := generate(t.Context(), m)
		want := &middleware.RefusedError{
			By: "limit", Model: "flash", Reason: "the rate is used up for longer than a call may wait", Until: started.Add(30 * time.Second),
		}
		if diff := cmp.Diff(want, refusedBy(err, "limit")); diff != "" {
			t.Errorf("refusal (-want +got):\n%s", diff)
		}
		if v := failure.Classify(err); v.Action != failure.Fallback {
			t.Errorf("the refusal means %s, want a fallback", v.Action)
		}
		if waited := time.Since(started); waited != 0 {
			t.Errorf("refused after %v, want at once", waited)
		}

		equal := middleware.MustLimit(middleware.LimitConfig{RequestsPerMinute: 2, MaxWait: 30 * time.Second})(flash)
		calls(t, equal, flash, 2)
		if err := generate(t.Context(), equal); refusedBy(err, "limit") == nil || time.Since(started) != 0 {
			t.Errorf("with a turn at the end of MaxWait: %v after %v, want a refusal at once", err, time.Since(started))
		}

		patient := middleware.MustLimit(middleware.LimitConfig{RequestsPerMinute: 2, MaxWait: time.Hour})(flash)
		calls(t, patient, flash, 2)
		hurried, cancel := context.WithTimeout(t.Context(), 29*time.Second)
		defer cancel()
		if err := generate(hurried, patient); refusedBy(err, "limit") == nil || time.Since(started) != 0 {
			t.Errorf("with a deadline before its turn: %v after %v, want a refusal at once", err, time.Since(started))
		}
	})
}

func TestTokensPerMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := suite.NewModel("flash", suite.Text("ok"))
		m := middleware.MustLimit(middleware.LimitConfig{TokensPerMinute: 60})(flash)
		started := time.Now()
		for i, want := range []time.Duration{0, 0, 5 * time.Second, 10 * time.Second} {
			text := strings.Repeat("word", []int{55, 5, 5, 5}[i])
			if err := <-send(t.Context(), m, text, ""); err != nil {
				t.Fatalf("call %d: %v", i, err)
			}
			if got := time.Since(started).Truncate(time.Millisecond); got != want {
				t.Errorf("call %d came after %v, want %v", i, got, want)
			}
		}
	})
}

func TestRequestLargerThanTheBucketIsRefused(t *testing.T) {
	cyclic := map[string]any{}
	cyclic["again"] = cyclic
	part := func(p *genai.Part) []*genai.Content { return []*genai.Content{{Parts: []*genai.Part{nil, p}}} }
	hundred := strings.Repeat("word", 100)
	tests := []struct {
		name  string
		req   model.LLMRequest
		large bool
	}{
		{"empty", model.LLMRequest{}, false},
		{"text that fits", model.LLMRequest{Contents: part(genai.NewPartFromText(hundred))}, false},
		{"text", model.LLMRequest{Contents: part(genai.NewPartFromText(hundred + "!"))}, true},
		{"two contents", model.LLMRequest{Contents: append(part(genai.NewPartFromText(hundred)), nil, genai.NewContentFromText("!", genai.RoleUser))}, true},
		{"system instruction", model.LLMRequest{Config: &genai.GenerateContentConfig{SystemInstruction: genai.NewContentFromText(hundred+"!", genai.RoleUser)}}, true},
		{"function call", model.LLMRequest{Contents: part(genai.NewPartFromFunctionCall("f", map[string]any{"q": []any{hundred}}))}, true},
		{"function response", model.LLMRequest{Contents: part(genai.NewPartFromFunctionResponse("f", map[string]any{"a": map[string]any{"b": hundred}}))}, true},
		{"numbers that fit", model.LLMRequest{Contents: part(genai.NewPartFromFunctionCall("f", map[string]any{"abcd": 1.5, "efgh": true}))}, false},
		{"value within itself", model.LLMRequest{Contents: part(genai.NewPartFromFunctionCall("f", cyclic))}, false},
		{"image", model.LLMRequest{Contents: part(genai.NewPartFromBytes(make([]byte, 1000), "image/png"))}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := middleware.MustLimit(middleware.LimitConfig{TokensPerMinute: 100})(suite.NewModel("flash", suite.Text("ok")))
				started := time.Now()
				var err error
				for _, e := range m.GenerateContent(t.Context(), &tt.req, false) {
					err = e
				}
				if refused := refusedBy(err, "limit"); (refused != nil) != tt.large {
					t.Errorf("refusal = %v, want one: %v", refused, tt.large)
				}
				if waited := time.Since(started); waited != 0 {
					t.Errorf("it took %v, want no wait", waited)
				}
			})
		})
	}
}

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
	flash := suite.NewModel("flash", suite.Text("ok"))
	m := middleware.MustLimit(middleware.LimitConfig{RequestsPerMinute: 1})(flash)
	calls(t, m, flash, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := generate(ctx, m); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want the caller's own error", err)
	}
}

// leaving is a context that is done, and runs last when it is first asked why.
type leaving struct {
	context.Context
	done chan struct{}
	once sync.Once
	last func()
}

func (l *leaving) Done() <-chan struct{} { return l.done }

func (l *leaving) Err() error {
	select {
	case <-l.done:
		l.once.Do(l.last)
		return context.Canceled
	default:
		return nil
	}
}

// B80
func TestTurnThatComesTooLateIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{release: make(chan error)}
		m := middleware.MustLimit(middleware.LimitConfig{MaxConcurrent: 1})(d.model())
		send(t.Context(), m, "first", "")
		ctx := &leaving{Context: t.Context(), done: make(chan struct{}), last: func() {
			d.release <- nil // the place of the first is now the second's
			synctest.Wait()
		}}
		second := send(ctx, m, "second", "")
		close(ctx.done)
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
		ctx := &leaving{Context: t.Context(), done: make(chan struct{}), last: func() {
			paid = send(t.Context(), m, "paid", "paid") // takes the place of the second in the queue
		}}
		second := send(ctx, m, "second", "")
		close(ctx.done)
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
		flash := suite.NewModel("flash", suite.Text("ok"))
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

// B80
func TestPlaceIsGivenBackHoweverACallEnds(t *testing.T) {
	panicking := func(context.Context, *model.LLMRequest, bool, func(*model.LLMResponse, error) bool) { panic("model") }
	ends := map[string]func(t *testing.T, around func(model.LLM) model.LLM){
		"answer": func(t *testing.T, around func(model.LLM) model.LLM) {
			_ = generate(t.Context(), around(suite.NewModel("flash", suite.Text("ok"))))
		},
		"error": func(t *testing.T, around func(model.LLM) model.LLM) {
			_ = generate(t.Context(), around(suite.NewModel("flash", down)))
		},
		"model panics": func(t *testing.T, around func(model.LLM) model.LLM) {
			_ = generate(t.Context(), around(suite.NewModel("flash", panicking)))
		},
		"consumer stops": func(t *testing.T, around func(model.LLM) model.LLM) {
			for range around(suite.NewModel("flash", suite.Text("a long answer"))).GenerateContent(t.Context(), &model.LLMRequest{}, true) {
				break
			}
		},
		"consumer panics": func(t *testing.T, around func(model.LLM) model.LLM) {
			defer func() { _ = recover() }()
			for range around(suite.NewModel("flash", suite.Text("a long answer"))).GenerateContent(t.Context(), &model.LLMRequest{}, true) {
				panic("consumer")
			}
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			limit := middleware.MustLimit(middleware.LimitConfig{MaxConcurrent: 1, MaxWait: time.Nanosecond})
			var m model.LLM
			end(t, func(flash model.LLM) model.LLM {
				m = limit(flash)
				return m
			})
			if err := generate(t.Context(), m); refusedBy(err, "limit") != nil {
				t.Errorf("the next call: %v", err)
			}
		})
	}
}

func TestWaitIsRecordedWithTheAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := suite.NewModel("flash", suite.Text("ok"), down)
		m := middleware.MustLimit(middleware.LimitConfig{RequestsPerMinute: 1, MaxWait: time.Hour})(flash)
		calls(t, m, flash, 1)
		out := stream.NewSink(func(*model.LLMResponse, error) bool { return true })
		_ = stream.Of(m).Do(t.Context(), &model.LLMRequest{}, false, out)
		attempts, _ := out.Attempts()
		if len(attempts) != 1 || attempts[0].Wait.Truncate(time.Millisecond) != time.Minute {
			t.Errorf("attempts = %+v, want one that waited for a minute", attempts)
		}
	})
}

// started counts the calls that start at once, of n.
func started(t *testing.T, m model.LLM, n int) int {
	t.Helper()
	count := 0
	for range n {
		if err := generate(t.Context(), m); refusedBy(err, "limit") == nil {
			count++
		}
	}
	return count
}

func TestAdaptiveRateFallsAndRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limited := suite.Fail(suite.ErrQuota)
		flash := suite.NewModel("flash", limited, suite.Text("ok"))
		m := middleware.MustLimit(middleware.LimitConfig{RequestsPerMinute: 60, Adaptive: true, MaxWait: time.Nanosecond})(flash)
		if got := started(t, m, 100); got != 31 {
			t.Errorf("%d calls started, want 31: one, then half of the bucket", got)
		}
		var got []int
		for range 8 {
			time.Sleep(10 * time.Second)
			got = append(got, started(t, m, 100))
		}
		// The share grows by a tenth of one a second at the end of each ten seconds.
		if diff := cmp.Diff([]int{5, 6, 7, 8, 9, 10, 10, 10}, got); diff != "" {
			t.Errorf("calls in each ten seconds (-want +got):\n%s", diff)
		}
	})
}

func TestAdaptiveFallsToATenthAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quota := suite.Fail(suite.ErrQuota)
		flash := suite.NewModel("flash", quota, quota, quota, quota, quota, quota, suite.Fail(genai.APIError{Code: 400}))
		m := middleware.MustLimit(middleware.LimitConfig{RequestsPerMinute: 600, Adaptive: true, MaxWait: time.Nanosecond})(flash)
		started(t, m, 1000)
		time.Sleep(20 * time.Second)
		if got := started(t, m, 100); got != 20 {
			t.Errorf("%d calls started in 20 s, want 20: a tenth of ten a second", got)
		}
	})
}

func TestAdaptiveFallsOnceForCallsOfOneRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{release: make(chan error)}
		m := middleware.MustLimit(middleware.LimitConfig{MaxConcurrent: 8, MaxQueue: 1000, Adaptive: true})(d.model())
		for i := range 20 {
			send(t.Context(), m, fmt.Sprint(i), "")
		}
		for range 8 {
			d.release <- suite.ErrQuota
			synctest.Wait()
		}
		if got := len(d.names()); got != 8+4 {
			t.Errorf("%d calls have started, want 8, and then 4 at a time", got)
		}
		for range 4 {
			d.release <- suite.ErrQuota
			synctest.Wait()
		}
		if got := len(d.names()); got != 8+4+1 {
			t.Errorf("%d calls have started, want 8, 4, and then 1 at a time", got)
		}
		for range 8 {
			d.release <- nil
		}
	})
}

func TestAdaptiveHeedsOnlyLimits(t *testing.T) {
	for name, err := range map[string]error{
		"503": suite.ErrUnavailable, "400": genai.APIError{Code: 400},
		"daily quota": saying{Action: failure.Fallback, Kind: failure.KindQuota, Scope: failure.ScopeAccount, Cooldown: time.Hour},
	} {
		flash := suite.NewModel("flash", suite.Fail(err))
		m := middleware.MustLimit(middleware.LimitConfig{RequestsPerMinute: 60, Adaptive: true, MaxWait: time.Nanosecond})(flash)
		if got := started(t, m, 60); got != 60 {
			t.Errorf("%s: %d calls started, want 60", name, got)
		}
	}
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
			var running, most atomic.Int32
			flash := suite.NewModel("flash", func(_ context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
				most.Store(max(most.Load(), running.Add(1)))
				defer running.Add(-1)
				work, err := time.ParseDuration(req.Contents[0].Parts[0].Text)
				if err != nil {
					r.Error(err)
				}
				time.Sleep(work)
				suite.Text("ok")(nil, req, stream, yield)
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
			if most.Load() > places {
				r.Errorf("%d calls ran at a time, want at most %d", most.Load(), places)
			}
			time.Sleep(time.Minute)
			most.Store(0)
			for range places {
				all.Go(func() { _ = say(t.Context(), m, "1s", "") })
			}
			all.Wait()
			if most.Load() != places {
				r.Errorf("%d places are left, want %d", most.Load(), places)
			}
		})
	})
}

func TestLimitConfigErrorsNameEveryField(t *testing.T) {
	_, err := middleware.NewLimit(middleware.LimitConfig{RequestsPerMinute: -1, TokensPerMinute: -1, MaxConcurrent: -1, MaxQueue: -1, MaxWait: -1})
	want := []string{
		"middleware: LimitConfig.RequestsPerMinute: -1 is negative; allowed: 0 for no limit, or more",
		"middleware: LimitConfig.TokensPerMinute: -1 is negative; allowed: 0 for no limit, or more",
		"middleware: LimitConfig.MaxConcurrent: -1 is negative; allowed: 0 for no limit, or more",
		"middleware: LimitConfig.MaxQueue: -1 is negative; allowed: 0 for 100, or more",
		"middleware: LimitConfig.MaxWait: -1ns is negative; allowed: 0 for 10s, or more",
	}
	if err == nil {
		t.Fatal("no error")
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	if _, err := middleware.NewLimit(middleware.LimitConfig{Adaptive: true}); err == nil || !strings.Contains(err.Error(), "no limit is set") {
		t.Errorf("without any limit: %v", err)
	}
}

func ExampleNewLimit() {
	limit, err := middleware.NewLimit(middleware.LimitConfig{
		RequestsPerMinute: 2,
		MaxWait:           5 * time.Second,
	})
	if err != nil {
		panic(err)
	}
	m := middleware.Chain(suite.NewModel("flash", suite.Text("ok")), limit)
	for range 3 {
		fmt.Println(generate(context.Background(), m))
	}
	// Output:
	// <nil>
	// <nil>
	// middleware: limit refused flash: the rate is used up for longer than a call may wait
}
