package stack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"regexp"
	"strings"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// charged is a budget around a model. Small requests, which no tenant has made, bypass it.
type charged struct {
	stream.Around              // the budget
	free          stream.Layer // the model
	small         func(ctx context.Context) bool
}

func (b *Builder) charged(inner stream.Layer, budget middleware.Middleware) stream.Layer {
	return &charged{stream.Around{Inner: stream.Of(budget(inner))}, inner, b.Small}
}

// GenerateContent implements model.LLM.
func (c *charged) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(c, ctx, req, streamed)
}

// First implements stream.Leader.
func (c *charged) First(ctx context.Context) (context.Context, stream.Layer) {
	if c.small(ctx) {
		return ctx, c.free
	}
	return ctx, c.Inner
}

// Do implements stream.Layer.
func (c *charged) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	_, layer := c.First(ctx)
	return layer.Do(ctx, req, streamed, out)
}

func (b *Builder) limit(s *settings, key string) (middleware.Middleware, error) {
	r := s.Limits
	if r == nil {
		return nil, nil
	}
	return middleware.NewLimit(middleware.LimitConfig{
		RequestsPerMinute: r.RequestsPerMinute, TokensPerMinute: r.TokensPerMinute, MaxConcurrent: r.Concurrency,
		MaxQueue: r.Queue, MaxWait: r.QueueTimeout, Priorities: Ranks(s.Classes), Adaptive: r.Adaptive,
		State: b.Shared, StateKey: key,
	})
}

func (b *Builder) breaker(s *settings, key string) (middleware.Middleware, error) {
	c := s.Breaker
	if c == nil {
		return nil, nil
	}
	var probe func() *model.LLMRequest
	if c.Probe {
		probe = middleware.Ping
	}
	logger, wake := b.App.Logger, b.App.Wake
	return middleware.NewBreaker(middleware.BreakerConfig{
		ConsecutiveFailures: c.FailureThreshold, FailureRatio: float64(c.FailureRatio), MinRequests: c.MinRequests,
		Window: c.Window, OpenFor: c.Backoff, MaxOpenFor: max(c.MaxBackoff, 0),
		SuccessesToClose: c.SuccessesToClose, Probe: probe, ProbeTimeout: c.ProbeTimeout,
		State: b.Shared, StateKey: key,
		OnStateChange: func(model string, from, to middleware.BreakerState) {
			logger.Warn("policy: a breaker has changed", "model", model, "from", from, "to", to)
			if wake != nil && to == middleware.BreakerClosed {
				go wake() // ends by itself
			}
		},
	})
}

func (b *Builder) retry(s *settings) (middleware.Middleware, error) {
	r := s.Retry
	if r == nil || r.MaxAttempts < 2 {
		return nil, nil
	}
	budget, err := middleware.NewRetryBudget(float64(r.Budget), 0)
	if err != nil {
		return nil, err
	}
	return middleware.NewRetry(middleware.RetryConfig{
		MaxRetries: r.MaxAttempts - 1, BaseDelay: r.BaseDelay, MaxDelay: r.MaxDelay, MaxWait: r.MaxWait, SkipWait: r.SkipWait, Budget: budget,
		Rand: b.App.Rand,
	})
}

// validate returns the layer that judges answers, nil for none.
func (b *Builder) validate(s *settings) (middleware.Middleware, error) {
	if s.Validate == nil {
		return nil, nil
	}
	config, err := b.ValidateConfig(s.Validate)
	if err != nil {
		return nil, err
	}
	return middleware.NewValidate(config)
}

// ValidateConfig returns the rules for answers in the form of package middleware.
func (b *Builder) ValidateConfig(v *spec.Validate) (middleware.ValidateConfig, error) {
	config := middleware.ValidateConfig{SkipSchema: !v.Schema, MinLength: v.MinLength, Func: b.App.Validators[v.Function]}
	if v.Pattern != "" {
		pattern, err := regexp.Compile(v.Pattern)
		if err != nil {
			return middleware.ValidateConfig{}, err
		}
		config.Pattern = pattern
	}
	return config, nil
}

// Ranks returns the ranks of classes, of which the first is the most important.
func Ranks(classes []string) map[string]int {
	ranks := make(map[string]int, len(classes))
	for i, class := range classes {
		ranks[class] = len(classes) - i
	}
	return ranks
}

// stateKey returns the key under which a target shares its state. Replicas may have different
// versions of a policy for a while, so the key depends only on the target's name, its server
// and the variable of its credential.
func (b *Builder) stateKey(t spec.Target) string {
	if b.Shared == nil {
		return ""
	}
	m := t.Settings
	sum := sha256.Sum256([]byte(strings.Join([]string{t.Provider, t.ID, m.API, m.BaseURL, m.Region, m.CredentialEnv}, "\x00")))
	key := t.Model + "@" + hex.EncodeToString(sum[:6])
	if t.Grades {
		key += "/grader" // it has layers of its own
	}
	return key
}
