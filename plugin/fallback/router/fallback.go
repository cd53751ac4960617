package router

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// MidStream says what to do when a model fails after part of its answer has
// been shown. A failure before that is invisible, and after a final response
// nothing is tried again, whatever is set.
type MidStream string

const (
	// Restart tells the consumer to discard the part (a partial response whose
	// metadata has "fallback_restart") and lets the next model answer from the
	// start. The final response is that model's alone. It is the default, and
	// right under ADK, which stores and acts on final responses only.
	Restart MidStream = "restart"
	// Resume continues the text that was shown; see [Config.MidStream].
	Resume MidStream = "resume"
	// FailMidStream gives the error to the consumer.
	FailMidStream MidStream = "fail"
)

// DefaultMaxTurns is how many turns a Fallback remembers its choice for.
const DefaultMaxTurns = 1000

// Config says how a Fallback goes through its targets. The zero value is ready.
type Config struct {
	// MidStream is what to do when a model fails in the middle of its answer;
	// empty means Restart.
	//
	// With Resume, the consumer sees one text that goes on: the next model is
	// given the text so far to continue if its [Traits] say that it can and the
	// request has no tools; else, and when it refuses, it answers from the
	// start, and only what extends the text so far is passed on. If its answer
	// is another text, the call ends with [ErrDiverged].
	MidStream MidStream

	// Guards are asked before each target: an error skips it, and is the reason
	// that is recorded. They run in order; the first error decides.
	Guards []Guard

	// FallbackOnContentPolicy lets the next target answer what one refused by its
	// content policy. False means that the refusal is the answer.
	FallbackOnContentPolicy bool

	// MaxTurns bounds the turns whose choice is remembered, least recently used
	// dropped first; 0 means DefaultMaxTurns. See [NewFallback].
	MaxTurns int
}

// NewFallback returns a model that asks models in order until one answers. It
// has the first one's name and optional methods, and the error names every
// wrong field.
//
// A verdict to fail (a bad key, an invalid request, a refusal) ends the call;
// any other failure moves on. What failed for want of something that [Traits]
// tell of (a larger window, another credential or provider) is not sent to a
// target that lacks it too. When every target is refused by an open breaker,
// the one that recovers first is asked all the same. When all fail, the error
// is an [*AllFailedError].
//
// Within one ADK turn, later calls of the same agent (a tool loop) stay with the
// target that answered, unless that was an answer of last resort ("degraded" in
// its metadata); the next turn starts at the first target again.
//
// The model is safe for concurrent use if its models are.
func NewFallback(config Config, models ...model.LLM) (model.LLM, error) {
	targets, problems := checkTargets("NewFallback", models)
	switch config.MidStream {
	case "":
		config.MidStream = Restart
	case Restart, Resume, FailMidStream:
	default:
		problems = append(problems, fmt.Errorf("router: Config.MidStream: %q is unknown; allowed: %q, %q, %q", config.MidStream, Restart, Resume, FailMidStream))
	}
	for i, guard := range config.Guards {
		if guard == nil {
			problems = append(problems, fmt.Errorf("router: Config.Guards[%d]: is nil; allowed: a function", i))
		}
	}
	if config.MaxTurns < 0 {
		problems = append(problems, fmt.Errorf("router: Config.MaxTurns: %d is negative; allowed: 0 for %d, or more", config.MaxTurns, DefaultMaxTurns))
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	if config.MaxTurns == 0 {
		config.MaxTurns = DefaultMaxTurns
	}
	f := &fallback{config: config, name: targets[0].Name(), targets: targets, turns: newAffinity(config.MaxTurns)}
	for _, m := range models {
		f.traits = append(f.traits, traitsOf(m))
		f.optional = append(f.optional, optional(m))
		f.lastResort = append(f.lastResort, isLastResort(m))
	}
	return stream.Forward(f, models[0]), nil
}

// MustFallback is NewFallback for a configuration that is known to be right.
func MustFallback(config Config, models ...model.LLM) model.LLM {
	m, err := NewFallback(config, models...)
	if err != nil {
		panic(err)
	}
	return m
}

type fallback struct {
	config   Config
	name     string // the first target's
	targets  []stream.Layer
	traits   []Traits          // of targets
	optional []stream.Optional // of targets; nil for one that is part of every call
	turns    *affinity

	lastResort []bool // of targets
}

func (f *fallback) Name() string { return f.name }

func (f *fallback) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(f, ctx, req, streamed)
}

func (f *fallback) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	if out.Root == "" {
		out.Root = f.Name()
	}
	if f.config.MidStream == Resume {
		out.KeepText()
	}
	// What an outer router has told of the call is its own again afterwards.
	more, force, guard := out.HasNext, out.Force, out.Guard
	defer func() { out.HasNext, out.Force, out.Guard = more, force, guard }()
	out.HasNext, out.Force = more || len(f.targets) > 1, false
	out.Guard = withGuards(guard, f.config.Guards)

	start := f.turns.start(ctx)
	if start > 0 && f.targets[start].Name() != f.Name() {
		out.Record(call.Attempt{Model: f.Name(), Outcome: call.Skipped, Reason: "the turn stays with the model that answered before"})
	}
	err := ask(ctx, f.targets[start], req, streamed, out)
	if err == nil {
		return nil
	}
	r := run{fallback: f, out: out, start: start, more: more, mayForce: !more || force, seen: make([]bool, len(f.targets))}
	return r.goOn(ctx, req, streamed, err)
}

