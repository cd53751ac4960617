package middleware_test

import (
	"context"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// rich has the optional methods that ADK asks for.
type rich struct {
	*llmtest.Model
	client *genai.Client
}

func (rich) GetGoogleLLMVariant() genai.Backend { return genai.BackendVertexAI }
func (r rich) Client() *genai.Client            { return r.client }

// B65: what the methods return is the model's own, not only that they are there.
func TestOptionalMethodsReturnTheModelsOwn(t *testing.T) {
	client := &genai.Client{}
	m := middleware.Chain(rich{llmtest.NewModel("flash", llmtest.Text("ok")), client},
		middleware.MustBreaker(middleware.BreakerConfig{}),
		middleware.MustLimit(middleware.LimitConfig{MaxConcurrent: 1}),
		middleware.Attempt(middleware.AttemptConfig{}),
	)
	if c, ok := m.(interface{ Client() *genai.Client }); !ok || c.Client() != client {
		t.Error("Client is not the model's own")
	}
	if v, ok := m.(interface{ GetGoogleLLMVariant() genai.Backend }); !ok || v.GetGoogleLLMVariant() != genai.BackendVertexAI {
		t.Error("GetGoogleLLMVariant is not the model's own")
	}
}

// A model that yields on and on after it was told to stop is ended at once, and
// its consumer sees nothing of it.
func TestAnEndlessModelIsEnded(t *testing.T) {
	yields := 0
	endless := llmtest.NewModel("flash", func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		for yields < 1000 {
			yields++
			yield(&model.LLMResponse{Content: genai.NewContentFromText("on ", genai.RoleModel), Partial: true}, nil)
		}
	})
	m := middleware.MustBreaker(middleware.BreakerConfig{})(endless)
	seen := 0
	for range m.GenerateContent(t.Context(), &model.LLMRequest{}, true) {
		seen++
		break
	}
	if seen != 1 || yields != 2 {
		t.Errorf("%d seen of %d yields, want 1 of 2: the second ends the model", seen, yields)
	}
}
