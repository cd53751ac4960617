package tree

import (
	"context"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// routing returns the settings of the router of the chain.
func (b *builder) routing() router.Config {
	p := b.policy
	config := router.Config{Sticky: router.Sticky(p.Sticky), StayFor: p.StayFor, Judge: judge(p.Errors)}
	if p.Stream != nil {
		config.MidStream = router.MidStream(p.Stream.MidStream)
	}
	if p.Errors != nil {
		config.FallbackOnContentPolicy = p.Errors.ContentPolicy == "fallback"
	}
	if n := p.Notice; n != nil {
		config.Notice = router.Notice{Text: n.Text, Place: router.NoticePlace(n.Place)}
	}
	if g := p.Gate; g != nil {
		config.Gate.Tools = g.Tools
		if g.Approve {
			config.Gate.Approve = b.app.Approve
		}
	}
	return config
}

// previewed puts the preview around the chain; inner itself if there is none.
func (b *builder) previewed(inner stream.Layer) stream.Layer {
	t, ok := b.policy.PreviewTarget()
	if !ok {
		return inner
	}
	var preview stream.Layer
	if t.LastResort() {
		preview = b.earlierAnswer(t)
	} else {
		preview, _ = b.target(t)
	}
	if preview == nil {
		return inner
	}
	m, err := router.NewProgressive(router.ProgressiveConfig{Timeout: b.policy.Preview.Timeout}, router.Describe(preview, b.traits(t)), inner)
	if err != nil {
		b.err("preview", err.Error())
		return inner
	}
	return stream.Of(m)
}

// earlierAnswer returns cached-answer as a preview; nil if a problem was reported. Once the
// budget is used up, there is no answer that it could stand in for.
func (b *builder) earlierAnswer(t spec.Target) stream.Layer {
	inner := b.lastResort(t)
	if inner == nil || !b.bounded {
		return inner
	}
	purse := b.kept.purse
	return stream.Of(guard.Around(inner, guard.Target{Name: t.Name}, func(ctx context.Context, req *model.LLMRequest, _ guard.Target) (*model.LLMRequest, error) {
		if purse.Share(call.From(ctx).Tenant) >= 1 {
			return nil, &middleware.RefusedError{By: "budget", Reason: "the day's budget is used up"}
		}
		return req, nil
	}))
}

// warmed puts the layer that keeps fallbacks warm around the chain; inner itself if there
// are none. Each has its breaker, limits and guards, but no retries and no rules for answers.
func (b *builder) warmed(inner stream.Layer, ch *chain) stream.Layer {
	w := b.policy.WarmStandby
	if w == nil || strictyaml.HasErrors(b.problems) {
		return inner
	}
	logger := b.app.Logger
	config := middleware.KeepWarmConfig{Interval: w.Interval, Timeout: w.Timeout, OnPing: func(name string, err error) {
		if v := stream.VerdictOf(context.Background(), err); err != nil && v.Kind != middleware.KindRefused {
			logger.Warn("policy: a fallback did not answer a small request", "model", name, "reason", v.Reason)
		}
	}}
	for _, t := range b.policy.Standbys(b.known) {
		if s := b.stacks.Find(t); s != nil {
			config.Models = append(config.Models, b.guarded(s.Timed(s.Pinged), t))
		}
	}
	if len(config.Models) == 0 {
		return inner
	}
	warm, err := middleware.NewKeepWarm(config)
	if err != nil {
		b.err("warm_standby", err.Error())
		return inner
	}
	ch.stateful = true // see isPing
	return stream.Of(warm(inner))
}
