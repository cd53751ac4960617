package router_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
	"pgregory.net/rapid"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// closing tells when the iterator of step has been closed.
func closing(closed *bool, step llmtest.Step) llmtest.Step {
	return func(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
		defer func() { *closed = true }()
		step(ctx, req, streamed, yield)
	}
}

// endless streams words until it is stopped or cancelled.
func endless(ctx context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
	for ctx.Err() == nil {
		if !yield(&model.LLMResponse{Content: genai.NewContentFromText("word ", genai.RoleModel), Partial: true}, nil) {
			return
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
	yield(nil, ctx.Err())
}

// racing returns a hedge in which m wins, as the first model or as the hedge,
// against a model that is still silent.
func racing(first bool, step llmtest.Step) (m model.LLM, loserClosed *bool) {
	loserClosed = new(bool)
	silent := closing(loserClosed, within(time.Hour, llmtest.Text("x")))
	flash, lite := llmtest.NewModel("flash", silent), llmtest.NewModel("lite", within(time.Second, step))
	if first {
		flash, lite = llmtest.NewModel("flash", within(2*time.Second, step)), llmtest.NewModel("lite", silent)
	}
	return router.MustHedge(router.HedgeConfig{Delay: time.Second}, flash, lite), loserClosed
}

func eachWinner(t *testing.T, f func(t *testing.T, first bool)) {
	t.Helper()
	for name, first := range map[string]bool{"first model": true, "hedge": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, first) })
		})
	}
}

// B56
func TestConsumerThatStopsEndsBothModels(t *testing.T) {
	eachWinner(t, func(t *testing.T, first bool) {
		var closed bool
		m, loserClosed := racing(first, closing(&closed, endless))
		n := 0
		got := hear(t.Context(), m, true, func(*model.LLMResponse) bool { n++; return n < 3 })
		synctest.Wait()
		if got.Err != nil || n != 3 {
			t.Errorf("error %v after %d responses, want nil after 3", got.Err, n)
		}
		if !closed || !*loserClosed {
			t.Errorf("closed: winner %t, loser %t, want both", closed, *loserClosed)
		}
	})
}

// B39
func TestCallersCancellationEndsBothModels(t *testing.T) {
	for name, after := range map[string]time.Duration{"before content": 1500 * time.Millisecond, "in the middle": 4500 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			eachWinner(t, func(t *testing.T, first bool) {
				var closed bool
				m, loserClosed := racing(first, closing(&closed, endless))
				ctx, cancel := context.WithTimeout(t.Context(), after)
				defer cancel()
				got := hear(ctx, m, true)
				synctest.Wait()
				if !errors.Is(got.Err, context.DeadlineExceeded) {
					t.Errorf("error %v, want the caller's own", got.Err)
				}
				if after > 2*time.Second && !closed || !*loserClosed {
					t.Errorf("closed: winner %t, loser %t, want both", closed, *loserClosed)
				}
			})
		})
	}
}

// B39: also when the hedge does not react to it.
func TestCallersCancellationDoesNotWaitForADeafHedge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := router.MustHedge(router.HedgeConfig{Delay: time.Second},
			llmtest.NewModel("flash", within(2*time.Second, llmtest.Fail(llmtest.ErrUnavailable))), llmtest.NewModel("lite", deaf(time.Hour, llmtest.Text("x"))))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if got := hear(ctx, m, true); !errors.Is(got.Err, context.DeadlineExceeded) || got.Took != 5*time.Second {
			t.Errorf("heard %+v, want the caller's own error after 5s", got)
		}
		time.Sleep(time.Hour) // it ends when its model does
	})
}

// B39: a consumer that cancels the call itself gets the whole answer or an
// error, however the cancellation meets the hedge's next response.
func TestConsumerThatCancelsIsNotLeftWithAPart(t *testing.T) {
	hasty := func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		llmtest.Text("a few words")(nil, nil, true, yield) // whatever becomes of the context
	}
	for range 200 {
		for _, at := range []string{"a ", "few ", "words", "a few words"} {
			synctest.Test(t, func(t *testing.T) {
				m, _ := racing(false, hasty)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				got := hear(ctx, m, true, func(resp *model.LLMResponse) bool {
					if resp.Content.Parts[0].Text == at {
						cancel()
					}
					return true
				})
				if (got.Err == nil) != (got.Final != "") || got.Err != nil && !errors.Is(got.Err, context.Canceled) {
					t.Errorf("cancelled at %q: heard %+v", at, got)
				}
			})
		}
	}
}

// The caller's context may live on for long.
func TestEndReleasesEveryContext(t *testing.T) {
	for name, step := range map[string]llmtest.Step{"answer": llmtest.Text("x"), "failure": llmtest.Fail(llmtest.ErrUnavailable)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var seen []context.Context
				keep := func(step llmtest.Step) llmtest.Step {
					return func(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
						seen = append(seen, ctx)
						step(ctx, req, streamed, yield)
					}
				}
				flash, lite := llmtest.NewModel("flash", keep(llmtest.Fail(llmtest.ErrInternal))), llmtest.NewModel("lite", keep(step))
				hear(t.Context(), router.MustHedge(router.HedgeConfig{}, flash, lite), true)
				for i, ctx := range seen {
					if ctx.Err() == nil {
						t.Errorf("the context of model %d is still there after the call", i)
					}
				}
			})
		})
	}
}

