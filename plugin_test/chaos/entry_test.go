package chaos_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/plugin"

	"github.com/adk-fallback/adk-fallback/plugin/fallback"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/observe"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// entryPoints build the agent's model and the runner's plugins. To add an entry, add it
// here and to entries.
var entryPoints = map[entry]func(testing.TB, *world) (model.LLM, []*plugin.Plugin){
	viaPlugin:  plugged,
	viaTree:    func(_ testing.TB, w *world) (model.LLM, []*plugin.Plugin) { return w.tree(w.actors, w.hooks()), nil },
	viaPolicy:  func(t testing.TB, w *world) (model.LLM, []*plugin.Plugin) { return w.live(t).Model(), nil },
	viaGateway: gated,
}

// hooks listen to calls, and so does an observer for metrics.
func (w *world) hooks() call.Hooks {
	return call.Join(w.told.hooks(), observe.MustNew(w.told.meters.Meter("chaos"), w.logger()).Hooks())
}

// plugin recovers the first target with a tree of the others.
func plugged(t testing.TB, w *world) (model.LLM, []*plugin.Plugin) {
	t.Helper()
	root := model.LLM(w.actors[0])
	if !w.Bare {
		root = w.layered(root)
	}
	p, err := fallback.New(fallback.Config{
		ErrorCodes: []any{"any"}, Recover: w.tree(w.actors[1:], call.Hooks{}), Logger: w.logger(), Hooks: w.hooks(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return root, []*plugin.Plugin{p}
}

// tree makes a router over models, by hand.
func (w *world) tree(actors []*actor, hooks call.Hooks) model.LLM {
	var models []model.LLM
	for _, a := range actors {
		models = append(models, w.layered(a))
	}
	if w.Hedge && len(models) > 1 {
		hedge := router.MustHedge(router.HedgeConfig{Delay: hedgeDelay, MaxExtraLoad: 1}, models[0], models[1])
		models = append([]model.LLM{hedge}, models[2:]...)
	}
	return router.MustFallback(router.Config{MidStream: w.MidStream, Hooks: hooks}, models...)
}

const hedgeDelay = 2 * time.Second

// layered puts the layers of a target around a model.
func (w *world) layered(m model.LLM) model.LLM {
	var layers []middleware.Middleware
	if w.Retries > 0 {
		layers = append(layers, middleware.MustRetry(middleware.RetryConfig{MaxRetries: w.Retries}))
	}
	if w.Breaker {
		layers = append(layers, middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 2}))
	}
	if limits := (middleware.TimeoutConfig{FirstContent: w.First, Idle: w.Idle, Total: w.Attempt}); limits != (middleware.TimeoutConfig{}) {
		layers = append(layers, middleware.MustTimeout(limits))
	}
	layers = append(layers, middleware.Attempt(middleware.AttemptConfig{}))
	return middleware.Chain(m, layers...)
}

// live is the policy of the plan, with its reloads.
func (w *world) live(t testing.TB) *policy.Live {
	t.Helper()
	models := policy.Models{}
	for _, a := range w.actors {
		models[a.target.Name] = a
	}
	live, err := policy.NewLive(t.Context(), w.policy(t, 0), models, policy.WithLogger(w.logger()), policy.WithHooks(w.told.hooks()), policy.WithMeterProvider(w.told.meters),
		policy.WithState(func(string) (state.Store, error) { return newStormy(&w.plan), nil }))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	var reloads sync.WaitGroup
	if w.Reload > 0 {
		reloads.Go(func() { w.reload(t, live, ended) })
	}
	w.closes = append(w.closes, func() {
		close(ended)
		reloads.Wait() // a policy that is put into use after Close has to be closed again
		if err := live.Close(); err != nil {
			t.Error(err)
		}
	})
	return live
}

// reload replaces the policy again and again, until ended is closed.
func (w *world) reload(t testing.TB, live *policy.Live, ended chan struct{}) {
	for i := 1; ; i++ {
		select {
		case <-time.After(w.Reload << min(i-1, 30)): // years may pass
		case <-ended:
			return
		}
		if err := live.Replace(t.Context(), w.policy(t, i)); err != nil {
			t.Error(err)
		}
	}
}

// policy returns the n-th version of the policy. Versions differ in what the oracle does
// not depend on.
func (w *world) policy(t testing.TB, n int) *spec.Policy {
	t.Helper()
	text := w.yaml(n)
	p, err := spec.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return p
}

const (
	dollarsPerDay    = 0.05
	dollarsPerInput  = 10.0 // and million
	dollarsPerOutput = 50.0
)

var providers = map[string]string{"gemini": "gemini", "chat": "openai, api: chat", "responses": "openai, api: responses", "anthropic": "anthropic"}

func (p *plan) yaml(n int) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("primary: %q", p.Targets[0].Name)
	if len(p.Targets) > 1 {
		line("fallbacks:")
		for _, t := range p.Targets[1:] {
			line("  - {name: %q}", t.Name)
		}
	}
	limits := func(section string, all map[string]time.Duration) {
		var set []string
		for _, key := range slices.Sorted(maps.Keys(all)) {
			if d := all[key]; d > 0 {
				set = append(set, fmt.Sprintf("%s: %v", key, d))
			}
		}
		if len(set) > 0 {
			line("%s: {%s}", section, strings.Join(set, ", "))
		}
	}
	limits("timeouts", map[string]time.Duration{"primary": p.First, "fallback": p.First, "attempt": p.Attempt, "total": p.Total})
	line("stream:\n  mid_stream: %s", p.MidStream)
	if p.Idle > 0 {
		line("  idle: %v", p.Idle)
	}
	if p.Retries > 0 {
		line("retry: {max_attempts: %d}", p.Retries+1)
	}
	if p.Breaker {
		line("circuit_breaker: {failure_threshold: %d}", 2+n%3)
	}
	if p.Hedge && len(p.Targets) > 1 {
		line("hedge: {target: %q, delay: %v, max_extra_load: 100%%}", p.Targets[1].Name, hedgeDelay)
	}
	if p.Budget {
		line("budgets: {usd_per_day: %v, max_output_tokens: 256}", dollarsPerDay)
	}
	if p.Cache {
		line("cache: {ttl: %dm}", 10+n)
	}
	if p.Store != "" {
		line("state: redis://chaos.test")
	}
	if p.Residency {
		// A caller without a session, such as one of the gateway, has a class that cannot be
		// read, and the rule applies.
		line("context: {data_class: data_class}\ncompliance:\n  rules:\n    - {data_classes: [pii], regions: [eu]}")
	}
	line("models:")
	for _, t := range p.Targets {
		line("  %q: {provider: %s, base_url: \"http://%s.test\", region: %s, price: {input: %v, output: %v}}", t.Name, providers[t.Protocol], t.Name, map[bool]string{true: "eu", false: "us"}[t.EU], dollarsPerInput, dollarsPerOutput)
	}
	line("observe: {}")
	return b.String()
}

// attempts is the documented bound of the attempts of one call of the agent's model. Each
// target may be called once more because it has refused a setting.
func (p *plan) attempts() int {
	per := 2 + p.Retries
	n := per * len(p.Targets)
	if p.MidStream == router.Resume {
		n += per // the one that was cut off is called once more
		if p.Hedge {
			n += per // a hedge is one target
		}
	}
	if p.Entry == viaPlugin {
		n *= 2 // Recover, which has answered, then the root, then Recover
	}
	return n
}
