package gateway_test

import (
	"context"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// answers returns a step that answers with resp.
func answers(resp *model.LLMResponse) llmtest.Step {
	return func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		yield(resp, nil)
	}
}

const helloChat = `"messages":[{"role":"user","content":"hello"}]}`

const (
	chatCompletions = "/v1/chat/completions"
	chatStream      = chatCompletions + "?stream"
	list            = "/v1beta/models/chat:streamGenerateContent"
)

// bodies are requests for content at each endpoint.
var bodies = map[string]string{
	generate: helloGemini, stream: helloGemini, list: helloGemini,
	chatCompletions: `{"model":"chat",` + helloChat, chatStream: `{"model":"chat","stream":true,` + helloChat,
}

// B144: an answer with a value that JSON cannot represent is an error, if the protocol has a place
// for the value; the value is never omitted. An answer without the value is not an error.
func TestValuesThatJSONDoesNotHave(t *testing.T) {
	part := func(p *genai.Part) *model.LLMResponse {
		return &model.LLMResponse{Content: genai.NewContentFromParts([]*genai.Part{p}, genai.RoleModel), FinishReason: genai.FinishReasonStop}
	}
	hi := func(change func(resp *model.LLMResponse)) *model.LLMResponse {
		resp := part(genai.NewPartFromText("hi"))
		change(resp)
		return resp
	}
	nan := math.NaN()
	const both, geminiOnly = true, false
	for name, test := range map[string]struct {
		resp *model.LLMResponse
		both bool // both protocols have a place for the value
	}{
		"arguments":        {part(genai.NewPartFromFunctionCall("f", map[string]any{"x": nan})), both},
		"nested arguments": {part(genai.NewPartFromFunctionCall("f", map[string]any{"x": []any{make(chan int)}})), both},
		"log probability": {hi(func(resp *model.LLMResponse) {
			resp.LogprobsResult = &genai.LogprobsResult{ChosenCandidates: []*genai.LogprobsResultCandidate{{LogProbability: float32(math.Inf(-1))}}}
		}), both},
		"average":           {hi(func(resp *model.LLMResponse) { resp.AvgLogprobs = math.Inf(-1) }), geminiOnly},
		"metadata of text":  {part(&genai.Part{Text: "hi", PartMetadata: map[string]any{"x": nan}}), geminiOnly},
		"function response": {part(genai.NewPartFromFunctionResponse("f", map[string]any{"x": nan})), geminiOnly},
		"grounding": {hi(func(resp *model.LLMResponse) {
			resp.GroundingMetadata = &genai.GroundingMetadata{GroundingSupports: []*genai.GroundingSupport{{ConfidenceScores: []float32{float32(nan)}}}}
		}), geminiOnly},
	} {
		for path, body := range bodies {
			g := gatewayFor(t, gateway.Config{}, answers(test.resp))
			w := posted(g, path, body)
			if !test.both && strings.HasPrefix(path, chatCompletions) {
				if w.Code != 200 || strings.Contains(w.Body.String(), "error") {
					t.Errorf("%s, %s: %d %s; want 200", name, path, w.Code, w.Body)
				}
				continue
			}
			if w.Code != 502 || !strings.HasPrefix(w.Body.String(), `{"error"`) || !strings.Contains(w.Body.String(), "a value that JSON cannot represent") {
				t.Errorf("%s, %s: %d %s; want 502 and only the error", name, path, w.Code, w.Body)
			}
		}
	}
}

// B144: such a value within a stream ends the stream with an error.
func TestValuesThatJSONDoesNotHaveInAStream(t *testing.T) {
	text := func(partial bool, metadata map[string]any, texts ...string) *model.LLMResponse {
		c := &genai.Content{Role: genai.RoleModel}
		for _, one := range texts {
			c.Parts = append(c.Parts, &genai.Part{Text: one, PartMetadata: metadata})
		}
		return &model.LLMResponse{Content: c, Partial: partial}
	}
	nan := map[string]any{"x": math.NaN()}
	for name, second := range map[string]*model.LLMResponse{"a chunk": text(true, nan, "b"), "the last": text(false, nan, "a", "b")} {
		for path, end := range map[string]string{stream: "}\n\n", list: "}]"} {
			g := gatewayFor(t, gateway.Config{}, func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
				_ = yield(text(true, nil, "a"), nil) && yield(second, nil)
			})
			w := posted(g, path, helloGemini)
			if body := w.Body.String(); w.Code != 200 || !strings.Contains(body, `"text":"a"`) || strings.Contains(body, `"text":"b"`) ||
				strings.Count(body, `{"error"`) != 1 || !strings.Contains(body, "a value that JSON cannot represent") || !strings.HasSuffix(body, end) {
				t.Errorf("%s, %s: %d %s; want the text a, and then the error", name, path, w.Code, body)
			}
		}
	}
}

