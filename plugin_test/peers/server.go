package peers

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// The bodies of failures, as OpenAI sends them.
const (
	body503 = `{"error":{"message":"The server is overloaded.","type":"server_error","param":null,"code":null}}`
	body429 = `{"error":{"message":"Rate limit reached for requests.","type":"requests","param":null,"code":"rate_limit_exceeded"}}`
)

const usage = `{"prompt_tokens":120,"completion_tokens":192,"total_tokens":312,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},` +
	`"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}`

// handler answers as the chat completions of OpenAI do, the target at i below /i. It
// parses nothing and prepares its answers, so that its cost is the least part of a
// figure.
func (s *Site) handler() http.Handler {
	whole, events := s.whole(), s.events()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{target}/v1/chat/completions", func(w http.ResponseWriter, r *http.Request) {
		i, err := strconv.Atoi(r.PathValue("target"))
		if err != nil || i >= len(s.Targets) {
			http.NotFound(w, r)
			return
		}
		target := s.Targets[i]
		target.calls.Add(1)
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		switch {
		case target.Kind == Silent:
			<-r.Context().Done()
		case target.Kind == Down503:
			send(w, http.StatusServiceUnavailable, body503)
		case target.Kind == Down429:
			send(w, http.StatusTooManyRequests, body429)
		case s.Chunks > 0:
			stream(w, events)
		default:
			send(w, http.StatusOK, whole)
		}
	})
	return mux
}

func send(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	io.WriteString(w, body)
}

// stream sends each event in a separate write, like a server that sends each token as
// soon as it has it.
func stream(w http.ResponseWriter, events [][]byte) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	flusher := w.(http.Flusher)
	for _, event := range events {
		w.Write(event)
		flusher.Flush()
	}
}

// whole is the answer that is not streamed.
func (s *Site) whole() string {
	return fmt.Sprintf(`{"id":"chatcmpl-1","object":"chat.completion","created":1790000000,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,`+
		`"message":{"role":"assistant","content":%q,"refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":%s,`+
		`"service_tier":"default","system_fingerprint":"fp_1"}`, strings.Join(s.Text, ""), usage)
}

// events are those of the streamed answer.
func (s *Site) events() (events [][]byte) {
	add := func(choices, usage string) {
		events = append(events, fmt.Appendf(nil, `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1790000000,"model":"gpt-4o-mini-2024-07-18",`+
			`"service_tier":"default","system_fingerprint":"fp_1","choices":[%s],"usage":%s}`+"\n\n", choices, usage))
	}
	add(`{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}`, "null")
	for _, chunk := range s.Text {
		add(fmt.Sprintf(`{"index":0,"delta":{"content":%q},"logprobs":null,"finish_reason":null}`, chunk), "null")
	}
	add(`{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}`, "null")
	add("", usage)
	return append(events, []byte("data: [DONE]\n\n"))
}
