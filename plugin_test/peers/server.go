package peers

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
)

// Chunks is how many pieces of text a streamed answer has.
const Chunks = 64

// Model is the name of the model that every request asks for.
const Model = "gpt-4o-mini"

// Answer is the text of every answer, whole and streamed.
var Answer = strings.Repeat(word, Chunks)

const word = "lorem ipsum dolor "

// Server answers as the chat completions of OpenAI do, always with [Answer], at
// /up/v1/chat/completions. Below /503 and /429 it answers with an error of that
// status. It counts its connections and requests.
type Server struct {
	URL string

	server                *httptest.Server
	connections, requests atomic.Int64
}

// NewServer starts a server on a free loopback port. Close ends it.
func NewServer() *Server {
	s := &Server{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /up/v1/chat/completions", s.up)
	mux.HandleFunc("POST /503/v1/chat/completions", s.down(http.StatusServiceUnavailable,
		`{"error":{"message":"The server is overloaded.","type":"server_error","param":null,"code":null}}`))
	mux.HandleFunc("POST /429/v1/chat/completions", s.down(http.StatusTooManyRequests,
		`{"error":{"message":"Rate limit reached for requests.","type":"requests","param":null,"code":"rate_limit_exceeded"}}`))
	s.server = httptest.NewUnstartedServer(mux)
	s.server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.connections.Add(1)
		}
	}
	s.server.Start()
	s.URL = s.server.URL
	return s
}

// Close ends the server and its connections.
func (s *Server) Close() {
	s.server.CloseClientConnections()
	s.server.Close()
}

// Counts returns how many connections were opened and how many requests arrived
// since the start.
func (s *Server) Counts() (connections, requests int64) {
	return s.connections.Load(), s.requests.Load()
}

func (s *Server) up(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	// The server parses nothing, so that its cost is the least part of a figure.
	if strings.Contains(string(body), `"stream":true`) || strings.Contains(string(body), `"stream": true`) {
		s.stream(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, whole)
}

// stream sends each chunk in a write of its own, as a server does that sends each
// token once it has it.
func (s *Server) stream(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	flusher := w.(http.Flusher)
	for _, event := range events {
		w.Write(event)
		flusher.Flush()
	}
}

func (s *Server) down(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

const usage = `{"prompt_tokens":120,"completion_tokens":192,"total_tokens":312,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},` +
	`"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}`

var whole = fmt.Sprintf(`{"id":"chatcmpl-1","object":"chat.completion","created":1790000000,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,`+
	`"message":{"role":"assistant","content":%q,"refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":%s,`+
	`"service_tier":"default","system_fingerprint":"fp_1"}`, Answer, usage)

var events = streamed()

func streamed() (events [][]byte) {
	add := func(choices, usage string) {
		events = append(events, fmt.Appendf(nil, `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1790000000,"model":"gpt-4o-mini-2024-07-18",`+
			`"service_tier":"default","system_fingerprint":"fp_1","choices":[%s],"usage":%s}`+"\n\n", choices, usage))
	}
	add(`{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}`, "null")
	for range Chunks {
		add(fmt.Sprintf(`{"index":0,"delta":{"content":%q},"logprobs":null,"finish_reason":null}`, word), "null")
	}
	add(`{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}`, "null")
	add("", usage)
	return append(events, []byte("data: [DONE]\n\n"))
}
