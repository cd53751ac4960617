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
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
)

// MidStream says what to do when a model fails after part of its answer was shown.
// It does not apply before (such a failure is invisible) or after a final response
// (then nothing is tried again).
type MidStream string

const (
	// Restart is the default. It tells the consumer to discard the part (with a
	// partial response whose metadata has "fallback_restart"), and the next model
	// answers from the start. The final response is that model's alone. This suits
	// ADK, which stores and acts on final responses only.
	Restart MidStream = "restart"
	// Resume continues the text that was shown; see [Config.MidStream].
	Resume MidStream = "resume"
	// FailMidStream returns the error to the consumer.
	FailMidStream MidStream = "fail"
)

// Defaults of Config.
const (
	DefaultMaxTurns = 1000
	DefaultStayFor  = 10 * time.Minute
)

// Config says how a Fallback goes through its targets. The zero value is ready to use.
type Config struct {
	// MidStream is what to do when a model fails in the middle of its answer. Empty
	// means Restart.
	//
	// With Resume, the consumer sees one continuous text. If the next model's
	// [Traits] have Prefill and the request has no tools, it is given the text so far
	// to continue; such models come first. Otherwise, or if it refuses, it answers
	// from the start, and only the text beyond the text so far is passed on. If its
	// answer differs, the next model is called, or, if part of that answer was shown,
	// the call ends with [ErrDiverged]. When no other model is left, the one that was
	// cut off is called once more. The usage of the final response covers all attempts.
	MidStream MidStream

	// Guards run in order before each call of a target; see [guard.All]. Each may
	// replace the request that the target gets. The first error skips the target and is
	// recorded as the reason. What they know of a target is its name and its [Traits].
	//
	// If a target is itself a router (a Fallback, Hedge or Split), also inside a
	// middleware of this module, the guards run for each of its members instead.
	Guards []guard.Guard

	// Judge, if set, replaces the verdict of each failed attempt at a target before the
	// router acts on it, so that other failures end the call or move on. It is called once
	// for each failed attempt, on the goroutine of the attempt, and must be safe for
	// concurrent use. It is also called for the members of a [NewHedge], but not for
	// attempts within other nested routers, nor for skipped targets.
	Judge func(v failure.Verdict) failure.Verdict

	// Gate keeps fallbacks from using tools whose effects cannot be undone, or asks your
	// function first. The zero value lets them use all tools. A target is a fallback if
	// the turn, or outside of ADK the call, began with another target, also in a later
	// call of the turn. If the request names the target to start at, that target is not a
	// fallback. Of a Cascade, the strong model is not a fallback; of a Hedge, the second
	// model is. The gate applies to the members of nested routers too.
	//
	// An answer that the gate rejects is recorded with [failure.KindRejected], and the
	// next target is called. MidStream says what happens to text that was shown before. A
	// final response with function calls is held back until the model's answer is
	// whole and accepted; partial responses with function calls are not passed on.
	Gate guard.Gate

	// Notice tells the user that a fallback, as for Gate, answers. The zero value shows
	// nothing. Of nested routers, the outermost one with a Notice shows its own.
	Notice Notice

	// FallbackOnContentPolicy calls the next target after one refused by content
	// policy. False means that the refusal is the answer.
	FallbackOnContentPolicy bool

	// Sticky says which later calls stay with a fallback that has answered. Empty means
	// StickyTurn.
	Sticky Sticky
	// MaxTurns bounds the turns, or with StickySession the sessions, whose target is
	// remembered; the least recently used are dropped first. It also bounds the
	// conversations whose cached tokens are remembered (CachedTokensLost of
	// [call.Attempt]). 0 means DefaultMaxTurns. See [NewFallback].
	MaxTurns int
	// StayFor is how long the target is remembered after the latest call of its turn.
	// A tool may run for hours; by then the first target may have recovered. With
	// StickySession it also bounds how long a session stays after the switch; a turn
	// that has begun by then ends at the fallback. A target that has not answered for
	// this time counts as having lost its prompt cache. 0 means DefaultStayFor.
	StayFor time.Duration

	// Hooks report what calls do. The zero value reports nothing.
	call.Hooks
}

