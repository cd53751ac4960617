package policy

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/condition"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// watched makes the attempt, and cancels it when the next entry's condition
// becomes true while it is silent.
func (a *attempt) watched(ctx context.Context, streamed bool, out *stream.Sink) error {
	if len(a.step.next.when.Latencies()) == 0 {
		return a.step.inner.Do(ctx, a.req, streamed, out)
	}
	a.ctx = ctx
	w := out.Watch(ctx, (*silence)(a))
	defer w.End()
	return a.step.inner.Do(w, a.req, streamed, out)
}

// silence asks the next entry's condition at the latencies that it names.
type silence attempt

// Look implements stream.Watcher.
func (s *silence) Look(elapsed, _ time.Duration, shown bool) (pause time.Duration, cause error) {
	next := s.step.next
	moments := next.when.Latencies()
	for ; !shown && s.asked < len(moments); s.asked++ {
		moment := moments[s.asked]
		if elapsed < moment {
			return moment - elapsed, nil
		}
		// latency > 3s is asked just after three seconds.
		v := condition.Vars{Latency: moment + 1, Attempt: s.number, Confidence: math.NaN()}
		if yes, _ := s.step.ask(s.ctx, next.when, v, s.req); yes {
			s.state.choose(next)
			return 0, &movedOn{condition: next.when, after: moment}
		}
	}
	return 0, nil
}

// movedOn ends an attempt that the next entry's condition has given up. To a
// breaker it is a timeout: the model was too slow for this policy.
type movedOn struct {
	condition *condition.Condition
	after     time.Duration
}

func (e *movedOn) Error() string {
	return fmt.Sprintf("policy: no content for %v: condition %q is true", e.after, e.condition)
}

// Verdict says what it means; package failure looks for it.
func (e *movedOn) Verdict() failure.Verdict {
	return failure.Verdict{
		Action: failure.Fallback, Kind: failure.KindTimeout, Scope: failure.ScopeModel, Message: e.Error(),
		Reason: fmt.Sprintf("condition %q is true after %v", e.condition, e.after),
	}
}

// observed makes the attempt through a Sink of its own, to see what it answers.
// An answer that the condition may give up is held back until it is whole: what
// was shown could not be taken back everywhere.
func (a *attempt) observed(ctx context.Context, streamed bool, out *stream.Sink) error {
	hold := Condition{a.step.next.when}.HoldsBack()
	var held []*model.LLMResponse
	fork := out.Fork(nil)
	fork.SetYield(func(resp *model.LLMResponse, _ error) bool {
		if a.ttft == 0 {
			a.ttft = time.Since(a.started)
		}
		if hold {
			held = append(held, resp)
			return true
		}
		out.Root, out.Model, out.Notes = fork.Root, fork.Model, fork.Notes
		return out.Send(resp)
	})
	ctx, review := stream.WithReview(ctx)
	err := a.watched(ctx, streamed, fork)
	out.Root, out.Notes = fork.Root, fork.Notes // also for who answers next
	if err != nil || !hold || !fork.Final {
		return err
	}
	a.answer = held[len(held)-1]
	if err := a.reject(ctx, out, fork.Model); err != nil {
		review.Reject()
		return err
	}
	out.Model = fork.Model
	for _, resp := range held {
		if !out.Send(resp) {
			break
		}
	}
	return nil
}

// reject asks the condition about the answer, and returns an error if it gives
// the answer up.
func (a *attempt) reject(ctx context.Context, out *stream.Sink, name string) error {
	next, took := a.step.next, time.Since(a.started)
	v := condition.Vars{
		Latency: took, TTFT: a.ttft, Attempt: a.number, Empty: isBlank(a.answer.Content),
		FinishReason: string(a.answer.FinishReason), Confidence: confidenceOf(a.answer),
	}
	if yes, _ := a.step.ask(ctx, next.when, v, a.req); !yes {
		return nil
	}
	a.state.choose(next)
	verdict := failure.Verdict{
		Action: failure.Fallback, Kind: KindRejected, Scope: failure.ScopeRequest,
		Reason: fmt.Sprintf("condition %q is true of the answer", next.when),
	}
	out.Record(call.Attempt{Model: name, Outcome: call.Failed, Kind: string(KindRejected), Duration: took, Reason: verdict.Reason})
	return &stream.AttemptError{Model: name, Err: verdict.Err(), Means: verdict}
}

// isBlank reports whether an answer has nothing but white space and thoughts.
func isBlank(content *genai.Content) bool {
	if content == nil {
		return true
	}
	for _, p := range content.Parts {
		if p == nil || p.Thought {
			continue
		}
		if strings.TrimSpace(p.Text) != "" || p.FunctionCall != nil || p.InlineData != nil || p.FileData != nil ||
			p.ExecutableCode != nil || p.CodeExecutionResult != nil {
			return false
		}
	}
	return true
}

// confidenceOf returns how sure a model is of its answer, from 0 to 1: the
// geometric mean of the probabilities of its words. Without log-probabilities,
// which the agent's configuration must ask for, it is NaN: not known.
func confidenceOf(resp *model.LLMResponse) float64 {
	if resp.AvgLogprobs != 0 {
		return math.Exp(resp.AvgLogprobs)
	}
	if resp.LogprobsResult == nil || len(resp.LogprobsResult.ChosenCandidates) == 0 {
		return math.NaN()
	}
	sum := 0.0
	for _, c := range resp.LogprobsResult.ChosenCandidates {
		if c != nil {
			sum += float64(c.LogProbability)
		}
	}
	return math.Exp(sum / float64(len(resp.LogprobsResult.ChosenCandidates)))
}
