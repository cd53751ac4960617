package middleware_test

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// deafFor ignores its context for d.
func deafFor(d time.Duration) llmtest.Step {
	return func(_ context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
		time.Sleep(d)
		llmtest.Text("late")(nil, req, stream, yield)
	}
}

// B119, B80: a call that was left behind keeps its place at the limit until its model
// has ended, and gives it back once.
func TestLimitCountsCallsThatWereLeftBehind(t *testing.T) {
	grace := middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Second, Grace: time.Second})
	hedge := router.HedgeConfig{Delay: time.Second, MaxExtraLoad: 1}
	for name, build := range map[string]func(deaf model.LLM) model.LLM{
		"grace":          func(m model.LLM) model.LLM { return grace(m) },
		"grace in grace": func(m model.LLM) model.LLM { return grace(grace(m)) },
		"hedge": func(m model.LLM) model.LLM {
			return router.MustHedge(hedge, m, llmtest.NewModel("pro", llmtest.Text("pro")))
		},
		"hedge in grace": func(m model.LLM) model.LLM {
			return grace(router.MustHedge(hedge, m, llmtest.NewModel("pro", llmtest.Fail(llmtest.ErrUnavailable))))
		},
		"then an answer": func(m model.LLM) model.LLM {
			return router.MustFallback(router.Config{}, grace(m), llmtest.NewModel("pro", llmtest.Text("pro")))
		},
		"goexit at last":  func(m model.LLM) model.LLM { return grace(exits{m}) },
		"panics at last":  func(m model.LLM) model.LLM { return grace(panics{m}) },
		"behind a budget": func(m model.LLM) model.LLM { return grace(freeBudget(m)) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				flash := llmtest.NewModel("flash", deafFor(time.Hour))
				m := middleware.MustLimit(middleware.LimitConfig{MaxConcurrent: 1, MaxWait: time.Second})(build(flash))
				ask(t.Context(), m, true)
				for range 2 {
					if refusedBy(ask(t.Context(), m, true).err, "limit") == nil {
						t.Fatal("a second call is let in, want it refused while the first is under way")
					}
				}
				time.Sleep(2 * time.Hour)
				ask(t.Context(), m, true) // let in, and left behind again
				if n := len(flash.Asked()); n != 2 {
					t.Errorf("the model was asked %d times, want 2", n)
				}
				if refusedBy(ask(t.Context(), m, true).err, "limit") == nil {
					t.Error("a third call is let in, want the place to be given back once")
				}
				time.Sleep(2 * time.Hour)
			})
		})
	}
}

type exits struct{ model.LLM }

func (e exits) GenerateContent(ctx context.Context, req *model.LLMRequest, stream bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		e.LLM.GenerateContent(ctx, req, stream)(yield)
		runtime.Goexit()
	}
}

type panics struct{ model.LLM }

func (p panics) GenerateContent(ctx context.Context, req *model.LLMRequest, stream bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		p.LLM.GenerateContent(ctx, req, stream)(yield)
		panic("at last")
	}
}

func freeBudget(m model.LLM) model.LLM {
	return middleware.MustBudget(middleware.BudgetConfig{Price: func(string, *model.LLMRequest) (float64, bool) { return 0, true }}).Middleware()(m)
}

