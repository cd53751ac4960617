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
	"google.golang.org/genai"
	"pgregory.net/rapid"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/suite"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// down answers with an error that is the target's fault and has no cooldown.
var down = suite.Fail(suite.ErrUnavailable)

// saying is an error with a verdict of its own.
type saying failure.Verdict

func (s saying) Error() string            { return "says " + string(s.Kind) }
func (s saying) Verdict() failure.Verdict { return failure.Verdict(s) }

// generate makes one call and returns how it ended.
func generate(ctx context.Context, m model.LLM) error {
	req := &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText("hi", genai.RoleUser)}}
	for _, err := range m.GenerateContent(ctx, req, false) {
		if err != nil {
			return err
		}
	}
	return nil
}

// refusedBy returns the refusal by the named layer that err is; nil if it is
// none.
func refusedBy(err error, layer string) *middleware.RefusedError {
	var refused *middleware.RefusedError
	if errors.As(err, &refused) && refused.By == layer {
		return refused
	}
	return nil
}

// calls makes n calls and returns how many of them reached the model.
func calls(t *testing.T, m model.LLM, scripted *suite.Model, n int) int {
	t.Helper()
	before := len(scripted.Asked())
	for range n {
		_ = generate(t.Context(), m)
	}
	return len(scripted.Asked()) - before
}

// B72
func TestOpenBreakerSkipsTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := suite.NewModel("flash", down)
		m := middleware.MustBreaker(middleware.BreakerConfig{})(flash)
		if got := calls(t, m, flash, 20); got != middleware.DefaultConsecutiveFailures {
			t.Errorf("%d calls reached the model, want %d", got, middleware.DefaultConsecutiveFailures)
		}
		want := &middleware.RefusedError{
			By: "breaker", Model: "flash", Reason: "open; overloaded or unavailable",
			Until: time.Now().Add(middleware.DefaultOpenFor),
		}
		err := generate(t.Context(), m)
		if diff := cmp.Diff(want, refusedBy(err, "breaker")); diff != "" {
			t.Errorf("refusal (-want +got):\n%s", diff)
		}
		if v := failure.Classify(err); v.Action != failure.Fallback || v.Scope != failure.ScopeModel {
			t.Errorf("the refusal means %s of %s, want a fallback of the model", v.Action, v.Scope)
		}
	})
}

// B72
func TestBreakerCountsOnlyWhatIsTheTargetsFault(t *testing.T) {
	tests := []struct {
		name   string
		err    error
		counts bool
	}{
		{"429", suite.ErrQuota, true},
		{"500", suite.ErrInternal, true},
		{"503", suite.ErrUnavailable, true},
		{"504", suite.ErrDeadline, true},
		{"reset", errors.New("read tcp: connection reset by peer"), true},
		{"our own timeout", &failure.TimeoutError{Phase: "idle", Limit: time.Second}, true},
		{"empty", failure.ErrEmpty, true},
		{"truncated", failure.ErrTruncated, true},
		{"model not found", genai.APIError{Code: 404, Status: "NOT_FOUND", Message: "models/x is not found"}, true},
		{"400", genai.APIError{Code: 400, Status: "INVALID_ARGUMENT", Message: "Invalid value at 'contents'"}, false},
		{"too large", genai.APIError{Code: 413, Message: "Request too large"}, false},
		{"context length", genai.APIError{Code: 400, Status: "INVALID_ARGUMENT", Message: "The input token count (9) exceeds the maximum number of tokens allowed (8)."}, false},
		{"bad key", genai.APIError{Code: 400, Status: "INVALID_ARGUMENT", Message: "API key not valid. Please pass a valid API key."}, false},
		{"not permitted", genai.APIError{Code: 403, Status: "PERMISSION_DENIED", Message: "Permission denied"}, false},
		{"not implemented", genai.APIError{Code: 501, Status: "UNIMPLEMENTED", Message: "Unimplemented"}, false},
		{"content policy", saying{Action: failure.Fail, Kind: failure.KindContent, Scope: failure.ScopeRequest}, false},
		{"unrecognised", errors.New("boom"), false},
		{"refused within", &middleware.RefusedError{By: "limit"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			flash := suite.NewModel("flash", suite.Fail(tt.err))
			m := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 3})(flash)
			want := 10
			if tt.counts {
				want = 3
			}
			if got := calls(t, m, flash, 10); got != want {
				t.Errorf("%d of 10 calls reached the model, want %d", got, want)
			}
		})
	}
}

