package middleware_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// B121: Retry does not wait where the time is over before the next try; a delay within
// all limits is waited.
func TestRetryKnowsTheLimitsAroundIt(t *testing.T) {
	afterContent := func(err error) llmtest.Step { return llmtest.Fail(err, "half ") }
	for _, test := range []struct {
		name   string
		limits []middleware.TimeoutConfig // outermost first
		caller time.Duration
		fails  llmtest.Step
		waits  bool
	}{
		{"total", []middleware.TimeoutConfig{{Total: 10 * time.Second}}, 0, llmtest.Fail(retryInfo("26s")), false},
		{"total, with a grace", []middleware.TimeoutConfig{{Total: 10 * time.Second, Grace: time.Second}}, 0, llmtest.Fail(retryInfo("26s")), false},
		{"total, further out", []middleware.TimeoutConfig{{Total: 10 * time.Second}, {Total: time.Minute}}, 0, llmtest.Fail(retryInfo("26s")), false},
		{"total, just as long", []middleware.TimeoutConfig{{Total: 26 * time.Second}}, 0, llmtest.Fail(retryInfo("26s")), false},
		{"total, longer", []middleware.TimeoutConfig{{Total: 27 * time.Second}}, 0, llmtest.Fail(retryInfo("26s")), true},
		{"first content", []middleware.TimeoutConfig{{FirstContent: 10 * time.Second}}, 0, llmtest.Fail(retryInfo("26s")), false},
		{"first content, further out, with a grace", []middleware.TimeoutConfig{{FirstContent: 10 * time.Second}, {Total: time.Minute, Grace: time.Second}}, 0, llmtest.Fail(retryInfo("26s")), false},
		{"first content, longer", []middleware.TimeoutConfig{{FirstContent: 27 * time.Second}}, 0, llmtest.Fail(retryInfo("26s")), true},
		{"first content is there", []middleware.TimeoutConfig{{FirstContent: 10 * time.Second}}, 0, afterContent(retryInfo("26s")), true},
		{"idle", []middleware.TimeoutConfig{{Idle: 10 * time.Second}}, 0, afterContent(retryInfo("26s")), false},
		{"idle, before any content", []middleware.TimeoutConfig{{Idle: 10 * time.Second}}, 0, llmtest.Fail(retryInfo("26s")), true},
		{"idle, longer", []middleware.TimeoutConfig{{Idle: 40 * time.Second}}, 0, afterContent(retryInfo("26s")), true},
		{"the caller's deadline", nil, 10 * time.Second, llmtest.Fail(retryInfo("26s")), false},
		{"a backoff", []middleware.TimeoutConfig{{Total: 200 * time.Millisecond}}, 0, llmtest.Fail(llmtest.ErrUnavailable), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				flash := llmtest.NewModel("flash", test.fails, llmtest.Text("late"))
				m := middleware.MustRetry(middleware.RetryConfig{})(flash)
				for i := len(test.limits) - 1; i >= 0; i-- {
					m = middleware.MustTimeout(test.limits[i])(m)
				}
				ctx := t.Context()
				if test.caller > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.caller)
					defer cancel()
				}
				want, calls := time.Duration(0), 1
				if test.waits {
					want, calls = 26*time.Second, 2
				}
				mustNotHang(t, want, func() {
					got := ask(ctx, m, true)
					if v := failure.Classify(got.err); test.waits != (got.err == nil) || !test.waits && v.Action != failure.Fallback {
						t.Errorf("error %v with verdict %v, want one to fall back: %v", got.err, v.Action, !test.waits)
					}
				})
				if n := len(flash.Asked()); n != calls {
					t.Errorf("%d calls, want %d", n, calls)
				}
			})
		})
	}
}

// B121: an error whose verdict gives no reason is not asked about again for ever.
func TestRetryObeysAVerdictWithoutAReason(t *testing.T) {
	for _, action := range []failure.Action{failure.Fallback, failure.Fail} {
		m := llmtest.NewModel("flash", llmtest.Fail(saying{Action: action, Kind: "own"}), llmtest.Text("hi"))
		if got := ask(t.Context(), middleware.MustRetry(middleware.RetryConfig{})(m), true); got.err == nil {
			t.Errorf("%v: an answer, want the error of the only attempt", action)
		}
		if n := len(m.Asked()); n != 1 {
			t.Errorf("%v: %d calls, want 1", action, n)
		}
	}
}

