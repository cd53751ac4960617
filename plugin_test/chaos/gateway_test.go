package chaos_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/plugin"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai"
)

// viaGateway is a client of OpenAI's chat completions in front of the gateway.
const viaGateway entry = "gateway"

const route = "assistant"

// gated serves the plan's policy through the gateway, over connections in memory.
func gated(t testing.TB, w *world) (model.LLM, []*plugin.Plugin) {
	t.Helper()
	g, err := gateway.New(gateway.Config{Routes: map[string]*policy.Live{route: w.live(t)}, Logger: w.logger()})
	if err != nil {
		t.Fatal(err)
	}
	l := &pipes{incoming: make(chan net.Conn), closed: make(chan struct{})}
	srv, served := &http.Server{Handler: g}, make(chan struct{})
	go func() {
		defer close(served)
		_ = srv.Serve(l)
	}()
	transport := &http.Transport{DialContext: l.dial}
	w.closes = append([]func(){func() {
		transport.CloseIdleConnections()
		_ = srv.Close()
		<-served
	}}, w.closes...)
	m, err := openai.New(route, openai.Config{
		APIKey: keyOf("gateway"), BaseURL: "http://gateway.test/v1", API: openai.Chat, HTTPClient: &http.Client{Transport: looking{transport, w.told}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m, nil
}

// looking looks at the headers of responses.
type looking struct {
	http.RoundTripper
	told *told
}

// RoundTrip implements http.RoundTripper.
func (l looking) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := l.RoundTripper.RoundTrip(req)
	if err == nil {
		l.told.look("header", fmt.Sprint(resp.Header))
	}
	return resp, err
}

// pipes is a listener whose connections are in memory.
type pipes struct {
	incoming chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

// Accept implements net.Listener.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.incoming:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr implements net.Listener.
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	server, client := net.Pipe()
	select {
	case p.incoming <- server:
		return client, nil
	case <-p.closed:
		return nil, errRefused
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
