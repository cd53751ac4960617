package gateway_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/suite"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// answers returns a step that answers with resp.
func answers(resp *model.LLMResponse) suite.Step {
	return func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		yield(resp, nil)
	}
}

const helloChat = `"messages":[{"role":"user","content":"hello"}]}`

// B144: an answer with a value that JSON cannot represent is an error; the value is never omitted.
func TestValuesThatJSONDoesNotHave(t *testing.T) {
	call := genai.NewPartFromFunctionCall("f", map[string]any{"x": math.NaN()})
	for name, resp := range map[string]*model.LLMResponse{
		"arguments":        {Content: genai.NewContentFromParts([]*genai.Part{call}, genai.RoleModel), FinishReason: genai.FinishReasonStop},
		"log probability":  {Content: genai.NewContentFromText("hi", genai.RoleModel), FinishReason: genai.FinishReasonStop, AvgLogprobs: math.Inf(-1)},
		"nested arguments": {Content: genai.NewContentFromParts([]*genai.Part{genai.NewPartFromFunctionCall("f", map[string]any{"x": []any{make(chan int)}})}, genai.RoleModel), FinishReason: genai.FinishReasonStop},
	} {
		for path, body := range map[string]string{
			generate: helloGemini, stream: helloGemini,
			"/v1/chat/completions": `{"model":"chat",` + helloChat, "/v1/chat/completions?streamed": `{"model":"chat","stream":true,` + helloChat,
		} {
			g := gatewayFor(t, gateway.Config{}, answers(resp))
			if w := posted(g, path, body); w.Code != 502 || !strings.Contains(w.Body.String(), "a value that JSON cannot represent") {
				t.Errorf("%s, %s: %d %s; want 502", name, path, w.Code, w.Body)
			}
		}
	}
}

// B144: what a provider says about a refused answer has no secrets.
func TestRefusalsAreRedacted(t *testing.T) {
	const secret = "sk-proj-abcdefghijklmnopqrstuvwx"
	resp := &model.LLMResponse{
		Content: &genai.Content{Role: genai.RoleModel}, FinishReason: genai.FinishReasonSafety, ErrorCode: "SAFETY", ErrorMessage: "unsafe for key " + secret,
	}
	for path, body := range map[string]string{
		generate: helloGemini, stream: helloGemini,
		"/v1/chat/completions": `{"model":"chat",` + helloChat, "/v1/chat/completions?streamed": `{"model":"chat","stream":true,` + helloChat,
	} {
		g := gatewayFor(t, gateway.Config{}, answers(resp))
		if w := posted(g, path, body); w.Code != 200 || strings.Contains(w.Body.String(), secret) || !strings.Contains(w.Body.String(), "unsafe for key") {
			t.Errorf("%s: %d %s; want the message without the key", path, w.Code, w.Body)
		}
	}
}

// miscounting returns n embeddings for any contents. The last one is nil if missing is set.
type miscounting struct {
	*suite.Model
	n       int
	missing bool
}

func (m miscounting) EmbedContent(context.Context, string, []*genai.Content, *genai.EmbedContentConfig) (*genai.EmbedContentResponse, error) {
	resp := &genai.EmbedContentResponse{}
	for range m.n {
		resp.Embeddings = append(resp.Embeddings, &genai.ContentEmbedding{Values: []float32{1}})
	}
	if m.missing {
		resp.Embeddings[m.n-1] = nil
	}
	return resp, nil
}

// B144: embeddings that cannot be told apart are an error.
func TestAnotherNumberOfEmbeddings(t *testing.T) {
	for name, m := range map[string]miscounting{"none": {n: 0}, "too few": {n: 1}, "too many": {n: 3}, "one missing": {n: 2, missing: true}} {
		m.Model = suite.NewModel("one", suite.Text("hi"))
		g := newGateway(t, live(t, "primary: one", policy.Models{"one": m}))
		for path, body := range map[string]string{
			"/v1/embeddings":                        `{"model":"one","input":["a","b"]}`,
			"/v1beta/models/one:batchEmbedContents": `{"requests":[{"content":{"parts":[{"text":"a"}]}},{"content":{"parts":[{"text":"b"}]}}]}`,
		} {
			if w := posted(g, path, body); w.Code != 502 {
				t.Errorf("%s, %s: %d %s; want 502", name, path, w.Code, w.Body)
			}
		}
	}
}
