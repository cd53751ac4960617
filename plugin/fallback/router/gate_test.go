package router_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cascade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// withTools is a request that declares tools.
func withTools(names ...string) *model.LLMRequest {
	tool := &genai.Tool{}
	for _, name := range names {
		tool.FunctionDeclarations = append(tool.FunctionDeclarations, &genai.FunctionDeclaration{Name: name})
	}
	return &model.LLMRequest{Contents: genai.Text("hi"), Config: &genai.GenerateContentConfig{Tools: []*genai.Tool{tool}}}
}

// declared returns the names of the functions that a request declares.
func declared(req *model.LLMRequest) (names []string) {
	for _, tool := range req.Config.Tools {
		for _, d := range tool.FunctionDeclarations {
			names = append(names, d.Name)
		}
	}
	return names
}

// calls answers with calls of functions, after a text. When streamed, it sends both as
// partial responses first.
func calls(names ...string) llmtest.Step {
	return func(_ context.Context, _ *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
		content := genai.NewContentFromText("I will.", genai.RoleModel)
		for _, name := range names {
			content.Parts = append(content.Parts, &genai.Part{FunctionCall: &genai.FunctionCall{Name: name, Args: map[string]any{"n": 1.0}}})
		}
		for _, part := range content.Parts {
			if streamed && !yield(&model.LLMResponse{Content: &genai.Content{Role: genai.RoleModel, Parts: []*genai.Part{part}}, Partial: true}, nil) {
				return
			}
		}
		yield(&model.LLMResponse{Content: content, FinishReason: genai.FinishReasonStop}, nil)
	}
}

// act makes a call. It returns the functions that the answer calls, those in partial
// responses, and the metadata of the last response.
func act(ctx context.Context, m model.LLM, req *model.LLMRequest, streamed bool) (names, partial []string, md call.Metadata, err error) {
	for resp, e := range m.GenerateContent(ctx, req, streamed) {
		if err = e; e != nil {
			break
		}
		for _, part := range resp.Content.Parts {
			switch {
			case part.FunctionCall != nil && resp.Partial:
				partial = append(partial, part.FunctionCall.Name)
			case part.FunctionCall != nil:
				names = append(names, part.FunctionCall.Name)
			}
		}
		md, _ = call.ReadResponse(resp)
	}
	return names, partial, md, err
}

