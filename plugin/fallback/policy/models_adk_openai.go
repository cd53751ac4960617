//go:build !adkv1

package policy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"math"
	"net/http"
	"strings"

	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// openAI is ADK's OpenAI model with what that leaves out of an answer's end:
//
//   - A stream has no finish reason, ends the same whether the answer was whole,
//     cut or never finished, and has the usage of a whole one alone. The event
//     that ended it tells all three; noteEnding reads it.
//   - Thoughts count twice: as tokens of the answer, too.
//   - A server that counts nothing is said to have counted zero.
//
// ADK's has none of the optional methods that ADK asks a model for.
type openAI struct{ model.LLM }

// GenerateContent implements model.LLM.
func (m openAI) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		var end *ending
		if streamed {
			end = &ending{}
			ctx = context.WithValue(ctx, endingKey{}, end)
		}
		final := false
		for resp, err := range m.LLM.GenerateContent(ctx, req, streamed) {
			if final = err != nil || !resp.Partial; final && err == nil {
				resp, err = end.complete(resp)
			}
			if !yield(resp, err) {
				return
			}
		}
		if end != nil && end.known && !final {
			// ADK makes nothing of an answer without content. It was paid for.
			resp := &model.LLMResponse{}
			if end.reason != genai.FinishReasonStop {
				resp.ErrorCode = string(end.reason) // as in one that was not streamed
			}
			yield(end.complete(resp))
		}
	}
}

// ending is what the last event of a stream tells.
type ending struct {
	known  bool // there was such an event
	reason genai.FinishReason
	usage  responses.ResponseUsage
}

type endingKey struct{}

// complete adds to a final response what it lacks, or returns why it is none. end
// is nil for one that was not streamed.
func (end *ending) complete(resp *model.LLMResponse) (*model.LLMResponse, error) {
	if end != nil {
		if !end.known {
			return nil, fmt.Errorf("policy: openai: the stream ended before the answer: %w", failure.ErrTruncated)
		}
		resp.FinishReason = end.reason
		count := func(n int64) int32 { return int32(min(max(n, 0), math.MaxInt32)) }
		resp.UsageMetadata = &genai.GenerateContentResponseUsageMetadata{
			PromptTokenCount: count(end.usage.InputTokens), CachedContentTokenCount: count(end.usage.InputTokensDetails.CachedTokens),
			CandidatesTokenCount: count(end.usage.OutputTokens), ThoughtsTokenCount: count(end.usage.OutputTokensDetails.ReasoningTokens),
			TotalTokenCount: count(end.usage.TotalTokens),
		}
	}
	if u := resp.UsageMetadata; u != nil {
		u.CandidatesTokenCount = max(u.CandidatesTokenCount-u.ThoughtsTokenCount, 0)
		if u.PromptTokenCount == 0 && u.CandidatesTokenCount == 0 && u.ThoughtsTokenCount == 0 && u.TotalTokenCount == 0 {
			resp.UsageMetadata = nil
		}
	}
	return resp, nil
}

// noteEnding is an option.Middleware that reads how a stream ends into the
// ending in its request's context.
func noteEnding(r *http.Request, next option.MiddlewareNext) (*http.Response, error) {
	resp, err := next(r)
	if end, ok := r.Context().Value(endingKey{}).(*ending); ok && err == nil && strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		resp.Body = &endingReader{ReadCloser: resp.Body, end: end}
	}
	return resp, err
}

// endingReader passes a stream of events on and looks for the last one.
type endingReader struct {
	io.ReadCloser
	end  *ending
	line []byte // the beginning of a line, as far as it has been read
}

func (r *endingReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	for rest := p[:n]; ; {
		line, more, whole := bytes.Cut(rest, []byte("\n"))
		r.line = append(r.line, line...)
		if !whole && err == nil {
			return n, nil
		}
		r.event(r.line)
		if r.line = r.line[:0]; !whole {
			return n, err
		}
		rest = more
	}
}

// event takes one line.
func (r *endingReader) event(line []byte) {
	data, ok := bytes.CutPrefix(line, []byte("data:"))
	// In a text, the quotes would be escaped.
	if !ok || !bytes.Contains(data, []byte(`"response.completed"`)) && !bytes.Contains(data, []byte(`"response.incomplete"`)) {
		return
	}
	var event struct {
		Type     string
		Response struct {
			Usage             responses.ResponseUsage
			IncompleteDetails struct{ Reason string } `json:"incomplete_details"`
		}
	}
	if json.Unmarshal(data, &event) != nil {
		return // the stream will end in an error
	}
	switch reason := genai.FinishReasonStop; event.Type {
	case "response.incomplete":
		switch event.Response.IncompleteDetails.Reason { // as ADK has it for one that was not streamed
		case "max_output_tokens":
			reason = genai.FinishReasonMaxTokens
		case "content_filter":
			reason = genai.FinishReasonSafety
		default:
			reason = genai.FinishReasonOther
		}
		fallthrough
	case "response.completed":
		*r.end = ending{true, reason, event.Response.Usage}
	}
}