// B72
func TestCallersCancellationNeverOpens(t *testing.T) {
	flash := suite.NewModel("flash", down)
	m := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1})(flash)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 3 {
		_ = generate(ctx, m)
	}
	if got := len(flash.Asked()); got != 3 {
		t.Errorf("%d of 3 cancelled calls reached the model, want all", got)
	}
}

func TestRequestFaultDoesNotBreakTheRow(t *testing.T) {
	bad := suite.Fail(genai.APIError{Code: 400, Status: "INVALID_ARGUMENT"})
	flash := suite.NewModel("flash", down, bad, down, bad, down)
	m := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 3})(flash)
	if got := calls(t, m, flash, 10); got != 5 {
		t.Errorf("%d calls reached the model, want 5: three failures and two bad requests", got)
	}
}

func TestSuccessBreaksTheRow(t *testing.T) {
	flash := suite.NewModel("flash", down, down, suite.Text("ok"), down, down, suite.Text("ok"))
	m := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 3})(flash)
	if got := calls(t, m, flash, 10); got != 10 {
		t.Errorf("%d of 10 calls reached the model, want all", got)
	}
}

func TestPauseLongerThanWindowBreaksTheRow(t *testing.T) {
	for pause, want := range map[time.Duration]int{time.Minute: 3, time.Minute + 1: 6} {
		synctest.Test(t, func(t *testing.T) {
			flash := suite.NewModel("flash", down)
			m := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 3, OpenFor: time.Hour})(flash)
			for range 6 {
				calls(t, m, flash, 1)
				time.Sleep(pause)
			}
			if got := len(flash.Asked()); got != want {
				t.Errorf("with pauses of %v, %d calls reached the model, want %d", pause, got, want)
			}
		})
	}
}

func TestFailureRatioOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := middleware.BreakerConfig{ConsecutiveFailures: 1000, FailureRatio: 0.5, MinRequests: 8, Window: 10 * time.Second}
		ok := suite.Text("ok")

		flash := suite.NewModel("flash", ok, ok, ok, ok, down, down, down, down)
		if got := calls(t, middleware.MustBreaker(config)(flash), flash, 20); got != 8 {
			t.Errorf("%d calls reached the model, want 8: half of them failed", got)
		}

		few := suite.NewModel("flash", down, down, down, ok, down, down, down, ok)
		if got := calls(t, middleware.MustBreaker(config)(few), few, 7); got != 7 {
			t.Errorf("%d calls reached the model, want 7: too few for a share", got)
		}

		old := suite.NewModel("flash", down, down, down, down, down, down, ok, ok, ok, ok, ok, ok, ok, down, ok)
		m := middleware.MustBreaker(config)(old)
		calls(t, m, old, 6)
		time.Sleep(11 * time.Second) // the failures are forgotten
		if got := calls(t, m, old, 9); got != 9 {
			t.Errorf("%d calls reached the model, want 9: one of them failed", got)
		}

		config.MinRequests = 0
		never := suite.NewModel("flash", down)
		if got := calls(t, middleware.MustBreaker(config)(never), never, 20); got != middleware.DefaultMinRequests {
			t.Errorf("%d calls reached the model, want %d", got, middleware.DefaultMinRequests)
		}
	})
}

