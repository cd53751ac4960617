package middleware_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// chatter ignores its context: it yields a chunk with text every gap, n of them, until
// the consumer wants no more.
func chatter(text string, n int, gap time.Duration) llmtest.Step {
	return func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		for range n {
			time.Sleep(gap)
			if !yield(&model.LLMResponse{Content: genai.NewContentFromText(text, genai.RoleModel), Partial: true}, nil) {
				return
			}
		}
		yield(&model.LLMResponse{Content: genai.NewContentFromText("all", genai.RoleModel), FinishReason: genai.FinishReasonStop}, nil)
	}
}

// B119: a limit cuts a model that ignores its context and goes on yielding at its next
// chunk, on the caller's goroutine as with a Grace.
func TestLimitsCutAModelThatGoesOnYielding(t *testing.T) {
	opening := func(step llmtest.Step) llmtest.Step {
		return func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
			if yield(&model.LLMResponse{Content: genai.NewContentFromText("half ", genai.RoleModel), Partial: true}, nil) {
				step(ctx, req, stream, yield)
			}
		}
	}
	for _, test := range []struct {
		name   string
		config middleware.TimeoutConfig
		step   llmtest.Step
		phase  string
		most   time.Duration
	}{
		{"total", middleware.TimeoutConfig{Total: 5 * time.Second}, chatter("word ", 1000, time.Second), "total", 6 * time.Second},
		{"total, no content", middleware.TimeoutConfig{Total: 5 * time.Second}, chatter("", 1000, time.Second), "total", 6 * time.Second},
		{"first content", middleware.TimeoutConfig{FirstContent: 5 * time.Second}, chatter("", 1000, time.Second), "first content", 6 * time.Second},
		{"first content, in small steps", middleware.TimeoutConfig{FirstContent: 5 * time.Second}, chatter("", 1e6, time.Millisecond), "first content", 5001 * time.Millisecond},
		{"idle, then a chunk", middleware.TimeoutConfig{Idle: 4 * time.Second}, opening(chatter("word ", 1000, 10*time.Second)), "idle", 10 * time.Second},
		{"between chunks", middleware.TimeoutConfig{Total: 5500 * time.Millisecond}, chatter("word ", 1000, time.Second), "total", 6 * time.Second},
	} {
		for _, grace := range []time.Duration{0, time.Minute} {
			t.Run(test.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					test.config.Grace = grace
					started := time.Now()
					got := ask(t.Context(), middleware.MustTimeout(test.config)(llmtest.NewModel("flash", test.step)), true)
					var timeout *failure.TimeoutError
					if !errors.As(got.err, &timeout) || timeout.Phase != test.phase {
						t.Errorf("grace %v: error %v, want a timeout of %q", grace, got.err, test.phase)
					}
					if took := time.Since(started); took > test.most {
						t.Errorf("grace %v: it took %v, want at most %v", grace, took, test.most)
					}
				})
			})
		}
	}
}

// B119: as does the caller's own end.
func TestTheCallersEndCutsAModelThatGoesOnYielding(t *testing.T) {
	for name, layer := range map[string]middleware.Middleware{
		"attempt": func(m model.LLM) model.LLM { return middleware.MustBreaker(middleware.BreakerConfig{})(m) },
		"timeout": middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Hour, Idle: time.Hour}),
		"grace":   middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Hour, Grace: time.Hour}),
	} {
		for _, text := range []string{"word ", ""} {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(3500*time.Millisecond, cancel)
				mustNotHang(t, 4*time.Second, func() {
					if got := ask(ctx, layer(llmtest.NewModel("flash", chatter(text, 1000, time.Second))), true); !errors.Is(got.err, context.Canceled) {
						t.Errorf("%s, chunks of %q: error %v, want the caller's cancellation", name, text, got.err)
					}
				})
			})
		}
	}
}

