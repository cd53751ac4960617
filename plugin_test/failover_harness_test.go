package plugin_test

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/model/gemini"
	"google.golang.org/adk/v2/runner"
	"google.golang.org/adk/v2/session"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/plugintest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

const (
	primary = "gemini-2.5-flash"
	backup  = "gemini-2.5-pro"
)

// Limits of the tree under test.
const (
	firstContent = 5 * time.Second
	idle         = 3 * time.Second
	openFor      = 20 * time.Second
	maxAttempts  = 6 // two targets, each with two retries
)

// world is a provider on virtual time and an application in front of it.
type world struct {
	*fallbacktest.Server
	runner   *runner.Runner
	sessions session.Service
	withTool bool // set by build: the agent has a tool
	lookups  int  // how often it has run
}

// inWorld runs f in a synctest bubble with an application on the real runner
// and the real Gemini client. build makes the agent's model; nil means newTree.
func inWorld(t *testing.T, build func(*testing.T, *world) model.LLM, f func(*testing.T, *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{Server: fallbacktest.NewPipeServer(), sessions: session.InMemoryService()}
		defer w.Close()
		if build == nil {
			build = newTree
		}
		spec := plugintest.Agent{Name: "assistant", Model: build(t, w)}
		if w.withTool {
			spec.Lookup = func() { w.lookups++ }
		}
		root := newAgent(t, plugintest.Setup{}, spec)
		var err error
		w.runner, err = runner.New(runner.Config{AppName: "app", Agent: root, SessionService: w.sessions, AutoCreateSession: true})
		if err != nil {
			t.Fatal(err)
		}
		f(t, w)
	})
}

// newTree is the hand-composed tree of two targets, each with its own layers.
func newTree(t *testing.T, w *world) model.LLM {
	return router.MustFallback(router.Config{}, guarded(w.gemini(t, primary)), guarded(w.gemini(t, backup)))
}

// guarded puts the layers of one target around m.
func guarded(m model.LLM) model.LLM {
	return middleware.Chain(m,
		middleware.MustRetry(middleware.RetryConfig{MaxRetries: 2}),
		middleware.MustBreaker(middleware.BreakerConfig{OpenFor: openFor}),
		middleware.MustTimeout(middleware.TimeoutConfig{FirstContent: firstContent, Idle: idle}),
		middleware.Attempt(middleware.AttemptConfig{}),
	)
}

// gemini is ADK's own Gemini model. Its transport keeps the headers of errors.
func (w *world) gemini(t *testing.T, name string) model.LLM {
	t.Helper()
	config := w.ClientConfig()
	config.HTTPClient = &http.Client{Transport: failure.Capture(config.HTTPClient.Transport)}
	m, err := gemini.NewModel(t.Context(), name, config)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// plainGemini is a client that sends a request as it is: ADK's own adds a user's
// turn to one that ends with the model's, so it never asks for a prefill.
type plainGemini struct {
	name   string
	client *genai.Client
}

func (m plainGemini) Name() string { return m.name }

func (m plainGemini) GenerateContent(ctx context.Context, req *model.LLMRequest, _ bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		text, finish := "", genai.FinishReasonUnspecified
		for resp, err := range m.client.Models.GenerateContentStream(ctx, req.Model, req.Contents, req.Config) {
			if err != nil {
				yield(nil, err)
				return
			}
			text, finish = text+resp.Text(), resp.Candidates[0].FinishReason
			if !yield(&model.LLMResponse{Content: resp.Candidates[0].Content, Partial: true}, nil) {
				return
			}
		}
		yield(&model.LLMResponse{Content: genai.NewContentFromText(text, genai.RoleModel), FinishReason: finish}, nil)
	}
}

// outcome is what the caller of one turn got.
type outcome struct {
	text     string // of the final response
	screen   string // what a terminal shows that obeys the marker of a restart
	restarts int
	final    *session.Event // nil if the turn ended with err
	calls    int            // function calls in responses that are not partial
	err      error
	began    time.Time
	took     time.Duration
}

// ask runs one turn with SSE streaming.
func (w *world) ask(ctx context.Context, question string) outcome {
	got := outcome{began: time.Now()}
	config := agent.RunConfig{StreamingMode: agent.StreamingModeSSE}
	for ev, err := range w.runner.Run(ctx, "user", "session", message(question), config) {
		if err != nil {
			got.err = err
			break
		}
		got.add(ev)
	}
	got.took = time.Since(got.began)
	return got
}

func (o *outcome) add(ev *session.Event) {
	if restart, _ := ev.CustomMetadata[call.KeyRestart].(bool); restart {
		o.restarts++
		o.screen = ""
	}
	if ev.Partial {
		o.screen += llmtest.TextOf(ev.Content)
		return
	}
	o.final, o.text = ev, llmtest.TextOf(ev.Content)
	if ev.Content == nil {
		return
	}
	for _, part := range ev.Content.Parts {
		if part.FunctionCall != nil {
			o.calls++
			o.screen = ""
		}
	}
}

// stored returns the texts of the session's events.
func (w *world) stored(t *testing.T) []string {
	t.Helper()
	got, err := w.sessions.Get(t.Context(), &session.GetRequest{AppName: "app", UserID: "user", SessionID: "session"})
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for ev := range got.Session.Events().All() {
		texts = append(texts, llmtest.TextOf(ev.Content))
	}
	return texts
}

// asked returns the models of requests in their order.
func asked(requests []fallbacktest.Request) []string {
	var models []string
	for _, r := range requests {
		models = append(models, r.Model)
	}
	return models
}

// gap is how long the n-th request came after the one before it, from 1.
func gap(requests []fallbacktest.Request, n int) time.Duration {
	return requests[n].Time.Sub(requests[n-1].Time)
}

// between returns the requests from one time until before another.
func between(requests []fallbacktest.Request, from, until time.Time) []fallbacktest.Request {
	return slices.DeleteFunc(slices.Clone(requests), func(r fallbacktest.Request) bool {
		return r.Time.Before(from) || !r.Time.Before(until)
	})
}

// words returns n numbered words.
func words(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("word%02d", i+1))
	}
	return strings.Join(all, " ")
}
