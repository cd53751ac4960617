package turn_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/turn"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// saved fails a call of the agent's model, and returns Recover's answer.
func saved(t *testing.T, p *turn.Plugin, invocation string, req *model.LLMRequest) *model.LLMResponse {
	t.Helper()
	ctx := agentContext{t.Context(), invocation, "a", ""}
	if resp, err := p.BeforeModel(ctx, req); resp != nil || err != nil {
		t.Fatalf("before the model: %v, %v; want nothing", resp, err)
	}
	resp, err := p.OnModelError(ctx, req, llmtest.ErrQuota)
	if resp == nil || err != nil {
		t.Fatalf("response %v, error %v; want Recover's answer", resp, err)
	}
	return resp
}

func TestRecoverErrorWrapsBothErrors(t *testing.T) {
	one, other := errors.New("one"), errors.New("other")
	if err := error(&turn.RecoverError{Model: one, Recover: other}); !errors.Is(err, one) || !errors.Is(err, other) {
		t.Errorf("%v: errors.Is does not find both", err)
	}
}

// B13: the answer is a copy of Recover's, because ADK writes to it. The agent's model is called next,
// so the answer has no thought signature of another model or of one of this module's adapters.
func TestAnswerOfRecoverIsACopyWithoutSignatures(t *testing.T) {
	for _, signature := range []string{"", "of Gemini", "adk-fallback:openai\nsealed"} {
		own := &model.LLMResponse{Content: genai.NewContentFromParts([]*genai.Part{{
			FunctionCall: &genai.FunctionCall{Name: "lookup"}, ThoughtSignature: []byte(signature),
		}}, genai.RoleModel)}
		p := newPlugin(t, turn.Config{Recover: llmtest.NewModel("pro", llmtest.Respond(func() *model.LLMResponse { return own }))})
		got := saved(t, p, "i", &model.LLMRequest{Model: "flash"}).Content.Parts[0]
		got.FunctionCall.ID = "written by ADK"
		if own.Content.Parts[0].FunctionCall.ID != "" {
			t.Error("the answer shares its function call with Recover's response")
		}
		if len(got.ThoughtSignature) > 0 {
			t.Errorf("signature %q, want none", got.ThoughtSignature)
		}
	}
}

// B60: the headers that ADK's Gemini model has written are removed in Recover's copy of the request only.
func TestRecoverLeavesTheRequestAlone(t *testing.T) {
	headers := http.Header{"User-Agent": {"google-adk/2"}, "X-Own": {"kept"}}
	backup := llmtest.NewModel("pro", llmtest.Text("saved"))
	req := &model.LLMRequest{Model: "flash", Config: &genai.GenerateContentConfig{HTTPOptions: &genai.HTTPOptions{Headers: headers}}}
	saved(t, newPlugin(t, turn.Config{Recover: backup}), "i", req)
	if got := backup.Requests()[0].Config.HTTPOptions.Headers; got.Get("User-Agent") != "" || got.Get("X-Own") != "kept" {
		t.Errorf("Recover gets headers %v, want the agent's", got)
	}
	if req.Config.HTTPOptions.Headers.Get("User-Agent") == "" || headers.Get("User-Agent") == "" {
		t.Error("the agent's request has lost a header")
	}
}

// B113: a cached answer of Recover names the model that gave it.
func TestCachedAnswerOfRecoverNamesItsModel(t *testing.T) {
	backup := llmtest.NewModel("pro", llmtest.Text("saved"))
	p := newPlugin(t, turn.Config{Recover: cache.MustNew(cache.Config{TTL: time.Hour}).Middleware()(backup)})
	for i := range 2 {
		req := &model.LLMRequest{Model: "flash", Contents: genai.Text("hi")}
		md, _ := call.ReadResponse(saved(t, p, fmt.Sprint("i", i), req))
		if n := len(md.Attempts); n != 2 || md.Attempts[1].Model != "pro" || md.Attempts[1].Outcome != call.OK || md.FallbackModel != "pro" || md.Attempt != 1 {
			t.Errorf("turn %d: %+v; want flash, which failed, and pro", i+1, md)
		}
	}
	if n := len(backup.Requests()); n != 1 {
		t.Errorf("%d calls of the model, want one", n)
	}
}

// B114: an error of the layers in the agent's model becomes an attempt in the metadata, with the name
// of its target, also if the attempt was not recorded or was refused by a layer.
func TestErrorsOfLayersAreAttempts(t *testing.T) {
	refused := stream.RefusedError{By: "breaker", Model: "first", Reason: "it is open"}
	for _, c := range []struct {
		name string
		err  error
		want []call.Attempt
	}{
		{"not recorded", &stream.AttemptError{Model: "first", Err: llmtest.ErrQuota, Means: failure.Verdict{Code: "quota", Kind: failure.KindQuota, HTTPStatus: 429}},
			[]call.Attempt{{Model: "first", Outcome: call.Failed, Code: "quota", Kind: "quota", HTTPStatus: 429}}},
		{"refused, then failed", errors.Join(&refused, llmtest.ErrQuota),
			[]call.Attempt{{Model: "first", Outcome: call.Skipped, Kind: "refused", Reason: "it is open"}}},
	} {
		p := newPlugin(t, turn.Config{FallbackModel: "pro", ErrorCodes: []any{"any"}})
		ctx := agentContext{t.Context(), "i", "a", ""}
		resp, err := p.OnModelError(ctx, begin(t, p, ctx, "flash"), c.err)
		if resp == nil || err != nil {
			t.Fatalf("%s: response %v, error %v; want an annotated response", c.name, resp, err)
		}
		md, _ := call.ReadResponse(resp)
		if diff := cmp.Diff(c.want, md.Attempts); diff != "" {
			t.Errorf("%s: attempts (-want +got):\n%s", c.name, diff)
		}
	}
}