func TestClosedAgainStartsAfresh(t *testing.T) {
	for name, config := range map[string]middleware.BreakerConfig{
		"row":   {ConsecutiveFailures: 3},
		"share": {ConsecutiveFailures: 1000, FailureRatio: 0.5, MinRequests: 3, Window: time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			flash := suite.NewModel("flash", down, down, down, suite.Text("ok"), down)
			m := middleware.MustBreaker(config)(flash)
			calls(t, m, flash, 3)
			time.Sleep(middleware.DefaultOpenFor)
			if got := calls(t, m, flash, 3); got != 3 {
				t.Errorf("%s: %d calls reached the model, want 3: the success and two failures", name, got)
			}
		})
	}
}

// B72
func TestHalfOpenAdmitsOneProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan struct{})
		slow := func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
			<-answer
			suite.Text("ok")(ctx, req, stream, yield)
		}
		flash := suite.NewModel("flash", down, slow)
		m := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1})(flash)
		calls(t, m, flash, 1)

		time.Sleep(middleware.DefaultOpenFor - time.Nanosecond)
		if err := generate(t.Context(), m); refusedBy(err, "breaker") == nil {
			t.Fatalf("before OpenFor: %v, want a refusal", err)
		}
		time.Sleep(time.Nanosecond)
		due := time.Now()
		errs := make(chan error, 10)
		for range 10 {
			go func() { errs <- generate(t.Context(), m) }()
		}
		synctest.Wait()
		if got := len(flash.Asked()) - 1; got != 1 {
			t.Errorf("%d probes, want 1", got)
		}
		for range 9 {
			refused := refusedBy(<-errs, "breaker")
			if refused == nil || !refused.Until.Equal(due) {
				t.Errorf("refusal beside a probe = %+v, want one that says that calls are due since %v", refused, due)
			}
		}
		close(answer)
		if err := <-errs; err != nil {
			t.Errorf("the probe: %v", err)
		}
		if got := calls(t, m, flash, 5); got != 5 {
			t.Errorf("%d of 5 calls reached the recovered model, want all", got)
		}
	})
}

// B72
func TestFailedProbeOpensAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := suite.NewModel("flash", down)
		m := middleware.MustBreaker(middleware.BreakerConfig{})(flash)
		calls(t, m, flash, 5)
		for range 4 {
			time.Sleep(middleware.DefaultOpenFor)
			if got := calls(t, m, flash, 5); got != 1 {
				t.Errorf("%d of 5 calls reached the model after OpenFor, want 1", got)
			}
		}
	})
}

// B72, B80
func TestProbeThatDoesNotCountLeavesItsPlace(t *testing.T) {
	stop := func(t *testing.T, m model.LLM) {
		for range m.GenerateContent(t.Context(), &model.LLMRequest{}, true) {
			break
		}
	}
	panics := func(t *testing.T, m model.LLM) {
		defer func() {
			if recover() == nil {
				t.Error("the consumer's panic was swallowed")
			}
		}()
		for range m.GenerateContent(t.Context(), &model.LLMRequest{}, true) {
			panic("consumer")
		}
	}
	cancelled := func(t *testing.T, m model.LLM) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_ = generate(ctx, m)
	}
	plain := func(t *testing.T, m model.LLM) { _ = generate(t.Context(), m) }
	tests := []struct {
		name  string
		probe suite.Step
		call  func(*testing.T, model.LLM)
	}{
		{"bad request", suite.Fail(genai.APIError{Code: 400, Status: "INVALID_ARGUMENT"}), plain},
		{"model panics", func(context.Context, *model.LLMRequest, bool, func(*model.LLMResponse, error) bool) { panic("model") }, plain},
		{"caller cancels", suite.Fail(context.Canceled), cancelled},
		{"consumer stops", suite.Text("a long answer"), stop},
		{"consumer panics", suite.Text("a long answer"), panics},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				flash := suite.NewModel("flash", down, tt.probe, down)
				var states []middleware.BreakerState
				m := middleware.MustBreaker(middleware.BreakerConfig{
					ConsecutiveFailures: 1,
					OnStateChange:       func(_ string, _, to middleware.BreakerState) { states = append(states, to) },
				})(flash)
				calls(t, m, flash, 1)
				time.Sleep(middleware.DefaultOpenFor)
				tt.call(t, m)
				if diff := cmp.Diff([]middleware.BreakerState{middleware.BreakerOpen, middleware.BreakerHalfOpen}, states); diff != "" {
					t.Errorf("states (-want +got):\n%s", diff)
				}
				if got := calls(t, m, flash, 5); got != 1 {
					t.Errorf("%d calls reached the model after the probe, want 1: the next probe", got)
				}
			})
		})
	}
}

