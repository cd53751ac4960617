package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/gorilla/mux"
	"google.golang.org/adk/v2/cmd/launcher"
	"google.golang.org/adk/v2/cmd/launcher/console"
	"google.golang.org/adk/v2/cmd/launcher/universal"
	"google.golang.org/adk/v2/cmd/launcher/web"
	"google.golang.org/adk/v2/cmd/launcher/web/a2a"
	"google.golang.org/adk/v2/cmd/launcher/web/api"
	"google.golang.org/adk/v2/cmd/launcher/web/triggers/eventarc"
	"google.golang.org/adk/v2/cmd/launcher/web/triggers/pubsub"
	"google.golang.org/adk/v2/cmd/launcher/web/webui"
)

// newLauncher is full.NewLauncher of ADK with traces that ADK Web can show.
func newLauncher() launcher.Launcher {
	return universal.NewLauncher(
		console.NewLauncher(),
		web.NewLauncher(webui.NewLauncher(), a2a.NewLauncher(), pubsub.NewLauncher(), eventarc.NewLauncher(),
			traceAPI{api.NewLauncher()}),
	)
}

// traceAPI is ADK's REST API with the traces of a session once more, the way
// ADK Web wants them. In ADK v2.2.0 the two do not fit: the page asks at
// /dev/apps/{app}/debug/…, the API answers at /debug/…, and where the page
// checks types (see showable) the API sends others, so that its list of traces
// stays empty. The plugin needs none of this; that page does.
type traceAPI struct{ web.Sublauncher }

// SetupSubrouters knows the API under its default path prefix, /api.
func (t traceAPI) SetupSubrouters(router *mux.Router, config *launcher.Config) error {
	router.HandleFunc("/api/dev/apps/{app}/debug/trace/session/{id}", func(w http.ResponseWriter, r *http.Request) {
		original := r.Clone(r.Context())
		original.URL.Path, original.URL.RawPath = "/api/debug/trace/session/"+mux.Vars(r)["id"], ""
		answer := httptest.NewRecorder()
		router.ServeHTTP(answer, original)

		spans, err := showable(answer.Body.Bytes())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(spans) // an error means that the page is gone
	})
	return t.Sublauncher.SetupSubrouters(router, config)
}

// showable returns a session's spans in the types that ADK Web insists on; one
// span that differs hides all.
func showable(body []byte) ([]byte, error) {
	const (
		operation     = "gen_ai.operation.name"
		finishReasons = "gen_ai.response.finish_reasons"
		usagePrefix   = "gen_ai.usage."
		eventID       = "gcp.vertex.agent.event_id"
	)
	var spans []map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber() // times are in nanoseconds: too long for a float64
	if err := decoder.Decode(&spans); err != nil {
		return nil, err
	}
	for _, span := range spans {
		delete(span, "logs") // the prompts and answers, which are elided anyway
		attributes, ok := span["attributes"].(map[string]any)
		if !ok {
			continue
		}
		for name, value := range attributes {
			// The API turns numbers and lists into text.
			if text, ok := value.(string); ok && (name == finishReasons || strings.HasPrefix(name, usagePrefix)) {
				attributes[name] = json.RawMessage(text)
			}
		}
		if attributes[operation] == "generate_content" && attributes[eventID] == nil {
			attributes[eventID] = "" // a call that failed made no event
		}
	}
	return json.Marshal(spans)
}