// B121: Retry does not sleep in front of a breaker that would refuse the next call.
func TestRetryDoesNotWaitForABreaker(t *testing.T) {
	open := func(name string, m *middleware.BreakerConfig) (breaker, retrying model.LLM, flash *llmtest.Model) {
		flash = llmtest.NewModel(name, llmtest.Fail(llmtest.ErrUnavailable))
		breaker = middleware.MustBreaker(*m)(flash)
		return breaker, middleware.MustRetry(middleware.RetryConfig{MaxRetries: 4})(breaker), flash
	}
	t.Run("its own failure opens it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, m, flash := open("flash", &middleware.BreakerConfig{ConsecutiveFailures: 1})
			mustNotHang(t, 0, func() { ask(t.Context(), m, true) })
			if n := len(flash.Asked()); n != 1 {
				t.Errorf("%d calls, want 1", n)
			}
		})
	})
	t.Run("other calls have opened it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var breaker model.LLM
			n := 0
			flash := llmtest.NewModel("flash", func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
				if n++; n == 1 { // meanwhile, others fail
					_ = generate(t.Context(), breaker)
					_ = generate(t.Context(), breaker)
				}
				yield(nil, llmtest.ErrUnavailable)
			})
			breaker = middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 2})(flash)
			mustNotHang(t, 0, func() { ask(t.Context(), middleware.MustRetry(middleware.RetryConfig{})(breaker), true) })
			if n := len(flash.Asked()); n != 3 {
				t.Errorf("%d calls, want 3", n)
			}
		})
	})
	t.Run("a probe is under way", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			stays, fails := make(chan struct{}), make(chan struct{})
			var breaker model.LLM
			n := 0
			flash := llmtest.NewModel("flash", func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
				switch n++; n {
				case 1: // the call that is retried; it outlasts the time that the breaker is open
					<-fails
				case 3:
					<-stays // the probe
				}
				yield(nil, llmtest.ErrUnavailable)
			})
			breaker = middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1, OpenFor: time.Minute})(flash)
			done := make(chan struct{})
			go func() {
				defer close(done)
				ask(t.Context(), middleware.MustRetry(middleware.RetryConfig{})(breaker), true)
			}()
			synctest.Wait()
			_ = generate(t.Context(), breaker) // opens it
			time.Sleep(time.Minute)
			probe := make(chan struct{})
			go func() { defer close(probe); _ = generate(t.Context(), breaker) }()
			synctest.Wait()
			mustNotHang(t, 0, func() { close(fails); <-done })
			close(stays)
			<-probe
		})
	})
}

// B121: a delay that the provider asks for and that is not waited opens the breaker
// within for that time; one that is waited does not.
func TestADelayThatIsNotWaitedOpensTheBreaker(t *testing.T) {
	for _, test := range []struct {
		name    string
		config  middleware.RetryConfig
		hint    string
		hasNext bool
		total   time.Duration
		opens   time.Duration // 0: it is waited
	}{
		{"MaxWait", middleware.RetryConfig{MaxWait: 20 * time.Second}, "26s", false, 0, 26 * time.Second},
		{"SkipWait", middleware.RetryConfig{SkipWait: 10 * time.Second}, "26s", true, 0, 26 * time.Second},
		{"SkipWait is 5s by default", middleware.RetryConfig{}, "5.5s", true, 0, 5500 * time.Millisecond},
		{"within the default", middleware.RetryConfig{}, "5s", true, 0, 0},
		{"waits always", middleware.RetryConfig{SkipWait: -1}, "26s", true, 0, 0},
		{"nobody else is left", middleware.RetryConfig{}, "26s", false, 0, 0},
		{"deadline", middleware.RetryConfig{}, "26s", false, 10 * time.Second, 26 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				flash := llmtest.NewModel("flash", llmtest.Fail(retryInfo(test.hint)), llmtest.Text("hi"))
				breaker := middleware.MustBreaker(middleware.BreakerConfig{})(flash)
				m := middleware.MustRetry(test.config)(breaker)
				if test.total > 0 {
					m = middleware.MustTimeout(middleware.TimeoutConfig{Total: test.total})(m)
				}
				out := stream.NewSink(t.Context(), func(*model.LLMResponse, error) bool { return true })
				out.HasNext = test.hasNext
				started := time.Now()
				err := stream.Of(m).Do(t.Context(), &model.LLMRequest{}, false, out)
				if waited := time.Since(started) > 0; waited != (test.opens == 0) || waited != (err == nil) {
					t.Fatalf("waited %v, error %v", waited, err)
				}
				if test.opens == 0 {
					if err := generate(t.Context(), breaker); err != nil {
						t.Errorf("the breaker refuses after a delay that was waited: %v", err)
					}
					return
				}
				time.Sleep(test.opens - 1)
				if refusedBy(generate(t.Context(), breaker), "breaker") == nil {
					t.Errorf("just before %v the breaker is not open", test.opens)
				}
				time.Sleep(time.Nanosecond)
				if err := generate(t.Context(), breaker); err != nil {
					t.Errorf("after %v the breaker refuses: %v", test.opens, err)
				}
			})
		})
	}
}

