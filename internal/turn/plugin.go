package turn

import (
	"context"
	"slices"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
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
	turns  *turns
}

// New returns the plugin for config, or an error that names every wrong field.
func New(config Config) (*Plugin, error) {
	codes, err := config.check()
	if err != nil {
		return nil, err
	}
	return &Plugin{config: config, codes: codes, chain: config.chain(), turns: newTurns(config.MaxTurns, config.PruneTo)}, nil
}

// BeforeModel sets the model of req: an outer loop's choice for this agent if
// there is one, else the root.
func (p *Plugin) BeforeModel(ctx Context, req *model.LLMRequest) {
	if req == nil {
		return
	}
	s := p.turns.start(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	foreign := false
	if md, ok := chosen(ctx); ok {
		if s.failed == 0 {
			s.restore(md)
		}
		req.Model = md.FallbackModel
		foreign = req.Model != s.root
	} else if s.failed == 0 {
		// Mid-fallback, a loop inside the run has chosen, and its choice stays.
		if p.config.RootModel != "" {
			req.Model = p.config.RootModel
		}
		s.root = req.Model
	}
	s.asked = req.Model
	if p.config.Recover != nil {
		s.req = req
	}
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
	s := p.turns.find(ctx)
	if s == nil {
		if resp.ErrorCode == "" {
			return
		}
		s = p.turns.start(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ours == resp:
		s.ours = nil
	case resp.ErrorCode != "":
		p.afterErrorResponse(ctx, s, resp)
	case s.failed > 0 && s.asked != s.root:
		p.afterFallback(ctx, s, resp)
	default:
		s.reset()
	}
}

// afterErrorResponse judges a response that carries an error code.
func (p *Plugin) afterErrorResponse(ctx Context, s *state, resp *model.LLMResponse) {
	verdict, _ := failure.ClassifyResponse(resp, failure.Expect{})
	if _, ok := match(p.codes, verdict); !ok || !p.hasFallback(s) {
		s.reset()
		return
	}
	s.fail(verdict, resp.ErrorCode)
	if req := s.req; p.config.Recover != nil && req != nil {
		if answer, err := p.recover(ctx, s, req); err == nil {
			*resp = *answer
			return
		}
	}
	p.annotate(ctx, s, resp)
}

// afterFallback annotates the answer of the model that an outer loop chose.
func (p *Plugin) afterFallback(ctx Context, s *state, resp *model.LLMResponse) {
	s.log.Add(call.Attempt{Model: s.asked, Outcome: call.OK})
	md := s.metadata()
	md.FallbackModel, md.ModelName, md.ModelVersion = s.asked, s.asked, resp.ModelVersion
	md.WriteTo(resp)
	telemetry.Annotate(ctx, md)
	dropSignatures(resp)
	s.reset()
}

// OnModelError answers a configured error: with Recover's answer, or with a
// response for the outer loop to read. It returns nothing for errors that are
// not its business, and an error when Recover failed too and no model is left
// for an outer loop.
func (p *Plugin) OnModelError(ctx Context, req *model.LLMRequest, err error) (*model.LLMResponse, error) {
	if err == nil || req == nil {
		return nil, nil
	}
	s := p.turns.start(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked == "" {
		s.asked = req.Model
	}
	if s.root == "" {
		s.root = s.asked
	}
	verdict := failure.Classifier{}.Classify(ctx, err)
	code, ok := match(p.codes, verdict)
	if !ok || verdict.Kind == failure.KindCanceled || !p.hasFallback(s) {
		s.reset()
		return nil, nil
	}
	s.fail(verdict, code)
	if p.config.Recover != nil {
		answer, recoverErr := p.recover(ctx, s, req)
		if recoverErr == nil {
			s.ours = answer
			return answer, nil
		}
		if p.next(s.asked) == "" {
			s.reset()
			return nil, &RecoverError{Model: err, Recover: recoverErr}
		}
	}
	answer := &model.LLMResponse{ErrorCode: code, ErrorMessage: verdict.Message}
	p.annotate(ctx, s, answer)
	s.ours = answer
	return answer, nil
}

// End forgets a turn; it is called when its run ends.
func (p *Plugin) End(invocation string) { p.turns.end(invocation) }

// Tracked tells how many turns are tracked now.
func (p *Plugin) Tracked() int { return p.turns.len() }

// next returns the model to ask after asked has failed, or "".
func (p *Plugin) next(asked string) string {
	i := slices.Index(p.chain, asked) + 1
	if i == len(p.chain) {
		return ""
	}
	return p.chain[i]
}

// hasFallback tells whether this agent's failure is part of a fallback: there
// is something left to try, or something was tried before.
func (p *Plugin) hasFallback(s *state) bool {
	return p.config.Recover != nil || s.failed > 0 || p.next(s.asked) != ""
}

// annotate writes what has happened so far on a response that failed.
func (p *Plugin) annotate(ctx Context, s *state, resp *model.LLMResponse) {
	md := s.metadata()
	md.FallbackModel = p.next(s.asked)
	md.WriteTo(resp)
	telemetry.Annotate(ctx, md)
	s.req = nil
}

// fail records that the model asked has failed.
func (s *state) fail(verdict failure.Verdict, code string) {
	s.failed++
	s.code, s.reason = code, verdict.Reason
	s.log.Add(attempt(s.asked, verdict, 0))
}

// metadata is what s knows; the caller adds what comes next.
func (s *state) metadata() call.Metadata {
	attempts, dropped := s.log.Snapshot()
	return call.Metadata{
		Triggered: true, OriginalModel: s.root, Attempt: s.failed, ErrorCode: s.code, Reason: s.reason,
		Attempts: attempts, AttemptsDropped: dropped,
	}
}

func attempt(name string, verdict failure.Verdict, took time.Duration) call.Attempt {
	return call.Attempt{
		Model: name, Outcome: call.Failed, Code: verdict.Code, Kind: string(verdict.Kind),
		HTTPStatus: verdict.HTTPStatus, Duration: took, Message: verdict.Message,
	}
}

// dropSignatures removes the thought signatures of an answer that is not of the
// turn's own model: the session would hand them to that model later.
func dropSignatures(resp *model.LLMResponse) {
	if request.HasSignatures(resp.Content) {
		resp.Content = request.CloneContents([]*genai.Content{resp.Content})[0]
		request.StripSignatures(resp.Content)
	}
}
