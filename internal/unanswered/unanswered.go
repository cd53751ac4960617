// Package unanswered hides from models those texts of earlier turns that were not answers.
package unanswered

import (
	"context"
	"iter"

	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/session"

	"github.com/adk-fallback/adk-fallback/internal/caller"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// Neutral returns req, or a copy with a neutral line in the place of each placeholder of
// the session of ctx: see [call.KeyUnanswered]. The session's events know them. A mark
// in the contents would reach models without a layer of this module, and Vertex AI
// refuses the metadata of a part (genai, partToVertex).
func Neutral(ctx context.Context, req *model.LLMRequest) *model.LLMRequest {
	if len(req.Contents) < 2 {
		return req // there is no earlier turn
	}
	var texts map[string]bool
	for resp := range stored(caller.Context(ctx)) {
		if len(resp.CustomMetadata) == 0 || resp.CustomMetadata[call.KeyUnanswered] != true {
			continue
		}
		if text := request.Text(resp.Content); text != "" {
			if texts == nil {
				texts = map[string]bool{}
			}
			texts[text] = true
		}
	}
	if texts == nil {
		return req
	}
	own := *req
	own.Contents = request.WithoutTexts(req.Contents, texts)
	return &own
}

// Stored is a context with the responses of its session, for contexts whose session is
// not that of ADK v2.
type Stored interface {
	StoredResponses() iter.Seq[*model.LLMResponse]
}

// stored returns the responses in the session of ctx, a context of ADK's.
func stored(ctx context.Context) iter.Seq[*model.LLMResponse] {
	return func(yield func(*model.LLMResponse) bool) {
		switch ctx := ctx.(type) {
		case Stored:
			ctx.StoredResponses()(yield)
		case interface{ Session() session.Session }:
			if tool, ok := ctx.(interface{ FunctionCallID() string }); ok && tool.FunctionCallID() != "" {
				return // ADK logs that a tool's context has no session
			}
			s := ctx.Session()
			if s == nil || s.Events() == nil {
				return
			}
			for event := range s.Events().All() {
				if event != nil && !yield(&event.LLMResponse) {
					return
				}
			}
		}
	}
}