// B119: the request is the caller's own when the call has returned, whatever is still
// under way.
func TestTheRequestIsTheCallersOwnAfterTheCall(t *testing.T) {
	grace := middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Second, Grace: time.Second})
	reads := llmtest.NewModel("flash", func(_ context.Context, req *model.LLMRequest, _ bool, _ func(*model.LLMResponse, error) bool) {
		time.Sleep(time.Hour)
		_ = fmt.Sprint(req.Model, llmtest.TextOf(req.Contents[0]))
	})
	slow := middleware.MustBudget(middleware.BudgetConfig{Price: func(_ string, req *model.LLMRequest) (float64, bool) {
		time.Sleep(time.Hour)
		return float64(len(llmtest.TextOf(req.Contents[0]))), true
	}})
	for name, m := range map[string]model.LLM{
		"a deaf model":         grace(reads),
		"a slow price":         grace(slow.Middleware()(llmtest.NewModel("flash", llmtest.Text("hi")))),
		"a hedge inside":       grace(router.MustHedge(router.HedgeConfig{Delay: time.Millisecond, MaxExtraLoad: 1}, reads, llmtest.NewModel("pro", deafFor(time.Hour)))),
		"a deaf loser outside": router.MustHedge(router.HedgeConfig{Delay: time.Millisecond}, reads, llmtest.NewModel("pro", llmtest.Text("hi"))),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				req := &model.LLMRequest{Contents: genai.Text("hi")}
				for range m.GenerateContent(t.Context(), req, true) {
				}
				req.Model = "mine"
				req.Contents[0].Parts[0].Text = "mine"
				time.Sleep(2 * time.Hour)
			})
		})
	}
}

// B80: whatever models and consumers do, in parallel, all places and reservations are
// given back.
func TestNothingIsKeptAfterManyCalls(t *testing.T) {
	steps := []llmtest.Step{
		llmtest.Text("a b c"), llmtest.Fail(llmtest.ErrUnavailable), llmtest.Fail(llmtest.ErrUnavailable, "half "), silence, deafFor(5 * time.Second),
		llmtest.Respond(func() *model.LLMResponse { return nil }),
		func(context.Context, *model.LLMRequest, bool, func(*model.LLMResponse, error) bool) { panic("model") },
		func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
			for range 10 { // goes on after it was told to stop
				yield(&model.LLMResponse{Content: genai.NewContentFromText("on ", genai.RoleModel), Partial: true}, nil)
			}
		},
	}
	synctest.Test(t, func(t *testing.T) {
		b := middleware.MustBudget(middleware.BudgetConfig{Limit: 1000, Price: func(string, *model.LLMRequest) (float64, bool) { return 0.001, true }})
		var asked atomic.Int64
		var calm atomic.Bool
		flash := llmtest.NewModel("flash", func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
			step := steps[int(asked.Add(1))%len(steps)]
			if calm.Load() {
				step = llmtest.Text("fine")
			}
			step(ctx, req, stream, yield)
		})
		m := middleware.Chain(flash, middleware.MustRetry(middleware.RetryConfig{}), middleware.MustValidate(middleware.ValidateConfig{MinLength: 1}),
			middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1 << 20}), middleware.MustLimit(middleware.LimitConfig{MaxConcurrent: 7, MaxQueue: 400, MaxWait: time.Hour}),
			middleware.MustTimeout(middleware.TimeoutConfig{FirstContent: time.Second, Idle: time.Second, Grace: time.Second}), b.Middleware())
		var wg sync.WaitGroup
		for i := range 300 {
			wg.Go(func() {
				defer func() { _ = recover() }()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if i%7 == 0 {
					time.AfterFunc(time.Duration(i)*time.Millisecond, cancel)
				}
				n := 0
				for range m.GenerateContent(ctx, &model.LLMRequest{Contents: genai.Text("hi")}, true) {
					switch n++; {
					case i%5 == 0 && n == i%4+1:
						return
					case i%11 == 0 && n == i%3+1:
						panic("consumer")
					}
				}
			})
		}
		wg.Wait()
		time.Sleep(time.Minute)
		if share, spent := b.Share(""), b.Spent("")/1000; share-spent > 1e-9 {
			t.Errorf("%v of the budget is still reserved", share-spent)
		}
		calm.Store(true)
		done := make(chan error, 7)
		for range 7 { // as many as the limit allows at once, and none waits
			go func() { done <- ask(t.Context(), m, true).err }()
		}
		mustNotHang(t, 0, func() {
			for range 7 {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
		})
	})
}
