package router_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// after takes a second before each response of step, and ends with the caller.
func after(step llmtest.Step) llmtest.Step {
	return func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
		step(ctx, req, stream, func(resp *model.LLMResponse, err error) bool {
			select {
			case <-time.After(time.Second):
				return yield(resp, err)
			case <-ctx.Done():
				return yield(nil, ctx.Err())
			}
		})
	}
}

// B125: OnEnd is called once for each call, whatever becomes of it, with the time that the
// caller has waited.
func TestEnds(t *testing.T) {
	says := after(llmtest.Text("a b")) // two chunks and the whole
	down := after(llmtest.Fail(llmtest.ErrUnavailable))
	for _, test := range []struct {
		name string
		tree func(router.Config) model.LLM
		read int           // responses; 0 for all
		wait time.Duration // until the caller cancels; 0 for never
		want []string
	}{
		{"the first answers", func(c router.Config) model.LLM {
			return router.MustFallback(c, llmtest.NewModel("a", says), llmtest.NewModel("b"))
		}, 0, 0,
			[]string{"ok a false after 3s, first content 1s: a ok"}},
		{"another answers", func(c router.Config) model.LLM {
			return router.MustFallback(c, llmtest.NewModel("a", down), llmtest.NewModel("b", says))
		}, 0, 0, []string{"ok b true after 4s, first content 2s: a failed, b ok"}},
		{"an answer is cut off", func(c router.Config) model.LLM {
			return router.MustFallback(c, llmtest.NewModel("a", after(llmtest.Fail(llmtest.ErrUnavailable, "a", "b"))), llmtest.NewModel("b", says))
		}, 0, 0, []string{"ok b true after 6s, first content 1s: a failed, b ok"}},
		{"no target answers", func(c router.Config) model.LLM {
			return router.MustFallback(c, llmtest.NewModel("a", down), llmtest.NewModel("b", down))
		}, 0, 0,
			[]string{"failed  true after 2s, first content 0s: a failed, b failed"}},
		{"the caller cancels", func(c router.Config) model.LLM {
			return router.MustFallback(c, llmtest.NewModel("a", down), llmtest.NewModel("b", says))
		}, 0, 2500 * time.Millisecond,
			[]string{"cancelled  false after 2.5s, first content 2s: a failed, b failed"}},
		{"the caller stops reading", func(c router.Config) model.LLM {
			return router.MustFallback(c, llmtest.NewModel("a", says), llmtest.NewModel("b"))
		}, 1, 0,
			[]string{"cancelled  false after 1s, first content 1s: "}},
		{"the same part runs again", func(c router.Config) model.LLM {
			return middleware.MustRetry(middleware.RetryConfig{MaxRetries: 1, BaseDelay: time.Nanosecond, MaxDelay: time.Nanosecond})(
				router.MustFallback(c, llmtest.NewModel("a", down, down, says), llmtest.NewModel("b", down)))
		}, 0, 0, []string{"failed  true after 4s, first content 0s: a failed, b failed, a failed, b failed"}},
		{"routers in a hedge, of which one loses", func(c router.Config) model.LLM {
			return router.MustHedge(router.HedgeConfig{Delay: time.Second / 2, MaxExtraLoad: 1},
				router.MustFallback(c, llmtest.NewModel("a", says)), router.MustFallback(c, llmtest.NewModel("b", says)))
		}, 0, 0, []string{"ok a false after 3s, first content 1s: b failed, a ok"}},
		{"a router in a router", func(c router.Config) model.LLM {
			return router.MustFallback(router.Config{}, router.MustFallback(c, llmtest.NewModel("a", down)), llmtest.NewModel("b", says))
		}, 0, 0, []string{"failed  true after 4s, first content 2s: a failed, b ok"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got []string
				m := test.tree(router.Config{Hooks: call.Hooks{OnEnd: func(_ context.Context, r call.Result) {
					line := fmt.Sprintf("%s %s %v after %v, first content %v: ", r.Outcome, r.ModelName, r.Triggered, r.Duration, r.FirstContent)
					for i, a := range r.Attempts {
						if i > 0 {
							line += ", "
						}
						line += fmt.Sprint(a.Model, " ", a.Outcome)
					}
					got = append(got, line)
				}}})
				ctx := t.Context()
				if test.wait > 0 {
					timed, cancel := context.WithTimeout(ctx, test.wait)
					defer cancel()
					ctx = timed
				}
				n := 0
				for range m.GenerateContent(ctx, &model.LLMRequest{Contents: genai.Text("hi")}, true) {
					if n++; n == test.read {
						break
					}
				}
				synctest.Wait()
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("ends (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// B125: if a consumer panics or ends its goroutine, its call ends as if the consumer had stopped reading.
func TestEndsOfConsumersThatPanic(t *testing.T) {
	says := llmtest.Text("a b") // two chunks and the whole
	trees := map[string]func(router.Config) model.LLM{
		"fallback": func(c router.Config) model.LLM { return router.MustFallback(c, llmtest.NewModel("a", says)) },
		"two routers": func(c router.Config) model.LLM {
			return router.MustFallback(router.Config{}, router.MustFallback(c, llmtest.NewModel("a", says)), llmtest.NewModel("b"))
		},
		"in a hedge": func(c router.Config) model.LLM {
			return router.MustFallback(c, router.MustHedge(router.HedgeConfig{Delay: time.Hour}, llmtest.NewModel("a", says), llmtest.NewModel("b")))
		},
	}
	for name, tree := range trees {
		for read, want := range []call.Outcome{call.Cancelled, call.Cancelled, call.OK} {
			for how, end := range map[string]func(){"panics": func() { panic("mine") }, "ends": runtime.Goexit} {
				synctest.Test(t, func(t *testing.T) {
					var got []call.Outcome
					m := tree(router.Config{Hooks: call.Hooks{OnEnd: func(_ context.Context, r call.Result) { got = append(got, r.Outcome) }}})
					go func() { // ends with the call
						defer func() { _ = recover() }()
						n := 0
						for range m.GenerateContent(t.Context(), &model.LLMRequest{Contents: genai.Text("hi")}, true) {
							if n == read {
								end()
							}
							n++
						}
					}()
					synctest.Wait()
					if !slices.Equal(got, []call.Outcome{want}) {
						t.Errorf("%s, consumer %s at response %d: ends %v, want %v", name, how, read+1, got, want)
					}
				})
			}
		}
	}
}

// Joined hooks are all called, also after a panic in one of them.
func TestJoinedHooks(t *testing.T) {
	var got []string
	hook := func(name string) call.Hooks {
		return call.Hooks{OnEnd: func(context.Context, call.Result) {
			got = append(got, name)
			panic(name)
		}}
	}
	attempts := call.Hooks{OnAttempt: func(_ context.Context, a call.Attempt) { got = append(got, a.Model) }}
	m := router.MustFallback(router.Config{Hooks: call.Join(hook("first"), call.Hooks{}, attempts, hook("second"))}, llmtest.NewModel("a", llmtest.Text("a")))
	ask(t.Context(), m, false)
	if diff := cmp.Diff([]string{"a", "first", "second"}, got); diff != "" {
		t.Errorf("hooks (-want +got):\n%s", diff)
	}
}
