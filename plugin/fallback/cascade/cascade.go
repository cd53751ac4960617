package cascade

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/affinity"
	"github.com/adk-fallback/adk-fallback/internal/check"
	"github.com/adk-fallback/adk-fallback/internal/group"
	"github.com/adk-fallback/adk-fallback/internal/match"
	"github.com/adk-fallback/adk-fallback/internal/nilcheck"
	"github.com/adk-fallback/adk-fallback/internal/price"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
)

// Defaults of a cascade.
const (
	// DefaultThreshold is the confidence from which a cheap answer is accepted.
	DefaultThreshold = 0.8
	// DefaultJudgeTimeout is how long a judge may take.
	DefaultJudgeTimeout = 5 * time.Second
)

// A turn stays with the strong model as it stays with a fallback of router.NewFallback.
const (
	maxTurns = 1000 // that are remembered
	stayFor  = 10 * time.Minute
)

// Use says which of a cascade's models a caller uses.
type Use string

const (
	UseBoth   Use = ""       // the strong model, if the judges reject the cheap one's answer
	UseCheap  Use = "cheap"  // the cheap model alone; nothing is judged
	UseStrong Use = "strong" // the strong model; the cheap one only if that fails
)

// Settings are what may differ between tenants. A zero field means the value of
// the [Config].
type Settings struct {
	Use       Use
	Threshold float64
	MaxCost   float64 // math.Inf(1) means no ceiling
}

// Config says when the strong model is called. Judges is required.
type Config struct {
	// Judges judge each answer of the cheap model, in order. The first that rejects it
	// decides, so the cheapest judge comes first.
	Judges []Judge
	// Threshold is the confidence from which a judge accepts an answer, from 0 to 1. 0
	// means [DefaultThreshold].
	Threshold float64
	// JudgeTimeout is how long each judge may take. 0 means [DefaultJudgeTimeout].
	JudgeTimeout time.Duration

	// MaxCost is the projected cost, in US dollars, up to which one call of the strong
	// model is made. If it is higher or unknown, the strong model is not called and the
	// cheap one's answer stands. 0 or math.Inf(1) means no ceiling.
	MaxCost float64
	// Price projects the cost of a call from its request, as
	// [middleware.BudgetConfig.Price] does. A panic or an invalid amount means that the
	// cost is unknown. Nil means the list price of the strong model, which must have one
	// if MaxCost is set here or for a tenant.
	Price func(modelName string, req *model.LLMRequest) (projected float64, ok bool)

	// Hold holds a streamed answer of the cheap model back until it is accepted. False
	// means that it is shown while it arrives; if it is rejected, the consumer is told
	// to discard it, as with router.Restart. Inside a Fallback that does not restart answers,
	// they are always held back.
	Hold bool

	// Tenants overrides settings for single tenants ([call.Info.Tenant]). Case does not
	// matter.
	Tenants map[string]Settings

	// Hooks report what calls do. The zero value reports nothing.
	call.Hooks
}

// New returns a model that calls cheap, and strong if a judge rejects the answer
// or cheap fails. It has the name and optional methods of cheap. The strong model gets
// the original request. To the metadata and the record, a rejected answer is a failed
// attempt of kind [failure.KindRejected], charged like any other, with a reason such as
// "judge: confidence 0.42 below 0.8".
//
// An answer that calls functions is accepted without being judged, so no tool runs twice:
// the judges see the answer to the results. Degraded answers and the empty one that ends a
// tool loop are not judged either. Once the strong model has answered, later calls of the
// same agent in the ADK turn (a tool loop) begin with it, as in a router.NewFallback.
//
// A rejected answer stands if no other model may replace it: the strong one is over the
// ceiling, not for this tenant, or has failed. "degraded" in its metadata is then the
// cheap model's name, and the record says why. Inside a router that has another target,
// a cascade whose strong model has failed returns the error instead. If all fail, it is
// a *router.AllFailedError.
//
// Guards of enclosing routers also run for a judge that is a model, and for the models of
// [Judge.DegradeBelow]. Last resorts (package degrade) among the models also answer when
// all other models have failed.
//
// The error names every wrong field. The model is safe for concurrent use if its models
// and judges are.
func New(config Config, cheap, strong model.LLM) (model.LLM, error) {
	models := append([]model.LLM{cheap, strong}, config.degraded()...)
	layers, problems := group.Check("cascade: New", models)
	problems = append(problems, config.check()...)
	problems = append(problems, config.checkCeilings(strong)...)
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	config.Threshold = cmp.Or(config.Threshold, DefaultThreshold)
	config.JudgeTimeout = cmp.Or(config.JudgeTimeout, DefaultJudgeTimeout)
	config.Judges = slices.Clone(config.Judges)
	tenants := config.Tenants
	config.Tenants = make(map[string]Settings, len(tenants))
	for tenant, s := range tenants {
		config.Tenants[match.Fold(tenant)] = s
	}
	c := &cascade{
		config: config, name: cheap.Name(), layers: layers, hooks: config.Hooks,
		turns: affinity.New(affinity.TurnOf, maxTurns, stayFor),
	}
	for _, layer := range layers {
		if group.IsLastResort(layer) || group.HasLastResort(layer) {
			c.resorts = append(c.resorts, layer)
		}
	}
	for i := range config.Judges {
		c.strips = c.strips || config.Judges[i].stated
	}
	return stream.Forward(c, cheap), nil
}

