package turn

import (
	"log/slog"
	"slices"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/telemetry"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// failed is the failure of a call.
type failed struct {
	means      failure.Verdict
	name       string // the code in metadata
	configured bool
}

// OnModelError answers a configured error with Recover's answer, or with a response for
// the outer loop. It returns nil for other errors and for errors after an answer. It
// returns an error if Recover has failed too and no model is left for an outer loop.
func (p *Plugin) OnModelError(ctx Context, req *model.LLMRequest, err error) (*model.LLMResponse, error) {
	if err == nil || req == nil {
		return nil, nil
	}
	f := failed{means: failure.Classifier{}.Classify(ctx, err)}
	f.name, f.configured = match(p.codes, f.means)
	attempts := attemptsOf(err)

	p.turns.Lock()
	s := p.turns.find(ctx.InvocationID(), ctx.AgentName(), ctx.Branch())
	if s == nil || s.phase != asked {
		p.turns.Unlock()
		return nil, nil // a call has one answer, also if its model goes on after it
	}
	if len(attempts) == 0 {
		attempts = []call.Attempt{s.failedAttempt(f.means, nil)}
	}
	h, ok := p.handle(ctx, s, req, f, attempts)
	switch {
	case !ok:
		return nil, nil
	case h.answer != nil:
		return h.answer, nil
	case h.refused != nil && h.next == "":
		p.giveUp(ctx, s)
		return nil, &RecoverError{Model: err, Recover: h.refused}
	}
	answer := &model.LLMResponse{ErrorCode: f.name, ErrorMessage: f.means.Message}
	call.Merge(answer, p.annotate(ctx, s, h.next, nil))
	return answer, nil
}

// badResponse handles an error that arrived as a response. It needs the lock, and
// releases it.
func (p *Plugin) badResponse(ctx Context, s *state, resp *model.LLMResponse, f failed) *model.LLMResponse {
	if resp.ErrorCode != "" {
		f.name = codeName(resp.ErrorCode)
	}
	if ctx.Err() != nil {
		f.means.Kind = failure.KindCanceled // whatever it is, the caller has cancelled
	}
	attempts := []call.Attempt{s.failedAttempt(f.means, resp)}
	if inner, _ := call.ReadResponse(resp); len(inner.Attempts) > 0 {
		attempts = inner.Attempts
		if last := &attempts[len(attempts)-1]; last.Outcome == call.OK {
			last.Outcome = call.Failed // a refusal, which the router inside passed on
		}
	}
	h, ok := p.handle(ctx, s, s.req, f, attempts)
	switch {
	case !ok:
		return nil
	case h.answer != nil:
		return h.answer
	case resp.ErrorCode != "":
		p.annotate(ctx, s, h.next, &note{code: resp.ErrorCode})
		return nil
	}
	replaced := *resp // without a code it would have no event
	replaced.ErrorCode, replaced.ErrorMessage = f.name, f.means.Message
	call.Merge(&replaced, p.annotate(ctx, s, h.next, nil))
	return &replaced
}

// handled is what becomes of a failed call.
type handled struct {
	answer  *model.LLMResponse // of Recover; nil if there is none
	refused error              // why Recover gave none
	next    string             // the model for an outer loop to call next; "" for none
}

// handle records a failed call and calls Recover. ok is false if the failure is not
// the plugin's business. It needs the lock, and releases it.
func (p *Plugin) handle(ctx Context, s *state, req *model.LLMRequest, f failed, attempts []call.Attempt) (h handled, ok bool) {
	if f.means.Kind == failure.KindCanceled || !f.configured || !p.hasFallback(s) {
		p.pass(ctx, s, f, attempts)
		return handled{}, false
	}
	attempts = s.fail(f.name, f.means.Reason, attempts)
	h = handled{next: p.next(s), refused: s.refused}
	root := s.root
	p.turns.enter(s, handling)
	p.turns.Unlock()

	p.tell(ctx, attempts...)
	switch {
	case p.backup == nil || req == nil:
		h.refused = nil
	case h.refused == nil: // else Recover was called before the model
		h.answer, h.refused = p.recover(ctx, s, root, req)
	}
	return h, true
}

// pass lets a failure through unchanged. It needs the lock, and releases it.
func (p *Plugin) pass(ctx Context, s *state, f failed, attempts []call.Attempt) {
	var md call.Metadata
	before := s.failures != nil
	if before {
		attempts = s.fail(call.Attempt{Code: f.means.Code, Kind: string(f.means.Kind), HTTPStatus: f.means.HTTPStatus}.ErrorCode(), f.means.Reason, attempts)
		md = s.story()
	}
	model := s.asked
	s.failures = nil
	p.turns.enter(s, idle)
	p.turns.Unlock()
	p.tell(ctx, attempts...)
	if !before {
		md.Attempts = attempts
	}
	if f.means.Kind == failure.KindCanceled {
		p.tellEnd(ctx, call.Cancelled, md)
		return
	}
	if f.configured {
		p.warnOfNothing(ctx, model, f.name)
	}
	if !before {
		p.tellEnd(ctx, call.Failed, md)
		return
	}
	p.tellFallback(ctx, md)
}

// annotate returns the metadata of a failed response: the failures so far and the next
// model. With a note, it leaves the metadata for OnEvent.
func (p *Plugin) annotate(ctx Context, s *state, next string, n *note) map[string]any {
	p.turns.Lock()
	md := s.story()
	md.FallbackModel = next
	fields := md.Map()
	from := s.asked
	phase := idle
	if n != nil {
		n.fields = fields
		s.note, phase = n, noted
	}
	p.turns.enter(s, phase)
	p.unlock()

	telemetry.Annotate(ctx, fields)
	if next == "" {
		p.log(ctx, slog.LevelWarn, "fallback: no model answered", from, md)
		p.tellFallback(ctx, md)
		return fields
	}
	p.log(ctx, slog.LevelInfo, "fallback: a model failed; an outer loop, such as Retry, must call the next", from, md)
	asks(ctx, md)
	return fields
}

// giveUp reports that no model is left.
func (p *Plugin) giveUp(ctx Context, s *state) {
	p.turns.Lock()
	md, from := s.story(), s.asked
	s.failures = nil
	p.turns.enter(s, idle)
	p.turns.Unlock()
	if ctx.Err() == nil {
		p.log(ctx, slog.LevelWarn, "fallback: no model answered", from, md)
		p.tellFallback(ctx, md)
		return
	}
	p.tellEnd(ctx, call.Cancelled, md)
}

// next returns the fallback model that comes after the called one, or "". It skips the
// model that this turn started at, and those that it has tried. It only goes
// forward, because the metadata that an outer loop passes on does not list every model of
// a long turn.
func (p *Plugin) next(s *state) string {
	rest := p.chain
	if s.asked != s.root {
		rest = rest[slices.Index(rest, s.asked)+1:]
	}
	for _, name := range rest {
		if name != s.root && (s.failures == nil || !slices.Contains(s.failures.tried, name)) {
			return name
		}
	}
	return ""
}

// hasFallback reports whether this agent's failure is part of a fallback: a model is
// left to try, or one was tried before.
func (p *Plugin) hasFallback(s *state) bool {
	return p.backup != nil || s.failures != nil || p.next(s) != ""
}
