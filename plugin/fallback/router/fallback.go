package router

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
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

// Bounds of what a Fallback remembers of turns.
const (
	DefaultMaxTurns = 1000
	DefaultStayFor  = 10 * time.Minute
)

// Config says how a Fallback goes through its targets. The zero value is ready.
type Config struct {
	// MidStream is what to do when a model fails in the middle of its answer;
	// empty means Restart.
	//
	// With Resume, the consumer sees one text that goes on. The next model is
	// given the text so far to continue if its [Traits] say that it can and the
	// request has no tools; such models come first. Else, and when it refuses, it
	// answers from the start, and only what extends the text so far is passed on.
	// If its answer is another text, the next model follows; the call ends with
	// [ErrDiverged] if some of it had been shown. When no other model is left, the
	// one that was cut off is called once more. The usage of the final response
	// covers all these attempts.
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
	// StayFor is how long a choice is remembered after the latest call of its turn:
	// the result of a tool that runs for hours comes back in the same turn, when the
	// first target may have recovered. 0 means DefaultStayFor.
	StayFor time.Duration

	// OnAttempt and OnFallback are told of every call; see [call.Hooks].
	OnAttempt  func(ctx context.Context, a call.Attempt)
	OnFallback func(ctx context.Context, md call.Metadata)
}

// NewFallback returns a model that asks models in order until one answers. It
// has the first one's name and optional methods, and the error names every
// wrong field.
//
// A verdict to fail (a bad key, an invalid request, a refusal) ends the call, also
// out of a router among the models; any other failure moves on. What failed for want
// of something that [Traits] tell of (a larger window, another credential or
// provider) is not sent to a target that lacks it too. Answers of last resort
// (package degrade) come after all other targets, whatever their place, also those
// inside of a router among the models. When every target is refused by an open
// breaker, answers of last resort included or not there, the one that recovers first
// is called all the same. When all fail, the error is an [*AllFailedError].
//
// Within one ADK turn, later calls of the same agent (a tool loop) stay with the
// target that answered, unless that was an answer of last resort ("degraded" in
// its metadata); the next turn starts at the first target again. A request that
// names another of the models than the first starts at that one; a name that none
// of them has is logged, and the first target is called.
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
	if config.StayFor < 0 {
		problems = append(problems, fmt.Errorf("router: Config.StayFor: %v is negative; allowed: 0 for %v, or more", config.StayFor, DefaultStayFor))
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	f := &fallback{
		config: config, name: targets[0].Name(), layers: targets, hooks: call.Hooks{OnAttempt: config.OnAttempt, OnFallback: config.OnFallback},
		turns: newAffinity(cmp.Or(config.MaxTurns, DefaultMaxTurns), cmp.Or(config.StayFor, DefaultStayFor)),
	}
	for i, m := range models {
		t := target{Layer: targets[i], traits: traitsOf(m), optional: optional(m), lastResort: isLastResort(m)}
		t.holdsLastResort = hasLastResort(t.Layer)
		_, t.group = groupOf(t.Layer)
		f.targets = append(f.targets, t)
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
	config  Config
	name    string // the first target's
	hooks   call.Hooks
	targets []target
	layers  []stream.Layer // of targets
	turns   *affinity
	warned  atomic.Bool // of a model that is no target
}

// target is one of the models of a Fallback.
type target struct {
	stream.Layer
	traits          Traits
	optional        stream.Optional // nil if it is part of every call
	group           bool            // it is a router
	lastResort      bool            // its answers are of last resort
	holdsLastResort bool            // it is a router with such an answer
}

// Name implements model.LLM.
func (f *fallback) Name() string { return f.name }

// members implements group.
func (f *fallback) members() []stream.Layer { return f.layers }

// GenerateContent implements model.LLM.
func (f *fallback) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(f, ctx, req, streamed)
}

// Do implements stream.Layer.
func (f *fallback) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	if out.Root == "" {
		out.Root = f.name
	}
	return out.Observe(ctx, &f.hooks, f.name, func() error {
		r := &run{fallback: f, ctx: ctx, req: req, streamed: streamed, out: out, outer: out.Orders}
		r.seen = append(r.few[:0], make([]visit, len(f.targets))...)
		defer func() { out.Orders = r.outer }()
		return r.do()
	})
}

// choose returns which of layers, the targets of a router, the request of a call
// names; ok is false if it names none in particular, or one that is not there.
func choose(layers []stream.Layer, out *stream.Sink, warned *atomic.Bool) (i int, ok bool) {
	if out.Chosen == "" {
		return 0, false
	}
	i = slices.IndexFunc(layers, func(layer stream.Layer) bool { return isNamed(layer, out.Chosen) })
	if i < 0 {
		if !warned.Swap(true) {
			slog.Warn("router: the request names a model that is no target, so the first target is called; name one of the targets",
				"model", out.Chosen, "first", layers[0].Name())
		}
		out.Chosen = ""
		return 0, false
	}
	if out.Root == layers[0].Name() {
		out.Root = layers[i].Name()
	}
	if _, group := groupOf(layers[i]); !group {
		out.Chosen = "" // a label may be another name than its model's
	}
	return i, true
}

// isNamed reports whether a target, or a member of it, has a name, or calls the
// model of that name.
func isNamed(layer stream.Layer, name string) bool {
	if g, ok := groupOf(layer); ok {
		return slices.ContainsFunc(g.members(), func(m stream.Layer) bool { return isNamed(m, name) })
	}
	return layer.Name() == name || stream.TargetOf(layer).Model == name
}
