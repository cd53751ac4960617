package gateway

import (
	"net/http"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
)

// The endpoints of the Gemini API: https://ai.google.dev/api/generate-content. Clients call
// them under v1beta. v1 has only the methods of models, as its lists of models are OpenAI's.

// isGemini reports whether a request belongs to the Gemini API.
func isGemini(r *http.Request) bool {
	path := r.URL.Path
	return strings.HasPrefix(path, "/v1beta/") || r.Method == http.MethodPost && strings.HasPrefix(path, "/v1/models/")
}

// geminiRoutes registers the endpoints.
func (g *Gateway) geminiRoutes() {
	g.mux.HandleFunc("POST /v1beta/models/{model...}", g.serveGemini)
	g.mux.HandleFunc("POST /v1/models/{model...}", g.serveGemini)
	g.mux.HandleFunc("GET /v1beta/models", g.serveGeminiModels)
	g.mux.HandleFunc("GET /v1beta/models/{model...}", g.serveGeminiModel)
}

// serveGemini serves the methods of models.
func (g *Gateway) serveGemini(w http.ResponseWriter, r *http.Request) {
	name, method := r.PathValue("model"), ""
	if at := strings.LastIndexByte(name, ':'); at >= 0 { // names may have colons
		name, method = name[:at], name[at+1:]
	}
	out := &geminiAnswer{name: name}
	var p *problem.Problem
	switch method {
	case "generateContent":
		p = g.generate(w, r, name, false, out)
	case "streamGenerateContent":
		out.list = r.URL.Query().Get("alt") != "sse"
		p = g.generate(w, r, name, true, out)
	case "embedContent", "batchEmbedContents":
		p = g.embedGemini(w, r, name, method != "embedContent", out)
	default:
		p = problem.New(http.StatusNotFound, problem.CodePath, "", "there is no method "+problem.Quote(method)+" of models; use generateContent, streamGenerateContent, embedContent or batchEmbedContents")
		refuse(w, out, p)
	}
	note(r.Context(), name, p)
}

// generate answers a request for content.
func (g *Gateway) generate(w http.ResponseWriter, r *http.Request, name string, streamed bool, out *geminiAnswer) *problem.Problem {
	req, fallbacks, p := decodeGemini(exchangeOf(r.Context()).data)
	if p == nil {
		t := turn{request: req, streamed: streamed, out: out}
		if t.model, req.Model, p = g.resolve(r.Context(), name, fallbacks); p == nil {
			return g.answer(w, r, t)
		}
	}
	refuse(w, out, p)
	return p
}

// geminiModel is a model as the API lists it.
type geminiModel struct {
	Name        string   `json:"name"`
	DisplayName string   `json:"displayName"`
	Methods     []string `json:"supportedGenerationMethods"`
}

func geminiModelOf(name string) geminiModel {
	return geminiModel{Name: "models/" + name, DisplayName: name, Methods: []string{"generateContent", "streamGenerateContent"}}
}

func (g *Gateway) serveGeminiModels(w http.ResponseWriter, r *http.Request) {
	list := struct {
		Models []geminiModel `json:"models"`
	}{Models: []geminiModel{}}
	for _, m := range g.models() {
		if mayName(r.Context(), m.name) {
			list.Models = append(list.Models, geminiModelOf(m.name))
		}
	}
	writeJSON(w, list)
}

func (g *Gateway) serveGeminiModel(w http.ResponseWriter, r *http.Request) {
	if m, ok := g.find(w, r, &geminiAnswer{}); ok {
		writeJSON(w, geminiModelOf(m.name))
	}
}
