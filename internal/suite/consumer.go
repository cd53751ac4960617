package suite

import (
	"context"
	"iter"
	"testing"
	"testing/synctest"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// Seen is what a consumer got of one call: each partial text, "|" for a restart, and the
// final text in brackets.
type Seen struct {
	Stream string
	Final  *model.LLMResponse
	Err    error
}

// Metadata returns that of the final response.
func (s Seen) Metadata() call.Metadata {
	md, _ := call.ReadResponse(s.Final)
	return md
}

// Collect consumes a call.
func Collect(responses iter.Seq2[*model.LLMResponse, error]) (s Seen) {
	for resp, err := range responses {
		switch {
		case err != nil:
			s.Err = err
		case resp.CustomMetadata[call.KeyRestart] == true:
			s.Stream += "|"
		case resp.Partial && resp.Content != nil:
			s.Stream += resp.Content.Parts[0].Text
		case !resp.Partial:
			s.Final = resp
			text := resp.ErrorCode
			if resp.Content != nil {
				for _, part := range resp.Content.Parts {
					text += part.Text
				}
			}
			s.Stream += "[" + text + "]"
		}
	}
	return s
}

// Ask makes one call of m.
func Ask(ctx context.Context, m model.LLM, streamed bool) Seen {
	req := UserSays("hi")
	req.Model = m.Name()
	return Collect(m.GenerateContent(ctx, req, streamed))
}

// UserSays is a request with one message.
func UserSays(text string) *model.LLMRequest {
	return &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText(text, genai.RoleUser)}}
}

// ToolsHaveRun is the request that follows a completed tool round.
func ToolsHaveRun() *model.LLMRequest {
	return &model.LLMRequest{Contents: []*genai.Content{
		genai.NewContentFromText("turn off the light", genai.RoleUser),
		{Role: genai.RoleModel, Parts: []*genai.Part{{FunctionCall: &genai.FunctionCall{ID: "1", Name: "off"}}}},
		{Role: genai.RoleUser, Parts: []*genai.Part{{FunctionResponse: &genai.FunctionResponse{ID: "1", Name: "off", Response: map[string]any{"ok": true}}}}},
	}}
}

// InTurn returns a context of the given invocation.
func InTurn(ctx context.Context, invocation string) context.Context {
	return call.With(ctx, call.Info{Invocation: invocation, Agent: "agent"})
}

// InBubble runs f with time of its own, for unary and streamed calls. It fails when a
// goroutine is left.
func InBubble(t *testing.T, f func(t *testing.T, streamed bool)) {
	t.Helper()
	for name, streamed := range map[string]bool{"unary": false, "streamed": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, streamed) })
		})
	}
}
