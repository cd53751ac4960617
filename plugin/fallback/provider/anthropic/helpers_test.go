package anthropic_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/anthropic"
)

// server answers every request alike and keeps what it was asked.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string      // guarded by mu
	heads  []http.Header // guarded by mu
	paths  []string      // guarded by mu
}

// reply is what a server answers. The zero status is 200, the zero kind that of
// events, or of JSON for what begins with a brace.
type reply struct {
	status int
	kind   string
	head   map[string]string
	body   string
	write  int // bytes a write; 0 for all
}

func serve(t testing.TB, r reply) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		s.mu.Lock()
		s.bodies, s.heads, s.paths = append(s.bodies, string(body)), append(s.heads, req.Header), append(s.paths, req.URL.Path)
		s.mu.Unlock()
		kind := r.kind
		if kind == "" {
			kind = "text/event-stream; charset=utf-8"
			if strings.HasPrefix(r.body, "{") {
				kind = "application/json"
			}
		}
		w.Header().Set("Content-Type", kind)
		for k, v := range r.head {
			w.Header().Set(k, v)
		}
		if r.status != 0 {
			w.WriteHeader(r.status)
		}
		for rest := r.body; rest != ""; {
			n := len(rest)
			if r.write > 0 {
				n = min(n, r.write)
			}
			if _, err := io.WriteString(w, rest[:n]); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			rest = rest[n:]
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.bodies)
}

func (s *server) last() (body map[string]any, head http.Header, path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.bodies) - 1
	if err := json.Unmarshal([]byte(s.bodies[n]), &body); err != nil {
		panic(err)
	}
	return body, s.heads[n], s.paths[n]
}

// done is a whole answer in one piece.
const done = `{"type":"message","model":"claude-x","content":[{"type":"text","text":"ok"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}`

func newModel(t testing.TB, s *server, name string, config anthropic.Config) *anthropic.Model {
	t.Helper()
	config.BaseURL = s.URL
	m, err := anthropic.New(name, config)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// ask returns what a model answers: its partial responses, and the final one.
func ask(t testing.TB, m *anthropic.Model, req *model.LLMRequest, stream bool) (partial []*model.LLMResponse, final *model.LLMResponse, err error) {
	t.Helper()
	for resp, err := range m.GenerateContent(t.Context(), req, stream) {
		switch {
		case err != nil:
			return partial, nil, err
		case final != nil:
			t.Fatalf("a response follows the final one: %+v", resp)
		case resp.Partial:
			partial = append(partial, resp)
		default:
			final = resp
		}
	}
	return partial, final, nil
}

func says(text string) *model.LLMRequest {
	return &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText(text, genai.RoleUser)}}
}

// sent asks a model and returns the body of its request.
func sent(t testing.TB, name string, config anthropic.Config, req *model.LLMRequest) (map[string]any, http.Header) {
	t.Helper()
	s := serve(t, reply{body: done})
	if _, _, err := ask(t, newModel(t, s, name, config), req, false); err != nil {
		t.Fatal(err)
	}
	body, head, _ := s.last()
	return body, head
}

// equal compares a value with JSON; "" stands for none.
func equal(t testing.TB, what string, got any, want string) {
	t.Helper()
	var w any
	if want != "" {
		if err := json.Unmarshal([]byte(want), &w); err != nil {
			t.Fatalf("%s: %v in %s", what, err, want)
		}
	}
	if diff := cmp.Diff(w, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func texts(resps []*model.LLMResponse) (text, thoughts string) {
	for _, resp := range resps {
		if resp == nil || resp.Content == nil {
			continue
		}
		for _, part := range resp.Content.Parts {
			if part.Thought {
				thoughts += part.Text
			} else {
				text += part.Text
			}
		}
	}
	return text, thoughts
}