// B80
func TestProbeThatHangsIsJoinedByAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := func(ctx context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
			<-ctx.Done()
			yield(nil, ctx.Err())
		}
		flash := suite.NewModel("flash", down, hang, suite.Text("ok"))
		m := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1})(flash)
		calls(t, m, flash, 1)
		time.Sleep(middleware.DefaultOpenFor)
		ctx, cancel := context.WithCancel(t.Context())
		var probe sync.WaitGroup
		probe.Go(func() { _ = generate(ctx, m) })
		synctest.Wait()
		time.Sleep(middleware.DefaultOpenFor - time.Nanosecond)
		if err := generate(t.Context(), m); refusedBy(err, "breaker") == nil {
			t.Errorf("beside the probe: %v, want a refusal", err)
		}
		time.Sleep(time.Nanosecond)
		if err := generate(t.Context(), m); err != nil {
			t.Errorf("the second probe: %v, want an answer", err)
		}
		cancel()
		probe.Wait()
	})
}

func TestCooldownShorterThanOpenForIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		short := saying{Action: failure.Fallback, Kind: failure.KindQuota, Scope: failure.ScopeModel, Cooldown: time.Second}
		flash := suite.NewModel("flash", suite.Fail(short))
		m := middleware.MustBreaker(middleware.BreakerConfig{})(flash)
		calls(t, m, flash, 1)
		if refused := refusedBy(generate(t.Context(), m), "breaker"); refused == nil || time.Until(refused.Until) != time.Second {
			t.Errorf("refusal = %+v, want one for a second", refused)
		}
	})
}

func TestCooldownOpensAtOnceUntilItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		daily := saying{Action: failure.Fallback, Kind: failure.KindQuota, Scope: failure.ScopeAccount, Cooldown: 7 * time.Hour, Reason: "a daily quota"}
		flash := suite.NewModel("flash", suite.Fail(daily), suite.Text("ok"))
		m := middleware.MustBreaker(middleware.BreakerConfig{})(flash)
		if got := calls(t, m, flash, 5); got != 1 {
			t.Errorf("%d calls reached the model, want 1", got)
		}
		refused := refusedBy(generate(t.Context(), m), "breaker")
		if refused == nil || !refused.Until.Equal(time.Now().Add(7*time.Hour)) || refused.Reason != "open; a daily quota" {
			t.Errorf("refusal = %+v, want one until the cooldown's end", refused)
		}
		time.Sleep(7*time.Hour - time.Nanosecond)
		if got := calls(t, m, flash, 1); got != 0 {
			t.Error("a call reached the model before the cooldown's end")
		}
		time.Sleep(time.Nanosecond)
		if got := calls(t, m, flash, 5); got != 5 {
			t.Errorf("%d of 5 calls reached the model after the cooldown, want all", got)
		}
	})
}