func (*fallback) group() {}

// run is one call that its first target did not answer.
type run struct {
	*fallback
	out      *stream.Sink
	start    int     // the index of the first target asked
	more     bool    // an outer router has another target
	mayForce bool    // an open breaker may be forced: nothing else is left outside either
	causes   []error // of the targets asked so far, in order
	seen     []bool  // the targets that have had their turn
	avoid    avoid

	asked     int // how many targets were asked
	refused   int // how many an open breaker refused
	soonest   int // of those, the one that recovers first
	recovered time.Time
}

// goOn tries the other targets in order after the one at start failed with err.
func (r *run) goOn(ctx context.Context, req *model.LLMRequest, streamed bool, err error) error {
	for i := r.start; ; {
		r.seen[i] = true
		if done, result := r.judge(ctx, i, err); done {
			return result
		}
		var ok bool
		if i, ok = r.next(ctx); !ok {
			return r.last(ctx, req, streamed)
		}
		if reason := r.avoid.reason(r.traits[i]); reason != "" {
			err = &middleware.RefusedError{By: "router", Model: r.targets[i].Name(), Reason: reason}
			continue
		}
		r.seen[i] = true
		_, another := r.next(ctx)
		r.out.HasNext = r.more || another
		if err = r.attempt(ctx, i, req, streamed); err == nil {
			if r.out.Notes.Degraded == "" {
				r.turns.stay(ctx, i)
			}
			return nil
		}
	}
}

// next returns the target to try next; ok is false if none is left. Targets after
// start come before those ahead of it. A target at an endpoint that was not
// reachable in this call comes last, ahead of answers of last resort only.
func (r *run) next(ctx context.Context) (i int, ok bool) {
	const none = -1
	first := func(found, i int) int {
		if found == none {
			return i
		}
		return found
	}
	unreachable, degraded := none, none
	for n := range r.targets {
		i := (r.start + n) % len(r.targets)
		if o := r.optional[i]; r.seen[i] || o != nil && o.Absent(ctx) {
			continue
		}
		switch {
		case r.lastResort[i]:
			degraded = first(degraded, i)
		case r.avoid.unreachable(r.traits[i]):
			unreachable = first(unreachable, i)
		case degraded == none:
			return i, true
		}
	}
	if unreachable != none {
		return unreachable, true
	}
	return degraded, degraded != none
}

// attempt asks target i after another has failed.
func (r *run) attempt(ctx context.Context, i int, req *model.LLMRequest, streamed bool) error {
	switch {
	case r.out.Shown && r.config.MidStream == Resume:
		return r.resume(ctx, i, req, streamed)
	case r.out.Shown:
		r.out.Restart()
	}
	return ask(ctx, r.targets[i], req, streamed, r.out)
}

// judge notes how target i failed and tells whether the call ends with it.
func (r *run) judge(ctx context.Context, i int, err error) (done bool, result error) {
	if ctx.Err() != nil {
		return true, stream.Ended(ctx)
	}
	r.causes = append(r.causes, err)
	if r.out.Stopped || r.out.Final {
		return true, err
	}
	verdict := stream.VerdictOf(ctx, err)
	if refused := refusal(err); refused != nil {
		r.out.Record(skipped(r.targets[i], refused))
		if refused.By == "breaker" {
			if r.refused == 0 || refused.Until.Before(r.recovered) {
				r.soonest, r.recovered = i, refused.Until
			}
			r.refused++
		}
	} else {
		r.asked++
	}
	if r.out.Shown && r.config.MidStream == FailMidStream || errors.Is(err, ErrDiverged) {
		return true, r.failed()
	}
	if verdict.Action == failure.Fail && !(verdict.Kind == failure.KindContent && r.config.FallbackOnContentPolicy) {
		return true, r.failed()
	}
	r.avoid.add(verdict, r.traits[i])
	return false, nil
}

// skipped is the record of a target that was not asked. It names the model that
// was refused, which in a split need not be the first one.
func skipped(target stream.Layer, refused *middleware.RefusedError) call.Attempt {
	return call.Attempt{
		Model: cmp.Or(refused.Model, target.Name()), Outcome: call.Skipped, Kind: string(middleware.KindRefused), Reason: refused.Reason,
	}
}

// last is what remains when no target has answered. If none could even be asked,
// and open breakers are part of the reason, the target that recovers first is
// better than nothing, unless an outer router has another one.
func (r *run) last(ctx context.Context, req *model.LLMRequest, streamed bool) error {
	if r.asked > 0 || r.refused == 0 || !r.mayForce || r.out.Shown {
		return r.failed()
	}
	r.out.Force = true
	err := ask(ctx, r.targets[r.soonest], req, streamed, r.out)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return stream.Ended(ctx)
	}
	r.causes = append(r.causes, err)
	return r.failed()
}

// failed is the error of the whole call.
func (r *run) failed() error {
	if len(r.causes) == 1 {
		return r.causes[0]
	}
	return &AllFailedError{Causes: r.causes}
}