// A retry that a breaker refuses leaves no wait behind for the next target, and what
// failed is the model.
func TestARefusedRetryLeavesNoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable))
		breaker := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 2})(flash)
		time.AfterFunc(10*time.Millisecond, func() { _ = generate(t.Context(), breaker) }) // opens it during the backoff
		m := router.MustFallback(router.Config{}, middleware.MustRetry(middleware.RetryConfig{})(breaker), llmtest.NewModel("pro", llmtest.Text("pro")))
		_, attempts := record(t, m)
		var pro []call.Attempt
		for _, a := range attempts {
			if a.Model == "pro" {
				pro = append(pro, a)
			}
		}
		if len(pro) != 1 || pro[0].Wait != 0 {
			t.Errorf("attempts %+v, want one of pro without a wait", attempts)
		}
		if n := len(flash.Asked()); n != 2 {
			t.Errorf("flash was asked %d times, want 2", n)
		}
	})
}

// An error after the answer reaches the caller as it does from a bare model, through
// every layer, and nothing is retried.
func TestAnErrorAfterTheAnswer(t *testing.T) {
	broken := errors.New("the connection broke")
	answers := cache.MustNew(cache.Config{})
	defer answers.Close()
	for name, layer := range map[string]middleware.Middleware{
		"bare":     func(m model.LLM) model.LLM { return m },
		"retry":    middleware.MustRetry(middleware.RetryConfig{}),
		"breaker":  middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1}),
		"limit":    middleware.MustLimit(middleware.LimitConfig{MaxConcurrent: 1}),
		"timeout":  middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Minute}),
		"grace":    middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Minute, Grace: time.Second}),
		"validate": middleware.MustValidate(middleware.ValidateConfig{MinLength: 1}),
		"retry(validate)": func(m model.LLM) model.LLM {
			return middleware.Chain(m, middleware.MustRetry(middleware.RetryConfig{}), middleware.MustValidate(middleware.ValidateConfig{MinLength: 1}))
		},
		"cache": answers.Middleware(),
		"router": func(m model.LLM) model.LLM {
			return router.MustFallback(router.Config{}, m, llmtest.NewModel("pro", llmtest.Text("pro")))
		},
		"hedge": func(m model.LLM) model.LLM {
			return router.MustHedge(router.HedgeConfig{}, m, llmtest.NewModel("pro", llmtest.Text("pro")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			flash := llmtest.NewModel("flash", func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
				llmtest.Text("hi")(ctx, req, stream, yield)
				yield(nil, broken)
			})
			m := layer(flash)
			for n := range 2 {
				got := ask(t.Context(), m, true)
				if name == "cache" && n == 1 && got.err == nil {
					continue // a whole answer is kept
				}
				if got.text != "hi" || got.partials != 1 || !errors.Is(got.err, broken) {
					t.Errorf("call %d: %q in %d parts and error %v, want the answer, then the model's error", n, got.text, got.partials, got.err)
				}
				if asked := len(flash.Asked()); asked != n+1 {
					t.Errorf("call %d: flash was asked %d times in all, want %d", n, asked, n+1)
				}
			}
		})
	}
}
