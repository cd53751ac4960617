package adkv1_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/agent"
	"google.golang.org/adk/agent/llmagent"
	"google.golang.org/adk/runner"
	"google.golang.org/adk/session"
	"google.golang.org/adk/tool"
	"google.golang.org/adk/tool/functiontool"
	modelv2 "google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/plugintest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/adkv1"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cascade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// layered puts the layers of one target around m.
func layered(m modelv2.LLM) modelv2.LLM {
	return middleware.Chain(m,
		middleware.MustRetry(middleware.RetryConfig{MaxRetries: 1}),
		middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 4}),
		middleware.MustLimit(middleware.LimitConfig{MaxConcurrent: 4}),
		middleware.MustTimeout(middleware.TimeoutConfig{FirstContent: 5 * time.Second, Idle: 3 * time.Second}),
		middleware.Attempt(middleware.AttemptConfig{}),
	)
}

// trees are the ways to compose two models so that the second stands in for the first.
var trees = map[string]func(t *testing.T, first, second modelv2.LLM) modelv2.LLM{
	"fallback": func(_ *testing.T, first, second modelv2.LLM) modelv2.LLM {
		return router.MustFallback(router.Config{}, layered(first), layered(second), degrade.Template("sorry"))
	},
	"nested fallbacks with a guard": func(_ *testing.T, first, second modelv2.LLM) modelv2.LLM {
		inner := router.MustFallback(router.Config{}, layered(first), degrade.Template("not yet"))
		return router.MustFallback(router.Config{Guards: []guard.Guard{guard.Redact}}, inner, layered(second))
	},
	"hedge in a fallback": func(_ *testing.T, first, second modelv2.LLM) modelv2.LLM { // for answers that are cut off
		second = layered(second)
		return router.MustFallback(router.Config{}, router.MustHedge(router.HedgeConfig{Delay: time.Hour}, layered(first), second), second)
	},
	"cascade": func(_ *testing.T, first, second modelv2.LLM) modelv2.LLM {
		return cascade.MustNew(cascade.Config{Judges: []cascade.Judge{cascade.JudgeChecks(middleware.ValidateConfig{MinLength: 1})}}, layered(first), layered(second))
	},
	"split": func(_ *testing.T, first, second modelv2.LLM) modelv2.LLM {
		arm := router.MustFallback(router.Config{}, layered(first), layered(second))
		return router.MustSplit(router.SplitConfig{Experiment: "e", Arms: []router.Arm{{Cohort: "control", Weight: 1, Model: arm}, {Cohort: "other", Model: second}}})
	},
	"cache around a fallback": func(t *testing.T, first, second modelv2.LLM) modelv2.LLM {
		c := cache.MustNew(cache.Config{})
		t.Cleanup(func() { _ = c.Close() })
		return middleware.Chain(router.MustFallback(router.Config{}, layered(first), layered(second), degrade.CachedAnswer(c)), c.Middleware())
	},
	"policy": func(t *testing.T, first, second modelv2.LLM) modelv2.LLM {
		file := filepath.Join(t.TempDir(), "fallback.yaml")
		const text = `
primary: first
fallbacks:
  - name: second
    condition: "error || latency > 5s"
  - name: template-response
timeouts: {primary: 8s, fallback: 8s}
circuit_breaker: {failure_threshold: 4, window: 60s, backoff: 30s}
`
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := policy.Load(t.Context(), file, policy.Models{"first": first, "second": second})
		if err != nil {
			t.Fatal(err)
		}
		return m
	},
}

// eachTree runs f for every tree under v1's runner, unary and streamed, in virtual time.
func eachTree(t *testing.T, f func(t *testing.T, stream bool, build func(first, second modelv2.LLM) *treeApp)) {
	for name, tree := range trees {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " streamed ", stream), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f(t, stream, func(first, second modelv2.LLM) *treeApp {
						return newTreeApp(t, tree(t, first, second), session.InMemoryService(), stream)
					})
				})
			})
		}
	}
}

// treeApp is an application on v1's runner, without the plugin, whose agent has a tree as
// its model, and a tool.
type treeApp struct {
	app
	lookups int
}

