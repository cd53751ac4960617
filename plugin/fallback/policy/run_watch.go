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
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// watched makes the attempt, and cancels it when the next entry's condition
// becomes true while it is silent.
func (a *attempt) watched(ctx context.Context, streamed bool, out *stream.Sink) error {
	latencies := a.step.next.when.Latencies()
	if len(latencies) == 0 {
		return a.step.inner.Do(ctx, a.req, streamed, out)
	}
	limits := stream.Limits{Silence: make([]stream.Moment, len(latencies))}
	for i, latency := range latencies {
		limits.Silence[i] = stream.Moment{After: latency, Why: func() error { return a.silent(ctx, latency) }}
	}
	limited, end := out.Limit(ctx, limits)
	defer end()
	err := a.step.inner.Do(limited, a.req, streamed, out)
	if _, ok := context.Cause(limited).(*movedOn); ok {
		a.state.choose(a.step.next)
	}
	return err
}

// silent asks the next entry's condition about an attempt that has been silent for
// so long.
func (a *attempt) silent(ctx context.Context, latency time.Duration) error {
	next := a.step.next
	// latency > 3s is asked just after three seconds.
	v := condition.Vars{Latency: latency + 1, Attempt: a.number, Confidence: math.NaN()}
	if yes, _ := a.step.ask(ctx, next.when, v, a.req); !yes {
		return nil
	}
	return &movedOn{condition: next.when, after: latency}
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
	hold := a.step.next.when.HoldsBack()
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
	ctx, review := stream.WithReview(ctx)
	err := a.watched(ctx, streamed, fork)
	fork.Join() // what it notes is also for the target after this one
	if !hold || !fork.Final {
		return err
	}
	a.answer = held[len(held)-1]
	if verdict, rejected := a.rejects(ctx); rejected {
		review.Reject()
		return out.Reject(verdict.Err(), verdict)
	}
	for _, resp := range held {
		if !fork.Pass(resp) {
			break
		}
	}
	return err // which came after the answer
}

// rejects asks the condition about the answer, and reports whether it gives the
// answer up.
func (a *attempt) rejects(ctx context.Context) (verdict failure.Verdict, rejected bool) {
	next := a.step.next
	v := condition.Vars{
		Latency: time.Since(a.started), TTFT: a.ttft, Attempt: a.number, Empty: isBlank(a.answer.Content),
		FinishReason: string(a.answer.FinishReason), Confidence: confidenceOf(a.answer),
	}
	if yes, _ := a.step.ask(ctx, next.when, v, a.req); !yes {
		return failure.Verdict{}, false
	}
	a.state.choose(next)
	return failure.Verdict{
		Action: failure.Fallback, Kind: KindRejected, Scope: failure.ScopeRequest,
		Reason: fmt.Sprintf("condition %q is true of the answer", next.when),
	}, true
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
