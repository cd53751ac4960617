package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// B72
func TestOpenBreakerSkipsTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := llmtest.NewModel("flash", down)
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
		{"429", llmtest.ErrQuota, true},
		{"500", llmtest.ErrInternal, true},
		{"503", llmtest.ErrUnavailable, true},
		{"504", llmtest.ErrDeadline, true},
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
		{"unrecognized", errors.New("boom"), false},
		{"refused within", &middleware.RefusedError{By: "limit"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			flash := llmtest.NewModel("flash", llmtest.Fail(tt.err))
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
	flash := llmtest.NewModel("flash", down)
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
	bad := llmtest.Fail(genai.APIError{Code: 400, Status: "INVALID_ARGUMENT"})
	flash := llmtest.NewModel("flash", down, bad, down, bad, down)
	m := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 3})(flash)
	if got := calls(t, m, flash, 10); got != 5 {
		t.Errorf("%d calls reached the model, want 5: three failures and two bad requests", got)
	}
}

func TestSuccessBreaksTheRow(t *testing.T) {
	flash := llmtest.NewModel("flash", down, down, llmtest.Text("ok"), down, down, llmtest.Text("ok"))
	m := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 3})(flash)
	if got := calls(t, m, flash, 10); got != 10 {
		t.Errorf("%d of 10 calls reached the model, want all", got)
	}
}

func TestPauseLongerThanWindowBreaksTheRow(t *testing.T) {
	for pause, want := range map[time.Duration]int{time.Minute: 3, time.Minute + 1: 6} {
		synctest.Test(t, func(t *testing.T) {
			flash := llmtest.NewModel("flash", down)
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
		ok := llmtest.Text("ok")

		flash := llmtest.NewModel("flash", ok, ok, ok, ok, down, down, down, down)
		if got := calls(t, middleware.MustBreaker(config)(flash), flash, 20); got != 8 {
			t.Errorf("%d calls reached the model, want 8: half of them failed", got)
		}

		few := llmtest.NewModel("flash", down, down, down, ok, down, down, down, ok)
		if got := calls(t, middleware.MustBreaker(config)(few), few, 7); got != 7 {
			t.Errorf("%d calls reached the model, want 7: too few for a share", got)
		}

		old := llmtest.NewModel("flash", down, down, down, down, down, down, ok, ok, ok, ok, ok, ok, ok, down, ok)
		m := middleware.MustBreaker(config)(old)
		calls(t, m, old, 6)
		time.Sleep(11 * time.Second) // the failures are forgotten
		if got := calls(t, m, old, 9); got != 9 {
			t.Errorf("%d calls reached the model, want 9: one of them failed", got)
		}

		past := llmtest.NewModel("flash", ok, ok, ok, ok, ok, ok, ok, ok, down, down, down, down, ok, ok, ok, down)
		m = middleware.MustBreaker(config)(past)
		calls(t, m, past, 8)
		time.Sleep(11 * time.Second) // the successes are forgotten
		if got := calls(t, m, past, 12); got != 8 {
			t.Errorf("%d calls reached the model, want 8: five of them failed", got)
		}

		config.MinRequests = 0
		never := llmtest.NewModel("flash", down)
		if got := calls(t, middleware.MustBreaker(config)(never), never, 20); got != middleware.DefaultMinRequests {
			t.Errorf("%d calls reached the model, want %d", got, middleware.DefaultMinRequests)
		}
	})
}

func TestBreakerTellsItsChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		flash := llmtest.NewModel("flash", down, down, llmtest.Text("ok"))
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
		flash := llmtest.NewModel("flash", down, llmtest.Text("ok"))
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

		flash := llmtest.NewModel("flash", down)
		err := generate(t.Context(), middleware.Chain(flash, retry, breaker))
		if got := len(flash.Asked()); got != 3 || err == nil || refusedBy(err, "breaker") != nil {
			t.Errorf("retry outside: %d tries and %v, want 3 and the model's error", got, err)
		}

		flash = llmtest.NewModel("flash", down)
		m := middleware.Chain(flash, breaker, retry)
		for range 3 {
			_ = generate(t.Context(), m)
		}
		if refusedBy(generate(t.Context(), m), "breaker") == nil {
			t.Error("retry inside: the breaker is not open after three calls failed")
		}
	})
}

func TestBreakerConfigErrorsNameEveryField(t *testing.T) {
	_, err := middleware.NewBreaker(middleware.BreakerConfig{
		ConsecutiveFailures: -1, FailureRatio: 1.5, MinRequests: -1, Window: -1, OpenFor: -1, MaxOpenFor: -1, SuccessesToClose: -1, ProbeTimeout: -1,
	})
	want := []string{
		"middleware: BreakerConfig.ConsecutiveFailures: -1 is negative; must be 0 for 5, or more",
		"middleware: BreakerConfig.MinRequests: -1 is negative; must be 0 for 10, or more",
		"middleware: BreakerConfig.Window: -1ns is negative; must be 0 for 1m0s, or more",
		"middleware: BreakerConfig.OpenFor: -1ns is negative; must be 0 for 30s, or more",
		"middleware: BreakerConfig.MaxOpenFor: -1ns is negative; must be 0 for OpenFor, or more",
		"middleware: BreakerConfig.SuccessesToClose: -1 is negative; must be 0 for 1, or more",
		"middleware: BreakerConfig.ProbeTimeout: -1ns is negative; must be 0 for 30s, or more",
		"middleware: BreakerConfig.FailureRatio: 1.5 is out of range; must be 0 for none, or above 0 up to 1",
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
	flash, pro := llmtest.NewModel("flash", down), llmtest.NewModel("pro", llmtest.Text("ok"))
	a, b := breaker(flash), breaker(pro)
	calls(t, a, flash, 2)
	if got := calls(t, b, pro, 2); got != 2 {
		t.Errorf("%d of 2 calls reached the other model, want both", got)
	}
}

func ExampleNewBreaker() {
	flash := llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable))
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