// After a switch, a tool that cannot be undone is used with approval or not at all.
func TestGate(t *testing.T) {
	yes := func(context.Context, *genai.FunctionCall, string) bool { return true }
	no := func(context.Context, *genai.FunctionCall, string) bool { return false }
	panics := func(context.Context, *genai.FunctionCall, string) bool { panic("boom") }
	for _, test := range []struct {
		name     string
		approve  func(context.Context, *genai.FunctionCall, string) bool
		calls    []string // of the fallback
		declared []string // to the fallback
		acts     []string // what the consumer gets
		answers  string   // the model
	}{
		{"no call", nil, nil, []string{"find"}, nil, "second"},
		{"a call of another tool", nil, []string{"find"}, []string{"find"}, []string{"find"}, "second"},
		{"a call of a withheld tool", nil, []string{"pay"}, []string{"find"}, nil, "third"},
		{"a call in another case", nil, []string{" PAY "}, []string{"find"}, nil, "third"},
		{"a call by a pattern", nil, []string{"delete_all"}, []string{"find"}, nil, "third"},
		{"a second call", nil, []string{"find", "pay"}, []string{"find"}, nil, "third"},
		{"the call that carries an answer", nil, []string{"set_model_response"}, []string{"find"}, []string{"set_model_response"}, "second"},
		{"approved", yes, []string{"find", "pay"}, []string{"find", "pay", "delete_all"}, []string{"find", "pay"}, "second"},
		{"not approved", no, []string{"find", "pay"}, []string{"find", "pay", "delete_all"}, nil, "third"},
		{"nothing to approve", panics, []string{"find"}, []string{"find", "pay", "delete_all"}, []string{"find"}, "second"},
		{"the approval panics", panics, []string{"pay"}, []string{"find", "pay", "delete_all"}, nil, "third"},
	} {
		for _, streamed := range []bool{false, true} {
			t.Run(fmt.Sprint(test.name, " streamed ", streamed), func(t *testing.T) {
				first, second, third := llmtest.NewModel("first", llmtest.Fail(llmtest.ErrQuota)), llmtest.NewModel("second", calls(test.calls...)), llmtest.NewModel("third", llmtest.Text("I cannot."))
				m := router.MustFallback(router.Config{Gate: guard.Gate{Tools: []string{"pay", "delete_*"}, Approve: test.approve}}, first, second, third)
				names, partial, md, err := act(t.Context(), m, withTools("find", "pay", "delete_all"), streamed)
				if diff := cmp.Diff(test.acts, names); diff != "" || len(partial) > 0 || err != nil || md.ModelName != test.answers {
					t.Errorf("answer of %s, error %v, partial function calls %v, function calls (-want +got):\n%s", md.ModelName, err, partial, diff)
				}
				if diff := cmp.Diff([]string{"find", "pay", "delete_all"}, declared(first.Requests()[0])); diff != "" {
					t.Errorf("declared to the primary (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(test.declared, declared(second.Requests()[0])); diff != "" {
					t.Errorf("declared to the fallback (-want +got):\n%s", diff)
				}
				if rejected := md.Attempts[1]; test.answers == "third" && (rejected.Kind != string(failure.KindRejected) || rejected.Outcome != call.Failed || !strings.Contains(rejected.Reason, "a tool")) {
					t.Errorf("attempt %+v, want it rejected", rejected)
				}
			})
		}
	}
}

// The gate is about the turn's models, wherever they are.
func TestGateConcernsFallbacksOnly(t *testing.T) {
	down := func(name string) *llmtest.Model { return llmtest.NewModel(name, llmtest.Fail(llmtest.ErrUnavailable)) }
	pays := func(name string) *llmtest.Model { return llmtest.NewModel(name, calls("pay")) }
	gate := router.Config{Gate: guard.Gate{Tools: []string{"pay"}}}
	long := cascade.Config{Judges: []cascade.Judge{cascade.JudgeChecks(middleware.ValidateConfig{MinLength: 1000})}, Threshold: 0.5}
	for _, test := range []struct {
		name  string
		model model.LLM
		names string // the model that the request names
		want  []string
	}{
		{"the primary", router.MustFallback(gate, pays("a"), pays("b")), "", []string{"pay"}},
		{"a fallback", router.MustFallback(gate, down("a"), pays("b")), "", nil},
		{"a target that the request names", router.MustFallback(gate, down("a"), pays("b")), "b", []string{"pay"}},
		{"after a target that the request names", router.MustFallback(gate, pays("a"), down("b")), "b", nil},
		{"a primary in a group", router.MustFallback(gate, fallback(pays("a"), down("b"))), "", []string{"pay"}},
		{"a fallback in a group", router.MustFallback(gate, fallback(down("a"), pays("b"))), "", nil},
		{"the first of a group of fallbacks", router.MustFallback(gate, down("a"), fallback(pays("b"), down("c"))), "", nil},
		{"a group within middleware", router.MustFallback(gate, middleware.MustBreaker(middleware.BreakerConfig{})(fallback(down("a"), pays("b")))), "", nil},
		{"a gate of a group", fallback(down("a"), router.MustFallback(gate, pays("b"))), "", nil},
		{"the second of a hedge", router.MustFallback(gate, router.MustHedge(router.HedgeConfig{}, down("a"), pays("b"))), "", nil},
		{"the first of a hedge", router.MustFallback(gate, router.MustHedge(router.HedgeConfig{}, pays("a"), down("b"))), "", []string{"pay"}},
		{"the strong model of a cascade", router.MustFallback(gate, cascade.MustNew(long, llmtest.NewModel("a", llmtest.Text("short")), pays("b"))), "", []string{"pay"}},
		{"an arm of a split", router.MustFallback(gate, router.MustSplit(router.SplitConfig{Arms: []router.Arm{{Model: down("a")}, {Weight: 1, Model: pays("b")}}})), "", []string{"pay"}},
	} {
		for _, streamed := range []bool{false, true} {
			req := withTools("pay")
			req.Model = test.names
			names, _, _, err := act(t.Context(), test.model, req, streamed)
			if diff := cmp.Diff(test.want, names); diff != "" || (err == nil) != (len(test.want) > 0) {
				t.Errorf("%s, streamed %v: error %v, function calls (-want +got):\n%s", test.name, streamed, err, diff)
			}
		}
	}
}

// A turn that stays with a fallback stays behind the gate; the next turn does not.
func TestGateLastsForTheTurn(t *testing.T) {
	first := llmtest.NewModel("first", llmtest.Fail(llmtest.ErrUnavailable), calls("pay"))
	second := llmtest.NewModel("second", calls("find"), calls("pay"), llmtest.Text("done"))
	m := router.MustFallback(router.Config{Gate: guard.Gate{Tools: []string{"pay"}}}, first, second)
	ctx := inTurn(t.Context(), "turn 1")
	if names, _, _, err := act(ctx, m, withTools("find", "pay"), true); err != nil || !slices.Equal(names, []string{"find"}) {
		t.Errorf("the first call: %v, %v", names, err)
	}
	if names, _, md, err := act(ctx, m, withTools("find", "pay"), true); err != nil || !slices.Equal(names, []string{"pay"}) || md.ModelName != "first" {
		t.Errorf("the second call: %v by %s, %v; want the primary to pay", names, md.ModelName, err)
	}
	if diff := cmp.Diff([]string{"find"}, declared(second.Requests()[1])); diff != "" {
		t.Errorf("declared to the fallback in the second call (-want +got):\n%s", diff)
	}
	if names, _, md, err := act(inTurn(t.Context(), "turn 2"), m, withTools("find", "pay"), true); err != nil || !slices.Equal(names, []string{"pay"}) || md.ModelName != "first" {
		t.Errorf("the next turn: %v by %s, %v", names, md.ModelName, err)
	}
}

// A session that stays with a fallback is behind the gate in every turn, in parallel
// sessions too; other sessions are not.
func TestGateLastsForASession(t *testing.T) {
	first := llmtest.NewModel("first", llmtest.Fail(llmtest.ErrUnavailable), calls("pay"))
	second := llmtest.NewModel("second", calls("find"))
	m := router.MustFallback(router.Config{Sticky: router.StickySession, Gate: guard.Gate{Tools: []string{"pay"}}}, first, second)
	if names, _, md, err := act(inSession(t.Context(), "weak/1"), m, withTools("find", "pay"), true); err != nil || md.ModelName != "second" {
		t.Fatalf("the first turn: %v by %s, %v", names, md.ModelName, err)
	}
	var turns sync.WaitGroup
	for i := range 50 {
		for session, want := range map[string]string{"weak": "[find] by second", "strong": "[pay] by first"} {
			turns.Go(func() {
				names, partial, md, err := act(inSession(t.Context(), fmt.Sprint(session, "/", i+2)), m, withTools("find", "pay"), i%2 == 0)
				if got := fmt.Sprint(names, " by ", md.ModelName); got != want || err != nil || session == "weak" && len(partial) > 0 {
					t.Errorf("%s: %s, partial %v, %v; want %s", session, got, partial, err, want)
				}
			})
		}
	}
	turns.Wait()
	for i, req := range second.Requests() {
		if names := declared(req); !slices.Equal(names, []string{"find"}) {
			t.Errorf("request %d to the fallback declares %v", i, names)
		}
	}
}

// A call that ends while it waits for approval calls no function, and its attempt, which
// is paid for, is on record.
func TestGateAndACallThatEnds(t *testing.T) {
	for _, streamed := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		var record []string
		m := router.MustFallback(router.Config{
			Hooks: call.Hooks{OnAttempt: func(_ context.Context, a call.Attempt) { record = append(record, fmt.Sprint(a.Model, " ", a.Outcome)) }},
			Gate: guard.Gate{Tools: []string{"pay"}, Approve: func(ctx context.Context, _ *genai.FunctionCall, _ string) bool {
				cancel()
				<-ctx.Done()
				return true
			}},
		}, llmtest.NewModel("first", llmtest.Fail(llmtest.ErrQuota)), llmtest.NewModel("second", calls("pay")), llmtest.NewModel("third", calls("pay")))
		names, partial, _, err := act(ctx, m, withTools("pay"), streamed)
		if len(names)+len(partial) > 0 || !errors.Is(err, context.Canceled) {
			t.Errorf("function calls %v, partial %v, error %v; want the caller's", names, partial, err)
		}
		if diff := cmp.Diff([]string{"first failed", "second failed"}, record); diff != "" {
			t.Errorf("streamed %v: record (-want +got):\n%s", streamed, diff)
		}
	}
}

