package gemini_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/capture"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/gemini"
)

// noEnvironment hides what the developer's machine says of Google.
func noEnvironment(t testing.TB) {
	for _, name := range []string{
		"GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION", "GOOGLE_CLOUD_REGION",
		"GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GEMINI_BASE_URL", "GOOGLE_VERTEX_BASE_URL",
	} {
		t.Setenv(name, "")
	}
}

// clientConfig returns a configuration for the server at url.
func clientConfig(url string, backend genai.Backend) *genai.ClientConfig {
	c := &genai.ClientConfig{Backend: backend, HTTPOptions: genai.HTTPOptions{BaseURL: url}}
	if backend == genai.BackendVertexAI {
		c.Project, c.Location, c.HTTPClient = "proj", "eu", &http.Client{}
	} else {
		c.APIKey = "test-key-0123456789"
	}
	return c
}

// newModel returns a model that asks the server at url.
func newModel(t testing.TB, url string, backend genai.Backend) *gemini.Model {
	t.Helper()
	m, err := gemini.New(t.Context(), "gemini-3-flash", gemini.Config{Client: clientConfig(url, backend)})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// serve returns a model of a server that answers every request with handler.
func serve(t testing.TB, handler http.HandlerFunc) *gemini.Model {
	t.Helper()
	srv := httptest.NewServer(handler)
	t.Cleanup(srv.Close)
	return newModel(t, srv.URL, genai.BackendGeminiAPI)
}

// sending returns a handler that sends body, in writes of size bytes.
func sending(contentType, body string, size int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		for rest := []byte(body); len(rest) > 0; {
			n := min(size, len(rest))
			_, _ = w.Write(rest[:n])
			w.(http.Flusher).Flush()
			rest = rest[n:]
		}
	}
}

// asFitted returns a context as the engine makes it: the request is used as it is.
func asFitted(t testing.TB) context.Context {
	return &capture.Context{Context: t.Context(), Fitted: true}
}

func hello() *model.LLMRequest {
	return &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText("hello", genai.RoleUser)}}
}

// ask returns the partial responses, the final one and the error of a call.
func ask(ctx context.Context, m model.LLM, req *model.LLMRequest, stream bool) (partials []*model.LLMResponse, final *model.LLMResponse, err error) {
	for resp, err := range m.GenerateContent(ctx, req, stream) {
		switch {
		case err != nil:
			return partials, final, err
		case resp.Partial:
			partials = append(partials, resp)
		default:
			final = resp
		}
	}
	return partials, final, nil
}