func newTreeApp(t *testing.T, m modelv2.LLM, sessions session.Service, stream bool) *treeApp {
	t.Helper()
	a := &treeApp{app: app{sessions: sessions}}
	if stream {
		a.config.StreamingMode = agent.StreamingModeSSE
	}
	lookup, err := functiontool.New(functiontool.Config{Name: "lookup", Description: "looks something up"},
		func(agent.ToolContext, struct{}) (map[string]string, error) {
			a.lookups++
			return map[string]string{"found": "it"}, nil
		})
	if err != nil {
		t.Fatal(err)
	}
	assistant, err := llmagent.New(llmagent.Config{Name: "assistant", Model: adkv1.FromV2(m), Tools: []tool.Tool{lookup}})
	if err != nil {
		t.Fatal(err)
	}
	a.runner, err = runner.New(runner.Config{AppName: "app", Agent: assistant, SessionService: sessions, AutoCreateSession: true})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// ask runs a turn and returns its last event.
func (a *treeApp) ask(t *testing.T, text string) plugintest.Event {
	t.Helper()
	events, err := a.Run(t.Context(), "s", text)
	if err != nil {
		t.Fatal(err)
	}
	return events[len(events)-1]
}

// B13, B60: whatever the tree, the second model answers in the place of the first, and the
// event that v1 stores says so. The next turn begins at the first model again.
func TestEveryTreeFailsOver(t *testing.T) {
	eachTree(t, func(t *testing.T, stream bool, build func(first, second modelv2.LLM) *treeApp) {
		first := llmtest.NewModel("first", llmtest.Fail(llmtest.ErrDeadline), llmtest.Fail(llmtest.ErrDeadline), llmtest.Text("I am back."))
		second := llmtest.NewModel("second", llmtest.Text("the second answers"))
		app := build(first, second)
		got := app.ask(t, "hi")
		stored := app.Stored(t, "s")
		for where, ev := range map[string]plugintest.Event{"live": got, "stored": stored[len(stored)-1]} {
			md, _ := ev.Metadata()
			if ev.Text() != "the second answers" || !md.Triggered || md.OriginalModel != "first" || md.FallbackModel != "second" || md.ModelName != "second" || md.ErrorCode != "504" {
				t.Errorf("%s: %q with %+v", where, ev.Text(), md)
			}
		}
		if diff := cmp.Diff("second", second.Requests()[0].Model); diff != "" {
			t.Errorf("the second model was called by another name:\n%s", diff)
		}
		for len(first.Requests()) < 2 { // where no layer retries
			app.ask(t, "again")
		}
		got = app.ask(t, "and now?")
		if md, _ := got.Metadata(); got.Text() != "I am back." || md.Triggered {
			t.Errorf("the next turn: %q with %+v", got.Text(), md)
		}
	})
}

// B55: a silent model is left after its limit.
func TestEveryTreeLeavesASilentModel(t *testing.T) {
	eachTree(t, func(t *testing.T, stream bool, build func(first, second modelv2.LLM) *treeApp) {
		first, second := llmtest.NewModel("first", silent), llmtest.NewModel("second", llmtest.Text("the second answers"))
		app := build(first, second)
		began := time.Now()
		got := app.ask(t, "hi")
		if took := time.Since(began); got.Text() != "the second answers" || took != 5*time.Second {
			t.Errorf("%q after %v, want the second model's answer after 5 s", got.Text(), took)
		}
	})
}

// silent waits for the end of the call.
func silent(ctx context.Context, _ *modelv2.LLMRequest, _ bool, yield func(*modelv2.LLMResponse, error) bool) {
	<-ctx.Done()
	yield(nil, ctx.Err())
}

// B59, B64: a tool loop stays with the fallback, and one that changes models between the
// call of a tool and its result goes on with it; the tool runs once.
func TestEveryTreeKeepsAToolLoop(t *testing.T) {
	eachTree(t, func(t *testing.T, stream bool, build func(first, second modelv2.LLM) *treeApp) {
		fails := llmtest.Fail(llmtest.ErrQuota)
		lookup := llmtest.Call("c1", "lookup", "", nil)
		for name, test := range map[string]struct{ first, second []llmtest.Step }{
			"stays":    {[]llmtest.Step{fails}, []llmtest.Step{lookup, llmtest.Text("found it")}},
			"switches": {[]llmtest.Step{lookup, fails}, []llmtest.Step{llmtest.Text("found it")}},
		} {
			first, second := llmtest.NewModel("first", test.first...), llmtest.NewModel("second", test.second...)
			app := build(first, second)
			got := app.ask(t, "hi")
			md, _ := got.Metadata()
			if got.Text() != "found it" || app.lookups != 1 || md.ModelName != "second" || md.ErrorCode != "429" {
				t.Errorf("%s: %q after %d lookups, with %+v", name, got.Text(), app.lookups, md)
			}
			requests := second.Requests()
			contents := requests[len(requests)-1].Contents
			called, result := contents[len(contents)-2].Parts[0].FunctionCall, contents[len(contents)-1].Parts[0].FunctionResponse
			if called == nil || result == nil || called.ID != result.ID || called.Name != "lookup" {
				t.Errorf("%s: the second model's history ends with %+v and %+v", name, called, result)
			}
		}
	})
}

// B52: an answer that is cut off starts again; what is stored is the second model's alone.
func TestEveryTreeRestartsAStream(t *testing.T) {
	eachTree(t, func(t *testing.T, stream bool, build func(first, second modelv2.LLM) *treeApp) {
		first := llmtest.NewModel("first", llmtest.Fail(llmtest.ErrUnavailable, "half ", "an "))
		app := build(first, llmtest.NewModel("second", llmtest.Text("a whole answer")))
		events, err := app.Run(t.Context(), "s", "hi")
		if err != nil {
			t.Fatal(err)
		}
		screen, restarts := "", 0
		for _, ev := range events {
			if ev.Response.CustomMetadata[call.KeyRestart] == true {
				screen, restarts = "", restarts+1
			}
			if ev.Response.Partial {
				screen += ev.Text()
			}
		}
		if stream && (screen != "a whole answer" || restarts > 2) {
			t.Errorf("%q is on the screen after %d restarts", screen, restarts)
		}
		if stored := app.Stored(t, "s"); len(stored) != 2 || stored[1].Text() != "a whole answer" {
			t.Errorf("%d stored events, the last is %q", len(stored), stored[len(stored)-1].Text())
		}
	})
}

// B39, B56: the end of the caller's context ends the turn with its own error, and no other
// model is called; a consumer that leaves ends the model's call.
func TestEveryTreeEndsWithItsCaller(t *testing.T) {
	eachTree(t, func(t *testing.T, stream bool, build func(first, second modelv2.LLM) *treeApp) {
		second := llmtest.NewModel("second", llmtest.Text("not asked for"))
		app := build(llmtest.NewModel("first", silent), second)
		ctx, cancel := context.WithCancelCause(t.Context())
		gone := errors.New("the user has gone")
		time.AfterFunc(time.Second, func() { cancel(gone) })
		began := time.Now()
		events, err := app.Run(ctx, "s", "hi")
		if !errors.Is(err, context.Canceled) && !errors.Is(err, gone) || len(events) > 0 || time.Since(began) != time.Second {
			t.Errorf("%d events and error %v after %v, want the caller's own after 1 s", len(events), err, time.Since(began))
		}
		if n := len(second.Requests()); n > 0 {
			t.Errorf("the second model was called %d times", n)
		}

		if !stream {
			return
		}
		ended := make(chan struct{})
		app = build(llmtest.NewModel("first", func(_ context.Context, _ *modelv2.LLMRequest, _ bool, yield func(*modelv2.LLMResponse, error) bool) {
			defer close(ended) // a second call would panic
			for yield(&modelv2.LLMResponse{Content: genai.NewContentFromText("word ", genai.RoleModel), Partial: true}, nil) {
			}
		}), second)
		for range app.runner.Run(t.Context(), "user", "left", message("hi"), app.config) {
			break
		}
		<-ended
		if n := len(second.Requests()); n > 0 {
			t.Errorf("after the consumer had left, the second model was called %d times", n)
		}
	})
}
