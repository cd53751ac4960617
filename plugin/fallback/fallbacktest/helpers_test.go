package fallbacktest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

const flash = "gemini-2.5-flash"

// patience is how long the test's client waits for a response.
const patience = time.Minute

// inBubble runs f with a server whose connections and clock are virtual.
func inBubble(t *testing.T, f func(t *testing.T, srv *fallbacktest.Server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := fallbacktest.NewPipeServer()
		defer srv.Close()
		f(t, srv)
	})
}

// seen is what a client makes of a response.
type seen struct {
	Events  int // of a stream; 1 for a unary answer
	Text    string
	Thought string
	Calls   []string
	Finish  genai.FinishReason
	Blocked genai.BlockedReason
	Usage   string // prompt+output=total, the last one reported
	Err     string // a short name of the error
	First   time.Duration
	Took    time.Duration
}

func ask(t *testing.T, cfg *genai.ClientConfig, model string, stream bool) seen {
	t.Helper()
	return askContents(t, cfg, model, genai.Text("how are you"), stream)
}

func askContents(t *testing.T, cfg *genai.ClientConfig, model string, contents []*genai.Content, stream bool) seen {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	client, err := genai.NewClient(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	var s seen
	begin := time.Now()
	for resp, err := range responses(ctx, client, model, contents, stream) {
		if err != nil {
			s.Err = short(err)
			break
		}
		if s.add(resp); s.Events == 1 {
			s.First = time.Since(begin)
		}
	}
	s.Took = time.Since(begin)
	return s
}

func responses(ctx context.Context, c *genai.Client, model string, contents []*genai.Content, stream bool) iter.Seq2[*genai.GenerateContentResponse, error] {
	if stream {
		return c.Models.GenerateContentStream(ctx, model, contents, nil)
	}
	return func(yield func(*genai.GenerateContentResponse, error) bool) {
		yield(c.Models.GenerateContent(ctx, model, contents, nil))
	}
}

func (s *seen) add(resp *genai.GenerateContentResponse) {
	s.Events++
	if u := resp.UsageMetadata; u != nil {
		s.Usage = fmt.Sprintf("%d+%d=%d", u.PromptTokenCount, u.CandidatesTokenCount, u.TotalTokenCount)
	}
	if resp.PromptFeedback != nil {
		s.Blocked = resp.PromptFeedback.BlockReason
	}
	for _, c := range resp.Candidates {
		s.Finish = c.FinishReason
		if c.Content == nil {
			continue
		}
		for _, p := range c.Content.Parts {
			switch {
			case p.FunctionCall != nil:
				args, _ := json.Marshal(p.FunctionCall.Args)
				s.Calls = append(s.Calls, fmt.Sprintf("%s%s%s", p.FunctionCall.Name, args, p.ThoughtSignature))
			case p.Thought:
				s.Thought += p.Text
			default:
				s.Text += p.Text
				if p.ThoughtSignature != nil {
					s.Text += fmt.Sprintf("<%s>", p.ThoughtSignature)
				}
			}
		}
	}
}

// short names an error by what a caller can tell about it.
func short(err error) string {
	var api genai.APIError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &api):
		return fmt.Sprintf("%d %s", api.Code, api.Status)
	case errors.Is(err, syscall.ECONNRESET):
		return "reset"
	case errors.Is(err, context.DeadlineExceeded):
		return "deadline"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "unexpected EOF"
	case errors.As(err, &syntax):
		return "bad JSON"
	case strings.HasSuffix(err.Error(), "EOF"):
		return "EOF"
	}
	return err.Error()
}
