package plugin_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/anthropic"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/gemini"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai"
)

// breakage is a way for a model to be down.
type breakage struct {
	name    string
	step    func(answer fallbacktest.Step, events int) fallbacktest.Step // what the server does in place of answering
	refused bool                                                         // no connection reaches the server
	cools   time.Duration                                                // how long the target is skipped after it has recovered; 0: less than passes
}

func always(step fallbacktest.Step) func(fallbacktest.Step, int) fallbacktest.Step {
	return func(fallbacktest.Step, int) fallbacktest.Step { return step }
}

// breakages are the ways in which a model dies. The first ones are those of the ladder's
// models if none are drawn.
func breakages() []breakage {
	type step = fallbacktest.Step
	return []breakage{
		{name: "503", step: always(fallbacktest.Overloaded())},
		{name: "429 with a delay", step: always(fallbacktest.MinuteQuota(20 * time.Second))},
		{name: "refused connection", refused: true},
		{name: "cut in the answer", step: func(s step, n int) step { return s.AbortAfter(n - 1) }},
		{name: "stall in the answer", step: func(s step, n int) step { return s.StallAfter(n - 1) }},
		{name: "silence", step: always(fallbacktest.Silence())},
		{name: "bad key", step: always(fallbacktest.InvalidKey())},
		{name: "quota", step: always(fallbacktest.DailyQuota()), cools: 25 * time.Hour},
		{name: "500", step: always(fallbacktest.Internal())},
		{name: "reset", step: always(fallbacktest.Reset())},
		{name: "malformed event", step: func(s step, n int) step { return s.MalformedAt(n) }},
		{name: "cut at once", step: func(s step, _ int) step { return s.AbortAfter(1) }},
		{name: "error in the answer", step: func(s step, n int) step { return s.ErrorAt(n, fallbacktest.Overloaded()) }},
		{name: "ended without its end", step: func(s step, n int) step { return s.CutAfter(n - 1) }},
		{name: "no such model", step: always(fallbacktest.NotFound())},
	}
}

// remote is a model at a strict server of its own, which a test breaks and mends.
type remote struct {
	name string // the provider's
	srv  *fallbacktest.Server
	llm  model.LLM // with its layers

	mu         sync.Mutex
	broken     *breakage               // nil while it is up; guarded by mu
	afterTools bool                    // broken only for requests with results of tools; guarded by mu
	breaker    middleware.BreakerState // guarded by mu
	opened     int                     // how often the breaker opened; guarded by mu
}

// newRemote makes the model of an adapter by new, behind a server on virtual time.
func newRemote(t *testing.T, name string, onClosed func(), adapter func(*fallbacktest.Server, *http.Client) (model.LLM, error)) *remote {
	t.Helper()
	r := &remote{name: name, srv: fallbacktest.NewPipeServer(), breaker: middleware.BreakerClosed}
	t.Cleanup(r.srv.Close)
	r.srv.Strict()
	r.srv.Script(name, fallbacktest.Func(r.next))
	m, err := adapter(r.srv, &http.Client{Transport: wire{r, r.srv.Client().Transport}})
	if err != nil {
		t.Fatal(err)
	}
	r.llm = middleware.Chain(m,
		middleware.MustRetry(middleware.RetryConfig{MaxRetries: 1}),
		middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 2, OpenFor: openFor, OnStateChange: func(_ string, _, to middleware.BreakerState) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.breaker = to
			switch to {
			case middleware.BreakerOpen:
				r.opened++
			case middleware.BreakerClosed:
				onClosed()
			}
		}}),
		middleware.MustTimeout(middleware.TimeoutConfig{FirstContent: firstContent, Idle: idle}),
		middleware.Attempt(middleware.AttemptConfig{}),
	)
	return r
}

