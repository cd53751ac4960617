package turn

import (
	"context"
	"slices"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/telemetry"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// Context is what the plugin needs of the context of a callback. The contexts
// of both majors satisfy it.
type Context interface {
	context.Context
	InvocationID() string
	AgentName() string
	Branch() string
}

// Plugin holds the callbacks. They are safe for concurrent use.
type Plugin struct {
	config Config
	codes  []string
	chain  []string
	backup stream.Layer // of config.Recover; nil if there is none
	turns  *turns
}

// New returns the plugin for config, or an error that names every wrong field.
func New(config Config) (*Plugin, error) {
	codes, err := config.check()
	if err != nil {
		return nil, err
	}
	p := &Plugin{config: config, codes: codes, chain: config.chain(), turns: newTurns(config.MaxTurns, config.PruneTo)}
	if config.Recover != nil {
		p.backup = stream.Of(config.Recover)
	}
	return p, nil
}

// BeforeModel sets the model of req: an outer loop's choice for this agent if
// there is one, else the root.
func (p *Plugin) BeforeModel(ctx Context, req *model.LLMRequest) {
	if req == nil {
		return
	}
	md, isChosen := chosen(ctx)
	invocation, agent, branch := ctx.InvocationID(), ctx.AgentName(), ctx.Branch()

	p.turns.Lock()
	s := p.turns.start(invocation, agent, branch)
	switch {
	case isChosen:
		if s.failures == nil {
			s.restore(md)
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
	s.asked, s.over = req.Model, false
	if p.backup != nil {
		s.req = req
	}
	foreign := s.asked != s.root
	p.turns.Unlock()

	if foreign || request.LacksSignature(req.Contents, req.Model) {
		// The contents may be the session's own.
		req.Contents = request.CloneContents(req.Contents)
		request.Adapt(req.Contents, req.Model, foreign)
	}
}

// AfterModel annotates resp in place when it carries a configured error code,
// or when it is the answer that ends a fallback. It never replaces resp, so
// that other plugins see it.
func (p *Plugin) AfterModel(ctx Context, resp *model.LLMResponse) {
	if resp == nil || resp.Partial {
		return
	}
	if resp.ErrorCode != "" {
		p.afterErrorResponse(ctx, resp)
		return
	}
	invocation, agent, branch := ctx.InvocationID(), ctx.AgentName(), ctx.Branch()
	p.turns.Lock()
	s := p.turns.find(invocation, agent, branch)
	if s == nil || s.ours == resp || s.failures == nil || s.asked == s.root {
		if s != nil {
			s.reset()
		}
		p.turns.Unlock()
		return
	}
	// The model that an outer loop chose has answered.
	s.failures.log.Add(call.Attempt{Model: s.asked, Outcome: call.OK})
	md := s.metadata()
	md.FallbackModel, md.ModelName, md.ModelVersion = s.asked, s.asked, resp.ModelVersion
	s.reset()
	p.turns.Unlock()

	md.WriteTo(resp)
	telemetry.Annotate(ctx, md)
	request.DropSignatures(resp)
}

// afterErrorResponse judges a response that carries an error code.
func (p *Plugin) afterErrorResponse(ctx Context, resp *model.LLMResponse) {
	verdict, _ := failure.ClassifyResponse(resp, failure.Expect{})
	_, configured := match(p.codes, verdict)

	p.turns.Lock()
	s := p.turns.start(ctx.InvocationID(), ctx.AgentName(), ctx.Branch())
	if s.ours == resp {
		s.ours = nil
		p.turns.Unlock()
		return
	}
	if !configured || !p.hasFallback(s) {
		s.reset()
		p.turns.Unlock()
		return
	}
	s.fail(verdict, resp.ErrorCode)
	req := s.req
	p.turns.Unlock()

	if p.backup != nil && req != nil {
		if answer, err := p.recover(ctx, s, req); err == nil {
			*resp = *answer
			return
		}
	}
	p.annotate(ctx, s, resp)
}

// OnModelError answers a configured error: with Recover's answer, or with a
// response for the outer loop to read. It returns nothing for errors that are
// not its business, and an error when Recover failed too and no model is left
// for an outer loop.
func (p *Plugin) OnModelError(ctx Context, req *model.LLMRequest, err error) (*model.LLMResponse, error) {
	if err == nil || req == nil {
		return nil, nil
	}
	verdict := failure.Classifier{}.Classify(ctx, err)
	code, configured := match(p.codes, verdict)

	p.turns.Lock()
	s := p.turns.start(ctx.InvocationID(), ctx.AgentName(), ctx.Branch())
	if s.asked == "" {
		s.asked = req.Model
	}
	if s.root == "" {
		s.root = s.asked
	}
	if s.over {
		// The model goes on after an error that has been answered: one call has
		// one answer.
		p.turns.Unlock()
		return nil, nil
	}
	if !configured || verdict.Kind == failure.KindCanceled || !p.hasFallback(s) {
		s.reset()
		p.turns.Unlock()
		return nil, nil
	}
	s.fail(verdict, code)
	s.over = true
	next := p.next(s)
	p.turns.Unlock()

	if p.backup != nil {
		answer, recoverErr := p.recover(ctx, s, req)
		if recoverErr == nil {
			return answer, nil
		}
		if next == "" {
			p.turns.Lock()
			s.reset()
			p.turns.Unlock()
			return nil, &RecoverError{Model: err, Recover: recoverErr}
		}
	}
	answer := &model.LLMResponse{ErrorCode: code, ErrorMessage: verdict.Message}
	p.annotate(ctx, s, answer)
	return answer, nil
}

// End forgets a turn; it is called when its run ends.
func (p *Plugin) End(invocation string) {
	p.turns.Lock()
	defer p.turns.Unlock()
	p.turns.drop(invocation)
}

// Tracked tells how many turns are tracked now.
func (p *Plugin) Tracked() int {
	p.turns.Lock()
	defer p.turns.Unlock()
	return len(p.turns.byID)
}

// next returns the first fallback model that this turn has neither started at
// nor tried, or "".
func (p *Plugin) next(s *state) string {
	for _, name := range p.chain {
		if name != s.root && name != s.asked && (s.failures == nil || !slices.Contains(s.failures.tried, name)) {
			return name
		}
	}
	return ""
}

// hasFallback tells whether this agent's failure is part of a fallback: there
// is something left to try, or something was tried before.
func (p *Plugin) hasFallback(s *state) bool {
	return p.backup != nil || s.failures != nil || p.next(s) != ""
}

// annotate writes on a response that failed what has happened so far and which
// model comes next.
func (p *Plugin) annotate(ctx Context, s *state, resp *model.LLMResponse) {
	p.turns.Lock()
	md := s.metadata()
	md.FallbackModel = p.next(s)
	s.req, s.ours = nil, resp
	p.turns.Unlock()

	md.WriteTo(resp)
	telemetry.Annotate(ctx, md)
}
