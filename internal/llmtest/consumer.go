package llmtest

import (
	"context"
	"iter"
	"sync"

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

// TextOf joins the texts of a content, which may be nil.
func TextOf(content *genai.Content) string {
	text := ""
	if content != nil {
		for _, part := range content.Parts {
			text += part.Text
		}
	}
	return text
}

// Consume makes a streamed call, takes at most the given number of responses (0 for all)
// and returns the last text, or the error.
func Consume(ctx context.Context, m model.LLM, most int) (text string) {
	n := 0
	for resp, err := range m.GenerateContent(ctx, &model.LLMRequest{Contents: genai.Text("a question")}, true) {
		if err != nil {
			return err.Error()
		}
		text = TextOf(resp.Content)
		if n++; n == most {
			break
		}
	}
	return text
}
