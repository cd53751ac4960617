package gateway_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai"
)

var quiet = policy.WithLogger(slog.New(slog.DiscardHandler))

// live builds a policy.
func live(t testing.TB, text string, opts ...policy.Option) *policy.Live {
	t.Helper()
	p, err := spec.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	l, err := policy.NewLive(t.Context(), p, append(opts, quiet)...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// handsIn is the option with the models of a test.
func handsIn(all ...*llmtest.Model) policy.Option {
	models := policy.Models{}
	for _, m := range all {
		models[m.Name()] = m
	}
	return models
}

// through is a provider named anthropic in a policy whose models speak chat completions with
// srv, so that a test in virtual time can route names by a pattern.
func through(srv *fallbacktest.Server) policy.Option {
	return provider.Factory{Name: "anthropic", New: func(s provider.Settings) (model.LLM, error) {
		return openai.New(s.Model, openai.Config{BaseURL: s.BaseURL, API: openai.Chat, HTTPClient: srv.Client()})
	}}
}

// newGateway returns a gateway with one route, named main.
func newGateway(t testing.TB, l *policy.Live) *gateway.Gateway {
	t.Helper()
	g, err := gateway.New(gateway.Config{Routes: map[string]*policy.Live{"main": l}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// pipe is a listener in memory, for tests in virtual time.
type pipe struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipe) Close() error   { return nil }
func (p *pipe) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// serve serves h over connections in memory until the test ends, and returns a client.
func serve(t *testing.T, h http.Handler) *http.Client {
	t.Helper()
	p := &pipe{conns: make(chan net.Conn), closed: make(chan struct{})}
	srv := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(p)
	}()
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		select {
		case p.conns <- server:
			return client, nil
		case <-p.closed:
			return nil, net.ErrClosed
		}
	}}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		close(p.closed)
		_ = srv.Close()
		<-done
	})
	return &http.Client{Transport: transport}
}

// reply is an answer as a client sees it.
type reply struct {
	status int
	header http.Header
	body   string // of an answer that is not streamed

	events   []map[string]any // of a stream
	text     string           // of all deltas
	finish   string
	model    string         // of the first chunk
	failed   map[string]any // the error, in band or not
	done     bool           // [DONE]
	usage    map[string]any
	metadata map[string]any
}

// post sends body to a path. The answer may be a stream.
func post(t *testing.T, c *http.Client, path, body string) (r reply) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://gateway"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	r.status, r.header = resp.StatusCode, resp.Header
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		data, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		r.body = string(data)
		var doc map[string]any
		if err := json.Unmarshal(data, &doc); err != nil {
			t.Fatalf("%v: %s", err, data)
		}
		r.take(doc, "message")
		return r
	}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if data == "[DONE]" {
			r.done = true
			continue
		}
		var doc map[string]any
		if err := json.Unmarshal([]byte(data), &doc); err != nil {
			t.Fatalf("%v: %s", err, data)
		}
		r.events = append(r.events, doc)
		r.take(doc, "delta")
	}
	if err := lines.Err(); err != nil {
		t.Errorf("the stream broke: %v", err)
	}
	return r
}

func (r *reply) take(doc map[string]any, of string) {
	if r.model == "" {
		r.model, _ = doc["model"].(string)
	}
	if e, ok := doc["error"].(map[string]any); ok {
		r.failed = e
	}
	if usage, ok := doc["usage"].(map[string]any); ok {
		r.usage = usage
	}
	if md, ok := doc["fallback"].(map[string]any); ok {
		r.metadata = md
	}
	choices, _ := doc["choices"].([]any)
	for _, choice := range choices {
		choice := choice.(map[string]any)
		if finish, ok := choice["finish_reason"].(string); ok {
			r.finish = finish
		}
		delta, _ := choice[of].(map[string]any)
		text, _ := delta["content"].(string)
		r.text += text
	}
}
