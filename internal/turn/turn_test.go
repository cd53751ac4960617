package turn_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/turn"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// agentContext stands for the context of a callback.
type agentContext struct {
	context.Context
	invocation, agent, branch string
}

func (c agentContext) InvocationID() string { return c.invocation }
func (c agentContext) AgentName() string    { return c.agent }
func (c agentContext) Branch() string       { return c.branch }

func newPlugin(t *testing.T, config turn.Config) *turn.Plugin {
	t.Helper()
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	p, err := turn.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// begin begins a call, which its model is to answer.
func begin(t *testing.T, p *turn.Plugin, ctx turn.Context, name string) *model.LLMRequest {
	t.Helper()
	req := &model.LLMRequest{Model: name}
	if resp, err := p.BeforeModel(ctx, req); resp != nil || err != nil {
		t.Fatalf("before the model: %v, %v; want nothing", resp, err)
	}
	return req
}

// attempts fails one call of ctx's agent and returns how many attempts its
// metadata has.
func attempts(t *testing.T, p *turn.Plugin, ctx turn.Context) int {
	t.Helper()
	req := begin(t, p, ctx, "flash")
	resp, err := p.OnModelError(ctx, req, llmtest.ErrQuota)
	if err != nil || resp == nil {
		t.Fatalf("response %v, error %v, want an annotated response", resp, err)
	}
	md, _ := call.ReadResponse(resp)
	return len(md.Attempts)
}

// B05
func TestStateIsResetWithinARun(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, end := range map[string]func(p *turn.Plugin, ctx agentContext, req *model.LLMRequest){
		"after success": func(p *turn.Plugin, ctx agentContext, req *model.LLMRequest) {
			p.AfterModel(ctx, &model.LLMResponse{FinishReason: genai.FinishReasonStop})
		},
		"after an error that is not configured": func(p *turn.Plugin, ctx agentContext, req *model.LLMRequest) {
			if resp, err := p.OnModelError(ctx, req, llmtest.ErrInternal); resp != nil || err != nil {
				t.Errorf("the error was answered with %v, %v", resp, err)
			}
		},
		"after a response code that is not configured": func(p *turn.Plugin, ctx agentContext, req *model.LLMRequest) {
			p.AfterModel(ctx, &model.LLMResponse{ErrorCode: "SAFETY"})
		},
		"after cancellation": func(p *turn.Plugin, ctx agentContext, req *model.LLMRequest) {
			ctx.Context = cancelled
			if resp, err := p.OnModelError(ctx, req, llmtest.ErrQuota); resp != nil || err != nil {
				t.Errorf("a cancelled call was answered with %v, %v", resp, err)
			}
		},
		"after the run": func(p *turn.Plugin, ctx agentContext, req *model.LLMRequest) {
			p.End("i")
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlugin(t, turn.Config{FallbackModel: "pro"})
			ctx := agentContext{t.Context(), "i", "a", ""}
			if got := attempts(t, p, ctx); got != 1 {
				t.Fatalf("attempt %d, want 1", got)
			}
			if got := attempts(t, p, ctx); got != 2 {
				t.Fatalf("attempt %d within the turn, want 2", got)
			}
			end(p, ctx, begin(t, p, ctx, "flash"))
			if got := attempts(t, p, ctx); got != 1 {
				t.Errorf("attempt %d, want 1 again", got)
			}
		})
	}
}

// B06: a loop inside the run has set the model before this plugin saw it.
func TestChoiceMidFallbackIsLeftAlone(t *testing.T) {
	p := newPlugin(t, turn.Config{RootModel: "root", FallbackModel: "pro"})
	ctx := agentContext{t.Context(), "i", "a", ""}
	var asked []string
	for _, wish := range []string{"flash", "pro"} {
		req := begin(t, p, ctx, wish)
		asked = append(asked, req.Model)
		if _, err := p.OnModelError(ctx, req, llmtest.ErrQuota); err != nil {
			t.Fatal(err)
		}
	}
	p.End("i")
	req := begin(t, p, agentContext{t.Context(), "i2", "a", ""}, "flash")
	if diff := cmp.Diff([]string{"root", "pro", "root"}, append(asked, req.Model)); diff != "" {
		t.Errorf("models asked (-want +got):\n%s", diff)
	}
}

// B06: ADK asks for the agent's own model in each call, which is nobody's
// choice.
func TestOwnModelMidFallbackIsTheRoot(t *testing.T) {
	p := newPlugin(t, turn.Config{RootModel: "root", FallbackModel: "pro"})
	ctx := agentContext{t.Context(), "i", "a", ""}
	for range 2 {
		req := begin(t, p, ctx, "own")
		if req.Model != "root" {
			t.Errorf("%s is asked, want the root", req.Model)
		}
		if _, err := p.OnModelError(ctx, req, llmtest.ErrQuota); err != nil {
			t.Fatal(err)
		}
	}
}

