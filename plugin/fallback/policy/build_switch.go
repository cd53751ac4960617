package policy

import (
	"context"
	"reflect"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// approval decides whether a fallback may call a tool.
type approval = func(ctx context.Context, fc *genai.FunctionCall, model string) bool

// WithApproval sets the function behind gate.approve. It decides whether a fallback may call
// a tool of section gate; see [guard.Gate]. It must be safe for concurrent use.
func WithApproval(approve func(ctx context.Context, fc *genai.FunctionCall, model string) bool) Option {
	return optionFunc(func(o *options) { o.approve = approve })
}

func (o *options) approves() bool { return o.approve != nil }

// switching sets what the file says of the switch to a fallback.
func (b *builder) switching(config *router.Config) {
	p := b.policy
	config.Sticky, config.StayFor = router.Sticky(p.Sticky), p.StayFor
	if n := p.Notice; n != nil {
		config.Notice = router.Notice{Text: n.Text, Place: router.NoticePlace(n.Place)}
	}
	if g := p.Gate; g != nil {
		config.Gate.Tools = g.Tools
		if g.Approve {
			config.Gate.Approve = b.options.approve
		}
	}
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
	logger := b.options.logger
	config := middleware.KeepWarmConfig{Interval: w.Interval, Timeout: w.Timeout, OnPing: func(name string, err error) {
		if v := stream.VerdictOf(context.Background(), err); err != nil && v.Kind != middleware.KindRefused {
			logger.Warn("policy: a fallback did not answer a small request", "model", name, "reason", v.Reason)
		}
	}}
	for _, t := range b.policy.Standbys(b.known) {
		if s := b.stackAt(t); s != nil {
			config.Models = append(config.Models, b.guarded(s.timed(s.pinged, b.times(t)), t))
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

// stackAt returns the stack that was built for a target.
func (b *builder) stackAt(t spec.Target) *stack {
	want := b.settings(t)
	for i := range b.kept.stacks {
		if s := &b.kept.stacks[i]; reflect.DeepEqual(s.settings, want) {
			return s
		}
	}
	return nil
}

// isPing reports whether a call is a small request of warm_standby. Every other call of such
// a policy has a state.
func isPing(ctx context.Context, p *spec.Policy) bool {
	return p.WarmStandby != nil && stateOf(ctx) == nil
}

// probe returns the small request of a breaker, nil for none.
func probe(c *spec.CircuitBreaker) func() *model.LLMRequest {
	if !c.Probe {
		return nil
	}
	return middleware.Ping
}

// charged puts a budget around a model. Small requests, which no tenant has made, pass by.
func charged(inner stream.Layer, budget middleware.Middleware) stream.Layer {
	paid := stream.Of(budget(inner))
	return stream.Wrap(paid, func(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
		if stateOf(ctx) == nil {
			return inner.Do(ctx, req, streamed, out)
		}
		return paid.Do(ctx, req, streamed, out)
	})
}
