package gateway

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// openAI registers the endpoints of OpenAI's protocol.
func (g *Gateway) openAI() {
	g.mux.HandleFunc("POST /v1/chat/completions", g.chatCompletions)
	g.mux.HandleFunc("GET /v1/models", g.listModels)
	g.mux.HandleFunc("GET /v1/models/{model...}", g.getModel)
	g.mux.HandleFunc("POST /v1/embeddings", g.embeddings)
}

// openAIErrors writes the errors of endpoints that call no model.
type openAIErrors struct{}

func (openAIErrors) refusal(dst []byte, p *problem) []byte { return appendOpenAIError(dst, p) }

// chatCompletions answers POST /v1/chat/completions.
func (g *Gateway) chatCompletions(w http.ResponseWriter, r *http.Request) {
	c, p := decodeChat(exchangeOf(r.Context()).data)
	if p != nil {
		refuse(w, openAIErrors{}, p)
		note(r.Context(), "", p)
		return
	}
	m, start, p := g.resolve(r.Context(), c.model, c.fallbacks)
	if p != nil {
		refuse(w, openAIErrors{}, p)
		note(r.Context(), c.model, p)
		return
	}
	c.Model = start
	if c.user != "" {
		r = r.WithContext(call.With(r.Context(), call.Info{User: c.user}))
	}
	p = g.answer(w, r, turn{model: m, request: c.LLMRequest, streamed: c.streamed, out: newChatWriter(c)})
	note(r.Context(), c.model, p)
}

// modelDocument is a model in a list.
type modelDocument struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
	geminiModel
}

// listModels answers GET /v1/models. One document serves the clients of both protocols, because
// the npm package @google/genai 3.3.0 lists models at the same path as OpenAI's clients.
func (g *Gateway) listModels(w http.ResponseWriter, r *http.Request) {
	list := struct {
		Object string          `json:"object"`
		Data   []modelDocument `json:"data"`
		Models []geminiModel   `json:"models"`
	}{Object: "list", Data: []modelDocument{}, Models: []geminiModel{}}
	for _, m := range g.models() {
		if mayName(r.Context(), m.name) {
			list.Data = append(list.Data, g.modelDocument(m))
			list.Models = append(list.Models, geminiModelOf(m.name))
		}
	}
	writeJSON(w, list)
}

// getModel answers GET /v1/models/{model}.
func (g *Gateway) getModel(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("model")
	p := unknownModel(name)
	if !mayName(r.Context(), name) {
		refuse(w, openAIErrors{}, p)
		note(r.Context(), name, p)
		return
	}
	if i := slices.IndexFunc(g.models(), func(m listed) bool { return m.name == name }); i >= 0 {
		writeJSON(w, g.modelDocument(g.models()[i]))
		return
	}
	if live, inside := g.routeOf(name); live != nil && live.Policy().Declares(inside) { // by a pattern
		writeJSON(w, g.modelDocument(listed{name: name, owner: live.Policy().Resolve(inside).Provider}))
		return
	}
	refuse(w, openAIErrors{}, p)
	note(r.Context(), name, p)
}

func (g *Gateway) modelDocument(m listed) modelDocument {
	return modelDocument{ID: m.name, Object: "model", Created: g.started.Unix(), OwnedBy: or(m.owner, "adk-fallback"), geminiModel: geminiModelOf(m.name)}
}

func writeJSON(w http.ResponseWriter, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		refuse(w, openAIErrors{}, newProblem(http.StatusInternalServerError, codeServer, "", err.Error()))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(data) // a client that has gone needs no answer
}
