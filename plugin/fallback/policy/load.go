package policy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"time"

	"go.opentelemetry.io/otel/metric"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/catalog"
	"github.com/adk-fallback/adk-fallback/internal/follow"
	"github.com/adk-fallback/adk-fallback/internal/httpclient"
	"github.com/adk-fallback/adk-fallback/internal/nilcheck"
	"github.com/adk-fallback/adk-fallback/internal/standin"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/flags"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// Option is a setting of the application: [Models], [Validators], [WithFlags],
// [WithRetrieval], [WithDeferred], [WithJudge], [WithApproval], [WithLogger], [WithHooks],
// [WithMeterProvider], [WithState], [WithEnv], [WithRand], [WithInterval], [OnReload], or a [provider.Factory] such as
// anthropic.Provider, which adds a provider
// that this package does not have.
type Option interface {
	// Option returns the setting. Only the types above are supported.
	Option() any
}

type optionFunc func(*options)

// Option implements [Option].
func (f optionFunc) Option() any { return f }

// apply applies an option, and reports whether its type is known.
func (o *options) apply(option Option) bool {
	switch set := option.Option().(type) {
	case optionFunc:
		set(o)
	case Models:
		maps.Copy(o.models, set)
	case Validators:
		maps.Copy(o.validators, set)
	case standin.Deferred:
		o.deferred = func(d deferral) (model.LLM, error) {
			return degrade.NewTemplate(degrade.TemplateConfig{Name: spec.DeferredAnswer, Text: d.text})
		}
	case provider.Factory:
		o.factories[set.Name] = set
	default:
		return false
	}
	return true
}

type options struct {
	models     Models
	factories  map[string]provider.Factory // by name of the provider
	validators Validators
	retrieval  degrade.RetrievalConfig
	deferred   deferring // nil for none
	wake       func()    // wakes the queue of deferred; nil for none
	approve    approval  // nil for none
	judge      func(ctx context.Context, req *model.LLMRequest, resp *model.LLMResponse) (float64, error)

	flags    flags.Client
	logger   *slog.Logger
	env      func(string) (string, bool)
	rand     func() float64
	reloaded func(error)
	interval time.Duration
	client   *http.Client // of all models that speak a protocol of OpenAI's: a pattern may stand for many
	hooks    call.Hooks
	meters   metric.MeterProvider                  // nil for the global one
	open     func(url string) (state.Store, error) // nil for none; see WithState
}

// DefaultInterval is the longest time until [Watch] sees a change of its file.
const DefaultInterval = follow.Interval

