package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"
)

// The models of the provider.
const (
	fast   = "fast"   // answers at once
	slow   = "slow"   // streams slowChunks words, one every slowPace
	flaky  = "flaky"  // fails in one of five calls, in one of the ways of fail
	steady = "steady" // its fallback, answers at once
)

const (
	slowChunks = 40
	slowPace   = 500 * time.Millisecond
)

// answer is the unary answer of every model.
const answer = `{"id":"chatcmpl-1","object":"chat.completion","created":1764374400,"model":"fast","choices":[{"index":0,"message":{"role":"assistant","content":"It is sunny in Paris, with a light wind from the west."},"finish_reason":"stop"}],"usage":{"prompt_tokens":12,"completion_tokens":13,"total_tokens":25}}`

// provide serves chat completions until ctx ends.
func provide(ctx context.Context, address string) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /v1/chat/completions", complete)
	return serve(ctx, address, mux)
}

// relay passes requests on to a base URL until ctx ends, with the reverse proxy of Go's standard
// library.
func relay(ctx context.Context, address, to string) error {
	target, err := url.Parse(to)
	if err != nil {
		return err
	}
	return serve(ctx, address, &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: &http.Transport{MaxIdleConnsPerHost: 8192},
	})
}

func serve(ctx context.Context, address string, h http.Handler) error {
	srv := &http.Server{Addr: address, Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		_ = srv.Close()
	}()
	if err := srv.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func complete(w http.ResponseWriter, r *http.Request) {
	var req struct {
		Model  string `json:"model"`
		Stream bool   `json:"stream"`
	}
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &req)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if req.Model == flaky && rand.IntN(5) == 0 {
		fail(w)
		return
	}
	if !req.Stream {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answer)
		return
	}
	stream(w, r, req.Model)
}

// stream sends an answer as events.
func stream(w http.ResponseWriter, r *http.Request, model string) {
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	send := func(delta, finish string) {
		_, _ = fmt.Fprintf(w, `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1764374400,"model":%q,"choices":[{"index":0,"delta":%s,"finish_reason":%s}]}`+"\n\n", model, delta, finish)
		_ = control.Flush()
	}
	for i := range slowChunks {
		send(fmt.Sprintf(`{"role":"assistant","content":"word%d "}`, i), "null")
		if model != slow {
			continue
		}
		select {
		case <-time.After(slowPace):
		case <-r.Context().Done():
			return
		}
	}
	send("{}", `"stop"`)
	_, _ = io.WriteString(w, "data: [DONE]\n\n")
}

// fail fails as providers do: with a status, in the middle of an answer, or not at all.
func fail(w http.ResponseWriter) {
	switch rand.IntN(5) {
	case 0:
		http.Error(w, `{"error":{"message":"The server is overloaded.","type":"server_error"}}`, http.StatusServiceUnavailable)
	case 1:
		w.Header().Set("Retry-After", "1")
		http.Error(w, `{"error":{"message":"Rate limit reached.","type":"requests","code":"rate_limit_exceeded"}}`, http.StatusTooManyRequests)
	case 2:
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, `data: {"id":"x","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"half"}}]}`+"\n\n")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case 3:
		panic(http.ErrAbortHandler)
	default:
		_, _ = io.WriteString(w, strings.Repeat("<html>", 50))
	}
}
