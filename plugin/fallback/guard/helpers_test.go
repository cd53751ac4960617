package guard_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// reason returns why a guard refuses a request, "by: reason", or "".
func reason(t *testing.T, ctx context.Context, g guard.Guard, req *model.LLMRequest, target guard.Target) string {
	t.Helper()
	seen, err := g(ctx, req, target)
	if err == nil {
		if seen == nil {
			t.Error("neither a request nor an error")
		}
		return ""
	}
	refused, ok := errors.AsType[*middleware.RefusedError](err)
	if !ok {
		t.Fatalf("%T %v, want a RefusedError", err, err)
	}
	return refused.By + ": " + refused.Reason
}

func ofParts(parts ...*genai.Part) *model.LLMRequest {
	return &model.LLMRequest{Contents: []*genai.Content{{Role: genai.RoleUser, Parts: parts}}}
}

func withFile(mime string) *genai.Part {
	return &genai.Part{InlineData: &genai.Blob{MIMEType: mime, Data: []byte("x")}}
}

func withResult(result any) *genai.Part {
	return &genai.Part{FunctionResponse: &genai.FunctionResponse{Name: "find", Response: map[string]any{"result": result}}}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