// What a server says about the time to come holds whenever the call began.
func TestLateCooldownOpensOrExtends(t *testing.T) {
	tests := []struct {
		cooldown, want time.Duration
	}{
		{time.Second, middleware.DefaultOpenFor}, // the longer rest stays
		{time.Hour, time.Hour},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			answer := make(chan struct{})
			daily := saying{Action: failure.Fallback, Kind: failure.KindQuota, Scope: failure.ScopeAccount, Cooldown: tt.cooldown}
			flash := suite.NewModel("flash", func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
				<-answer
				yield(nil, daily)
			}, down)
			m := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1})(flash)
			var late sync.WaitGroup
			late.Go(func() { _ = generate(t.Context(), m) })
			synctest.Wait()
			calls(t, m, flash, 1)
			close(answer)
			late.Wait()
			if refused := refusedBy(generate(t.Context(), m), "breaker"); refused == nil || time.Until(refused.Until) != tt.want {
				t.Errorf("after a late cooldown of %v: %+v, want a refusal for %v", tt.cooldown, refused, tt.want)
			}
		})
	}
}

// A verdict that grants a retry is not cut off by the breaker within.
func TestCooldownOfARetryCountsAfterTheRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		capacity := saying{Action: failure.Retry, MaxRetries: 1, Kind: failure.KindCapacity, Scope: failure.ScopeModel, Cooldown: time.Minute}
		flash := suite.NewModel("flash", suite.Fail(capacity))
		m := middleware.MustBreaker(middleware.BreakerConfig{})(flash)
		if got := calls(t, m, flash, 5); got != 2 {
			t.Errorf("%d calls reached the model, want 2: the call and its retry", got)
		}
		if refused := refusedBy(generate(t.Context(), m), "breaker"); refused == nil || !refused.Until.Equal(time.Now().Add(time.Minute)) {
			t.Errorf("refusal = %+v, want one until the cooldown's end", refused)
		}
	})
}

func TestServersDelayLengthensTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := saying{Action: failure.Retry, Kind: failure.KindOverloaded, Scope: failure.ScopeModel, RetryAfter: 2 * time.Minute}
		flash := suite.NewModel("flash", suite.Fail(busy))
		m := middleware.MustBreaker(middleware.BreakerConfig{})(flash)
		calls(t, m, flash, 5)
		if refused := refusedBy(generate(t.Context(), m), "breaker"); refused == nil || !refused.Until.Equal(time.Now().Add(2*time.Minute)) {
			t.Errorf("refusal = %+v, want one until the server's delay is over", refused)
		}
	})
}

// B75
func TestFailedProbesLengthenTheRestUpToItsBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := suite.NewModel("flash", down, down, down, down, down, suite.Text("ok"), down)
		m := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1, OpenFor: 10 * time.Second, MaxOpenFor: 45 * time.Second})(flash)
		var rests []time.Duration
		for range 7 {
			_ = generate(t.Context(), m)
			if refused := refusedBy(generate(t.Context(), m), "breaker"); refused != nil {
				rests = append(rests, time.Until(refused.Until))
				time.Sleep(time.Until(refused.Until))
			}
		}
		want := []time.Duration{10 * time.Second, 20 * time.Second, 40 * time.Second, 45 * time.Second, 45 * time.Second, 10 * time.Second}
		if diff := cmp.Diff(want, rests); diff != "" {
			t.Errorf("rests (-want +got):\n%s", diff)
		}
	})
}

// B72
func TestResultOfACallFromBeforeIsOutOfDate(t *testing.T) {
	for name, late := range map[string]suite.Step{"success": suite.Text("ok"), "failure": down} {
		synctest.Test(t, func(t *testing.T) {
			answer := make(chan struct{})
			slow := func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
				<-answer
				late(ctx, req, stream, yield)
			}
			flash := suite.NewModel("flash", slow, down, down)
			m := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1})(flash)
			var old sync.WaitGroup
			old.Go(func() { _ = generate(t.Context(), m) })
			synctest.Wait()
			calls(t, m, flash, 1)
			opened := time.Now()
			time.Sleep(time.Second)
			close(answer)
			old.Wait()
			if refused := refusedBy(generate(t.Context(), m), "breaker"); refused == nil || !refused.Until.Equal(opened.Add(middleware.DefaultOpenFor)) {
				t.Errorf("after a late %s: %+v, want a refusal with the time unchanged", name, refused)
			}
		})
	}
}