// An answer of a fallback has nil parts, calls in several responses, or goes on and on.
func TestGateAndOddAnswers(t *testing.T) {
	pays := &genai.Part{FunctionCall: &genai.FunctionCall{Name: "pay"}}
	finds := &genai.Part{FunctionCall: &genai.FunctionCall{Name: "find"}}
	of := func(partial bool, parts ...*genai.Part) *model.LLMResponse {
		resp := &model.LLMResponse{Content: genai.NewContentFromParts(parts, genai.RoleModel), Partial: partial}
		if !partial {
			resp.FinishReason = genai.FinishReasonStop
		}
		return resp
	}
	text := &genai.Part{Text: "a"}
	many := func(n int) (answer []*model.LLMResponse) {
		answer = append(answer, of(false, finds))
		for range n {
			answer = append(answer, of(true, text))
		}
		return answer
	}
	for name, test := range map[string]struct {
		answer []*model.LLMResponse
		want   []string
	}{
		"nil parts":                  {[]*model.LLMResponse{of(true, nil, text), of(false, nil, text, nil, finds)}, []string{"find"}},
		"a nil part before the call": {[]*model.LLMResponse{of(false, nil, pays)}, nil},
		"a call after text":          {[]*model.LLMResponse{of(true, text), of(true, pays), of(false, text, pays)}, nil},
		"a call after a call":        {[]*model.LLMResponse{of(false, finds), of(false, pays)}, nil},
		"1024 responses":             {many(1023), []string{"find"}},
		"1025 responses":             {many(1024), nil},
	} {
		m := router.MustFallback(router.Config{Gate: guard.Gate{Tools: []string{"pay"}}}, llmtest.NewModel("first", llmtest.Fail(llmtest.ErrQuota)), llmtest.NewModel("second", send(test.answer...)))
		var got []string
		var err error
		for resp, e := range m.GenerateContent(t.Context(), withTools("pay", "find"), true) {
			if err = e; e != nil {
				break
			}
			for _, part := range resp.Content.Parts {
				if part != nil && part.FunctionCall != nil {
					got = append(got, part.FunctionCall.Name)
				}
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" || (err == nil) != (test.want != nil) {
			t.Errorf("%s: error %v, function calls (-want +got):\n%s", name, err, diff)
		}
	}
}

// Part of an answer was shown before a call that is rejected: MidStream decides.
func TestGateAfterText(t *testing.T) {
	for _, test := range []struct {
		midway router.MidStream
		want   string
	}{
		{router.Restart, "I will.|I will not.[I will not.]"},
		{router.Resume, "I will. not.[I will. not.]"},
		{router.FailMidStream, "I will."},
	} {
		third := llmtest.NewModel("third", send(chunk("I will not."), &model.LLMResponse{Content: genai.NewContentFromText("I will not.", genai.RoleModel), FinishReason: genai.FinishReasonStop}))
		if test.midway == router.Resume {
			third = llmtest.NewModel("third", llmtest.Text("I will. not."))
		}
		m := router.MustFallback(router.Config{MidStream: test.midway, Gate: guard.Gate{Tools: []string{"*"}}}, llmtest.NewModel("first", llmtest.Fail(llmtest.ErrQuota)), llmtest.NewModel("second", calls("pay")), third)
		got := collect(m.GenerateContent(t.Context(), withTools("pay"), true))
		if got.stream != test.want || (got.err != nil) != (test.midway == router.FailMidStream) {
			t.Errorf("%s: the consumer saw %q (%v), want %q", test.midway, got.stream, got.err, test.want)
		}
	}
}

// A call in a second final response is not acted on either.
func TestGateJudgesEveryFinalResponse(t *testing.T) {
	text := &model.LLMResponse{Content: genai.NewContentFromText("I will.", genai.RoleModel), FinishReason: genai.FinishReasonStop}
	pay := &model.LLMResponse{Content: genai.NewContentFromFunctionCall("pay", nil, genai.RoleModel), FinishReason: genai.FinishReasonStop}
	m := router.MustFallback(router.Config{Gate: guard.Gate{Tools: []string{"pay"}}}, llmtest.NewModel("first", llmtest.Fail(llmtest.ErrQuota)), llmtest.NewModel("second", send(text, pay)))
	if names, _, _, err := act(t.Context(), m, withTools("pay"), true); len(names) > 0 || err == nil {
		t.Errorf("function calls %v, error %v; want an error", names, err)
	}
}

func TestGateNeedsTools(t *testing.T) {
	_, err := router.NewFallback(router.Config{Gate: guard.Gate{Approve: func(context.Context, *genai.FunctionCall, string) bool { return true }}}, llmtest.NewModel("a", llmtest.Text("x")))
	if err == nil || !strings.Contains(err.Error(), "Config.Gate: Approve is set, but Tools is empty") {
		t.Errorf("error %v, want one about Gate", err)
	}
}

func ExampleNewFallback_gate() {
	first := llmtest.NewModel("strong", llmtest.Fail(llmtest.ErrQuota))
	second := llmtest.NewModel("weak", calls("delete_account"))
	third := llmtest.NewModel("weaker", llmtest.Text("I cannot delete it now."))
	m := router.MustFallback(router.Config{Gate: guard.Gate{Tools: []string{"delete_*"}}}, first, second, third)
	for resp, err := range m.GenerateContent(context.Background(), withTools("find_account", "delete_account"), false) {
		fmt.Println(resp.Content.Parts[0].Text, err)
	}
	fmt.Println("the second model was given", declared(second.Requests()[0]))
	// Output:
	// I cannot delete it now. <nil>
	// the second model was given [find_account]
}
