package gateway

import (
	"net/http"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/gemini"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
)

// The endpoints of the Gemini API: https://ai.google.dev/api/generate-content. Clients call
// them under v1beta. v1 has only the methods of models, as its lists of models are OpenAI's.

// isGemini reports whether a request belongs to the Gemini API. Google serves OpenAI's protocol under
// /v1beta/openai.
func isGemini(r *http.Request) bool {
	path := r.URL.Path
	switch {
	case strings.HasPrefix(path, "/v1beta/openai/"):
		return false
	case strings.HasPrefix(path, "/v1beta"), strings.HasPrefix(path, "/v1alpha"): // also v1beta1, of Vertex AI
		return true
	}
	return r.Method == http.MethodPost && strings.HasPrefix(path, "/v1/models/")
}

// geminiRoutes registers the endpoints of the Gemini API.
func (g *Gateway) geminiRoutes() {
	g.mux.HandleFunc("POST /v1beta/models/{model...}", g.serveGemini)
	g.mux.HandleFunc("POST /v1/models/{model...}", g.serveGemini)
	g.mux.HandleFunc("GET /v1beta/models", g.serveGeminiModels)
	g.mux.HandleFunc("GET /v1beta/models/{$}", g.serveGeminiModels)
	g.mux.HandleFunc("GET /v1beta/models/{model...}", g.serveGeminiModel)
}

// serveGemini serves the methods of models.
func (g *Gateway) serveGemini(w http.ResponseWriter, r *http.Request) {
	name, method := r.PathValue("model"), ""
	if at := strings.LastIndexByte(name, ':'); at >= 0 { // names may have colons
		name, method = name[:at], name[at+1:]
	}
	var p *problem.Problem
	switch method {
	case "generateContent":
		p = g.generate(w, r, name, false)
	case "streamGenerateContent":
		p = g.generate(w, r, name, true)
	case "embedContent", "batchEmbedContents":
		p = g.embedGemini(w, r, name, method == "batchEmbedContents")
	default:
		p = problem.New(http.StatusNotFound, problem.CodePath, "", "there is no method "+problem.Quote(method)+" of models; use generateContent, streamGenerateContent, embedContent or batchEmbedContents")
		refuse(w, gemini.Errors{}, p)
	}
	note(r.Context(), name, p)
}

// generate answers a request for content. Without alt=sse, a stream is a list.
func (g *Gateway) generate(w http.ResponseWriter, r *http.Request, name string, streamed bool) *problem.Problem {
	req, fallbacks, p := gemini.Decode(exchangeOf(r.Context()).data)
	if p == nil {
		t := turn{request: req, streamed: streamed, out: gemini.NewWriter(name, streamed && r.URL.Query().Get("alt") != "sse")}
		if t.model, req.Model, p = g.resolve(r.Context(), name, fallbacks); p == nil {
			return g.answer(w, r, t)
		}
	}
	refuse(w, gemini.Errors{}, p)
	return p
}

func (g *Gateway) serveGeminiModels(w http.ResponseWriter, r *http.Request) {
	list := struct {
		Models []gemini.Model `json:"models"`
	}{Models: []gemini.Model{}}
	for _, m := range g.models() {
		if mayName(r.Context(), m.name) {
			list.Models = append(list.Models, gemini.ModelOf(m.name))
		}
	}
	writeJSON(w, gemini.Errors{}, list)
}

func (g *Gateway) serveGeminiModel(w http.ResponseWriter, r *http.Request) {
	if m, ok := g.find(w, r, gemini.Errors{}); ok {
		writeJSON(w, gemini.Errors{}, gemini.ModelOf(m.name))
	}
}