// force makes one call that breakers are asked to let through.
func force(t *testing.T, m model.LLM) error {
	t.Helper()
	out := stream.NewSink(func(*model.LLMResponse, error) bool { return true })
	out.Force = true
	return stream.Of(m).Do(t.Context(), &model.LLMRequest{}, false, out)
}

// B73
func TestForcedCallPassesAnOpenBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := suite.NewModel("flash", down, down, suite.Text("ok"))
		m := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1})(flash)
		calls(t, m, flash, 1)
		opened := time.Now()
		time.Sleep(time.Second)
		if err := force(t, m); refusedBy(err, "breaker") != nil || err == nil {
			t.Fatalf("forced call: %v, want the model's error", err)
		}
		if refused := refusedBy(generate(t.Context(), m), "breaker"); refused == nil || !refused.Until.Equal(opened.Add(middleware.DefaultOpenFor)) {
			t.Errorf("after a forced failure: %+v, want a refusal with the time unchanged", refused)
		}
		if err := force(t, m); err != nil {
			t.Fatalf("forced call: %v, want an answer", err)
		}
		if got := calls(t, m, flash, 5); got != 5 {
			t.Errorf("%d of 5 calls reached the model after a forced success, want all", got)
		}
	})
}

func TestBreakerTellsItsChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		flash := suite.NewModel("flash", down, down, suite.Text("ok"))
		m := middleware.MustBreaker(middleware.BreakerConfig{
			ConsecutiveFailures: 1,
			OnStateChange: func(model string, from, to middleware.BreakerState) {
				got = append(got, fmt.Sprintf("%s: %s → %s", model, from, to))
			},
		})(flash)
		for range 3 {
			calls(t, m, flash, 2)
			time.Sleep(middleware.DefaultOpenFor)
		}
		want := []string{
			"flash: closed → open",
			"flash: open → half_open", "flash: half_open → open",
			"flash: open → half_open", "flash: half_open → closed",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("changes (-want +got):\n%s", diff)
		}
	})
}

// B80
func TestPanicInOnStateChangeGoesNoFurther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := suite.NewModel("flash", down, suite.Text("ok"))
		m := middleware.MustBreaker(middleware.BreakerConfig{
			ConsecutiveFailures: 1,
			OnStateChange:       func(string, middleware.BreakerState, middleware.BreakerState) { panic("hook") },
		})(flash)
		calls(t, m, flash, 1)
		time.Sleep(middleware.DefaultOpenFor)
		if got := calls(t, m, flash, 5); got != 5 {
			t.Errorf("%d of 5 calls reached the model, want all: the hook's panic left the breaker stuck", got)
		}
	})
}

// Retry works on both sides of Breaker: outside it stops at the refusal and
// fails as the model did, and inside its tries are one call.
func TestBreakerWithRetryAround(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		retry := middleware.MustRetry(middleware.RetryConfig{MaxRetries: 4})
		breaker := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 3})

		flash := suite.NewModel("flash", down)
		err := generate(t.Context(), middleware.Chain(flash, retry, breaker))
		if got := len(flash.Asked()); got != 3 || err == nil || refusedBy(err, "breaker") != nil {
			t.Errorf("retry outside: %d tries and %v, want 3 and the model's error", got, err)
		}

		flash = suite.NewModel("flash", down)
		m := middleware.Chain(flash, breaker, retry)
		for range 3 {
			_ = generate(t.Context(), m)
		}
		if refusedBy(generate(t.Context(), m), "breaker") == nil {
			t.Error("retry inside: the breaker is not open after three calls failed")
		}
	})
}

