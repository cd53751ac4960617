package llmtest

import (
	"context"
	"iter"
	"strings"
	"sync"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/clone"
)

// Step is what a scripted model does with one call.
type Step func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool)

// Model is a scripted model in memory. The last step repeats. It is safe for
// concurrent use.
type Model struct {
	name  string
	steps []Step

	mu       sync.Mutex
	next     int                 // guarded by mu
	requests []*model.LLMRequest // guarded by mu
}

// NewModel returns a model that follows steps.
func NewModel(name string, steps ...Step) *Model { return &Model{name: name, steps: steps} }

// Name implements model.LLM.
func (m *Model) Name() string { return m.name }

// GenerateContent implements model.LLM.
func (m *Model) GenerateContent(ctx context.Context, req *model.LLMRequest, stream bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		m.mu.Lock()
		step := m.steps[min(m.next, len(m.steps)-1)]
		m.next++
		m.requests = append(m.requests, clone.Request(req))
		m.mu.Unlock()
		step(ctx, req, stream, yield)
	}
}

// Requests returns a copy of every request so far.
func (m *Model) Requests() []*model.LLMRequest {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]*model.LLMRequest(nil), m.requests...)
}

// Asked returns the model name of every request so far.
func (m *Model) Asked() []string {
	var names []string
	for _, req := range m.Requests() {
		names = append(names, req.Model)
	}
	return names
}

// Bare is a model called "flash" that follows Step and keeps no record, for benchmarks and
// for calls by the thousand.
type Bare struct{ Step Step }

// Name implements model.LLM.
func (Bare) Name() string { return "flash" }

// GenerateContent implements model.LLM.
func (m Bare) GenerateContent(ctx context.Context, req *model.LLMRequest, stream bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) { m.Step(ctx, req, stream, yield) }
}

// Text answers with text: word by word first when streamed.
func Text(text string) Step {
	return func(_ context.Context, _ *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
		if stream {
			for word := range strings.SplitAfterSeq(text, " ") {
				if !yield(&model.LLMResponse{Content: genai.NewContentFromText(word, genai.RoleModel), Partial: true}, nil) {
					return
				}
			}
		}
		yield(&model.LLMResponse{Content: genai.NewContentFromText(text, genai.RoleModel), FinishReason: genai.FinishReasonStop}, nil)
	}
}

// Call answers with a function call that carries a thought signature.
func Call(id, name, signature string, args map[string]any) Step {
	return Respond(func() *model.LLMResponse {
		return &model.LLMResponse{
			Content: &genai.Content{Role: genai.RoleModel, Parts: []*genai.Part{{
				FunctionCall: &genai.FunctionCall{ID: id, Name: name, Args: args}, ThoughtSignature: []byte(signature),
			}}},
			FinishReason: genai.FinishReasonStop,
		}
	})
}

// Respond answers with what respond returns.
func Respond(respond func() *model.LLMResponse) Step {
	return func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		yield(respond(), nil)
	}
}

// Fail ends the call with err, after the words of partial when streamed.
func Fail(err error, partial ...string) Step {
	return func(_ context.Context, _ *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
		if stream {
			for _, word := range partial {
				if !yield(&model.LLMResponse{Content: genai.NewContentFromText(word, genai.RoleModel), Partial: true}, nil) {
					return
				}
			}
		}
		yield(nil, err)
	}
}

// ByModel follows the step of the model that the request names.
func ByModel(steps map[string]Step) Step {
	return func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
		steps[req.Model](ctx, req, stream, yield)
	}
}

// Errors of a Gemini model.
var (
	ErrQuota       = genai.APIError{Code: 429, Status: "RESOURCE_EXHAUSTED", Message: "You exceeded your current quota."}
	ErrInternal    = genai.APIError{Code: 500, Status: "INTERNAL", Message: "An internal error has occurred."}
	ErrDeadline    = genai.APIError{Code: 504, Status: "DEADLINE_EXCEEDED", Message: "The deadline expired."}
	ErrUnavailable = genai.APIError{Code: 503, Status: "UNAVAILABLE", Message: "The model is overloaded."}
)
