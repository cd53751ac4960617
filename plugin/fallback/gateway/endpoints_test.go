package gateway_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway"
)

// B145: a method or path that does not exist is refused in the shape of the protocol, and the
// log says why.
func TestUnknownEndpoints(t *testing.T) {
	for request, want := range map[string]struct {
		status int
		code   string // in the shape of OpenAI's API
		named  string // in that of the Gemini API
		allow  string
	}{
		"GET /":                              {status: 404, code: "not_found"},
		"GET /v1":                            {status: 404, code: "not_found"},
		"POST /chat/completions":             {status: 404, code: "not_found"},
		"POST /v1/responses":                 {status: 404, code: "not_found"},
		"POST /v1/completions":               {status: 404, code: "not_found"},
		"POST /v1beta/openai/embeddings":     {status: 404, code: "not_found"},
		"POST /v1alpha/models/a:countTokens": {status: 404, named: "NOT_FOUND"},
		"POST /v1beta1/projects/p/locations/l/publishers/google/models/a:generateContent": {status: 404, named: "NOT_FOUND"},
		"POST /v1/models":                  {status: 405, code: "method_not_allowed", allow: "GET"},
		"DELETE /v1/models":                {status: 405, code: "method_not_allowed", allow: "GET"},
		"POST /v1beta/models":              {status: 405, named: "UNIMPLEMENTED", allow: "GET"},
		"GET /v1/chat/completions":         {status: 405, code: "method_not_allowed", allow: "POST"},
		"OPTIONS /v1/chat/completions":     {status: 405, code: "method_not_allowed", allow: "POST"},
		"DELETE /v1/models/llama3:8b":      {status: 405, code: "method_not_allowed", allow: "GET, POST"},
		"GET /v1/models/llama3:8b":         {status: 404, code: "model_not_found"},
		"GET /v1beta/files":                {status: 404, named: "NOT_FOUND"},
		"PUT /v1beta/models/chat":          {status: 405, named: "UNIMPLEMENTED", allow: "GET, POST"},
		"POST /v1/models/chat:countTokens": {status: 404, named: "NOT_FOUND"},
	} {
		log := &logged{}
		g := gatewayFor(t, gateway.Config{Logger: log.logger()}, llmtest.Text("hi"))
		method, path, _ := strings.Cut(request, " ")
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, http.NoBody))
		var got struct{ Error struct{ Code, Status any } }
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Errorf("%s: %d, %v: %s", request, w.Code, err, w.Body)
			continue
		}
		code, named := got.Error.Code, got.Error.Status
		if w.Code != want.status || want.code != "" && code != want.code || want.named != "" && named != want.named || w.Header().Get("Allow") != want.allow {
			t.Errorf("%s: %d, Allow %q, %s; want %+v", request, w.Code, w.Header().Get("Allow"), w.Body, want)
		}
		if text := w.Body.String(); (want.code == "not_found" || want.named == "NOT_FOUND") && !strings.Contains(text, "the endpoints are /v1/chat/completions, ") && !strings.Contains(text, "use generateContent, ") {
			t.Errorf("%s: %s; want what exists", request, w.Body)
		}
		if !strings.Contains(log.String(), " problem=") {
			t.Errorf("%s: the log does not say why: %s", request, log)
		}
	}
}

// A list of models may be requested with a slash at the end, as some clients join URLs. B144
func TestListsOfModelsMayEndWithASlash(t *testing.T) {
	g := gatewayFor(t, gateway.Config{}, llmtest.Text("hi"))
	for path, want := range map[string]string{"/v1/models/": `"id":"chat"`, "/v1beta/models/": `"name":"models/chat"`} {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s; want %s", path, w.Code, w.Body, want)
		}
	}
}

// B144: a client whose base URL ends with a slash gets its answer at once, also with its key in the
// query.
func TestRepeatedSlashesAreIgnored(t *testing.T) {
	g := gatewayFor(t, gateway.Config{Keys: keysOf(t, "keys: [{tenant: acme, sha256: KEYa}]")}, llmtest.Text("hi"))
	const chat = `{"model": "chat", ` + hello + `}`
	for path, body := range map[string]string{
		"/v1//chat/completions?key=a": chat, "//v1/chat/completions?key=a": chat, "///v1///chat/completions?key=a": chat,
		"//v1beta/models/chat:generateContent?key=a": helloGemini, "/v1beta//models/ch%61t:generateContent?key=a": helloGemini,
	} {
		if w := posted(g, path, body); w.Code != http.StatusOK {
			t.Errorf("%s: status %d, Location %q, %s", path, w.Code, w.Header().Get("Location"), w.Body)
		}
	}
	// A name may have slashes.
	if w := posted(g, "//v1beta/models/a%2F%2Fb:generateContent?key=a", helloGemini); !strings.Contains(w.Body.String(), "a//b") {
		t.Errorf("status %d, %s; want the name a//b", w.Code, w.Body)
	}
	if w := posted(g, "//v1beta//files?key=a", "{}"); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "NOT_FOUND") {
		t.Errorf("status %d, %s", w.Code, w.Body)
	}
}

// plain hides what a ResponseWriter can do beyond writing.
type plain struct{ http.ResponseWriter }

// A middleware of the application may have a ResponseWriter that cannot flush. B144
func TestWriterThatCannotFlush(t *testing.T) {
	g := gatewayFor(t, gateway.Config{}, llmtest.Text("hi"))
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.ServeHTTP(plain{w}, r) })
	for _, path := range []string{generate, stream} {
		if w := posted(h, path, helloGemini); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"finishReason":"STOP"`) {
			t.Errorf("%s: status %d, body %q", path, w.Code, w.Body)
		}
	}
}
