package policy

import (
	"context"
	"fmt"
	"math"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/condition"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// KindRejected is the kind of an attempt whose answer was given up because of
// the next entry's condition, or that section validate does not accept.
const KindRejected = failure.KindRejected

// step is an entry of a policy in its tree, and the place where conditions are
// asked: its own before it is tried, and the next entry's while it is.
type step struct {
	target spec.Target
	inner  stream.Layer
	when   *condition.Condition // whether to move on to this entry from the attempt before; nil for always
	next   *step                // whose condition speaks of the attempts here; nil for none
	group  bool                 // what is within are steps too, which count the attempts

	once bool // it is asked once in a call, whichever way the call gets to it
	back bool // it is the way back to a primary that a call was spared; see comeBack

	codes []spec.Code                                           // only these failures move on; none for all
	cost  func(*model.LLMRequest) float64                       // what an attempt will cost; nil if that is not known
	hit   func(ctx context.Context, req *model.LLMRequest) bool // an answer is kept for the request
	spare func(ctx context.Context) (why string)                // not to ask this entry now; nil for never
}

func (s *step) layer() stream.Layer {
	l := around(s.inner, s.do)
	switch {
	case s.back:
		return &wayBack{l}
	case s.target.LastResort():
		return &standsIn{l}
	}
	return l
}

// standsIn is an entry whose answers are of last resort.
type standsIn struct{ *layer }

// LastResort implements stream.LastResort.
func (*standsIn) LastResort() {}

// do makes an attempt, if the step's turn has come.
func (s *step) do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	state := stateOf(ctx)
	a, why := state.enter(ctx, s, req)
	if why != "" {
		return &middleware.RefusedError{By: "condition", Model: s.target.Model, Reason: why}
	}
	err := a.refusal(ctx, out.Force)
	if err == nil {
		a.started = time.Now()
		err = s.settle(a.run(ctx, streamed, out))
	}
	if err != nil {
		state.leave(ctx, a, err)
	}
	return err
}

// settle decides whether a failure moves the call on, where the policy has a
// list of those that do. What is no failure of a provider, such as our own
// limits, always does; a refusal by content policy has a setting of its own.
func (s *step) settle(err error) error {
	failed, ok := err.(*stream.AttemptError)
	if !ok || len(s.codes) == 0 {
		return err
	}
	v := failed.Means
	switch v.Kind {
	case KindRejected, failure.KindCanceled, failure.KindContent:
		return err
	case failure.KindTimeout:
		if v.HTTPStatus == 0 { // our own
			return err
		}
	}
	changed := *failed
	changed.Means.Action, changed.Means.Reason = failure.Fail, "not among errors.codes"
	for _, code := range s.codes {
		if v.Matches(string(code)) {
			changed.Means.Action, changed.Means.Reason = failure.Fallback, v.Reason
			break
		}
	}
	return &changed
}

// ask answers a condition about an attempt at s.
func (s *step) ask(ctx context.Context, c *condition.Condition, v condition.Vars, req *model.LLMRequest) (bool, error) {
	info := call.From(ctx)
	v.Tenant, v.Priority, v.DataClass, v.Labels = info.Tenant, info.Priority, info.DataClass, info.Labels
	v.Cost = math.NaN()
	if s.cost != nil && c.Uses("cost") {
		v.Cost = s.cost(req)
	}
	if s.hit != nil && c.Uses("cache_hit") {
		v.CacheHit = s.hit(ctx, req)
	}
	return c.Eval(&v)
}

// attempt is one call to a step.
type attempt struct {
	step    *step
	state   *callState
	req     *model.LLMRequest
	number  int
	started time.Time // zero if the step was not tried
	ttft    time.Duration
	answer  *model.LLMResponse // what was given up
}

// refusal returns why the entry is skipped although its turn has come, or nil. A
// router that forces an open breaker asks a second time.
func (a *attempt) refusal(ctx context.Context, forced bool) error {
	s := a.step
	if s.spare != nil && !forced {
		if why := s.spare(ctx); why != "" {
			a.state.choose(s.next)
			return &middleware.RefusedError{By: "budget", Model: s.target.Model, Reason: why}
		}
	}
	if s.once && !a.state.asksPrimary() && !forced {
		return &middleware.RefusedError{By: "condition", Model: s.target.Model, Reason: "it has been asked already"}
	}
	if s.next == nil || s.cost == nil || !s.next.when.Uses("cost") {
		return nil
	}
	if yes, _ := s.ask(ctx, s.next.when, condition.Vars{Attempt: a.number, Confidence: math.NaN()}, a.req); !yes {
		return nil
	}
	a.state.choose(s.next)
	return &middleware.RefusedError{By: "condition", Model: s.target.Model, Reason: fmt.Sprintf("condition %q is true before the attempt", s.next.when)}
}

// run makes the attempt under the next entry's condition.
func (a *attempt) run(ctx context.Context, streamed bool, out *stream.Sink) error {
	s := a.step
	if s.next == nil {
		return s.inner.Do(ctx, a.req, streamed, out)
	}
	if s.next.when.HoldsBack() || s.next.when.Uses("ttft") {
		return a.observed(ctx, streamed, out)
	}
	return a.watched(ctx, streamed, out)
}

// vars is what is known of the attempt when it has ended with err.
func (a *attempt) vars(ctx context.Context, err error) condition.Vars {
	verdict := stream.VerdictOf(ctx, err)
	v := condition.Vars{
		Error: true, ErrorKind: string(verdict.Kind), Empty: verdict.Kind == failure.KindEmpty, Attempt: a.number, TTFT: a.ttft,
		ErrorCode: call.Attempt{Code: verdict.Code, Kind: string(verdict.Kind), HTTPStatus: verdict.HTTPStatus}.ErrorCode(),
	}
	if !a.started.IsZero() {
		v.Latency = time.Since(a.started)
	}
	v.Confidence = math.NaN()
	if a.answer != nil {
		v.FinishReason, v.Confidence = string(a.answer.FinishReason), confidenceOf(a.answer)
	}
	return v
}