// B72, B75: whatever calls meet and whenever they come, a target that has
// failed is left alone for OpenFor, and one that serves again is found out.
func TestBreakerProbesWithDiscipline(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		gaps := rapid.SliceOfN(rapid.IntRange(0, 40), 1, 60).Draw(r, "seconds before each call")
		ends := rapid.SliceOfN(rapid.IntRange(0, 3), len(gaps), len(gaps)).Draw(r, "how each call ends")
		synctest.Test(t, func(t *testing.T) {
			steps := []suite.Step{down, suite.Text("ok"), suite.Fail(genai.APIError{Code: 400}), suite.Fail(errors.New("boom"))}
			var failedAt time.Time
			i, failures := 0, 0
			flash := suite.NewModel("flash", func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
				if rest := time.Since(failedAt); failures >= 3 && rest < middleware.DefaultOpenFor {
					r.Errorf("asked %v after failure %d", rest, failures)
				}
				switch ends[i] {
				case 0:
					failedAt = time.Now()
					failures++
				case 1:
					failures = 0
				}
				steps[ends[i]](ctx, req, stream, yield)
			})
			m := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 3, Window: time.Hour})(flash)
			for i = range gaps {
				time.Sleep(time.Duration(gaps[i]) * time.Second)
				refused := refusedBy(generate(t.Context(), m), "breaker")
				if refused != nil && time.Since(failedAt) >= middleware.DefaultOpenFor {
					r.Errorf("refused %v after the latest failure", time.Since(failedAt))
				}
			}
		})
	})
}

func TestBreakerConfigErrorsNameEveryField(t *testing.T) {
	_, err := middleware.NewBreaker(middleware.BreakerConfig{
		ConsecutiveFailures: -1, FailureRatio: 1.5, MinRequests: -1, Window: -1, OpenFor: -1, MaxOpenFor: -1,
	})
	want := []string{
		"middleware: BreakerConfig.ConsecutiveFailures: -1 is negative; allowed: 0 for 5, or more",
		"middleware: BreakerConfig.MinRequests: -1 is negative; allowed: 0 for 10, or more",
		"middleware: BreakerConfig.Window: -1ns is negative; allowed: 0 for 1m0s, or more",
		"middleware: BreakerConfig.OpenFor: -1ns is negative; allowed: 0 for 30s, or more",
		"middleware: BreakerConfig.MaxOpenFor: -1ns is negative; allowed: 0 for OpenFor, or more",
		"middleware: BreakerConfig.FailureRatio: 1.5 is out of range; allowed: 0 for none, or above 0 up to 1",
	}
	if err == nil {
		t.Fatal("no error")
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	_, err = middleware.NewBreaker(middleware.BreakerConfig{MaxOpenFor: time.Second})
	if err == nil || !strings.Contains(err.Error(), "MaxOpenFor: 1s is less than OpenFor, 30s") {
		t.Errorf("MaxOpenFor below OpenFor: %v", err)
	}
}

func TestBreakerIsForOneTarget(t *testing.T) {
	breaker := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1})
	flash, pro := suite.NewModel("flash", down), suite.NewModel("pro", suite.Text("ok"))
	a, b := breaker(flash), breaker(pro)
	calls(t, a, flash, 2)
	if got := calls(t, b, pro, 2); got != 2 {
		t.Errorf("%d of 2 calls reached the other model, want both", got)
	}
}

func ExampleNewBreaker() {
	flash := suite.NewModel("flash", suite.Fail(suite.ErrUnavailable))
	breaker, err := middleware.NewBreaker(middleware.BreakerConfig{ConsecutiveFailures: 2})
	if err != nil {
		panic(err)
	}
	m := middleware.Chain(flash, breaker)
	for range 4 {
		var refused *middleware.RefusedError
		if err := generate(context.Background(), m); errors.As(err, &refused) {
			fmt.Println(refused)
		} else {
			fmt.Println("the model was asked")
		}
	}
	// Output:
	// the model was asked
	// the model was asked
	// middleware: breaker refused flash: open; overloaded or unavailable
	// middleware: breaker refused flash: open; overloaded or unavailable
}
