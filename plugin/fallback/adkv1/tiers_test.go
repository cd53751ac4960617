package adkv1_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	geminiv1 "google.golang.org/adk/model/gemini"
	"google.golang.org/adk/session"
	modelv2 "google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/adkv1"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cascade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/gemini"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// B87: an answer of last resort says so in the event that v1 stores, and no later request
// has its text as the model's own words.
func TestLastResorts(t *testing.T) {
	retrieval := degrade.MustRetrieval(degrade.RetrievalConfig{Search: func(context.Context, string) ([]degrade.Passage, error) {
		return []degrade.Passage{{Text: "Measure twice."}}, nil
	}})
	for name, last := range map[string]modelv2.LLM{"retrieval": retrieval, "template-response": degrade.Template("Nobody can answer.")} {
		for kind, sessions := range map[string]session.Service{"memory": session.InMemoryService(), "database": newDatabase(t)} {
			for _, stream := range []bool{false, true} {
				first := llmtest.NewModel("first", llmtest.Fail(llmtest.ErrQuota), llmtest.Text("I am back."))
				app := newTreeApp(t, router.MustFallback(router.Config{}, first, last), sessions, stream)
				id := fmt.Sprint(name, stream)
				for _, question := range []string{"hi", "and now?"} {
					if _, err := app.Run(t.Context(), id, question); err != nil {
						t.Fatal(err)
					}
				}
				stored := app.Stored(t, id)
				if md, _ := stored[1].Metadata(); md.Degraded != name || md.ModelName != name || !md.Triggered || stored[1].Text() == request.Neutral {
					t.Errorf("%s, %s: stored %q with %+v", name, kind, stored[1].Text(), md)
				}
				if got := first.Requests()[1].Contents[1]; llmtest.TextOf(got) != request.Neutral || got.Role != genai.RoleModel {
					t.Errorf("%s, %s: the next request has %q", name, kind, llmtest.TextOf(got))
				}
			}
		}
	}
}

// B85, B87: a cached answer to a question that another session asked.
func TestCachedAnswer(t *testing.T) {
	c := cache.MustNew(cache.Config{LookupOnly: true})
	defer c.Close()
	first := llmtest.NewModel("first", llmtest.Text("an answer"), llmtest.Fail(llmtest.ErrUnavailable))
	m := middleware.Chain(router.MustFallback(router.Config{}, first, degrade.CachedAnswer(c)), c.Middleware())
	app := newTreeApp(t, m, session.InMemoryService(), true)
	for _, id := range []string{"s1", "s2"} {
		if _, err := app.Run(t.Context(), id, "hi"); err != nil {
			t.Fatal(err)
		}
	}
	stored := app.Stored(t, "s2")
	if md, _ := stored[1].Metadata(); stored[1].Text() != degrade.DefaultPrefix+"an answer" || md.Degraded != "cached-answer" || md.CacheStatus != call.CacheHit {
		t.Errorf("stored %q with %+v", stored[1].Text(), md)
	}
}

