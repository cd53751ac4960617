package tree

import (
	"context"
	"iter"
	"math"
	"reflect"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// split is an experiment with its counts and rollbacks. It outlives a policy if the next one
// has the experiment with the same settings and models.
type split struct {
	settings splitSettings
	layer    stream.Layer
}

type splitSettings struct {
	ID         string
	Experiment spec.Experiment
	Arms       []spec.Resolved
	Shared     int // see Kept.sharingID
}

// experiment returns the arms in the place of t, with its time limits, and the model of the
// control.
func (b *builder) experiment(t spec.Target, ch *chain) (layer stream.Layer, control model.LLM) {
	id := t.Experiment
	arms := make([]stream.Layer, 0, len(t.Arms))
	for i, r := range t.Arms {
		at := t
		if at.Resolved = r; i > 0 {
			at.Path = strictyaml.At("experiments", id, "arms", i, "model")
		}
		inner, llm := b.target(at)
		if i == 0 {
			control = llm
		}
		arms = append(arms, inner)
	}
	ch.arms[id] = arms
	want := splitSettings{id, b.policy.Experiments[id], t.Arms, b.kept.sharingID()}
	want.Experiment.Target = t.Model                              // which the file may omit
	for _, s := range append(b.kept.splits, b.before.splits...) { // a cheap model may also be a fallback
		if reflect.DeepEqual(s.settings, want) {
			b.kept.splits = append(b.kept.splits, s)
			return s.layer, control
		}
	}
	m, err := b.split(&want)
	if err != nil {
		b.err(strictyaml.At("experiments", id), err.Error())
		return nil, nil
	}
	layer = stream.Of(m)
	b.kept.splits = append(b.kept.splits, split{want, layer})
	return layer, control
}

func (b *builder) split(s *splitSettings) (model.LLM, error) {
	id, e, logger := s.ID, s.Experiment, b.app.Logger
	config := router.SplitConfig{
		Experiment: id, By: router.SplitBy(e.StickyBy), MaxDrift: float64(e.MaxDrift), MinCalls: e.MinCalls, Window: e.Window,
		State: b.kept.state(),
		OnRollback: func(r router.Rollback) {
			logger.Warn("policy: an arm of an experiment is taken out", "experiment", id, "rollback", r)
		},
	}
	if a := e.Adaptive; a != nil {
		config.Adaptive = &router.AdaptiveShare{
			MinShare: float64(a.MinShare), Increase: float64(a.Increase), Decrease: float64(a.Decrease), Step: a.Step, SlowAfter: a.SlowAfter,
		}
	}
	for i, a := range e.Arms {
		weight := int(math.Round(float64(a.Share) * 1e6))
		config.Arms = append(config.Arms, router.Arm{Cohort: a.Cohort, Weight: weight, Model: &arm{id, i, s.Arms[i].Model}})
	}
	return router.NewSplit(config)
}

// arm is one arm of a split. It calls the layers that the policy of the call has for it, so
// that guards and limits can change while the split stays.
type arm struct {
	experiment string
	i          int
	name       string
}

// Name implements model.LLM.
func (a *arm) Name() string { return a.name }

// GenerateContent implements model.LLM.
func (a *arm) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(a, ctx, req, streamed)
}

// First implements stream.Leader.
func (a *arm) First(ctx context.Context) (context.Context, stream.Layer) {
	return ctx, stateOf(ctx).chain.arms[a.experiment][a.i]
}

// Do implements stream.Layer.
func (a *arm) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	_, layer := a.First(ctx)
	return layer.Do(ctx, req, streamed, out)
}
