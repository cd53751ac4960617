package fallbacktest

import (
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/protocol"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/protocol/anthropic"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/protocol/gemini"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/protocol/openai"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/strict"
)

// protocols are the APIs that the server speaks. No request belongs to two of them.
var protocols = []protocol.Protocol{gemini.API{}, openai.Chat{}, openai.Responses{}, anthropic.API{}}

// maxRequestBytes bounds what is read of a request. Gemini allows 20 MB
// (https://ai.google.dev/gemini-api/docs/files).
const maxRequestBytes = 64 << 20

// Provider is the scripted provider as an [http.Handler], for use behind a server
// or a middleware of your own; most tests want a [Server]. The zero Provider knows
// no model. It is safe for concurrent use; a waiting step ends with the request's
// context. Requests are kept, bodies included, for as long as the Provider is.
type Provider struct {
	mu       sync.Mutex
	scripts  map[string]*script
	requests []*Request     // in order of arrival
	seen     map[string]int // requests per model
	strict   bool
	dialects map[string]Dialect // per model; OpenAI's if absent
}

// Script sets what the model does from now on: each request takes the next step,
// and the last step repeats. No steps at all removes the model. A model that has
// no script is answered like [NotFound].
func (p *Provider) Script(model string, steps ...Step) { p.setScript(model, steps, false) }

// Loop is [Provider.Script] for a script that starts over at its end: a model
// that flaps, by count with [Times] or by the clock with [For].
func (p *Provider) Loop(model string, steps ...Step) { p.setScript(model, steps, true) }

func (p *Provider) setScript(model string, steps []Step, loop bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(steps) == 0 {
		delete(p.scripts, model)
		return
	}
	if p.scripts == nil {
		p.scripts = map[string]*script{}
	}
	p.scripts[model] = newScript(steps, loop)
}

// Requests returns every request so far, in the order in which they came.
func (p *Provider) Requests() []Request {
	return p.filter(func(*Request) bool { return true })
}

// RequestsFor is [Provider.Requests] for one model.
func (p *Provider) RequestsFor(model string) []Request {
	return p.filter(func(r *Request) bool { return r.Model == model })
}

func (p *Provider) filter(keep func(*Request) bool) []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []Request
	for _, r := range p.requests {
		if keep(r) {
			out = append(out, *r)
		}
	}
	return out
}

// ServeHTTP plays the next step of the script of the model that r asks for. It
// panics with [http.ErrAbortHandler] where a step aborts the connection.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Until its body is read, net/http does not notice that a client has left.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBytes))
	req := &Request{Path: r.URL.Path, Header: redacted(r.Header), Body: body, Time: time.Now()}
	for _, proto := range protocols {
		if !proto.Owns(r) {
			continue
		}
		view := req.view()
		if err == nil {
			err = proto.Decode(r, body, view)
		}
		req.decoded(view)
		if _, ok := proto.(openai.Chat); ok {
			proto = openai.Chat{Dialect: strict.Dialect(p.dialectOf(req.Model))}
		}
		refused, isStrict := refusal(proto, view, err), p.isStrict()
		if refused == nil && isStrict {
			refused = proto.Check(r, body, view)
		}
		if refused != nil && isStrict {
			req.Violation = refused.Text
		}
		snapshot := p.record(req)
		play := &exchange{w: w, r: r, proto: proto, req: snapshot.view(), step: p.stepFor(snapshot, refused)}
		play.step.answer.Strict = isStrict
		play.settle = func(o Outcome) { p.settle(req, o) }
		play.run()
		return
	}
	// Google answers an unknown path with an empty 404.
	if p.isStrict() {
		req.Violation = "no API has a call for content at " + r.Method + " " + r.URL.Path
	}
	p.record(req)
	p.settle(req, Completed)
	w.WriteHeader(http.StatusNotFound)
}

// refusal is the error for a request that cannot be read, or nil.
func refusal(proto protocol.Protocol, req *protocol.Request, err error) *protocol.Violation {
	if err == nil {
		return nil
	}
	return &protocol.Violation{Text: err.Error(), Status: proto.Problem(req, protocol.Problem{Kind: protocol.BadRequest, Text: err.Error()})}
}

// record files the request and returns a copy for the step to work with.
func (p *Provider) record(req *Request) *Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen == nil {
		p.seen = map[string]int{}
	}
	req.Index = p.seen[req.Model]
	p.seen[req.Model]++
	p.requests = append(p.requests, req)
	snapshot := *req
	return &snapshot
}

func (p *Provider) settle(req *Request, o Outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	req.Outcome, req.Ended = o, time.Now()
}

// stepFor returns the step that answers the request. A refused one takes none of
// the script's.
func (p *Provider) stepFor(req *Request, refused *protocol.Violation) Step {
	if refused != nil {
		return Step{kind: kindStatus, status: refused.Status}
	}
	p.mu.Lock()
	s := p.scripts[req.Model]
	p.mu.Unlock()
	if s == nil {
		return NotFound()
	}
	step := s.next(req.Time)
	for step.kind == kindFunc {
		step = step.choose(*req)
	}
	return step
}
