package plugin_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// forEachServer runs f for every provider, unary and streamed.
func forEachServer(t *testing.T, f func(t *testing.T, s *badServer, stream bool)) {
	for _, s := range badServers {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, streamed %v", s.name, stream), func(t *testing.T) { f(t, &s, stream) })
		}
	}
}

// reply is what a call has come to.
type reply struct {
	final   *model.LLMResponse
	verdict failure.Verdict
	err     error
}

// askAt makes a call to a server with the given handler.
func (s *badServer) askAt(t *testing.T, stream bool, handler http.HandlerFunc) reply {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	return askModel(t, s.new(t, server.URL), stream)
}

func askModel(t *testing.T, m model.LLM, stream bool) (r reply) {
	t.Helper()
	req := &model.LLMRequest{Contents: genai.Text("What is the sky of Paris like?"), Config: &genai.GenerateContentConfig{
		Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "weather", Description: "tells of the sky"}}}},
	}}
	for resp, err := range m.GenerateContent(t.Context(), req, stream) {
		switch {
		case err != nil:
			r.err = err
		case !resp.Partial:
			r.final = resp
		}
	}
	if r.err != nil {
		r.verdict = failure.Classify(r.err)
	} else {
		r.verdict, _ = failure.ClassifyResponse(r.final, failure.Expect{FinishReason: true})
	}
	return r
}

func sends(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// B54, B58, B107: what a server should not send is an error with the same verdict
// from every provider, and no part of an answer.
func TestBadInput(t *testing.T) {
	const page = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>proxy</body></html>"
	half := func(s *badServer, stream bool) string {
		at := s.around(stream)
		return at[0] + "It is su"
	}
	for _, test := range []struct {
		name   string
		status int
		kind   string // "" for that of the mode
		body   func(s *badServer, stream bool) string
		action failure.Action
		means  failure.Kind
	}{
		{"wrong key", 401, "application/json", func(s *badServer, _ bool) string { return s.wrongKey }, failure.Fail, failure.KindAuth},
		{"wrong key without a body", 401, "", nil, failure.Fail, failure.KindAuth},
		{"web page of a login", 200, "text/html; charset=utf-8", func(*badServer, bool) string { return page }, failure.Fallback, failure.KindUnknown},
		{"web page of a bad gateway", 502, "text/html", func(*badServer, bool) string { return page }, failure.Retry, failure.KindServer},
		{"web page at a wrong address", 404, "text/html", func(*badServer, bool) string { return page }, failure.Fail, failure.KindInvalid},
		{"error with a good status", 200, "application/json", func(s *badServer, _ bool) string { return s.limited }, failure.Retry, failure.KindRateLimit},
		{"error with a good status, as a stream", 200, "text/event-stream", func(s *badServer, _ bool) string { return s.limited }, failure.Retry, failure.KindRateLimit},
		{"truncated JSON", 200, "", half, failure.Retry, failure.KindTruncated},
		{"nothing", 200, "", nil, failure.Retry, failure.KindEmpty},
	} {
		t.Run(test.name, func(t *testing.T) {
			forEachServer(t, func(t *testing.T, s *badServer, stream bool) {
				kind, body := test.kind, ""
				if kind == "" {
					kind = map[bool]string{false: "application/json", true: "text/event-stream"}[stream]
				}
				if test.body != nil {
					body = test.body(s, stream)
				}
				r := s.askAt(t, stream, sends(test.status, kind, body))
				r.check(t, test.action, test.means)
			})
		})
	}
	t.Run("unreachable base URL", func(t *testing.T) {
		forEachServer(t, func(t *testing.T, s *badServer, stream bool) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			url := "http://" + l.Addr().String()
			_ = l.Close()
			r := askModel(t, s.new(t, url), stream)
			r.check(t, failure.Retry, failure.KindNetwork)
			if r.verdict.Scope != failure.ScopeEndpoint {
				t.Errorf("scope %s, want that of the endpoint", r.verdict.Scope)
			}
		})
	})
}

// check wants an error of that meaning, without the key in it.
func (r reply) check(t *testing.T, action failure.Action, kind failure.Kind) {
	t.Helper()
	if r.verdict.Action != action || r.verdict.Kind != kind {
		t.Errorf("verdict %s/%s, want %s/%s; error %v", r.verdict.Action, r.verdict.Kind, action, kind, r.err)
	}
	if r.final != nil || r.err == nil {
		t.Fatalf("a final response %+v and error %v, want an error alone", r.final, r.err)
	}
	if strings.Contains(r.err.Error()+r.verdict.Message, badKey) {
		t.Error("the error shows the key")
	}
}

// B58: arguments that are no JSON object never reach a tool.
func TestInvalidToolArguments(t *testing.T) {
	for _, arguments := range []string{`{"city": `, `{"city": "Paris"} and`, `[1]`, `"Paris"`, `5`, `true`} {
		t.Run(arguments, func(t *testing.T) {
			forEachServer(t, func(t *testing.T, s *badServer, stream bool) {
				at, isString := s.call, s.callIsString
				if stream {
					at, isString = s.streamedCall, s.streamIsString
				}
				value := arguments
				if isString {
					text, _ := json.Marshal(arguments)
					value = string(text)
				} else if !json.Valid([]byte(arguments)) {
					t.Skip("in this API it would be a broken document")
				}
				r := s.askAt(t, stream, sends(200, map[bool]string{false: "application/json", true: "text/event-stream"}[stream], at[0]+value+at[1]))
				if r.verdict.Action != failure.Retry || r.verdict.Kind != failure.KindMalformed {
					t.Errorf("verdict %s/%s, want retry/malformed; error %v", r.verdict.Action, r.verdict.Kind, r.err)
				}
				if r.final == nil || r.final.Content == nil {
					return
				}
				if slices.ContainsFunc(r.final.Content.Parts, func(p *genai.Part) bool { return p.FunctionCall != nil }) {
					t.Errorf("the call is passed on: %+v", r.final.Content.Parts)
				}
			})
		})
	}
}