// NewFallback returns a model that calls models in order until one answers. It has
// the name and optional methods of the first. The error names every wrong field.
//
// A failure moves on to the next target, unless its verdict is to fail (a bad key, an
// invalid request, a refusal), which ends the call, also from a nested router. A target
// is skipped if its rule is false (see [When]), or if its [Traits] show that it would
// fail in the same way: its window is no larger, or its credential or provider is the
// same. Last resorts (package degrade) come after all other targets, whatever their
// place, also those inside a nested router. If open breakers refuse every target,
// including any last resort, the one that recovers first is called anyway. When all
// fail, the error is an [*AllFailedError].
//
// Within one ADK turn, later calls of the same agent (a tool loop) stay with the target
// that answered, unless it was a last resort ("degraded" in its metadata). The next turn
// starts at the first target again. Config.Sticky changes this. A request that names
// another target starts there. If no target has the requested name, the first target is
// called and the name is logged.
//
// The model is safe for concurrent use if its models are.
func NewFallback(config Config, models ...model.LLM) (model.LLM, error) {
	layers, problems := checkTargets("NewFallback", models)
	problems = append(problems, config.check()...)
	notice, err := config.Notice.check()
	if err != nil {
		problems = append(problems, err)
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	f := &fallback{
		config: config, name: layers[0].Name(), hooks: config.Hooks,
	}
	size, lasts := cmp.Or(config.MaxTurns, DefaultMaxTurns), cmp.Or(config.StayFor, DefaultStayFor)
	f.turns, f.warmth = newAffinity(config.Sticky, size, lasts), newWarmth(size, lasts)
	f.layers, f.ruled = stepsOf(layers)
	f.ruled = f.ruled || config.Judge != nil
	f.notice = notice
	guards := slices.Clone(config.Guards)
	if f.gated = len(config.Gate.Tools) > 0; f.gated {
		f.config.Gate.Tools = slices.Clone(config.Gate.Tools)
		guards = append(guards, f.config.Gate.Guard())
	}
	if len(guards) > 0 {
		f.guard = guard.All(guards...)
	}
	for i, m := range models {
		t := target{Layer: f.layers[i], traits: traitsOf(m), optional: optional(m), lastResort: isLastResort(m)}
		t.holdsLastResort = hasLastResort(t.Layer)
		if _, ruled := stream.Find[*conditional](m); ruled {
			t.traits.Tier = "" // a rule refers to its place
		}
		f.targets = append(f.targets, t)
	}
	return stream.Forward(f, models[0]), nil
}

// check sets the defaults of MidStream and Sticky, and returns what is wrong.
func (c *Config) check() (problems []error) {
	switch c.MidStream {
	case "":
		c.MidStream = Restart
	case Restart, Resume, FailMidStream:
	default:
		problems = append(problems, fmt.Errorf("router: Config.MidStream: %q is unknown; must be %q, %q or %q", c.MidStream, Restart, Resume, FailMidStream))
	}
	switch c.Sticky {
	case "":
		c.Sticky = StickyTurn
	case StickyTurn, StickySession, StickyNone:
	default:
		problems = append(problems, fmt.Errorf("router: Config.Sticky: %q is unknown; must be %q, %q or %q", c.Sticky, StickyTurn, StickySession, StickyNone))
	}
	for i, g := range c.Guards {
		if g == nil {
			problems = append(problems, fmt.Errorf("router: Config.Guards[%d] is nil; must be a function", i))
		}
	}
	if c.Gate.Approve != nil && len(c.Gate.Tools) == 0 {
		problems = append(problems, errors.New("router: Config.Gate: Approve is set, but Tools is empty; name the tools that need approval"))
	}
	if c.MaxTurns < 0 {
		problems = append(problems, fmt.Errorf("router: Config.MaxTurns: %d is negative; must be 0 (default: %d) or more", c.MaxTurns, DefaultMaxTurns))
	}
	if c.StayFor < 0 {
		problems = append(problems, fmt.Errorf("router: Config.StayFor: %v is negative; must be 0 (default: %v) or more", c.StayFor, DefaultStayFor))
	}
	return problems
}

// MustFallback is NewFallback, but panics on an error.
func MustFallback(config Config, models ...model.LLM) model.LLM {
	m, err := NewFallback(config, models...)
	if err != nil {
		panic(err)
	}
	return m
}

type fallback struct {
	config  Config
	guard   guard.Guard // config.Guards and that of config.Gate; nil for none
	notice  *stream.Notice
	gated   bool   // config.Gate names tools
	name    string // the first target's
	hooks   call.Hooks
	targets []target
	layers  []stream.Layer // of targets; steps
	ruled   bool           // rules, gates or Config.Judge concern a target
	turns   *affinity
	warmth  *warmth
	warned  atomic.Bool // of a model name that no target has
}

// target is one of the models of a Fallback.
type target struct {
	stream.Layer
	traits          Traits
	optional        stream.Optional // nil if it is part of every call
	lastResort      bool            // it is a last resort
	holdsLastResort bool            // it is a router that has a last resort
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
		if f.ruled {
			r.course = newCourse(f.config.Judge)
		}
		defer func() { out.Orders = r.outer }()
		return f.remembering(r, func() error { return f.telling(out, r.do) })
	})
}

// remembering runs a call with what is known of its conversation, and notes what it tells
// of it, unless a router around this one does.
func (f *fallback) remembering(r *run, do func() error) error {
	if r.out.Warm != nil {
		return do()
	}
	r.warm = f.warmth.find(r.ctx)
	r.out.Warm = &r.warm
	defer func() { r.out.Warm = nil }()
	err := do()
	if err == nil && r.out.Final {
		f.warmth.note(r.ctx, r.out)
	}
	return err
}

// telling runs a call with the notice of this router, unless a router around it has one.
func (f *fallback) telling(out *stream.Sink, do func() error) error {
	if out.Notice != nil || f.notice == nil {
		return do()
	}
	out.Notice = f.notice
	err := do()
	if err != nil {
		out.Notice = nil // it is not about another router's answer
	}
	return err
}

// choose returns the index of the target that the request names. ok is false if the
// request names none, or a model that is not among the targets.
func choose(layers []stream.Layer, out *stream.Sink, warned *atomic.Bool) (i int, ok bool) {
	if out.Chosen == "" {
		return 0, false
	}
	i = slices.IndexFunc(layers, func(layer stream.Layer) bool { return isNamed(layer, out.Chosen) })
	if i < 0 {
		if !warned.Swap(true) {
			slog.Warn("router: the requested model is not a target; calling the first target",
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

// isNamed reports whether a target or one of its members has the given name, or calls
// the model of that name.
func isNamed(layer stream.Layer, name string) bool {
	if g, ok := groupOf(layer); ok {
		return slices.ContainsFunc(g.members(), func(m stream.Layer) bool { return isNamed(m, name) })
	}
	return layer.Name() == name || stream.TargetOf(layer).Model == name
}
