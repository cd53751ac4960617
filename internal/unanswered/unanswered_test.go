package unanswered_test

import (
	"context"
	"iter"
	"slices"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/unanswered"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// history is a context with the responses of its session.
type history struct {
	context.Context
	responses []*model.LLMResponse
}

func (h history) StoredResponses() iter.Seq[*model.LLMResponse] { return slices.Values(h.responses) }

func said(text string, metadata map[string]any) *model.LLMResponse {
	return &model.LLMResponse{Content: genai.NewContentFromText(text, genai.RoleModel), CustomMetadata: metadata}
}

func TestNeutral(t *testing.T) {
	marked := map[string]any{call.KeyUnanswered: true}
	for name, tt := range map[string]struct {
		stored []*model.LLMResponse
		turns  int // of the request
		want   string
	}{
		"a placeholder":           {[]*model.LLMResponse{said("Sorry.", marked)}, 3, request.Neutral},
		"an answer of that text":  {[]*model.LLMResponse{said("Sorry.", nil)}, 3, "Sorry."},
		"another answer's":        {[]*model.LLMResponse{said("Later.", marked)}, 3, "Sorry."},
		"without an earlier turn": {[]*model.LLMResponse{said("Sorry.", marked)}, 1, "Sorry."},
	} {
		t.Run(name, func(t *testing.T) {
			contents := []*genai.Content{genai.NewContentFromText("Sorry.", genai.RoleModel), genai.NewContentFromText("a", genai.RoleUser), genai.NewContentFromText("b", genai.RoleUser)}[:tt.turns]
			req := &model.LLMRequest{Contents: contents}
			got := unanswered.Neutral(call.Carry(history{t.Context(), tt.stored}), req)
			if text := request.Text(got.Contents[0]); text != tt.want {
				t.Errorf("the model gets %q, want %q", text, tt.want)
			}
			if text := request.Text(req.Contents[0]); text != "Sorry." {
				t.Errorf("the caller's request says %q, want it unchanged", text)
			}
		})
	}
}