// B14: the next model is one that this turn has neither started at nor tried.
func TestNextModel(t *testing.T) {
	for _, test := range []struct {
		own   string
		chain []string
		want  []string
	}{
		{"flash", []string{"pro", "max"}, []string{"pro", "max", ""}},
		{"pro", []string{"pro", "max"}, []string{"max", ""}},
		{"flash", []string{"pro", "flash"}, []string{"pro", ""}},
		{"pro", []string{"lite", "pro", "max"}, []string{"lite", "max", ""}},
	} {
		p := newPlugin(t, turn.Config{FallbackModels: test.chain})
		var got []string
		ctx := t.Context()
		for i := range test.want {
			callback := agentContext{ctx, fmt.Sprint("run", i), "a", ""}
			req := begin(t, p, callback, test.own)
			resp, err := p.OnModelError(callback, req, llmtest.ErrQuota)
			if err != nil {
				t.Fatal(err)
			}
			md, _ := call.ReadResponse(resp)
			got = append(got, md.FallbackModel)
			ctx = turn.Choose(ctx, "a", "", md)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("own model %s, chain %v: next models (-want +got):\n%s", test.own, test.chain, diff)
		}
	}
}

// B15: a name that metadata would cut cannot be read back by an outer loop.
func TestNamesThatDoNotFitAreRefused(t *testing.T) {
	for _, name := range []string{strings.Repeat("m", 129), strings.Repeat("&", 30)} {
		if _, err := turn.New(turn.Config{FallbackModel: name}); err == nil || !strings.Contains(err.Error(), "Config.FallbackModel:") {
			t.Errorf("error %v, want one that names the field", err)
		}
	}
	if _, err := turn.New(turn.Config{FallbackModel: strings.Repeat("m", 128)}); err != nil {
		t.Errorf("a name that fits is refused: %v", err)
	}
}

// B15
func TestRecoverAroundNoModelIsRefused(t *testing.T) {
	if _, err := turn.New(turn.Config{Recover: struct{ model.LLM }{}}); err == nil || !strings.Contains(err.Error(), "Config.Recover:") {
		t.Errorf("error %v, want one that names Recover", err)
	}
}

// B09: turns that have left their root are bounded between their calls; what is
// healthy needs no state.
func TestTurnsAreBounded(t *testing.T) {
	for _, test := range []struct {
		config      turn.Config
		most, least int
	}{
		{turn.Config{FallbackModel: "pro"}, 100, 50},
		{turn.Config{FallbackModel: "pro", MaxTurns: 10}, 10, 5},
		{turn.Config{FallbackModel: "pro", MaxTurns: 10, PruneTo: 9}, 10, 9},
		{turn.Config{FallbackModel: "pro", MaxTurns: 1}, 1, 1},
	} {
		p := newPlugin(t, test.config)
		var counts []int
		for i := range 3 * test.most {
			attempts(t, p, agentContext{t.Context(), fmt.Sprint(i), "a", ""})
			healthy := agentContext{t.Context(), fmt.Sprint("healthy", i), "a", ""}
			begin(t, p, healthy, "flash")
			p.AfterModel(healthy, answer())
			counts = append(counts, p.Tracked())
		}
		for i, n := range counts {
			want := i + 1
			if i >= test.most {
				want = test.least + (i-test.most)%(test.most-test.least+1)
			}
			if n != want {
				t.Errorf("%+v: %d turns tracked after %d, want %d", test.config, n, i+1, want)
				break
			}
		}
	}
}

func answer() *model.LLMResponse {
	return &model.LLMResponse{Content: genai.NewContentFromText("fine", genai.RoleModel), FinishReason: genai.FinishReasonStop}
}

// B09
func TestLeastRecentlyUsedTurnsGoFirst(t *testing.T) {
	p := newPlugin(t, turn.Config{FallbackModel: "pro", MaxTurns: 3, PruneTo: 2})
	on := func(invocation string) agentContext { return agentContext{t.Context(), invocation, "a", ""} }
	for _, invocation := range []string{"1", "2", "3", "1"} { // 1 is used again
		attempts(t, p, on(invocation))
	}
	attempts(t, p, on("4")) // prunes to 1 and 4
	if got := attempts(t, p, on("1")); got != 3 {
		t.Errorf("turn 1 is at attempt %d, want 3: it was used lately", got)
	}
	if got := attempts(t, p, on("2")); got != 1 {
		t.Errorf("turn 2 is at attempt %d, want 1: it was pruned", got)
	}
}

