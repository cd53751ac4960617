package openai_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai"
)

// responsesServer answers each request with body and keeps the last one.
type responsesServer struct {
	*httptest.Server
	request map[string]any
}

func serveResponses(t *testing.T, contentType, body string) *responsesServer {
	t.Helper()
	s := &responsesServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		s.request = nil
		if err := json.Unmarshal(data, &s.request); err != nil {
			t.Errorf("the request is no JSON: %v", err)
		}
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *responsesServer) model(name string) *openai.Model {
	return openai.MustNew(name, openai.Config{BaseURL: s.URL + "/v1", API: openai.Responses})
}

// asked is what a model said to one request.
type asked struct {
	partials []*model.LLMResponse
	final    *model.LLMResponse
	err      error
}

// ask fails the test unless the model yields partial responses first, then one
// final response or one error.
func ask(t *testing.T, m model.LLM, req *model.LLMRequest, stream bool) asked {
	t.Helper()
	var a asked
	for resp, err := range m.GenerateContent(t.Context(), req, stream) {
		switch {
		case a.final != nil || a.err != nil:
			t.Fatalf("something follows the end: %v, %v", resp, err)
		case err != nil:
			a.err = err
		case resp.Partial:
			a.partials = append(a.partials, resp)
		default:
			a.final = resp
		}
	}
	if a.final == nil && a.err == nil {
		t.Fatal("neither an answer nor an error")
	}
	return a
}

// say is a request with one user's message.
func say(text string) *model.LLMRequest { return &model.LLMRequest{Contents: genai.Text(text)} }

// told writes contents shortly: text as it is, thoughts in parentheses, calls with
// their id and arguments. Parts are separated by "|".
func told(parts ...*genai.Part) string {
	var words []string
	for _, p := range parts {
		switch {
		case p.Thought:
			words = append(words, "("+p.Text+")")
		case p.FunctionCall != nil:
			args, _ := json.Marshal(p.FunctionCall.Args)
			words = append(words, fmt.Sprintf("%s:%s%s", p.FunctionCall.ID, p.FunctionCall.Name, args))
		case p.InlineData != nil:
			words = append(words, p.InlineData.MIMEType+":"+string(p.InlineData.Data))
		default:
			words = append(words, p.Text)
		}
	}
	return strings.Join(words, "|")
}

func (a asked) shown() string {
	var b strings.Builder
	for _, p := range a.partials {
		for _, part := range p.Content.Parts {
			if part.Thought {
				b.WriteString("(" + part.Text + ")")
			} else {
				b.WriteString(part.Text)
			}
		}
	}
	return b.String()
}

// sse frames events without names.
func sse(events ...string) string {
	return "data: " + strings.Join(events, "\n\ndata: ") + "\n\n"
}
