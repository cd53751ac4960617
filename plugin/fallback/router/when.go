package router

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"math"
	"slices"
	"strings"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/confidence"
	"github.com/adk-fallback/adk-fallback/internal/nilcheck"
	"github.com/adk-fallback/adk-fallback/internal/panics"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// Rule says when a call moves on to a target from the attempt before it. The zero
// value is true of every attempt that has failed. The fields add moments at which the
// rule is evaluated, and If decides at each.
type Rule struct {
	// Name is what records and errors call the rule, such as "latency > 3s". Empty
	// means "the rule of" and the target's name.
	Name string

	// Latencies are the times after which the rule is evaluated if the attempt before
	// is silent, which means that it has shown no content. If the rule is true, that
	// attempt is cancelled; to a breaker it has timed out. They must be positive, in
	// ascending order. A stream that has begun is not cut off.
	Latencies []time.Duration
	// Before also evaluates the rule before each attempt at the target before, for
	// what is known of the request, such as its projected price. If the rule is true,
	// that target is skipped.
	Before bool
	// Answers also evaluates the rule for each whole answer of the target before. If
	// the rule is true, that answer is rejected, with the kind [failure.KindRejected].
	// A streamed answer is held back until it is whole.
	Answers bool
	// TTFT measures [Observation.TTFT] of all targets of the router, which costs a little for
	// each response.
	TTFT bool

	// If decides. Nil is true of a failed attempt, and of one that has been silent for
	// the first of Latencies. An error means that the rule has no answer, which counts
	// as false; so does a panic, which is logged. If must not change what it gets. It
	// may be called by several goroutines at once, some of them timers', so it should
	// return soon. [call.From] tells it whose call it is.
	If func(ctx context.Context, o Observation) (bool, error)
}

// Moment is when a rule is evaluated.
type Moment uint8

const (
	// WhenFailed: the attempt has failed, or its target was skipped.
	WhenFailed Moment = iota
	// WhenStarting: the attempt has not begun; see [Rule.Before].
	WhenStarting
	// WhenSilent: the attempt has shown no content for one of [Rule.Latencies].
	WhenSilent
	// WhenAnswered: the answer is whole; see [Rule.Answers].
	WhenAnswered
)

// Observation is what a rule is told of the attempt before its target. An attempt that
// reached no model, because a breaker or a guard refused it, is observed only if no
// other has been made.
type Observation struct {
	Moment  Moment
	Target  string            // the name of the target that the attempt was made at
	Request *model.LLMRequest // as it came to the router
	Attempt int               // its number within the call, from 1

	// Latency is how long the attempt has taken so far; 0 if it has not begun.
	Latency time.Duration
	// TTFT is the time to the first content, 0 if there was none. See [Rule.TTFT].
	TTFT time.Duration

	// Err is why the attempt failed, and Verdict what that means; else they are zero.
	Err     error
	Verdict failure.Verdict
	// Answer is the whole answer, also of an attempt that failed because a rule
	// rejected it; else nil. See [Rule.Answers].
	Answer *model.LLMResponse
}

// Code returns the code of the failure as metadata has it: the HTTP status, or else the
// provider's code, or else the kind. It is empty if the attempt has not failed.
func (o *Observation) Code() string {
	return call.Attempt{Code: o.Verdict.Code, Kind: string(o.Verdict.Kind), HTTPStatus: o.Verdict.HTTPStatus}.ErrorCode()
}

// Empty reports whether the answer has nothing but white space and thoughts, or the
// attempt failed for that reason.
func (o *Observation) Empty() bool {
	if o.Err != nil {
		return o.Verdict.Kind == failure.KindEmpty
	}
	return o.Answer != nil && isBlank(o.Answer.Content)
}

// Confidence returns how sure the model is of its answer, from 0 to 1: the geometric
// mean of the probabilities of its tokens. It is NaN without an answer that has
// log-probabilities, which the request must ask for.
func (o *Observation) Confidence() float64 {
	if o.Answer == nil {
		return math.NaN()
	}
	return confidence.Of(o.Answer)
}

