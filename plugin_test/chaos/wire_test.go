package chaos_test

import (
	"context"
	"io"
	"iter"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/anthropic"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/gemini"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai"
)

// maker makes the models of one name.
type maker struct{ Name, Protocol string }

// makers has models of each protocol, of several generations.
var makers = []maker{
	{"gemini-3.5-flash", "gemini"}, {"gemini-2.5-flash", "gemini"},
	{"llama-4-maverick", "chat"}, {"qwen-3", "chat"},
	{"gpt-5.2", "responses"}, {"gpt-4o", "responses"},
	{"claude-sonnet-5", "anthropic"}, {"claude-haiku-4-5", "anthropic"},
}

// keyOf is the key that a model is called with. It must not appear anywhere.
func keyOf(model string) string { return "sk-chaos-" + model + "-0123456789abcdef" }

// client returns a client of the model's protocol. Each model has a host of its own.
func (m maker) client(t testing.TB, transport http.RoundTripper) model.LLM {
	t.Helper()
	web, base, key := &http.Client{Transport: transport}, "http://"+m.Name+".test", keyOf(m.Name)
	var llm model.LLM
	var err error
	switch m.Protocol {
	case "gemini":
		llm, err = gemini.New(t.Context(), m.Name, gemini.Config{Client: &genai.ClientConfig{
			Backend: genai.BackendGeminiAPI, APIKey: key, HTTPClient: web, HTTPOptions: genai.HTTPOptions{BaseURL: base},
		}})
	case "chat", "responses":
		api := map[string]string{"chat": openai.Chat, "responses": openai.Responses}[m.Protocol]
		llm, err = openai.New(m.Name, openai.Config{APIKey: key, BaseURL: base + "/v1", API: api, HTTPClient: web})
	case "anthropic":
		llm, err = anthropic.New(m.Name, anthropic.Config{APIKey: key, BaseURL: base, HTTPClient: web})
	}
	if err != nil {
		t.Fatal(err)
	}
	return llm
}

// actor is a model that follows its target's script: it numbers its calls, and its
// transport and its server look at the number.
type actor struct {
	model.LLM
	*target
	calls atomic.Int64
}

type actKey struct{}

// actHeader carries the number of a call to the server.
const actHeader = "X-Chaos-Act"

// Name implements model.LLM.
func (a *actor) Name() string { return a.LLM.Name() }

// Target implements provider.Described.
func (a *actor) Target() provider.Target { return a.LLM.(provider.Described).Target() }

// GenerateContent implements model.LLM.
func (a *actor) GenerateContent(ctx context.Context, req *model.LLMRequest, stream bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		n := int(a.calls.Add(1)) - 1
		does := a.on(n)
		ctx := context.WithValue(ctx, actKey{}, n)
		left := does.At
		for resp, err := range a.LLM.GenerateContent(ctx, req, stream) {
			if left--; faults[does.Fault].panics && left < 0 {
				panic("a model that panics")
			}
			if !yield(resp, err) {
				return
			}
		}
	}
}

// link is what happens on the way between a client and a server. The zero link is a good
// connection.
type link struct {
	err   error         // instead of a connection
	slice int           // bytes that arrive at once; 0 for all
	pace  time.Duration // between slices
}

var (
	errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	errDNS     = &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "model.test", IsNotFound: true}}
)

// wire is the way from one target's client to the server.
type wire struct {
	*target
	base http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (w wire) RoundTrip(req *http.Request) (*http.Response, error) {
	n, _ := req.Context().Value(actKey{}).(int)
	does := w.on(n)
	var l link
	if f := faults[does.Fault]; f.link != nil {
		l = f.link(does)
	}
	if l.err != nil {
		return nil, l.err
	}
	req = req.Clone(req.Context())
	req.Header.Set(actHeader, strconv.Itoa(n))
	resp, err := w.base.RoundTrip(req)
	if err == nil && l.slice > 0 {
		resp.Body = &sliced{ReadCloser: resp.Body, link: l, ctx: req.Context()}
	}
	return resp, err
}

// sliced is a body that arrives in small slices.
type sliced struct {
	io.ReadCloser
	link
	ctx context.Context
}

// Read implements io.Reader.
func (s *sliced) Read(p []byte) (int, error) {
	if s.pace > 0 {
		select {
		case <-time.After(s.pace):
		case <-s.ctx.Done():
			return 0, s.ctx.Err()
		}
	}
	return s.ReadCloser.Read(p[:min(len(p), s.slice)])
}
