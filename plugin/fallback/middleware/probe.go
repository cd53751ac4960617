package middleware

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/panics"
	"github.com/adk-fallback/adk-fallback/internal/stream"
)

// DefaultProbeTimeout is how long a small request of this package may take: an
// overloaded model is slow, and one that thinks takes seconds.
const DefaultProbeTimeout = 30 * time.Second

// probeGrace is how long a model has to end after ProbeTimeout.
const probeGrace = time.Second

// Ping returns a small request for [BreakerConfig.Probe] and [KeepWarmConfig.Request].
// It does not limit the output: a model that thinks would return an empty answer. For
// such a model, write a request with a small thinking budget.
func Ping() *model.LLMRequest {
	return &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText("Reply with OK.", genai.RoleUser)}}
}

// pinger makes small requests that no caller has asked for. They have a record of their
// own, and no caller: call.From returns nothing for them.
type pinger struct {
	name    string
	limited stream.Layer // the layer, with a time limit also for a model that ignores its context
	request func() *model.LLMRequest
}

func newPinger(layer stream.Layer, request func() *model.LLMRequest, timeout time.Duration) *pinger {
	return &pinger{layer.Name(), newTimeout(layer, TimeoutConfig{Total: timeout, Grace: probeGrace}), request}
}

// errNoRequest says that the application's function has made no request.
var errNoRequest = errors.New("middleware: the function for a small request returned nil or panicked; it must return a request")

// ping makes one unary request and returns its error, nil for an answer. A panic in a
// layer or in the request's function is an error. A model that ignores that its time is
// over may still be at work: see [stream.Sink.WhenEnded].
func (p *pinger) ping() (out *stream.Sink, err error) {
	out = stream.NewSink(context.Background(), func(*model.LLMResponse, error) bool { return true })
	req := p.make()
	if req == nil {
		err = errNoRequest
	} else {
		err = p.limited.Do(context.Background(), req, false, out)
	}
	out.End(err)
	return out, err
}

// make calls the application's function.
func (p *pinger) make() (req *model.LLMRequest) {
	defer func() {
		if r := recover(); r != nil {
			slog.Error("middleware: the function for a small request panicked", "model", p.name, "panic", panics.Text(r))
			req = nil
		}
	}()
	return p.request()
}
