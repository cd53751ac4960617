package peers

import (
	"context"
	"iter"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

// err returns what a call of the target fails with, as the Gemini API does; nil if it
// answers.
func (t *Target) err() error {
	switch t.Kind {
	case Down503, Breaks:
		return genai.APIError{Code: 503, Status: "UNAVAILABLE", Message: "The server is overloaded."}
	case Down429:
		return genai.APIError{Code: 429, Status: "RESOURCE_EXHAUSTED", Message: "Rate limit reached for requests."}
	}
	return nil
}

// memory is a target that answers from memory, always with the same responses. It is
// the model that this module and failsafe-go call.
type memory struct {
	*Target
	chunks []*model.LLMResponse // of a stream, until it fails
	whole  *model.LLMResponse
	fails  error
}

func newMemory(s *Site, target *Target) *memory {
	m := &memory{Target: target, fails: target.err()}
	m.whole = &model.LLMResponse{Content: genai.NewContentFromText(strings.Join(s.Text, ""), genai.RoleModel), FinishReason: genai.FinishReasonStop}
	text := s.Text
	switch {
	case target.Kind == Breaks:
		text = text[:len(text)/2]
	case target.Kind != Up || s.Chunks == 0:
		text = nil
	}
	for _, chunk := range text {
		m.chunks = append(m.chunks, &model.LLMResponse{Content: genai.NewContentFromText(chunk, genai.RoleModel), Partial: true})
	}
	return m
}

func (m *memory) Name() string { return m.Target.Name }

func (m *memory) GenerateContent(ctx context.Context, _ *model.LLMRequest, stream bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		m.calls.Add(1)
		if m.Kind == Silent {
			<-ctx.Done()
			yield(nil, ctx.Err())
			return
		}
		if stream {
			for _, chunk := range m.chunks {
				if !yield(chunk, nil) {
					return
				}
			}
		}
		if m.fails != nil {
			yield(nil, m.fails)
			return
		}
		yield(m.whole, nil)
	}
}

// request is the call of a row as ADK makes it. The conversation is made once; only
// the request around it is new for each call.
type request struct {
	contents []*genai.Content
	config   *genai.GenerateContentConfig
}

func newRequest(r Row) *request {
	req := &request{config: &genai.GenerateContentConfig{}}
	for _, m := range r.conversation() {
		switch m.by {
		case bySystem:
			req.config.SystemInstruction = genai.NewContentFromText(m.text, genai.RoleUser)
		case byUser:
			req.contents = append(req.contents, genai.NewContentFromText(m.text, genai.RoleUser))
		case byModel:
			req.contents = append(req.contents, genai.NewContentFromText(m.text, genai.RoleModel))
		}
	}
	var functions []*genai.FunctionDeclaration
	for _, name := range r.tools() {
		functions = append(functions, &genai.FunctionDeclaration{
			Name: name, Description: toolText,
			Parameters: &genai.Schema{Type: genai.TypeObject, Properties: map[string]*genai.Schema{
				"city": {Type: genai.TypeString, Description: cityText}, "day": {Type: genai.TypeString, Description: dayText},
			}},
		})
	}
	if functions != nil {
		req.config.Tools = []*genai.Tool{{FunctionDeclarations: functions}}
	}
	return req
}

func (r *request) of(name string) *model.LLMRequest {
	return &model.LLMRequest{Model: name, Contents: r.contents, Config: r.config}
}
