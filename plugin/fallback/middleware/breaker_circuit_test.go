package middleware_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
	"pgregory.net/rapid"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// B72
func TestHalfOpenAdmitsOneProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan struct{})
		slow := func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
			<-answer
			llmtest.Text("ok")(ctx, req, stream, yield)
		}
		flash := llmtest.NewModel("flash", down, slow)
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
			if refused == nil || !refused.Until.Equal(due) || !strings.HasPrefix(refused.Reason, "a probe is under way; ") {
				t.Errorf("refusal beside a probe = %+v, want one that says so, and that calls are due since %v", refused, due)
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
		flash := llmtest.NewModel("flash", down)
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
		probe llmtest.Step
		call  func(*testing.T, model.LLM)
	}{
		{"bad request", llmtest.Fail(genai.APIError{Code: 400, Status: "INVALID_ARGUMENT"}), plain},
		{"model panics", func(context.Context, *model.LLMRequest, bool, func(*model.LLMResponse, error) bool) { panic("model") }, plain},
		{"caller cancels", llmtest.Fail(context.Canceled), cancelled},
		{"consumer stops", llmtest.Text("a long answer"), stop},
		{"consumer panics", llmtest.Text("a long answer"), panics},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				flash := llmtest.NewModel("flash", down, tt.probe, down)
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
		flash := llmtest.NewModel("flash", down, hang, llmtest.Text("ok"))
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

// B75
func TestFailedProbesLengthenTheRestUpToItsBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := llmtest.NewModel("flash", down, down, down, down, down, llmtest.Text("ok"), down)
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
	for name, late := range map[string]llmtest.Step{"success": llmtest.Text("ok"), "failure": down} {
		synctest.Test(t, func(t *testing.T) {
			answer := make(chan struct{})
			slow := func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
				<-answer
				late(ctx, req, stream, yield)
			}
			flash := llmtest.NewModel("flash", slow, down, down)
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

// B73
func TestForcedCallPassesAnOpenBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := llmtest.NewModel("flash", down, down, llmtest.Text("ok"))
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

// B72, B75: whatever calls meet and whenever they come, a target that has
// failed is left alone for OpenFor, and one that serves again is found out.
func TestBreakerProbesWithDiscipline(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		gaps := rapid.SliceOfN(rapid.IntRange(0, 40), 1, 60).Draw(r, "seconds before each call")
		ends := rapid.SliceOfN(rapid.IntRange(0, 3), len(gaps), len(gaps)).Draw(r, "how each call ends")
		synctest.Test(t, func(t *testing.T) {
			steps := []llmtest.Step{down, llmtest.Text("ok"), llmtest.Fail(genai.APIError{Code: 400}), llmtest.Fail(errors.New("boom"))}
			var failedAt time.Time
			i, failures := 0, 0
			flash := llmtest.NewModel("flash", func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
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

func TestClosedAgainStartsAfresh(t *testing.T) {
	for name, config := range map[string]middleware.BreakerConfig{
		"row":   {ConsecutiveFailures: 3},
		"share": {ConsecutiveFailures: 1000, FailureRatio: 0.5, MinRequests: 3, Window: time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			flash := llmtest.NewModel("flash", down, down, down, llmtest.Text("ok"), down)
			m := middleware.MustBreaker(config)(flash)
			calls(t, m, flash, 3)
			time.Sleep(middleware.DefaultOpenFor)
			if got := calls(t, m, flash, 3); got != 3 {
				t.Errorf("%s: %d calls reached the model, want 3: the success and two failures", name, got)
			}
		})
	}
}