// B143: a deferred call has v1's caller, and is answered once the model is back. Its answer
// goes to the application, since the queue's sessions are v2's.
func TestDeferred(t *testing.T) {
	deliveries := make(chan jobs.Delivery, 2)
	queue, err := jobs.Open(t.Context(), jobs.Config{
		File: filepath.Join(t.TempDir(), "jobs.db"), Logger: slog.New(slog.DiscardHandler),
		Deliver: func(_ context.Context, _ jobs.Tx, d jobs.Delivery) error {
			deliveries <- d
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer queue.Close()
	first := llmtest.NewModel("first", llmtest.Fail(llmtest.ErrQuota), llmtest.Text("the full answer"))
	m := router.MustFallback(router.Config{}, first, degrade.Deferred(queue))
	app := newTreeApp(t, m, session.InMemoryService(), false)
	ev := app.ask(t, "hi")
	md, _ := ev.Metadata()
	if md.Degraded != "deferred" || ev.Text() != degrade.DefaultDeferredText {
		t.Errorf("%q with %+v", ev.Text(), md)
	}

	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- queue.Run(ctx, m) }() // ends with ctx
	if err := queue.Wake(ctx); err != nil {
		t.Fatal(err)
	}
	d := <-deliveries
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	d.Caller.Invocation = ""
	if diff := cmp.Diff(call.Info{App: "app", User: "user", Session: "s", Agent: "assistant"}, d.Caller); diff != "" {
		t.Errorf("caller (-want +got):\n%s", diff)
	}
	if id := ev.Response.CustomMetadata[jobs.KeyJob]; d.Job.ID != id || llmtest.TextOf(d.Response.Content) != "the full answer" || len(deliveries) != 0 {
		t.Errorf("job %s was answered with %q, want job %v", d.Job.ID, llmtest.TextOf(d.Response.Content), id)
	}
}

// B76: the second model of a hedge answers when the first is slow; a cascade's strong model
// when a judge rejects the cheap one's answer; a split tells the cohort. The metadata is in
// v1's events.
func TestRoutersTellWhoAnswered(t *testing.T) {
	slow := func(ctx context.Context, _ *modelv2.LLMRequest, _ bool, yield func(*modelv2.LLMResponse, error) bool) {
		select {
		case <-ctx.Done():
			yield(nil, ctx.Err())
		case <-time.After(time.Minute):
			yield(&modelv2.LLMResponse{Content: genai.NewContentFromText("slow", genai.RoleModel), FinishReason: genai.FinishReasonStop}, nil)
		}
	}
	for name, test := range map[string]struct {
		tree func(second modelv2.LLM) modelv2.LLM
		want call.Metadata
	}{
		"hedge": {func(second modelv2.LLM) modelv2.LLM {
			return router.MustHedge(router.HedgeConfig{Delay: time.Second}, llmtest.NewModel("first", slow), second)
		}, call.Metadata{ModelName: "second"}},
		"cascade": {func(second modelv2.LLM) modelv2.LLM {
			judge := cascade.JudgeChecks(middleware.ValidateConfig{MinLength: 5})
			return cascade.MustNew(cascade.Config{Judges: []cascade.Judge{judge}}, llmtest.NewModel("first", llmtest.Text("no")), second)
		}, call.Metadata{ModelName: "second"}},
		"split": {func(second modelv2.LLM) modelv2.LLM {
			old := llmtest.NewModel("first", llmtest.Text("no"))
			return router.MustSplit(router.SplitConfig{Experiment: "e", Arms: []router.Arm{{Cohort: "old", Model: old}, {Cohort: "new", Weight: 1, Model: second}}})
		}, call.Metadata{ModelName: "second", ExperimentID: "e", Cohort: "new"}},
	} {
		for _, stream := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				app := newTreeApp(t, test.tree(llmtest.NewModel("second", llmtest.Text("the second answers"))), session.InMemoryService(), stream)
				app.ask(t, "hi")
				stored := app.Stored(t, "s")
				md, _ := stored[1].Metadata()
				got := call.Metadata{ModelName: md.ModelName, ExperimentID: md.ExperimentID, Cohort: md.Cohort}
				if diff := cmp.Diff(test.want, got); diff != "" || stored[1].Text() != "the second answers" {
					t.Errorf("%s: %q; metadata (-want +got):\n%s", name, stored[1].Text(), diff)
				}
			})
		}
	}
}

// B64, B100: over HTTP, a conversation with a tool goes from this module's Gemini, or ADK
// v1's own, to chat completions and back; no strict server refuses anything.
func TestProviders(t *testing.T) {
	const flash, gpt = "gemini-2.5-flash", "gpt-4.1"
	for name, newGemini := range map[string]func(*fallbacktest.Server) (modelv2.LLM, error){
		"this module's Gemini": func(srv *fallbacktest.Server) (modelv2.LLM, error) {
			return gemini.New(t.Context(), flash, gemini.Config{Client: srv.ClientConfig()})
		},
		"ADK v1's Gemini": func(srv *fallbacktest.Server) (modelv2.LLM, error) {
			m, err := geminiv1.NewModel(t.Context(), flash, srv.ClientConfig())
			return adkv1.ToV2(m), err
		},
	} {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " streamed ", stream), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					srv := fallbacktest.NewPipeServer()
					defer srv.Close()
					srv.Strict()
					first, err := newGemini(srv)
					if err != nil {
						t.Fatal(err)
					}
					second, err := openai.New(gpt, openai.Config{APIKey: "none", BaseURL: srv.URL + "/v1", HTTPClient: &http.Client{Transport: srv.Client().Transport}})
					if err != nil {
						t.Fatal(err)
					}
					app := newTreeApp(t, router.MustFallback(router.Config{}, layered(first), layered(second)), session.InMemoryService(), stream)
					for turn, step := range []fallbacktest.Step{healthy, fallbacktest.Overloaded(), fallbacktest.Text("I am cut").AbortAfter(1), fallbacktest.Internal(), fallbacktest.Exhausted(), healthy} {
						srv.Script(flash, step)
						srv.Script(gpt, healthy)
						app.lookups = 0
						want := map[bool]string{true: flash, false: gpt}[turn == 0 || turn == 5]
						ev := app.ask(t, fmt.Sprint("question ", turn))
						if md, _ := ev.Metadata(); !strings.HasPrefix(ev.Text(), "found it") || app.lookups != 1 || md.ModelName != want {
							t.Errorf("turn %d: %q after %d lookups, with %+v", turn, ev.Text(), app.lookups, md)
						}
						time.Sleep(5 * time.Minute) // the breaker of the first model lets the next turn's call through
					}
					for _, violation := range srv.Violations() {
						t.Error(violation)
					}
				})
			})
		}
	}
}

// healthy is a model that looks something up before it answers.
var healthy = fallbacktest.Func(func(req fallbacktest.Request) fallbacktest.Step {
	if req.FunctionResponse("lookup") == nil {
		return fallbacktest.ToolCall("lookup", nil)
	}
	return fallbacktest.Text("found it, and it is good")
})