// isBlank reports whether an answer has nothing but white space and thoughts.
func isBlank(content *genai.Content) bool {
	if content == nil {
		return true
	}
	said := slices.DeleteFunc(slices.Clone(content.Parts), func(p *genai.Part) bool {
		return p == nil || p.Thought || p.Text != "" && strings.TrimSpace(p.Text) == ""
	})
	return !request.HasContent(&genai.Content{Parts: said})
}

// When returns m as a target that a call moves on to by a rule:
//
//	router.MustFallback(router.Config{}, flash,
//		router.When(router.Rule{Latencies: []time.Duration{3 * time.Second}}, pro),
//		degrade.Template("…"))
//
// The rule decides about attempts at the target before m: when one has failed, and at
// the other moments that it names. A target whose rule is false of a failed attempt is
// skipped, and the rule of the target after it decides about the same attempt. A rule
// that has been true is not evaluated again in the call, neither at the end of the attempt
// that it referred to nor for another attempt at its target. A rule does not skip or cancel an
// attempt, or reject its answer, if the rule's own target was called or skipped before the
// attempt or has failed beside it in a hedge, or if the attempt is one of last resort: the call
// could not move on to that target.
//
// A target without a rule is called after every failure. What decides whether a
// failure ends the call is its verdict, not a rule.
//
// [NewFallback] and [NewHedge] evaluate rules, but not that of their first model. In a
// hedge, a rule refers to the model before within the hedge. The rule of the target
// after a hedge refers to the whole hedge and cancels all its models. The attempts of a
// nested Fallback, Split or Cascade are one attempt.
//
// When panics if m is nil, which is a mistake in the program. The router returns an error
// for a wrong field.
func When(rule Rule, m model.LLM) model.LLM {
	if nilcheck.Model(m) {
		panic("router: When: the model is nil")
	}
	if rule.Name == "" {
		rule.Name = "the rule of " + m.Name()
	}
	return stream.Forward(&conditional{stream.Around{Inner: stream.Of(m)}, rule}, m)
}

// conditional is a target with a rule.
type conditional struct {
	stream.Around
	rule Rule
}

// CheckRule implements group.Ruled.
func (c *conditional) CheckRule(target string) []error {
	errs := c.rule.check(target)
	if _, second := stream.Find[*conditional](c.Inner); second {
		errs = append(errs, fmt.Errorf("%s has two rules; put their conditions into one", target))
	}
	return errs
}

// GenerateContent implements model.LLM.
func (c *conditional) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(c, ctx, req, streamed)
}

// Do implements stream.Layer.
func (c *conditional) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	return c.Inner.Do(ctx, req, streamed, out)
}

// check returns what is wrong with the rule. target begins the errors.
func (r *Rule) check(target string) (errs []error) {
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: Rule.%s", target, fmt.Sprintf(format, args...)))
	}
	last := time.Duration(0)
	for i, latency := range r.Latencies {
		if latency <= last {
			wrong("Latencies[%d] is %v; must be more than %v", i, latency, last)
		}
		last = max(last, latency)
	}
	if (r.Before || r.Answers) && r.If == nil {
		wrong("If is nil; must be set if Before or Answers is")
	}
	return errs
}

// holds evaluates the rule.
func (r *Rule) holds(ctx context.Context, o *Observation) (yes bool, err error) {
	if r.If == nil {
		return o.Moment == WhenFailed || o.Moment == WhenSilent, nil
	}
	defer func() {
		if p := recover(); p != nil {
			slog.Error("router: a rule panicked", "rule", r.Name, "panic", panics.Text(p))
			yes, err = false, fmt.Errorf("router: %s panicked: %s", r.Name, panics.Text(p))
		}
	}()
	return r.If(ctx, *o)
}