// newRemotes returns the four models of the ladder, in their order.
func newRemotes(t *testing.T, onClosed func()) []*remote {
	chat := func(name string) func(*fallbacktest.Server, *http.Client) (model.LLM, error) {
		return func(srv *fallbacktest.Server, client *http.Client) (model.LLM, error) {
			return openai.New(name, openai.Config{BaseURL: srv.URL + "/v1", HTTPClient: client})
		}
	}
	remotes := []*remote{
		newRemote(t, "gemini-3.5-flash", onClosed, geminiAt(t)),
		newRemote(t, "gpt-4.1", onClosed, chat("gpt-4.1")),
		newRemote(t, "claude-sonnet-5", onClosed, func(srv *fallbacktest.Server, client *http.Client) (model.LLM, error) {
			return anthropic.New("claude-sonnet-5", anthropic.Config{APIKey: "fallbacktest", BaseURL: srv.URL, HTTPClient: client})
		}),
		newRemote(t, "qwen3", onClosed, chat("qwen3")),
	}
	remotes[3].srv.StrictAs(fallbacktest.Ollama, "qwen3")
	return remotes
}

func geminiAt(t *testing.T) func(*fallbacktest.Server, *http.Client) (model.LLM, error) {
	return func(srv *fallbacktest.Server, client *http.Client) (model.LLM, error) {
		config := srv.ClientConfig()
		config.HTTPClient = client
		return gemini.New(t.Context(), "gemini-3.5-flash", gemini.Config{Client: config})
	}
}

// wire refuses connections while the remote's breakage says so.
type wire struct {
	*remote
	inner http.RoundTripper
}

func (w wire) RoundTrip(req *http.Request) (*http.Response, error) {
	w.mu.Lock()
	refused := w.broken != nil && w.broken.refused
	w.mu.Unlock()
	if refused {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	return w.inner.RoundTrip(req)
}

// breaks takes the model down; after tools: only in the calls that have a result.
func (r *remote) breaks(how breakage, afterTools bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if afterTools && how.step == nil {
		how = breakage{name: "reset", step: always(fallbacktest.Reset())} // the connection knows no request
	}
	r.broken, r.afterTools = &how, afterTools
}

// mends brings the model back, and returns how long its target may still be skipped.
func (r *remote) mends() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	cools := r.broken.cools
	r.broken = nil
	return cools
}

func (r *remote) next(req fallbacktest.Request) fallbacktest.Step {
	r.mu.Lock()
	defer r.mu.Unlock()
	parts := ladderAnswer(req)
	if r.broken == nil || r.afterTools && req.FunctionResponse("") == nil {
		return fallbacktest.Parts(parts...)
	}
	return r.broken.step(fallbacktest.Parts(parts...), len(parts))
}

// noTools is in the body of a request that forbids tools, in any protocol.
var noTools = regexp.MustCompile(`"(mode|type|tool_choice)":\s*"(none|NONE)"`)

// ladderAnswer is the answer of a healthy model, the same everywhere: "question 3 parallel"
// needs two tools at once, "chained" one after the other.
func ladderAnswer(req fallbacktest.Request) []*genai.Part {
	n, kind, results := lastAsked(req)
	parts := []*genai.Part{{Text: "let me think about it", Thought: true}}
	say := func(words ...string) {
		for _, word := range words {
			parts = append(parts, &genai.Part{Text: word})
		}
	}
	call := func(tools ...string) {
		say("I ", "look. ")
		for _, tool := range tools {
			parts = append(parts, &genai.Part{FunctionCall: &genai.FunctionCall{Name: tool, Args: map[string]any{"city": "Paris"}}})
		}
	}
	switch allowed, both := !noTools.Match(req.Body), []string{"weather", "clock"}; {
	case allowed && kind == "parallel" && results == 0:
		call(both...)
	case allowed && kind == "chained" && results < 2:
		call(both[results])
	default:
		say("this ", "is ", "answer ", fmt.Sprintf("%d.", n))
	}
	return parts
}

// lastAsked returns the number and the kind of the latest question, and how many results
// of tools follow it.
func lastAsked(req fallbacktest.Request) (n int, kind string, results int) {
	for _, content := range req.Contents {
		for _, part := range content.Parts {
			if _, err := fmt.Sscanf(part.Text, "question %d %s", &n, &kind); err == nil {
				results = 0
			}
			if part.FunctionResponse != nil {
				results++
			}
		}
	}
	return n, kind, results
}
