package router

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"sync/atomic"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/affinity"
	"github.com/adk-fallback/adk-fallback/internal/check"
	"github.com/adk-fallback/adk-fallback/internal/group"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
)

// NewFallback returns a model that calls models in order until one answers. It has
// the name and optional methods of the first. The error names every wrong field.
//
// A failure moves on to the next target, unless its verdict is to fail (a bad key, an
// invalid request, a refusal), which ends the call, also from a nested router. A target
// is skipped if its rule is false (see [When]), or if its [Traits] show that it would
// fail in the same way: its window is no larger, or its credential or provider is the
// same. Last resorts (package degrade) come after all other targets, whatever their
// place, also those inside a nested router. If open breakers refuse every target,
// including any last resort, the one that recovers first is called anyway. If two or
// more fail or are skipped and none answers, the error is an [*AllFailedError].
//
// Within one ADK turn, later calls of the same agent (a tool loop) stay with the target
// that answered, unless it was a last resort ("degraded" in its metadata). The next turn
// starts at the first target again. Config.Sticky changes this. A request that names
// another target starts there. If no target has the requested name, the first target is
// called and the name is logged.
//
// The model is safe for concurrent use if its models are.
func NewFallback(config Config, models ...model.LLM) (model.LLM, error) {
	layers, problems := group.Check("router: NewFallback", models)
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
	f.turns, f.warmth = affinity.New(config.Sticky.keyOf, size, lasts), newWarmth(size, lasts)
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
		t := target{Layer: f.layers[i], traits: traitsOf(m), optional: optional(m), lastResort: group.IsLastResort(m)}
		t.holdsLastResort = group.HasLastResort(t.Layer)
		if _, ruled := stream.Find[*conditional](m); ruled {
			t.traits.Tier = "" // a rule refers to its place
		}
		f.targets = append(f.targets, t)
	}
	return stream.Forward(f, models[0]), nil
}

// MustFallback is NewFallback, but panics on an error.
func MustFallback(config Config, models ...model.LLM) model.LLM {
	return check.Must(NewFallback(config, models...))
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
	turns   *affinity.Affinity
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

// Members implements group.Group.
func (f *fallback) Members() []stream.Layer { return f.layers }

// First implements stream.Leader.
func (f *fallback) First(ctx context.Context) (context.Context, stream.Layer) {
	start, now := f.turns.Peek(ctx), time.Now()
	for n := range f.targets {
		t := &f.targets[(start+n)%len(f.targets)]
		if t.lastResort || t.optional != nil && t.optional.Absent(ctx) {
			continue
		}
		if b, ok := stream.Find[stream.Breaker](t.Layer); !ok || !b.Refuses(now) {
			return ctx, t.Layer
		}
	}
	return ctx, nil
}

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
