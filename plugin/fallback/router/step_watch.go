package router

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/deadline"
	"github.com/adk-fallback/adk-fallback/internal/group"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/review"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// run makes the attempt under the rule of the next target.
func (a *attempt) run(ctx context.Context, streamed bool, out *stream.Sink) error {
	if a.step.timed || a.next != nil && a.next.rule.Answers {
		return a.observed(ctx, streamed, out)
	}
	return a.watched(ctx, streamed, out)
}

// watched makes the attempt, and cancels it if the rule becomes true while it is
// silent.
func (a *attempt) watched(ctx context.Context, streamed bool, out *stream.Sink) error {
	if a.next == nil || len(a.next.rule.Latencies) == 0 {
		return group.Ask(ctx, a.step.Inner, a.req, streamed, out)
	}
	latencies := a.next.rule.Latencies
	limits := deadline.Limits{Silence: make([]deadline.Moment, len(latencies))}
	for i, latency := range latencies {
		limits.Silence[i] = deadline.Moment{After: latency, Why: func() error { return a.silent(ctx, latency) }}
	}
	limited, end := out.Limit(ctx, limits)
	defer end()
	err := group.Ask(limited, a.step.Inner, a.req, streamed, out)
	if _, ok := context.Cause(limited).(*movedOn); ok {
		a.course.pass(a.next)
	}
	return err
}

// silent evaluates the rule for an attempt that has been silent for so long.
func (a *attempt) silent(ctx context.Context, latency time.Duration) error {
	o := Observation{Moment: WhenSilent, Target: a.step.Name(), Request: a.req, Attempt: a.number}
	o.Latency = latency + 1 // latency > 3s is evaluated just after 3 s
	if !a.holds(ctx, &o) {
		return nil
	}
	return &movedOn{rule: a.next.rule.Name, after: latency}
}

// movedOn ends an attempt that was silent until a rule was true. To a breaker it is a
// timeout: the model was too slow.
type movedOn struct {
	rule  string
	after time.Duration
}

func (e *movedOn) Error() string {
	return fmt.Sprintf("router: no content for %v: %s is true", e.after, e.rule)
}

// Verdict returns the verdict, for package failure.
func (e *movedOn) Verdict() failure.Verdict {
	return failure.Verdict{
		Action: failure.Fallback, Kind: failure.KindTimeout, Scope: failure.ScopeModel, Message: e.Error(),
		Reason: fmt.Sprintf("%s is true after %v", e.rule, e.after),
	}
}

// observed makes the attempt through a fork, to see its responses. An answer that the
// rule may reject is held back until it is whole: not everything that was shown can be
// taken back.
func (a *attempt) observed(ctx context.Context, streamed bool, out *stream.Sink) error {
	hold, before := a.next != nil && a.next.rule.Answers, out.Notes
	var held []*model.LLMResponse
	var fork *stream.Sink
	fork = out.Fork(func(resp *model.LLMResponse) bool {
		if a.ttft == 0 {
			a.ttft = time.Since(a.started)
		}
		if hold {
			held = append(held, resp)
			return true
		}
		return fork.Pass(resp)
	})
	reviewed, pending := review.With(ctx)
	err := a.watched(reviewed, streamed, fork)
	fork.Join() // its notes also apply to later targets
	if !hold || !fork.Final {
		return err
	}
	a.answer = request.Whole(held)
	if verdict, rejected := a.rejects(ctx); rejected {
		pending.Reject()
		out.Disown(before)
		return out.Reject(verdict.Err(), verdict)
	}
	for _, resp := range held {
		if !fork.Pass(resp) {
			break
		}
	}
	return err // it came after the answer
}

// rejects evaluates the rule for the answer.
func (a *attempt) rejects(ctx context.Context) (verdict failure.Verdict, rejected bool) {
	o := a.observe(WhenAnswered)
	if !a.holds(ctx, &o) {
		return failure.Verdict{}, false
	}
	a.course.pass(a.next)
	return failure.Verdict{
		Action: failure.Fallback, Kind: failure.KindRejected, Scope: failure.ScopeRequest, Reason: a.next.rule.Name + " is true of the answer",
	}, true
}
