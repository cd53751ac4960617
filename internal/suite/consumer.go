package suite

import (
	"context"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

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

// Text returns the text of the final response, or "" without one.
func (s Seen) Text() string {
	if s.Final == nil {
		return ""
	}
	return TextOf(s.Final.Content)
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

// AskMany makes n calls of m at once, every other one streamed.
func AskMany(ctx context.Context, m model.LLM, n int) []Seen {
	all := make([]Seen, n)
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() { all[i] = Ask(ctx, m, i%2 == 0) })
	}
	wg.Wait()
	return all
}

// Takes reports an f that does not take the time it should, to the nanosecond: it is for
// the time of a synctest bubble.
func Takes(t *testing.T, want time.Duration, f func()) {
	t.Helper()
	started := time.Now()
	f()
	if got := time.Since(started); got != want {
		t.Errorf("it took %v, want %v", got, want)
	}
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
