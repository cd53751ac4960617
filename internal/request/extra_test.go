package request_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
)

// A target gets the fields of its protocol. Those of another one are reported if the target lacks them.
func TestTakeFields(t *testing.T) {
	for protocol, want := range map[request.Protocol]struct {
		fields map[string]any
		others bool
	}{
		request.Chat:      {map[string]any{"a": 1, "b": 2}, false},
		request.Responses: {map[string]any{"a": 1}, true},
		request.Gemini:    {nil, true},
		"":                {nil, true},
	} {
		req := &model.LLMRequest{Config: &genai.GenerateContentConfig{HTTPOptions: &genai.HTTPOptions{ExtraBody: map[string]any{"own": 3}}}}
		request.SetFields(req, request.Chat, map[string]any{"a": 1, "b": 2})
		request.SetFields(req, request.Responses, map[string]any{"a": 1})
		request.SetFields(req, request.Gemini, nil)
		fields, others := request.TakeFields(req, protocol)
		if diff := cmp.Diff(want.fields, fields); diff != "" || others != want.others {
			t.Errorf("%q: others %v, fields (-want +got):\n%s", protocol, others, diff)
		}
		if diff := cmp.Diff(map[string]any{"own": 3}, req.Config.HTTPOptions.ExtraBody); diff != "" {
			t.Errorf("%q: what is left (-want +got):\n%s", protocol, diff)
		}
	}
}
