package fallbacktest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/model/gemini"
	"google.golang.org/genai"

	ft "github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// askADK asks ADK's own Gemini model and returns the last response, the time to the
// first one and the error.
func askADK(ctx context.Context, t *testing.T, srv *ft.Server) (last *model.LLMResponse, first time.Duration, err error) {
	t.Helper()
	m, err := gemini.NewModel(ctx, flash, srv.ClientConfig())
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	for resp, err := range m.GenerateContent(ctx, &model.LLMRequest{Contents: genai.Text("how are you")}, true) {
		if err != nil {
			return last, first, err
		}
		if last == nil {
			first = time.Since(begin)
		}
		last = resp
	}
	return last, first, nil
}

func TestADKWaitsOutASlowFirstTokenInVirtualTime(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ft.Server) {
		srv.Script(flash, ft.Text("It is sunny today").FirstAfter(20*time.Second))
		last, first, err := askADK(t.Context(), t, srv)
		if err != nil {
			t.Fatal(err)
		}
		if first != 20*time.Second {
			t.Errorf("first response after %v, want 20s", first)
		}
		if last.Partial || last.Content.Parts[0].Text != "It is sunny today" || last.FinishReason != genai.FinishReasonStop {
			t.Errorf("last response = %+v, want the whole answer", last)
		}
	})
}

func TestADKGivesUpOnSilence(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ft.Server) {
		srv.Script(flash, ft.Silence())
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		begin := time.Now()
		_, _, err := askADK(ctx, t, srv)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 30*time.Second {
			t.Errorf("err = %v after %v, want the deadline after 30s", err, time.Since(begin))
		}
		srv.Close()
		if got := srv.Requests()[0].Outcome; got != ft.ClientGone {
			t.Errorf("outcome = %q, want %q", got, ft.ClientGone)
		}
	})
}

func TestADKReadsToolCallsWithTheirSignature(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ft.Server) {
		srv.Script(flash, ft.ToolCall("weather", map[string]any{"city": "Paris"}).Signature([]byte("sig")))
		last, _, err := askADK(t.Context(), t, srv)
		if err != nil {
			t.Fatal(err)
		}
		part := last.Content.Parts[0]
		if part.FunctionCall == nil || part.FunctionCall.Name != "weather" || string(part.ThoughtSignature) != "sig" {
			t.Errorf("part = %+v, want a signed call of weather", part)
		}
	})
}
