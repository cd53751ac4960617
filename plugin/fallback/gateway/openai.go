package gateway

import (
	"cmp"
	"net/http"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/gemini"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/openai"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/protocol"
)

// openAIRoutes registers the endpoints of OpenAI's protocol.
func (g *Gateway) openAIRoutes() {
	g.mux.HandleFunc("POST /v1/chat/completions", g.chatCompletions)
	g.mux.HandleFunc("GET /v1/models", g.listModels)
	g.mux.HandleFunc("GET /v1/models/{$}", g.listModels)
	g.mux.HandleFunc("GET /v1/models/{model...}", g.getModel)
	g.mux.HandleFunc("POST /v1/embeddings", g.embeddings)
}

// chatCompletions answers POST /v1/chat/completions.
func (g *Gateway) chatCompletions(w http.ResponseWriter, r *http.Request) {
	c, p := openai.Decode(exchangeOf(r.Context()).data)
	if p != nil {
		refuse(w, openai.Errors{}, p)
		note(r.Context(), "", p)
		return
	}
	m, start, p := g.resolve(r.Context(), c.Named, c.Fallbacks)
	if p != nil {
		refuse(w, openai.Errors{}, p)
		note(r.Context(), c.Named, p)
		return
	}
	c.Model = start
	if c.User != "" {
		r = r.WithContext(call.With(r.Context(), call.Info{User: c.User}))
	}
	p = g.answer(w, r, turn{model: m, request: c.LLMRequest, streamed: c.Streamed, out: openai.NewWriter(c)})
	note(r.Context(), c.Named, p)
}

// openAIModel is a model in a list.
type openAIModel struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
}

// listModels answers GET /v1/models. One document serves the clients of both protocols, because
// the npm package @google/genai 3.3.0 lists models at the same path as OpenAI's clients. Each has a
// list of its own: Open WebUI would show the Gemini API's name, models/NAME.
func (g *Gateway) listModels(w http.ResponseWriter, r *http.Request) {
	list := struct {
		Object string         `json:"object"`
		Data   []openAIModel  `json:"data"`
		Models []gemini.Model `json:"models"`
	}{Object: "list", Data: []openAIModel{}, Models: []gemini.Model{}}
	for _, m := range g.models() {
		if mayName(r.Context(), m.name) {
			list.Data = append(list.Data, g.openAIModel(m))
			list.Models = append(list.Models, gemini.ModelOf(m.name))
		}
	}
	writeJSON(w, openai.Errors{}, list)
}

// getModel answers GET /v1/models/{model}, also to the clients of both protocols.
func (g *Gateway) getModel(w http.ResponseWriter, r *http.Request) {
	if m, ok := g.find(w, r, openai.Errors{}); ok {
		writeJSON(w, openai.Errors{}, struct {
			openAIModel
			gemini.Model
		}{g.openAIModel(m), gemini.ModelOf(m.name)})
	}
}

// find returns the model of a request's path. If there is none, or the request's key may not
// name it, find refuses the request.
func (g *Gateway) find(w http.ResponseWriter, r *http.Request, out protocol.ErrorWriter) (m listed, ok bool) {
	name := r.PathValue("model")
	live, inside := g.routeOf(name)
	switch {
	case live == nil || !mayName(r.Context(), name):
	case inside == "":
		return listed{name: name}, true
	case live.Policy().Declares(inside):
		return listed{name, ownerOf(live.Policy(), inside)}, true
	}
	p := unknownModel(name)
	refuse(w, out, p)
	note(r.Context(), name, p)
	return listed{}, false
}

func (g *Gateway) openAIModel(m listed) openAIModel {
	return openAIModel{ID: m.name, Object: "model", Created: g.started.Unix(), OwnedBy: cmp.Or(m.owner, "adk-fallback")}
}

// writeJSON answers with v. If v cannot be encoded, it refuses the request and returns why.
func writeJSON(w http.ResponseWriter, out protocol.ErrorWriter, v any) *problem.Problem {
	data, err := protocol.AppendJSON(nil, v)
	if err != nil {
		p := noJSON()
		refuse(w, out, p)
		return p
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(data) // a failed write does not matter: the client has disconnected
	return nil
}