// MustNew is New, but panics on an error.
func MustNew(config Config, cheap, strong model.LLM) model.LLM {
	return check.Must(New(config, cheap, strong))
}

// degraded returns the models of DegradeBelow, one of each name.
func (c *Config) degraded() (models []model.LLM) {
	for _, j := range c.Judges {
		for _, l := range j.lower {
			if !slices.ContainsFunc(models, func(m model.LLM) bool { return m.Name() == l.to.Name() }) {
				models = append(models, l.to)
			}
		}
	}
	return models
}

func (c *Config) check() (problems []error) {
	wrong := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("cascade: Config."+format, args...))
	}
	if len(c.Judges) == 0 {
		wrong("Judges is empty; must have 1 or more")
	}
	for i, j := range c.Judges {
		if j.err != nil {
			wrong("Judges[%d]: %w", i, j.err)
		} else if j.score == nil {
			wrong("Judges[%d] is empty; use a function such as JudgeStated", i)
		}
	}
	if c.JudgeTimeout < 0 {
		wrong("JudgeTimeout is %v; must be 0 (default: %v) or more", c.JudgeTimeout, DefaultJudgeTimeout)
	}
	for field, s := range c.allSettings() {
		if !(s.Threshold >= 0 && s.Threshold <= 1) { // also NaN
			wrong("%sThreshold is %v; must be from 0 to 1", field, s.Threshold)
		}
		if !(s.MaxCost >= 0) {
			wrong("%sMaxCost is %v; must be 0 or more", field, s.MaxCost)
		}
		if s.Use != UseBoth && s.Use != UseCheap && s.Use != UseStrong {
			wrong("%sUse is %q; must be empty, %q or %q", field, s.Use, UseCheap, UseStrong)
		}
	}
	return problems
}

// checkCeilings returns an error for each ceiling that no cost can be compared with.
func (c *Config) checkCeilings(strong model.LLM) (problems []error) {
	if nilcheck.Model(strong) || c.Price != nil {
		return nil
	}
	if _, listed := price.Of(priced(strong)); listed {
		return nil
	}
	for field, s := range c.allSettings() {
		if s.MaxCost > 0 && !math.IsInf(s.MaxCost, 1) {
			problems = append(problems, fmt.Errorf("cascade: Config.%sMaxCost is set, but %s has no list price; set Config.Price", field, strong.Name()))
		}
	}
	return problems
}

// allSettings yields the general settings and those of each tenant, with the beginning
// of their fields' names.
func (c *Config) allSettings() iter.Seq2[string, Settings] {
	return func(yield func(string, Settings) bool) {
		if !yield("", Settings{Threshold: c.Threshold, MaxCost: c.MaxCost}) {
			return
		}
		for _, tenant := range slices.Sorted(maps.Keys(c.Tenants)) {
			if !yield(fmt.Sprintf("Tenants[%q].", tenant), c.Tenants[tenant]) {
				return
			}
		}
	}
}

// settings returns the settings for the caller of ctx.
func (c *Config) settings(ctx context.Context) Settings {
	s := c.Tenants[match.Fold(call.From(ctx).Tenant)]
	s.Threshold = cmp.Or(s.Threshold, c.Threshold)
	s.MaxCost = cmp.Or(s.MaxCost, c.MaxCost, math.Inf(1))
	return s
}

// Indices of the layers.
const (
	cheapLayer  = 0
	strongLayer = 1 // the models of DegradeBelow follow
)

// cascade is the layer.
type cascade struct {
	config  Config
	name    string // the cheap model's
	layers  []stream.Layer
	resorts []stream.Layer // layers that are or hold last resorts
	strips  bool           // stated confidences are removed
	hooks   call.Hooks
	turns   *affinity.Affinity
	warned  atomic.Bool // of a model name that no target has
}

// Name implements model.LLM.
func (c *cascade) Name() string { return c.name }

// Members implements group.Group.
func (c *cascade) Members() []stream.Layer { return c.layers }

// GenerateContent implements model.LLM.
func (c *cascade) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(c, ctx, req, streamed)
}

// Do implements stream.Layer.
func (c *cascade) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	if out.Root == "" {
		out.Root = c.name
	}
	settings := c.config.settings(ctx)
	first := c.first(settings)
	return out.Observe(ctx, &c.hooks, first.Name(), func() error {
		r := &run{
			cascade: c, ctx: ctx, req: req, streamed: streamed, out: out, outer: out.Orders,
			settings: settings, tried: make([]bool, len(c.layers)),
		}
		defer func() { out.Orders = r.outer }()
		return r.do()
	})
}

// first returns the model that a call begins with.
func (c *cascade) first(s Settings) stream.Layer {
	if s.Use == UseStrong {
		return c.layers[strongLayer]
	}
	return c.layers[cheapLayer]
}

// First implements stream.Leader.
func (c *cascade) First(ctx context.Context) (context.Context, stream.Layer) {
	return ctx, c.first(c.config.settings(ctx))
}

// priced returns the name under which a target's price is listed.
func priced(target model.LLM) string {
	return cmp.Or(stream.TargetOf(target).Model, target.Name())
}

// Inspect returns the tree of the cascade: its models, and then those that judge.
func (c *cascade) Inspect() inspect.Node {
	n := group.Node("cascade", c)
	for _, j := range c.config.Judges {
		if j.layer != nil {
			n.Inner = append(n.Inner, inspect.Of(j.layer))
		}
	}
	return n
}
