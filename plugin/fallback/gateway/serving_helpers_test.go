package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// helloGemini is the body of a request to the Gemini endpoints.
const helloGemini = `{"contents":[{"role":"user","parts":[{"text":"hello"}]}]}`

const (
	generate = "/v1beta/models/chat:generateContent"
	stream   = "/v1beta/models/chat:streamGenerateContent?alt=sse"
)

// gatewayFor returns a gateway with a route "chat", whose model "one" does step.
func gatewayFor(t *testing.T, config gateway.Config, step llmtest.Step) *gateway.Gateway {
	t.Helper()
	p, err := spec.Parse([]byte("primary: one"))
	if err != nil {
		t.Fatal(err)
	}
	discard := slog.New(slog.DiscardHandler)
	live, err := policy.NewLive(t.Context(), p, policy.Models{"one": llmtest.NewModel("one", step)}, policy.WithLogger(discard))
	if err != nil {
		t.Fatal(err)
	}
	config.Routes = map[string]*policy.Live{"chat": live}
	if config.Logger == nil {
		config.Logger = discard
	}
	g, err := gateway.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// posted sends a request to a handler and returns what it answers. headers are pairs.
func posted(h http.Handler, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// geminiError is the body of an error.
type geminiError struct {
	Error struct {
		Code    int
		Message string
		Status  string
		Details []map[string]any
	}
}

// refusalOf reads an error in the shape of the Gemini API.
func refusalOf(t *testing.T, w *httptest.ResponseRecorder) (e geminiError) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Error.Code != w.Code || e.Error.Message == "" || e.Error.Status == "" {
		t.Errorf("status %d: error %v, body %q is no error of the Gemini API", w.Code, err, w.Body)
	}
	return e
}

// gate is a step that answers when it is opened.
type gate struct {
	open    chan struct{}
	entered chan struct{} // one value for each call
}

func newGate() *gate { return &gate{make(chan struct{}), make(chan struct{}, 100)} }

func (g *gate) step(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
	g.entered <- struct{}{}
	select {
	case <-g.open:
		llmtest.Text("hi")(ctx, req, streamed, yield)
	case <-ctx.Done():
		yield(nil, ctx.Err())
	}
}

// logged is a log that can be read while it is written.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(line)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// read reads a body to its end.
func read(t *testing.T, body io.ReadCloser) string {
	t.Helper()
	defer body.Close()
	data, err := io.ReadAll(body)
	if err != nil {
		t.Error(err)
	}
	return string(data)
}
