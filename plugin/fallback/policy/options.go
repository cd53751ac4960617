package policy

import (
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

	"github.com/adk-fallback/adk-fallback/internal/follow"
	"github.com/adk-fallback/adk-fallback/internal/httpclient"
	"github.com/adk-fallback/adk-fallback/internal/nilcheck"
	"github.com/adk-fallback/adk-fallback/internal/standin"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/app"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
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
		maps.Copy(o.Models, set)
	case Validators:
		maps.Copy(o.Validators, set)
	case standin.Deferred:
		o.Deferred = func(d app.Deferral) (model.LLM, error) {
			return degrade.NewTemplate(degrade.TemplateConfig{Name: spec.DeferredAnswer, Text: d.Text})
		}
	case provider.Factory:
		o.Factories[set.Name] = set
	default:
		return false
	}
	return true
}

// options are the combined options.
type options struct {
	app.Config
	hooks    call.Hooks
	meters   metric.MeterProvider // nil for the global one
	reloaded func(error)
	interval time.Duration
}

// DefaultInterval is the longest time until [Watch] sees a change of its file.
const DefaultInterval = follow.Interval

// optionsOf returns the combined options, or an error that names each one that is nil or
// unknown.
func optionsOf(opts []Option) (*options, error) {
	o := &options{reloaded: func(error) {}, interval: DefaultInterval, Config: app.Config{
		Models: map[string]model.LLM{}, Factories: map[string]provider.Factory{}, Validators: Validators{},
		Logger: slog.Default(), Env: os.LookupEnv, Rand: rand.Float64, Client: &http.Client{Transport: httpclient.Transport()},
	}}
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
	for _, name := range slices.Sorted(maps.Keys(o.Models)) {
		if nilcheck.Model(o.Models[name]) {
			isNil(fmt.Sprintf("Models[%q]", name))
		}
	}
	if _, nameless := o.Factories[""]; nameless {
		problems = append(problems, errors.New("policy: a provider.Factory has no Name; set one such as anthropic"))
	}
	for _, name := range slices.Sorted(maps.Keys(o.Validators)) {
		if o.Validators[name] == nil {
			isNil(fmt.Sprintf("Validators[%q]", name))
		}
	}
	if o.Logger == nil {
		isNil("WithLogger")
	}
	if o.Env == nil {
		isNil("WithEnv")
	}
	if o.Rand == nil {
		isNil("WithRand")
	}
	if o.reloaded == nil {
		isNil("OnReload")
	}
	return o, errors.Join(problems...)
}

// WithLogger sets the logger for warnings about a policy, state changes of breakers,
// reloads and, with section observe, calls. Default: slog.Default(). Prompts, answers and keys are never logged.
func WithLogger(logger *slog.Logger) Option {
	return optionFunc(func(o *options) { o.Logger = logger })
}

// WithEnv sets the function that looks up environment variables, for keys that are stored
// elsewhere and for tests. It must be safe for concurrent use. Default: os.LookupEnv.
func WithEnv(lookup func(name string) (value string, ok bool)) Option {
	return optionFunc(func(o *options) { o.Env = lookup })
}

// WithRand sets the source of random numbers in [0, 1). A soft limit uses it for calls
// outside of a turn, and section retry for the length of its waits. It must be safe for
// concurrent use. Default: math/rand/v2.
func WithRand(draw func() float64) Option { return optionFunc(func(o *options) { o.Rand = draw }) }

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
