package gateway_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
)

// embeddingServer answers with the length of each text, and its place in the request, and
// keeps the requests.
type embeddingServer struct {
	mu    sync.Mutex
	asked []openaiwire.EmbeddingsRequest // guarded by mu
	paths []string                       // guarded by mu
}

func (s *embeddingServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var req openaiwire.EmbeddingsRequest
	if json.NewDecoder(r.Body).Decode(&req) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked, s.paths = append(s.asked, req), append(s.paths, r.URL.Path)
	if req.Model == "down" {
		http.Error(w, `{"error":{"message":"bad key sk-proj-abcdefghijklmnopqrstuvwx","code":"invalid_api_key"}}`, http.StatusUnauthorized)
		return
	}
	answer := openaiwire.Embeddings{Object: "list", Model: req.Model}
	for i, text := range slices.Backward(req.Input) { // a server may answer in any order
		answer.Data = append(answer.Data, openaiwire.Embedding{Object: "embedding", Index: i, Embedding: openaiwire.Vector{Values: []float32{float32(len(text)), 0.5}}})
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func TestEmbeddings(t *testing.T) {
	srv := &embeddingServer{}
	provider := httptest.NewServer(srv)
	defer provider.Close()
	l := live(t, "primary: a\nmodels: {embed-*: {provider: openai, base_url: '"+provider.URL+"/v1'}, down: {provider: openai, base_url: '"+provider.URL+"/v1'}}", handsIn(llmtest.NewModel("a", llmtest.Text("a"))))
	c := serve(t, newGateway(t, l))
	ask := func(body string) (doc openaiwire.Embeddings, r reply) {
		r = post(t, c, "/v1/embeddings", body)
		if r.status == http.StatusOK {
			if err := json.Unmarshal([]byte(r.body), &doc); err != nil {
				t.Fatal(err)
			}
		}
		return doc, r
	}

	doc, r := ask(`{"model": "embed-3", "input": ["one", "three", "one"], "dimensions": 2, "user": "u"}`)
	if len(doc.Data) != 3 || doc.Model != "embed-3" || doc.Usage.TotalTokens == 0 {
		t.Fatalf("%d: %s", r.status, r.body)
	}
	for i, want := range []float32{3, 5, 3} {
		if e := doc.Data[i]; e.Index != i || !slices.Equal(e.Embedding.Values, []float32{want, 0.5}) {
			t.Errorf("embedding %d: %+v, want %v", i, e, want)
		}
	}
	doc, r = ask(`{"model": "main/embed-3", "input": "three", "dimensions": 2.0, "encoding_format": "base64"}`)
	if !strings.Contains(r.body, `"embedding":"AACgQAAAAD8="`) || !slices.Equal(doc.Data[0].Embedding.Values, []float32{5, 0.5}) {
		t.Errorf("base64: %s", r.body)
	}
	if got := srv.asked; len(got) != 1 || got[0].Model != "embed-3" || *got[0].Dimensions != 2 || len(got[0].Input) != 2 || srv.paths[0] != "/v1/embeddings" {
		t.Errorf("the provider was asked %+v at %v; want one request for the two different texts", got, srv.paths)
	}
	ask(`{"model": "embed-3", "input": "three"}`) // other dimensions
	if len(srv.asked) != 2 {
		t.Errorf("%d requests, want another one for other dimensions", len(srv.asked))
	}

	if _, r := ask(`{"model": "embed-3", "input": [[1, 2]]}`); !strings.Contains(r.body, "check_embedding_ctx_length=False") { // what LangChain sends by default
		t.Errorf("tokens: %s; want what to set in LangChain", r.body)
	}
	for _, test := range []struct {
		body, param, code string
		status            int
	}{
		{`{"model": "embed-3", "input": [1, 2]}`, "input", "invalid_request", 400},
		{`{"model": "embed-3", "input": [[1, 2]]}`, "input", "invalid_request", 400},
		{`{"model": "embed-3", "input": []}`, "input", "invalid_request", 400},
		{`{"model": "embed-3", "input": {}}`, "input", "invalid_request", 400},
		{`{"model": "embed-3", "input": ["a", null]}`, "input", "invalid_request", 400},
		{`{"model": "embed-3", "input": "x", "dimensions": 2.5}`, "dimensions", "invalid_request", 400},
		{`{"model": "embed-3", "input": "x", "dimensions": 0}`, "dimensions", "invalid_request", 400},
		{`{"model": "embed-3"}`, "input", "invalid_request", 400},
		{`{"model": 3, "input": "x"}`, "model", "invalid_request", 400},
		{`{"input": "x"}`, "model", "invalid_request", 400},
		{`{"model": "embed-3", "input": "x", "encoding_format": "hex"}`, "encoding_format", "invalid_request", 400},
		{`{"model": "unknown", "input": "x"}`, "model", "model_not_found", 404},
		{`{"model": "a", "input": "x"}`, "model", "invalid_request", 400},
		{`{"model": "down", "input": "x"}`, "", "upstream_error", 502},
		{`{`, "", "invalid_request", 400},
	} {
		_, r := ask(test.body)
		param, _ := r.failed["param"].(string)
		if r.status != test.status || param != test.param || r.failed["code"] != test.code || strings.Contains(r.body, "sk-proj") {
			t.Errorf("%s: %d %s, want %d, %s, param %q", test.body, r.status, r.body, test.status, test.code, test.param)
		}
	}
}

// A client that has gone is not an error of the provider.
func TestEmbeddingsOfAClientThatHasGone(t *testing.T) {
	l := live(t, "primary: a\nmodels: {a: {provider: openai, base_url: 'http://127.0.0.1:1/v1'}}")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	newGateway(t, l).ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/embeddings", strings.NewReader(`{"model": "a", "input": "x"}`)))
	if w.Code != 499 {
		t.Errorf("status %d, want 499: %s", w.Code, w.Body)
	}
}