// B80
func TestPanicOfAModelIsAFailure(t *testing.T) {
	for name, broken := range map[string]func(string) model.LLM{
		"in its iterator": func(name string) model.LLM {
			return llmtest.NewModel(name, func(context.Context, *model.LLMRequest, bool, func(*model.LLMResponse, error) bool) { panic("broken") })
		},
		"in a hook around it": func(name string) model.LLM {
			hook := middleware.Attempt(middleware.AttemptConfig{Configure: func(*genai.GenerateContentConfig) { panic("broken") }})
			return hook(llmtest.NewModel(name, llmtest.Text("x")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				good := within(2*time.Second, llmtest.Text("good"))
				for _, m := range []model.LLM{
					router.MustHedge(router.HedgeConfig{Delay: time.Second}, broken("flash"), llmtest.NewModel("lite", good)),
					router.MustHedge(router.HedgeConfig{Delay: time.Second}, llmtest.NewModel("flash", good), broken("lite")),
				} {
					if got := hear(t.Context(), m, true); got.Err != nil || got.Final != "good" {
						t.Errorf("heard %+v, want the good answer", got)
					}
				}
				m := router.MustHedge(router.HedgeConfig{Delay: time.Second}, broken("flash"), broken("lite"))
				if got := hear(t.Context(), m, true); got.Err == nil || strings.Count(got.Err.Error(), "panicked: a value of type string") != 2 {
					t.Errorf("error %v, want one that tells of both panics", got.Err)
				}
			})
		})
	}
}

// B80
func TestConsumersPanicIsItsOwn(t *testing.T) {
	eachWinner(t, func(t *testing.T, first bool) {
		var closed bool
		m, loserClosed := racing(first, closing(&closed, endless))
		func() {
			defer func() {
				if r := recover(); r != "the consumer's" {
					t.Errorf("recovered %v, want the consumer's panic", r)
				}
			}()
			hear(t.Context(), m, true, func(*model.LLMResponse) bool { panic("the consumer's") })
		}()
		synctest.Wait()
		if !closed || !*loserClosed {
			t.Errorf("closed: winner %t, loser %t, want both", closed, *loserClosed)
		}
	})
}

// B76: whatever the models do, whoever is slow or fails, the answer is one
// model's, nothing is left behind (which the bubble checks), and every model is
// asked once at most.
func TestHedgeHasOneWinner(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		streamed := rapid.Bool().Draw(rt, "streamed")
		n := rapid.IntRange(2, 4).Draw(rt, "models")
		steps := make([]llmtest.Step, n)
		for i := range n {
			text := fmt.Sprintf("%[1]d%[1]d %[1]d%[1]d", i)
			end := map[string]llmtest.Step{
				"answers": llmtest.Text(text), "fails": llmtest.Fail(llmtest.ErrUnavailable), "is cut": llmtest.Fail(llmtest.ErrInternal, text),
				"is empty": func(context.Context, *model.LLMRequest, bool, func(*model.LLMResponse, error) bool) {},
			}[rapid.SampledFrom([]string{"answers", "fails", "is cut", "is empty"}).Draw(rt, "end")]
			after := time.Duration(rapid.IntRange(0, 6).Draw(rt, "after")) * time.Second / 2
			steps[i] = within(after, end)
			if rapid.Bool().Draw(rt, "deaf") {
				steps[i] = deaf(after, end)
			}
		}
		deadline := time.Duration(rapid.IntRange(1, 20).Draw(rt, "deadline")) * time.Second / 2
		synctest.Test(t, func(*testing.T) {
			var asked []*llmtest.Model
			var models []model.LLM
			for i, step := range steps {
				asked = append(asked, llmtest.NewModel(fmt.Sprint("m", i), step))
				models = append(models, asked[i])
			}
			m := router.MustHedge(router.HedgeConfig{Delay: time.Second, MaxExtraLoad: 1}, models...)
			ctx, cancel := context.WithTimeout(context.Background(), deadline)
			defer cancel()
			for range 3 {
				got := hear(ctx, m, streamed)
				if (got.Err == nil) != (got.Final != "") {
					rt.Errorf("heard %+v, want an answer or an error", got)
				}
				if text := got.Partial + got.Final; strings.Trim(text, text[:min(1, len(text))]+" ") != "" {
					rt.Errorf("heard %+v, of more than one model", got)
				}
			}
			time.Sleep(time.Minute) // the deaf ones end
			for _, a := range asked {
				if len(a.Requests()) > 3 {
					rt.Errorf("%s was asked %d times in 3 calls", a.Name(), len(a.Requests()))
				}
			}
		})
	})
}
