package tree

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/flags"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// cacheSettings are the settings of a cache. A cache with equal ones can be taken over.
type cacheSettings struct {
	Cache  spec.Cache
	Given  bool // the policy has section cache; if not, answers are kept for cached-answer only
	Rules  bool // the policy has compliance rules
	MaxAge time.Duration
	Shared int // see Kept.sharingID
}

// scope returns what callers must have in common to share answers. It returns nil, so that
// nothing is shared, if a required fact cannot be read, or if a cache per user knows neither
// user nor session. Rules and flags are part of the scope: they may forbid one caller a model
// whose answer another caller received.
func (s *cacheSettings) scope(ctx context.Context) []string {
	info, unread := call.From(ctx), guard.Unread(ctx)
	scope := []string{info.Tenant}
	switch {
	case unread&guard.Tenant != 0 || s.Rules && unread != 0:
		return nil
	case s.Cache.Scope != "user":
	case info.User != "":
		scope = append(scope, info.App, "user", info.User)
	case info.Session != "":
		scope = append(scope, info.App, "session", info.Session)
	default:
		return nil
	}
	if s.Rules {
		scope = append(scope, info.DataClass, info.Region)
	}
	return append(scope, flags.SwitchedOff(ctx)...)
}

// cache takes over or creates the cache, if the policy needs one: it has the section, or
// uses cached answers.
func (b *builder) cache() error {
	want := cacheSettings{Cache: *spec.Default[spec.Cache](), Rules: b.policy.Compliance != nil, MaxAge: b.degrade().CachedMaxAge, Shared: b.kept.sharingID()}
	if b.policy.Cache != nil {
		want.Cache, want.Given = *b.policy.Cache, true
	}
	if !want.Given && !b.policy.UsesCachedAnswers() {
		return nil
	}
	b.kept.caches = want
	if b.before.cache != nil && reflect.DeepEqual(b.before.caches, want) {
		b.kept.cache = b.before.cache
		return nil
	}
	rules, err := cacheRules(want.Cache.Rules)
	if err != nil {
		return err
	}
	b.kept.cache, err = cache.New(cache.Config{
		Rules: rules, State: b.kept.state(),
		LookupOnly: !want.Given, LookupAge: want.MaxAge, Scope: want.scope,
		MaxBytes: int(want.Cache.MaxBytes), TTL: want.Cache.TTL, StaleWhileRevalidate: want.Cache.StaleWhileRevalidate,
	})
	return err
}

func cacheRules(rules []spec.CacheRule) ([]cache.Rule, error) {
	all := make([]cache.Rule, len(rules))
	for i, r := range rules {
		all[i] = cache.Rule{Agent: r.Agent, Labels: r.Labels, TTL: r.TTL, Skip: r.Skip}
		if r.Prompt == "" {
			continue
		}
		var err error
		if all[i].Prompt, err = regexp.Compile(r.Prompt); err != nil {
			return nil, fmt.Errorf("policy: cache.rules: %w", err)
		}
	}
	return all, nil
}

// cached puts the cache in front of the chain, and in front of the cache a layer that
// evaluates the flags.
func (b *builder) cached(root stream.Layer) (stream.Layer, error) {
	front, err := b.cachedArms(root)
	if err != nil {
		return nil, err
	}
	return b.flags.Ahead(front), nil
}

// cachedArms puts the cache in front of the chain; in an experiment with the primary,
// separately for each arm.
func (b *builder) cachedArms(root stream.Layer) (stream.Layer, error) {
	primary := b.policy.Targets()[0]
	version, err := b.version(primary.Resolved)
	if err != nil {
		return nil, err
	}
	aliases, cheap, err := b.cheapVersion(primary)
	if err != nil {
		return nil, err
	}
	if primary.Experiment == "" {
		return stream.Of(b.kept.cache.MiddlewareFor(aliases, append(version, cheap...)...)(root)), nil
	}
	versions := make([][]string, len(primary.Arms))
	for i, r := range primary.Arms {
		if version, err = b.version(r); err != nil {
			return nil, err
		}
		versions[i] = append(append(version, primary.Experiment, b.policy.Experiments[primary.Experiment].Arms[i].Cohort), cheap...)
	}
	of := slices.IndexFunc(b.kept.splits, func(s split) bool { return s.settings.ID == primary.Experiment })
	m, err := router.SplitAhead(b.kept.splits[of].layer, root, func(arm int) middleware.Middleware {
		return b.kept.cache.MiddlewareFor(aliases, versions[arm]...)
	})
	if err != nil {
		return nil, err
	}
	return stream.Of(m), nil
}

// version returns what distinguishes the cached answers of a model from those of another
// model with the same name: its family or else the provider's name, and every setting that
// changes requests or where they are sent.
func (b *builder) version(r spec.Resolved) ([]string, error) {
	settings, err := json.Marshal(struct {
		Provider, API, BaseURL string
		Unsupported            string
		Takes                  *spec.Takes
		Config                 *spec.ModelConfig
		MaxOutput              int
		Rules                  *spec.Compliance // they may redact requests
	}{r.Provider, r.Settings.API, r.Settings.BaseURL, r.Settings.Unsupported, r.Settings.Takes, r.Settings.Config, b.policy.Budgets.MaxOutput(), b.policy.Compliance})
	if err != nil {
		return nil, fmt.Errorf("policy: cache: the settings of %q: %w", r.Name, err)
	}
	return []string{cmp.Or(r.Settings.Family, r.ID), string(settings)}, nil
}

// hit reports whether the cache has an answer to req.
func (b *builder) hit(ctx context.Context, req *model.LLMRequest) bool {
	_, _, ok := b.kept.cache.Lookup(ctx, req)
	return ok
}