// B144: after the status of an answer that is not streamed, nothing but the answer is written.
func TestNoErrorWithinAnAnswer(t *testing.T) {
	for _, path := range []string{generate, chatCompletions} {
		g := gatewayFor(t, gateway.Config{}, llmtest.Text("hi"))
		w := &panicking{ResponseRecorder: httptest.NewRecorder()}
		g.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(bodies[path])))
		if !w.done || w.Code != 200 || w.Body.Len() > 0 {
			t.Errorf("%s: panicked %v, %d %s; want nothing after the status", path, w.done, w.Code, w.Body)
		}
	}
}

// B144: what a provider says about a refused answer has no secrets.
func TestRefusalsAreRedacted(t *testing.T) {
	const secret = "sk-proj-abcdefghijklmnopqrstuvwx"
	resp := &model.LLMResponse{
		Content: &genai.Content{Role: genai.RoleModel}, FinishReason: genai.FinishReasonSafety, ErrorCode: "SAFETY", ErrorMessage: "unsafe for key " + secret,
	}
	for path, body := range bodies {
		g := gatewayFor(t, gateway.Config{}, answers(resp))
		if w := posted(g, path, body); w.Code != 200 || strings.Contains(w.Body.String(), secret) || !strings.Contains(w.Body.String(), "unsafe for key") {
			t.Errorf("%s: %d %s; want the message without the key", path, w.Code, w.Body)
		}
	}
}

// miscounting returns n embeddings for any contents. The last one is nil if missing is set.
type miscounting struct {
	*llmtest.Model
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
		m.Model = llmtest.NewModel("one", llmtest.Text("hi"))
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

// infinite returns embeddings. The first call's last one has value.
type infinite struct {
	*llmtest.Model
	value float32
	calls *int
}

func (m infinite) EmbedContent(_ context.Context, _ string, contents []*genai.Content, _ *genai.EmbedContentConfig) (*genai.EmbedContentResponse, error) {
	resp := &genai.EmbedContentResponse{}
	for range contents {
		resp.Embeddings = append(resp.Embeddings, &genai.ContentEmbedding{Values: []float32{1, 2}})
	}
	if *m.calls++; *m.calls == 1 {
		resp.Embeddings[len(contents)-1].Values[1] = m.value
	}
	return resp, nil
}

// B144: an embedding with a value that is not finite is an error, and is not cached.
func TestEmbeddingsThatAreNotFinite(t *testing.T) {
	for _, value := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		for path, body := range map[string]string{
			"/v1/embeddings":                        `{"model":"one","input":["a","b"]}`,
			"/v1/embeddings?base64":                 `{"model":"one","input":["a","b"],"encoding_format":"base64"}`,
			"/v1beta/models/one:embedContent":       `{"content":{"parts":[{"text":"a"}]}}`,
			"/v1beta/models/one:batchEmbedContents": `{"requests":[{"content":{"parts":[{"text":"a"}]}},{"content":{"parts":[{"text":"b"}]}}]}`,
		} {
			m := infinite{llmtest.NewModel("one", llmtest.Text("hi")), float32(value), new(int)}
			g := newGateway(t, live(t, "primary: one", policy.Models{"one": m}))
			if w := posted(g, path, body); w.Code != 502 || !strings.Contains(w.Body.String(), "a value that JSON cannot represent") {
				t.Errorf("%v, %s: %d %s; want 502", value, path, w.Code, w.Body)
			}
			if w := posted(g, path, body); w.Code != 200 {
				t.Errorf("%v, %s: the second request: %d %s; want 200", value, path, w.Code, w.Body)
			}
		}
	}
}
