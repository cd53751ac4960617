package gateway_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// embedding is a model that makes embeddings of a text's length.
type embedding struct{ *llmtest.Model }

func (embedding) EmbedContent(_ context.Context, _ string, contents []*genai.Content, config *genai.EmbedContentConfig) (*genai.EmbedContentResponse, error) {
	resp := &genai.EmbedContentResponse{}
	for _, content := range contents {
		resp.Embeddings = append(resp.Embeddings, &genai.ContentEmbedding{Values: []float32{float32(len(content.Parts[0].Text)), float32(len(config.TaskType))}})
	}
	return resp, nil
}

// B144: Google's client gets embeddings, in the order of its texts.
func TestGenAIClientGetsEmbeddings(t *testing.T) {
	l := live(t, "primary: one", policy.Models{"one": embedding{llmtest.NewModel("one", llmtest.Text("hi"))}})
	g, err := gateway.New(gateway.Config{Routes: map[string]*policy.Live{"chat": l}})
	if err != nil {
		t.Fatal(err)
	}
	client := genaiClient(t, g, "any")
	contents := []*genai.Content{genai.NewContentFromText("a", genai.RoleUser), genai.NewContentFromText("bcd", genai.RoleUser)}
	resp, err := client.Models.EmbedContent(t.Context(), "chat", contents, &genai.EmbedContentConfig{TaskType: "XY"})
	if err != nil {
		t.Fatal(err)
	}
	var got [][]float32
	for _, one := range resp.Embeddings {
		got = append(got, one.Values)
	}
	if diff := cmp.Diff([][]float32{{1, 2}, {3, 2}}, got); diff != "" {
		t.Errorf("embeddings (-want +got):\n%s", diff)
	}
	if w := posted(g, "/v1beta/models/chat:embedContent", `{"content":{"parts":[{"text":"abcd"}]},"task_type":"X"}`); w.Code != 200 || strings.TrimSpace(w.Body.String()) != `{"embedding":{"values":[4,1]}}` {
		t.Errorf("one: status %d, body %s", w.Code, w.Body)
	}
	mixed := `{"requests":[{"content":{"parts":[{"text":"a"}]}},{"content":{"parts":[{"text":"b"}]},"taskType":"X"}]}`
	if w := posted(g, "/v1beta/models/chat:batchEmbedContents", mixed); w.Code != 200 || strings.TrimSpace(w.Body.String()) != `{"embeddings":[{"values":[1,0]},{"values":[1,1]}]}` {
		t.Errorf("two settings: status %d, body %s", w.Code, w.Body)
	}
	for body, want := range map[string]string{`{}`: "requests must be a list", `{"requests":[{}]}`: "requests[0].content is missing", `{"requests":5}`: "wrong type",
		`{"requests":[{"model":"models/chat","content":{"parts":[{"text":"a"}]}},{"model":"models/other","content":{"parts":[{"text":"a"}]}}]}`: "requests[1].model must be"} {
		if w := posted(g, "/v1beta/models/chat:batchEmbedContents", body); w.Code != 400 || !strings.Contains(refusalOf(t, w).Error.Message, want) {
			t.Errorf("%s: status %d, body %s; want %q", body, w.Code, w.Body, want)
		}
	}
	if _, err := client.Models.EmbedContent(t.Context(), "unheard-of", contents, nil); err == nil {
		t.Error("an unknown model has embeddings")
	} else if e, ok := errors.AsType[genai.APIError](err); !ok || e.Code != 404 {
		t.Errorf("an unknown model: %v", err)
	}
}

// B144: a batch with a null is refused, as its embeddings could not be told apart.
func TestABatchWithANullIsRefused(t *testing.T) {
	g := gatewayFor(t, gateway.Config{}, llmtest.Text("hi"))
	w := posted(g, "/v1beta/models/chat:batchEmbedContents", `{"requests":[null,{"content":{"parts":[{"text":"a"}]}}]}`)
	if e := refusalOf(t, w); w.Code != 400 || !strings.Contains(e.Error.Message, "requests[0].content is missing") {
		t.Errorf("%d %s; want 400, and the missing content", w.Code, w.Body)
	}
}