// optionsOf returns the combined options, or an error that names each one that is nil or
// unknown.
func optionsOf(opts []Option) (*options, error) {
	o := &options{client: &http.Client{Transport: httpclient.Transport()}, models: Models{}, validators: Validators{}, factories: map[string]provider.Factory{}, logger: slog.Default(), env: os.LookupEnv, rand: rand.Float64, reloaded: func(error) {}, interval: DefaultInterval}
	var problems []error
	isNil := func(what string) {
		problems = append(problems, fmt.Errorf("policy: %s is nil; set a value", what))
	}
	for i, option := range opts {
		if option == nil {
			isNil(fmt.Sprintf("option %d", i+1))
			continue
		}
		if !o.apply(option) {
			problems = append(problems, fmt.Errorf("policy: option %d is a %T, which this package does not know; use its own options", i+1, option))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.models)) {
		if nilcheck.Model(o.models[name]) {
			isNil(fmt.Sprintf("Models[%q]", name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.validators)) {
		if o.validators[name] == nil {
			isNil(fmt.Sprintf("Validators[%q]", name))
		}
	}
	if o.logger == nil {
		isNil("WithLogger")
	}
	if o.env == nil {
		isNil("WithEnv")
	}
	if o.rand == nil {
		isNil("WithRand")
	}
	if o.reloaded == nil {
		isNil("OnReload")
	}
	return o, errors.Join(problems...)
}

// known returns what Check knows of the application when a model is built.
func (o *options) known() spec.Known {
	known := catalog.Known()
	known.Model, known.Provider, known.Validator, known.Retrieval = o.has, o.hasProvider, o.hasValidator, o.searches
	known.Deferred, known.Judge, known.Approval, known.State = o.defers, o.judges, o.approves, o.opens
	return known
}

// handsIn reports whether the application supplies a model of its own for a name.
func (o *options) handsIn(name string) bool {
	_, other := o.models[name].(standin.Model)
	return o.has(name) && !other
}

// WithRetrieval lets config find the passages of retrieval-answer: its Memory or its
// Search. The other fields are those of section degrade.retrieval in the file.
func WithRetrieval(config degrade.RetrievalConfig) Option {
	return optionFunc(func(o *options) { o.retrieval = config })
}

func (o *options) searches() bool { return o.retrieval.Memory != nil || o.retrieval.Search != nil }

// WithFlags lets an OpenFeature client decide the flags of a policy:
//
//	policy.WithFlags(openfeature.NewClient("assistant"), openfeature.NewEvaluationContext)
//
// The client is called at each attempt at a target that a flag names, with the user (or
// what sticky_by names) as the targeting key, and app, agent, tenant, priority,
// data_class, region and the labels as attributes. If the policy has a cache, it is also
// called before each call: a caller for whom a model is off gets no cached answer of it.
// If the client does not know a flag, or panics, the file's default holds. The client must
// be safe for concurrent use; nil means no client.
//
// The types are parameters so that a program without flags does not contain OpenFeature.
func WithFlags[Context, Opt any](client interface {
	Boolean(ctx context.Context, flag string, defaultValue bool, evalCtx Context, options ...Opt) bool
}, newContext func(targetingKey string, attributes map[string]any) Context) Option {
	return optionFunc(func(o *options) {
		if o.flags = nil; client != nil {
			o.flags = func(ctx context.Context, flag string, defaultValue bool, id string, attributes map[string]any) bool {
				return client.Boolean(ctx, flag, defaultValue, newContext(id, attributes))
			}
		}
	})
}

// WithLogger sets the logger for warnings about a policy, state changes of breakers, and
// reloads. Default: slog.Default(). Prompts, answers and keys are never logged.
func WithLogger(logger *slog.Logger) Option {
	return optionFunc(func(o *options) { o.logger = logger })
}

// WithEnv sets the function that looks up environment variables, for keys that are stored
// elsewhere and for tests. It must be safe for concurrent use. Default: os.LookupEnv.
func WithEnv(lookup func(name string) (value string, ok bool)) Option {
	return optionFunc(func(o *options) { o.env = lookup })
}

// WithRand sets the source of random numbers in [0, 1). A soft limit uses it for calls
// outside of a turn, and section retry for the length of its waits. It must be safe for
// concurrent use. Default: math/rand/v2.
func WithRand(draw func() float64) Option { return optionFunc(func(o *options) { o.rand = draw }) }

// OnReload sets a function that [Watch] calls after each change of the file: with nil when
// the file's policy is in use, or with the reason why the old policy stays in use. nil is
// also reported when a broken or missing file is restored. [Watch] retries a file that could
// not be built, and reports again when the result changes. The function is called on the
// watcher's goroutine; a panic in it is recovered and logged.
func OnReload(report func(error)) Option { return optionFunc(func(o *options) { o.reloaded = report }) }

// WithHooks adds functions that report what calls do to those of earlier WithHooks.
// OnFallback is not called for a hit of the cache.
func WithHooks(hooks call.Hooks) Option {
	return optionFunc(func(o *options) { o.hooks = call.Join(o.hooks, hooks) })
}

// WithMeterProvider sets the provider of the metrics of section observe. Default: the global
// one, otel.GetMeterProvider().
func WithMeterProvider(provider metric.MeterProvider) Option {
	return optionFunc(func(o *options) { o.meters = provider })
}

// WithInterval sets the longest time until [Watch] sees a change of its file. It reads the
// file twice per interval. 0 or less means [DefaultInterval].
func WithInterval(interval time.Duration) Option {
	return optionFunc(func(o *options) {
		if interval > 0 {
			o.interval = interval
		}
	})
}

// Load builds a model from a policy file, which must be a regular file. It reads the file
// once; see [Watch]. ctx applies to building the clients of providers, not to the model.
//
// The model's Name is the provider's name of the primary, by which ADK decides what a
// request may contain. The model has the same optional ADK methods as the primary. It is
// safe for concurrent use.
//
// With section state, the connection to its server lasts as long as the process; [Live] has
// a Close.
//
// If the file has mistakes, the error is a [*spec.Error] with line and column of each.
// Warnings are logged.
func Load(ctx context.Context, file string, opts ...Option) (model.LLM, error) {
	l, _, err := liveOf(ctx, file, opts)
	if err != nil {
		return nil, err
	}
	return l.Model(), nil
}

// liveOf builds the model of a file, and also returns the file's content.
func liveOf(ctx context.Context, file string, opts []Option) (*Live, []byte, error) {
	o, err := optionsOf(opts)
	if err != nil {
		return nil, nil, err
	}
	data, err := readFile(file)
	if err != nil {
		return nil, nil, err
	}
	p, err := o.known().Parse(data)
	if err != nil {
		return nil, nil, inFile(file, err)
	}
	l, err := newLive(ctx, p, o, file)
	return l, data, inFile(file, err)
}

// inFile adds the file's name to an error about its content.
func inFile(file string, err error) error {
	if e, ok := errors.AsType[*spec.Error](err); ok {
		e.File = file
	}
	return err
}

// Build is like [Load] for a parsed policy.
func Build(ctx context.Context, p *spec.Policy, opts ...Option) (model.LLM, error) {
	l, err := NewLive(ctx, p, opts...)
	if err != nil {
		return nil, err
	}
	return l.Model(), nil
}

// readFile reads a policy file. It must be a regular file. Of a file that is too large, it
// returns one byte more than allowed, so that Parse reports it.
func readFile(name string) ([]byte, error) {
	data, err := follow.Read(name, spec.MaxFile)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return data, nil
}
