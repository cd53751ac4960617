package request_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
)

// A target gets the fields for its protocol, and is told if there are more for another protocol.
func TestTakeFields(t *testing.T) {
	for protocol, want := range map[request.Protocol]struct {
		fields map[string]any
		fewer  bool
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
		fields, fewer := request.TakeFields(req, protocol)
		if diff := cmp.Diff(want.fields, fields); diff != "" || fewer != want.fewer {
			t.Errorf("%q: fewer %v, fields (-want +got):\n%s", protocol, fewer, diff)
		}
		if diff := cmp.Diff(map[string]any{"own": 3}, req.Config.HTTPOptions.ExtraBody); diff != "" {
			t.Errorf("%q: what is left (-want +got):\n%s", protocol, diff)
		}
	}
}

// A field that has another name in another protocol is no field that the target lacks.
func TestTakeFieldsWithAnotherName(t *testing.T) {
	for _, protocol := range []request.Protocol{request.Chat, request.Messages} {
		req := &model.LLMRequest{}
		request.SetFields(req, request.Chat, map[string]any{"parallel_tool_calls": false})
		request.SetFields(req, request.Messages, map[string]any{"disable_parallel_tool_use": true})
		if fields, fewer := request.TakeFields(req, protocol); len(fields) != 1 || fewer {
			t.Errorf("%q: fewer %v, fields %v", protocol, fewer, fields)
		}
	}
}
