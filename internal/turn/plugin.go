package turn

import (
	"context"
	"slices"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/clone"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/telemetry"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// Context is the part of a callback's context that the plugin needs. The contexts of
// ADK v1 and v2 implement it.
type Context interface {
	context.Context
	InvocationID() string
	AgentName() string
	Branch() string
}

// Plugin holds the callbacks. They are safe for concurrent use.
type Plugin struct {
	config Config
	codes  []code
	judges bool // a code may be about a response without an error code
	heard  bool // there are hooks
	chain  []string
	backup stream.Layer // of config.Recover; nil if there is none
	turns  *turns
	warned once
}

// New returns the plugin for config, or an error that names every wrong field.
func New(config Config) (*Plugin, error) {
	codes, err := config.check()
	if err != nil {
		return nil, err
	}
	p := &Plugin{config: config, codes: codes, chain: config.chain(), turns: newTurns(config.MaxTurns, config.PruneTo)}
	p.judges = slices.ContainsFunc(codes, func(c code) bool { return !c.status })
	p.heard = config.OnAttempt != nil || config.OnFallback != nil || config.OnEnd != nil
	if config.Recover != nil {
		p.backup = stream.Of(config.Recover)
	}
	return p, nil
}

// BeforeModel sets the model of req: an outer loop's choice for this agent, or else the
// root. In a turn in which Recover has answered, it returns Recover's answer; if Recover
// fails, the root is called again.
func (p *Plugin) BeforeModel(ctx Context, req *model.LLMRequest) (*model.LLMResponse, error) {
	if req == nil {
		return nil, nil
	}
	loop := outerOf(ctx)
	if loop.isClosed(ctx) {
		return &model.LLMResponse{}, nil // which ends the agent without an event
	}
	s, root, stays := p.begin(ctx, loop, req)
	if stays {
		answer, err := p.recover(ctx, s, root, req)
		if err == nil {
			return answer, nil
		}
		if ctx.Err() != nil {
			p.reset(s)
			return nil, ctx.Err()
		}
		p.askRoot(s, err)
	}
	if foreign := req.Model != root; foreign || request.LacksSignature(req.Contents, req.Model) {
		// The contents may be the session's own.
		req.Contents = clone.Contents(req.Contents)
		request.Adapt(req.Contents, req.Model, foreign)
	}
	return nil, nil
}

// begin begins a call and sets its model. It returns the root of the turn, and
// whether Recover stays.
func (p *Plugin) begin(ctx Context, loop *outer, req *model.LLMRequest) (s *state, root string, stays bool) {
	md, isChosen := loop.chosen(ctx)
	p.turns.Lock()
	defer p.turns.Unlock()
	s = p.turns.begin(ctx)
	switch {
	case isChosen:
		if s.failures == nil {
			s.chose(md)
		}
		req.Model = md.FallbackModel
	case s.failures != nil && req.Model != s.own:
		// Mid-fallback, a loop inside the run has chosen, and its choice stays.
	default:
		s.own = req.Model
		if p.config.RootModel != "" {
			req.Model = p.config.RootModel
		}
		s.root = req.Model
	}
	s.asked = req.Model
	if p.backup != nil || p.judges {
		s.req = req
	}
	stays = s.failures != nil && s.failures.stays
	if stays {
		s.phase = handling
	}
	return s, s.root, stays
}

// askRoot lets a call go on to its model because Recover, which had answered before, has
// failed.
func (p *Plugin) askRoot(s *state, refused error) {
	p.turns.Lock()
	defer p.turns.Unlock()
	s.refused = refused
	p.turns.enter(s, asked)
}

// AfterModel judges a response of the agent's model. It returns a replacement only if
// Recover has answered, or if an error would otherwise get no event. It never writes to
// resp, which may be the model's own: OnEvent writes the metadata to the event.
func (p *Plugin) AfterModel(ctx Context, resp *model.LLMResponse) *model.LLMResponse {
	if resp == nil || resp.Partial {
		return nil
	}
	p.turns.Lock()
	s := p.turns.find(ctx.InvocationID(), ctx.AgentName(), ctx.Branch())
	if s == nil || s.phase != asked {
		p.turns.Unlock()
		return nil // the call has been answered
	}
	if resp.ErrorCode != "" || p.judges {
		verdict, bad := failure.ClassifyResponse(resp, failure.Expect{})
		name, configured := match(p.codes, verdict)
		if bad && resp.ErrorCode == "" && (!configured || verdict.Kind == failure.KindEmpty && request.EndsWithResults(s.req)) {
			bad = false // an answer, as far as this plugin is concerned
		}
		if bad {
			return p.badResponse(ctx, s, resp, failed{verdict, name, configured})
		}
	}
	p.answered(ctx, s, resp)
	return nil
}

// answered ends a call that its model has answered. It needs the lock, and
// releases it.
func (p *Plugin) answered(ctx Context, s *state, resp *model.LLMResponse) {
	var inner call.Metadata
	if len(resp.CustomMetadata) > 0 {
		inner, _ = call.ReadResponse(resp)
	}
	f := s.failures
	if f == nil || s.asked == s.root && s.refused == nil {
		var own call.Attempt
		if p.heard {
			own = s.answer(inner, resp)
		}
		s.failures = nil
		p.turns.enter(s, idle)
		p.turns.Unlock()
		telemetry.Annotate(ctx, resp.CustomMetadata) // a router's, whose own span is that of the call
		if p.heard {
			p.tellHealthy(ctx, inner, own)
		}
		return
	}
	attempts := inner.Attempts
	if len(attempts) == 0 {
		attempts = []call.Attempt{s.answer(inner, resp)}
	}
	attempts = f.add(attempts)
	md := s.metadata()
	md.ModelName, md.ModelVersion = attempts[len(attempts)-1].Model, resp.ModelVersion
	md.FallbackModel = md.ModelName
	fields := f.log.Map(md)
	md.Attempts, md.AttemptsDropped = f.log.Attempts()
	s.note = &note{fields: fields, code: resp.ErrorCode, foreign: s.asked != s.root}
	s.failures = nil
	p.turns.enter(s, noted)
	p.turns.Unlock()

	telemetry.Annotate(ctx, fields)
	p.tell(ctx, attempts...)
	p.tellFallback(ctx, md)
}

// OnEvent writes the metadata from AfterModel to the event of a call. It reports whether
// the event is that of a skipped agent: the session must not get it, so the caller replaces
// it by a partial copy. ADK's flow goes on with the event itself, which must be final.
func (p *Plugin) OnEvent(ctx context.Context, invocation string, ev Event) (skipped bool) {
	if ev.Response == nil || ev.Response.Partial {
		return false
	}
	if isSkipped(ctx, ev) {
		return true
	}
	p.turns.Lock()
	s := p.turns.find(invocation, ev.Author, ev.Branch)
	if s == nil || s.note == nil || s.note.code != ev.Response.ErrorCode {
		p.turns.Unlock()
		return false
	}
	n := s.note
	s.note = nil
	p.turns.enter(s, idle)
	p.unlock()

	call.Merge(ev.Response, n.fields)
	if n.foreign {
		request.DropSignatures(ev.Response)
	}
	return false
}

// End forgets a turn; it is called when its run ends.
func (p *Plugin) End(invocation string) {
	p.turns.Lock()
	defer p.turns.Unlock()
	p.turns.end(invocation)
}

// Tracked returns how many agents' turns are tracked now.
func (p *Plugin) Tracked() int {
	p.turns.Lock()
	defer p.turns.Unlock()
	return p.turns.busy.n + p.turns.idle.n
}

// reset forgets the failures of s, whose call has ended.
func (p *Plugin) reset(s *state) {
	p.turns.Lock()
	defer p.turns.Unlock()
	s.failures = nil
	p.turns.enter(s, idle)
}

// unlock releases the lock of turns, and warns if states were pruned under it.
func (p *Plugin) unlock() {
	pruned := p.turns.pruned
	p.turns.Unlock()
	if pruned {
		p.warnOfBound()
	}
}
