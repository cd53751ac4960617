package router

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/group"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// step is a target of a Fallback or a Hedge with the rules that concern it: its own,
// which is evaluated before it is called, and that of the next target, which is
// evaluated while it is.
type step struct {
	stream.Around
	rule  *Rule        // nil for none
	next  *step        // nil if the target after it has no rule
	gate  stream.Gated // nil for none
	hedge bool         // its members are steps, which count the attempts
	timed bool         // a rule of the router needs the time to first content
}

// stepsOf returns targets as steps. ruled reports whether rules or gates concern one.
func stepsOf(layers []stream.Layer) (steps []stream.Layer, ruled bool) {
	steps = make([]stream.Layer, len(layers))
	timed := slices.ContainsFunc(layers[1:], func(l stream.Layer) bool {
		c, ok := stream.Find[*conditional](l)
		return ok && c.rule.TTFT
	})
	var next *step
	for i := len(layers) - 1; i >= 0; i-- {
		s := &step{Around: stream.Around{Inner: layers[i]}, timed: timed}
		steps[i] = s
		if c, ok := stream.Find[*conditional](layers[i]); ok && i > 0 {
			s.rule = &c.rule
		}
		if next != nil && next.rule != nil {
			s.next = next
		}
		s.gate, _ = stream.Find[stream.Gated](layers[i])
		_, s.hedge = stream.Find[*hedge](layers[i])
		ruled = ruled || s.rule != nil || s.gate != nil
		if optional(layers[i]) == nil { // which is another way to a target, out of turn
			next = s
		}
	}
	return steps, ruled
}

// GenerateContent implements model.LLM.
func (s *step) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(s, ctx, req, streamed)
}

// Do calls the target under the rules. It implements stream.Layer.
func (s *step) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	c, _ := out.Rules.(*course)
	if c == nil {
		return group.Ask(ctx, s.Inner, req, streamed, out)
	}
	a, refused := c.enter(ctx, s, req, out.AsksNoModel())
	if refused != nil {
		out.Skip(refused)
		return refused
	}
	if !s.hedge { // its members have a course of their own
		out.Rules = nil
		defer func() { out.Rules = c }()
	}
	var err error
	if refused = a.refusal(ctx, out.Force); refused != nil {
		out.Skip(refused)
		err = refused
	} else {
		a.started = time.Now()
		err = c.ledger.settle(a.run(ctx, streamed, out))
	}
	if err != nil {
		c.leave(ctx, a, err)
	}
	return err
}

// attempt is one call of a step.
type attempt struct {
	step    *step
	next    *step // whose rule decides about the attempt; nil for none
	course  *course
	req     *model.LLMRequest
	number  int
	started time.Time // zero if the target was not called
	ttft    time.Duration
	answer  *model.LLMResponse // that was held back
}

// enter begins an attempt at s, unless its rule is false. The first attempt of a call is
// subject to no rule, whichever target it is made at, nor is another attempt at the same
// target, such as one for its last resorts. The rule of the next target does not decide
// about an attempt of last resort, or if that target was called or skipped before: the call
// could not move on to it.
func (c *course) enter(ctx context.Context, s *step, req *model.LLMRequest, resort bool) (*attempt, *middleware.RefusedError) {
	a := &attempt{step: s, next: s.next, course: c, req: req, number: c.ledger.count(0) + 1}
	c.mu.Lock()
	last, free := c.last, s.rule == nil || c.last == nil || slices.Contains(c.passed, s)
	if resort || slices.Contains(c.passed, s.next) || slices.Contains(c.over, s.next) {
		a.next = nil
	}
	c.mu.Unlock()
	if !free {
		o := *last
		o.Request = req
		switch yes, err := s.rule.holds(ctx, &o); {
		case err != nil:
			return nil, c.skip(s, " has no answer")
		case !yes:
			return nil, c.skip(s, " is false")
		}
	}
	c.pass(s)
	return a, nil
}

// skip notes that s is skipped because of its rule, and returns the refusal.
func (c *course) skip(s *step, why string) *middleware.RefusedError {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = append(c.over, s)
	return s.skipped(s.rule.Name + why)
}

// skipped returns the refusal of a target that is skipped because of a rule.
func (s *step) skipped(reason string) *middleware.RefusedError {
	return &middleware.RefusedError{By: "condition", Model: s.Name(), Reason: reason}
}

// leave notes how an attempt has failed. One that reached no model does not replace one
// that did.
func (c *course) leave(ctx context.Context, a *attempt, err error) {
	o := a.observe(WhenFailed)
	o.Err, o.Verdict = err, stream.VerdictOf(ctx, err)
	_, called := errors.AsType[*stream.AttemptError](err)
	refused := o.Verdict.Kind == middleware.KindRefused && !called
	if !refused && !a.step.hedge {
		c.ledger.count(1)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = append(c.over, a.step)
	if !refused || c.last == nil {
		c.last = &o
	}
}

// refusal returns why the target is skipped although its rule is true, or nil. A router
// that forces an open breaker calls it a second time.
func (a *attempt) refusal(ctx context.Context, forced bool) *middleware.RefusedError {
	s := a.step
	if s.gate != nil {
		if refused, moves := s.gate.Gate(ctx, forced); refused != nil {
			if moves {
				a.course.pass(a.next)
			}
			return refused
		}
	}
	if a.next == nil || !a.next.rule.Before {
		return nil
	}
	o := a.observe(WhenStarting)
	if !a.holds(ctx, &o) {
		return nil
	}
	a.course.pass(a.next)
	return s.skipped(a.next.rule.Name + " is true before the attempt")
}

// holds evaluates the rule of the next target, unless that has failed meanwhile: a hedge may have
// called it beside this attempt.
func (a *attempt) holds(ctx context.Context, o *Observation) bool {
	if a.course.isOver(a.next) {
		return false
	}
	yes, _ := a.next.rule.holds(ctx, o)
	return yes
}

// observe returns what is known of the attempt.
func (a *attempt) observe(moment Moment) Observation {
	o := Observation{Moment: moment, Target: a.step.Name(), Request: a.req, Attempt: a.number, TTFT: a.ttft, Answer: a.answer}
	if !a.started.IsZero() {
		o.Latency = time.Since(a.started)
	}
	return o
}
