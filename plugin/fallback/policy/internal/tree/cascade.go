package tree

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cascade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/rate"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// cascade puts the cheap model of the policy in front of the primary, which is t and built
// as strong. It returns nil if a problem was reported.
func (b *builder) cascade(t spec.Target, strong stream.Layer, ch *chain) stream.Layer {
	cheap, _ := b.model(*t.Cheap, ch)
	config := b.cascadeConfig(t)
	if cheap == nil || config == nil {
		return nil
	}
	m, err := cascade.New(*config, cheap, strong)
	if err != nil {
		b.err("cascade", err.Error())
		return nil
	}
	c := &cascaded{Around: stream.Around{Inner: stream.Of(m)}, name: strong.Name(), cheap: cheap.Name(), judge: judge(b.policy.Errors)}
	for _, r := range t.Models() {
		c.fronts = append(c.fronts, r.Model)
	}
	return c
}

// cascadeConfig returns the settings of the cascade, or nil if a problem was reported.
func (b *builder) cascadeConfig(t spec.Target) *cascade.Config {
	s := b.policy.Cascade
	judges, ok := b.judges(t)
	if !ok {
		return nil
	}
	config := &cascade.Config{
		Judges: judges, Threshold: float64(s.Confidence), JudgeTimeout: s.JudgeTimeout, MaxCost: float64(s.MaxCost), Hold: s.Hold,
		Tenants: make(map[string]cascade.Settings, len(s.Tenants)),
	}
	cost := rate.Dearest(t.Models(), b.maxOutput())
	config.Price = func(_ string, req *model.LLMRequest) (float64, bool) {
		if cost == nil {
			return 0, false
		}
		return cost(req), true
	}
	for tenant, own := range s.Tenants {
		settings := cascade.Settings{Threshold: float64(own.Confidence), MaxCost: float64(own.MaxCost)}
		if own.Use != "both" {
			settings.Use = cascade.Use(own.Use)
		}
		config.Tenants[tenant] = settings
	}
	return config
}

// judges returns the judges of the cascade, the cheapest first; ok is false if a problem
// was reported.
func (b *builder) judges(t spec.Target) (judges []cascade.Judge, ok bool) {
	s := b.policy.Cascade
	var measures []cascade.Judge // that have a confidence, not only yes or no
	switch s.Measure() {
	case "logprobs":
		measures = append(measures, cascade.JudgeLogProbs(true))
	case "stated":
		measures = append(measures, cascade.JudgeStated(cascade.AskConfidence))
	case "application":
		measures = append(measures, cascade.JudgeFunc(b.app.Judge))
	}
	if t.Grader != nil {
		grader := *t.Grader
		m, _ := b.target(grader)
		if m == nil {
			return nil, false
		}
		measures = append(measures, cascade.JudgeModel(m, ""))
	}
	if s.Degrade != nil {
		to := b.lastResort(spec.Target{Resolved: b.policy.Resolve(s.Degrade.To), Path: "cascade.degrade.to"})
		if to == nil {
			return nil, false
		}
		for i := range measures {
			measures[i] = measures[i].DegradeBelow(float64(s.Degrade.Below), &replacement{to})
		}
	}
	if s.Checks == nil {
		return measures, true
	}
	config, err := b.stacks.ValidateConfig(s.Checks)
	if err != nil {
		b.err("cascade.checks", err.Error())
		return nil, false
	}
	return append([]cascade.Judge{cascade.JudgeChecks(config)}, measures...), true
}

// cascaded is the place of a primary behind a cascade. It has the primary's name, by which
// conditions, the cache and other routers know the place.
type cascaded struct {
	stream.Around
	name   string
	cheap  string
	fronts []string                              // the names by which the cache may know the place: the primary and its arms
	judge  func(failure.Verdict) failure.Verdict // of section errors; nil for none
}

// Name implements model.LLM.
func (c *cascaded) Name() string { return c.name }

// GenerateContent implements model.LLM.
func (c *cascaded) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(c, ctx, req, streamed)
}

// Do implements stream.Layer. An answer of the cheap model is no fallback, unless it is
// called again as one.
func (c *cascaded) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	root := out.Root
	if slices.Contains(c.fronts, root) {
		out.Root = c.cheap
	}
	err := c.Inner.Do(ctx, req, streamed, out)
	if err != nil {
		out.Root = root
	}
	if failed, ok := err.(*router.AllFailedError); ok {
		failed.Means = c.means(ctx, failed.Causes)
	}
	return err
}

// means returns what the failure of both models means to the chain: the latest verdict on a
// model that failed, not the rejection of an answer.
func (c *cascaded) means(ctx context.Context, causes []error) (v failure.Verdict) {
	for i, cause := range causes {
		switch own := stream.VerdictOf(ctx, cause); {
		case i == 0, own.Kind != failure.KindRejected && own.Kind != middleware.KindRefused, v.Kind == failure.KindRejected:
			v = own
		}
	}
	if c.judge != nil {
		v = c.judge(v)
	}
	return v
}

// replacement is an answer of last resort that takes the place of a cheap model's answer.
// It is none to the routers around: those have their own, for calls that fail.
type replacement struct{ answer stream.Layer }

// Name implements model.LLM.
func (r *replacement) Name() string { return r.answer.Name() }

// GenerateContent implements model.LLM.
func (r *replacement) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(r, ctx, req, streamed)
}

// Do implements stream.Layer.
func (r *replacement) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	return r.answer.Do(ctx, req, streamed, out)
}

// cheapVersion returns what the cached answers of a cascade depend on besides the primary,
// and its cheap models, whose answers count as the primary's; both empty without a cascade.
func (b *builder) cheapVersion(primary spec.Target) (aliases, version []string, err error) {
	if primary.Cheap == nil {
		return nil, nil, nil
	}
	settings, err := json.Marshal(b.policy.Cascade)
	if err != nil {
		return nil, nil, fmt.Errorf("policy: cascade: %w", err)
	}
	version = []string{string(settings)}
	for _, r := range primary.Cheap.Models() {
		own, err := b.version(r)
		if err != nil {
			return nil, nil, err
		}
		version, aliases = append(version, own...), append(aliases, r.Model)
	}
	return aliases, version, nil
}

// Inspect returns the tree of the answer.
func (r *replacement) Inspect() inspect.Node { return inspect.Of(r.answer) }
