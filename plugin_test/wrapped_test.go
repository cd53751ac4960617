package plugin_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// B109: an adapter inside a model of the application's own, which does not describe
// itself, adapts the request.
func TestWrappedAdapterAdaptsTheRequest(t *testing.T) {
	var sent map[string]any
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewDecoder(r.Body).Decode(&sent)
		_, _ = w.Write([]byte(`{"model":"llama","choices":[{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}]}`))
	}))
	defer server.Close()
	adapter, err := openai.New("llama", openai.Config{BaseURL: server.URL + "/v1"})
	if err != nil {
		t.Fatal(err)
	}
	m := router.MustFallback(router.Config{}, struct{ model.LLM }{adapter})
	req := &model.LLMRequest{Contents: genai.Text("hello"), Config: &genai.GenerateContentConfig{
		TopK: genai.Ptr[float32](3), StopSequences: []string{"a", "b", "c", "d", "e"},
	}}
	if _, err := answerOf(t, m, req); err != nil {
		t.Fatal(err)
	}
	if stop, _ := sent["stop"].([]any); sent["top_k"] != nil || len(stop) != 4 {
		t.Errorf("sent top_k %v and %d stop sequences; want none and 4", sent["top_k"], len(stop))
	}
}