// B119: a model sees the time that it has, so that its server can be told.
func TestAModelSeesItsDeadline(t *testing.T) {
	for _, test := range []struct {
		name   string
		config []middleware.TimeoutConfig // outermost first
		caller time.Duration              // 0 for none
		want   time.Duration              // 0 for no deadline
	}{
		{"total", []middleware.TimeoutConfig{{Total: 10 * time.Second}}, 0, 10 * time.Second},
		{"first content only", []middleware.TimeoutConfig{{FirstContent: 10 * time.Second, Idle: time.Second}}, 0, 0},
		{"all limits", []middleware.TimeoutConfig{{FirstContent: time.Second, Idle: time.Second, Total: 10 * time.Second}}, 0, 10 * time.Second},
		{"grace", []middleware.TimeoutConfig{{Total: 10 * time.Second, Grace: time.Second}}, 0, 10 * time.Second},
		{"the outer one is shorter", []middleware.TimeoutConfig{{Total: 5 * time.Second}, {Total: 10 * time.Second}}, 0, 5 * time.Second},
		{"the inner one is shorter", []middleware.TimeoutConfig{{Total: 10 * time.Second}, {Total: 5 * time.Second, FirstContent: time.Second}}, 0, 5 * time.Second},
		{"the caller's is shorter", []middleware.TimeoutConfig{{Total: 10 * time.Second}}, 3 * time.Second, 3 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				started := time.Now()
				var got time.Duration
				var m model.LLM = llmtest.NewModel("flash", func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
					if deadline, ok := ctx.Deadline(); ok {
						got = deadline.Sub(started)
					}
					llmtest.Text("hi")(ctx, req, stream, yield)
				})
				for i := len(test.config) - 1; i >= 0; i-- {
					m = middleware.MustTimeout(test.config[i])(m)
				}
				ctx := t.Context()
				if test.caller > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.caller)
					defer cancel()
				}
				if r := ask(ctx, m, true); r.err != nil {
					t.Error(r.err)
				}
				if got != test.want {
					t.Errorf("the model's deadline is after %v, want %v", got, test.want)
				}
			})
		})
	}
}

// The cause of a model's context says which limit has ended it, also where limits are
// nested. B39
func TestTheCauseIsTheLimitThatHasPassed(t *testing.T) {
	for _, test := range []struct {
		phase        string
		outer, inner middleware.TimeoutConfig
	}{
		{"first content", middleware.TimeoutConfig{Total: time.Minute}, middleware.TimeoutConfig{FirstContent: time.Second}},
		{"first content", middleware.TimeoutConfig{FirstContent: time.Second}, middleware.TimeoutConfig{Total: time.Minute}},
		{"total", middleware.TimeoutConfig{Total: time.Second}, middleware.TimeoutConfig{FirstContent: time.Minute, Idle: time.Minute}},
		{"total", middleware.TimeoutConfig{FirstContent: time.Minute}, middleware.TimeoutConfig{Total: time.Second}},
	} {
		synctest.Test(t, func(t *testing.T) {
			var cause error
			m := llmtest.NewModel("flash", func(ctx context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
				<-ctx.Done()
				cause = context.Cause(ctx)
				yield(nil, ctx.Err())
			})
			mustNotHang(t, time.Second, func() {
				got := ask(t.Context(), middleware.Chain(m, middleware.MustTimeout(test.outer), middleware.MustTimeout(test.inner)), true)
				for name, err := range map[string]error{"cause": cause, "error": got.err} {
					var timeout *failure.TimeoutError
					if !errors.As(err, &timeout) || timeout.Phase != test.phase || timeout.Limit != time.Second {
						t.Errorf("%s: %v, want a timeout of %q after 1s", name, err, test.phase)
					}
				}
			})
		})
	}
}

// What comes after an answer is told as it is: a limit that passes then is no
// cancellation by the caller, and the answer stays the only attempt on record.
func TestALimitAfterTheAnswer(t *testing.T) {
	for name, config := range map[string]middleware.TimeoutConfig{
		"total": {Total: time.Second}, "idle": {Idle: time.Second},
		"total, grace": {Total: time.Second, Grace: time.Second}, "idle, grace": {Idle: time.Second, Grace: time.Second},
	} {
		for _, deaf := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				m := llmtest.NewModel("flash", func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
					llmtest.Text("hi")(ctx, req, stream, yield)
					if deaf {
						time.Sleep(time.Hour)
					} else {
						<-ctx.Done()
					}
					yield(nil, ctx.Err())
				})
				got, attempts := record(t, middleware.MustTimeout(config)(m))
				var timeout *failure.TimeoutError
				if got.text != "hi" || !errors.As(got.err, &timeout) {
					t.Errorf("%s, deaf %v: %q and error %v, want the answer and a timeout", name, deaf, got.text, got.err)
				}
				if len(attempts) != 1 || attempts[0].Outcome != "ok" {
					t.Errorf("%s, deaf %v: attempts %+v, want the answer", name, deaf, attempts)
				}
				time.Sleep(2 * time.Hour)
			})
		}
	}
}