// B09, B115: what a bound costs is said, once.
func TestPruningIsLoggedOnce(t *testing.T) {
	logs, logger := capture()
	p := newPlugin(t, turn.Config{FallbackModel: "pro", MaxTurns: 2, Logger: logger})
	for i := range 10 {
		attempts(t, p, agentContext{t.Context(), fmt.Sprint(i), "a", ""})
	}
	if n := strings.Count(logs.String(), "MaxTurns"); n != 1 {
		t.Errorf("the bound is logged %d times, want once:\n%s", n, logs)
	}
}

// capture returns a logger that writes to a buffer; it may be used by one
// goroutine at a time.
func capture() (*bytes.Buffer, *slog.Logger) {
	var buffer bytes.Buffer
	return &buffer, slog.New(slog.NewTextHandler(&buffer, nil))
}

// B115: however many calls are in flight, each is answered with its own record.
func TestCallsInFlightAreNotPruned(t *testing.T) {
	p := newPlugin(t, turn.Config{FallbackModel: "pro"})
	const calls = 1000
	requests := make([]*model.LLMRequest, calls)
	on := func(i int) agentContext { return agentContext{t.Context(), fmt.Sprint(i), "a", ""} }
	for i := range calls {
		requests[i] = begin(t, p, on(i), "flash")
	}
	for i := range calls {
		resp, err := p.OnModelError(on(i), requests[i], llmtest.ErrQuota)
		if md, _ := call.ReadResponse(resp); err != nil || md.OriginalModel != "flash" || md.FallbackModel != "pro" || md.Attempt != 1 {
			t.Fatalf("call %d: metadata %+v, error %v", i, md, err)
		}
	}
}

// B09: calls whose callbacks never come are forgotten when their context ends, or
// in the course of time.
func TestLostCallsAreForgotten(t *testing.T) {
	for name, lose := range map[string]func(cancel func()){
		"their contexts have ended": func(cancel func()) { cancel() },
		"they are old":              func(func()) { time.Sleep(2 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlugin(t, turn.Config{FallbackModel: "pro"})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				for i := range 1000 {
					begin(t, p, agentContext{ctx, fmt.Sprint("lost", i), "a", ""}, "flash")
				}
				if got := p.Tracked(); got != 1000 {
					t.Errorf("%d calls are tracked, want all in flight", got)
				}
				lose(cancel)
				for i := range 1000 {
					begin(t, p, agentContext{t.Context(), fmt.Sprint(i), "a", ""}, "flash")
				}
				if got := p.Tracked(); got > 1100 {
					t.Errorf("%d calls are tracked, want those in flight", got)
				}
			})
		})
	}
}

// B09
func TestAgentsOfOneTurnAreBounded(t *testing.T) {
	p := newPlugin(t, turn.Config{FallbackModel: "pro"})
	for i := range 10_000 {
		attempts(t, p, agentContext{t.Context(), "i", "a", fmt.Sprint("branch", i)})
	}
	if n := p.Tracked(); n > turn.DefaultMaxTurns {
		t.Errorf("%d agents are tracked, want a bounded number", n)
	}
	if got := attempts(t, p, agentContext{t.Context(), "i", "a", "branch9999"}); got != 2 {
		t.Errorf("the latest branch is at attempt %d, want 2", got)
	}
	p.End("i")
	if n := p.Tracked(); n != 0 {
		t.Errorf("%d agents are tracked after the end, want none", n)
	}
}

// B10: even callers that break ADK's order within one agent race with nobody.
func TestOneAgentFromManyGoroutines(t *testing.T) {
	p := newPlugin(t, turn.Config{FallbackModel: "pro"})
	ctx := agentContext{t.Context(), "i", "a", ""}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				req := &model.LLMRequest{Model: "flash"}
				if _, err := p.BeforeModel(ctx, req); err != nil {
					t.Error(err)
				}
				if _, err := p.OnModelError(ctx, req, llmtest.ErrQuota); err != nil {
					t.Error(err)
				}
				p.AfterModel(ctx, &model.LLMResponse{})
			}
		})
	}
	wg.Wait()
}

// B10: the choice for one branch of an agent is not another branch's.
func TestChoiceOfABranch(t *testing.T) {
	p := newPlugin(t, turn.Config{FallbackModel: "pro"})
	ctx := turn.Choose(t.Context(), "a", "left", call.Metadata{Triggered: true, OriginalModel: "flash", FallbackModel: "pro", Attempt: 1})
	for _, test := range []struct{ agent, branch, want string }{
		{"a", "left", "pro"}, {"a", "right", "flash"}, {"a", "", "pro"}, {"b", "left", "flash"},
	} {
		req := begin(t, p, agentContext{ctx, "i", test.agent, test.branch}, "flash")
		if req.Model != test.want {
			t.Errorf("agent %s on branch %q asks %s, want %s", test.agent, test.branch, req.Model, test.want)
		}
	}
}

func TestCallbacksSurviveNil(t *testing.T) {
	p := newPlugin(t, turn.Config{FallbackModel: "pro"})
	ctx := agentContext{t.Context(), "i", "a", ""}
	if resp, err := p.BeforeModel(ctx, nil); resp != nil || err != nil {
		t.Errorf("BeforeModel = %v, %v, want nothing", resp, err)
	}
	if resp := p.AfterModel(ctx, nil); resp != nil {
		t.Errorf("AfterModel = %v, want nothing", resp)
	}
	if resp, err := p.OnModelError(ctx, nil, errors.New("x")); resp != nil || err != nil {
		t.Errorf("OnModelError = %v, %v, want nothing", resp, err)
	}
	p.OnEvent(ctx, "i", turn.Event{})
}

// B63: the contents ADK hands out may be the session's.
func TestSessionContentsAreNotWritten(t *testing.T) {
	p := newPlugin(t, turn.Config{RootModel: "gemini-3-flash", FallbackModel: "pro"})
	part := &genai.Part{FunctionCall: &genai.FunctionCall{Name: "f"}}
	req := &model.LLMRequest{Contents: []*genai.Content{{Role: genai.RoleModel, Parts: []*genai.Part{part}}}}
	if _, err := p.BeforeModel(agentContext{t.Context(), "i", "a", ""}, req); err != nil {
		t.Fatal(err)
	}
	if got := string(req.Contents[0].Parts[0].ThoughtSignature); got != "skip_thought_signature_validator" {
		t.Errorf("the request has signature %q, want the placeholder", got)
	}
	if part.ThoughtSignature != nil {
		t.Error("the session's part was written to")
	}
}

// rogue is an error whose methods panic.
type rogue struct{}

func (rogue) Error() string { panic("boom") }
func (rogue) Unwrap() error { panic("boom") }

// B80: an error whose methods panic harms no other call.
func TestRogueErrors(t *testing.T) {
	p := newPlugin(t, turn.Config{FallbackModel: "pro", ErrorCodes: []any{"any"}})
	ctx := agentContext{t.Context(), "i", "a", ""}
	resp, err := p.OnModelError(ctx, begin(t, p, ctx, "flash"), rogue{})
	if md, _ := call.ReadResponse(resp); err != nil || md.FallbackModel != "pro" {
		t.Errorf("metadata %+v, error %v; want the next model", md, err)
	}
	if got := attempts(t, p, ctx); got != 2 {
		t.Errorf("%d attempts, want 2", got)
	}
}

// An error that wraps itself comes to an end.
func TestErrorsThatWrapThemselves(t *testing.T) {
	p := newPlugin(t, turn.Config{FallbackModel: "pro"})
	ctx := agentContext{t.Context(), "i", "a", ""}
	own := &circle{}
	own.causes = []error{own, own, llmtest.ErrQuota}
	if resp, err := p.OnModelError(ctx, begin(t, p, ctx, "flash"), own); err != nil {
		t.Errorf("response %v, error %v", resp, err)
	}
}

type circle struct{ causes []error }

func (c *circle) Error() string   { return "circle" }
func (c *circle) Unwrap() []error { return c.causes }

// What AfterModel found is said of the event of that response alone: another
// callback may have replaced it.
func TestReplacedResponsesAreNotAnnotated(t *testing.T) {
	p := newPlugin(t, turn.Config{FallbackModel: "pro"})
	ctx := agentContext{t.Context(), "i", "a", ""}
	begin(t, p, ctx, "flash")
	if resp := p.AfterModel(ctx, &model.LLMResponse{ErrorCode: "429"}); resp != nil {
		t.Errorf("the response is replaced by %v", resp)
	}
	for _, test := range []struct {
		resp *model.LLMResponse
		want bool
	}{{answer(), false}, {&model.LLMResponse{ErrorCode: "429", Partial: true}, false}, {&model.LLMResponse{ErrorCode: "429"}, true}} {
		p.OnEvent(ctx, "i", turn.Event{Author: "a", Response: test.resp})
		if _, ok := call.ReadResponse(test.resp); ok != test.want {
			t.Errorf("%+v is annotated: %t, want %t", test.resp, ok, test.want)
		}
	}
}
