package policy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/nilcheck"
	"github.com/adk-fallback/adk-fallback/internal/price"
	"github.com/adk-fallback/adk-fallback/internal/standin"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// Option is what an application adds to a policy file: [Models], [WithFlags],
// [WithLogger], [WithEnv], [WithRand], [OnReload], [WithInterval], [Validators],
// [OnAttempt], [OnFallback], and a provider that this package does not have, such as anthropic.Provider (a
// [provider.Factory]).
type Option interface {
	// Option returns what the option sets. Only the types above are known.
	Option() any
}

type optionFunc func(*options)

// Option implements the interface of that name.
func (f optionFunc) Option() any { return f }

// apply sets what an option sets, and reports whether its type is known.
func (o *options) apply(option Option) bool {
	switch set := option.Option().(type) {
	case optionFunc:
		set(o)
	case Models:
		maps.Copy(o.models, set)
	case Validators:
		maps.Copy(o.validators, set)
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

	flags    FlagClient
	logger   *slog.Logger
	env      func(string) (string, bool)
	rand     func() float64
	reloaded func(error)
	interval time.Duration
	hooks    call.Hooks
}

// DefaultInterval is how late [Watch] sees a change of its file at most.
const DefaultInterval = 2 * time.Second

// optionsOf returns what the options say, or an error that names each nil among
// them.
func optionsOf(opts []Option) (*options, error) {
	o := &options{models: Models{}, validators: Validators{}, factories: map[string]provider.Factory{}, logger: slog.Default(), env: os.LookupEnv, rand: rand.Float64, reloaded: func(error) {}, interval: DefaultInterval}
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

// known is what the application tells Check when a model is to be built.
func (o *options) known() spec.Known {
	return spec.Known{Model: o.has, Provider: o.hasProvider, Price: func(id string) bool { _, ok := price.Of(id); return ok }, Validator: o.hasValidator, Window: price.Window, Code: failure.IsCode, Build: true}
}

// handsIn reports whether the application has a model of its own for a name.
func (o *options) handsIn(name string) bool {
	_, other := o.models[name].(standin.Model)
	return o.has(name) && !other
}

// WithLogger sends the warnings of a policy, changes of its breakers and reports
// of reloads to logger instead of slog.Default(). No prompts, answers or keys are
// logged.
func WithLogger(logger *slog.Logger) Option {
	return optionFunc(func(o *options) { o.logger = logger })
}

// WithEnv looks up the environment variables that a policy names, instead of
// os.LookupEnv: for keys that are kept elsewhere, and for tests. It must be
// safe for concurrent use.
func WithEnv(lookup func(name string) (value string, ok bool)) Option {
	return optionFunc(func(o *options) { o.env = lookup })
}

// WithRand draws which calls of no turn a soft limit keeps from the primary, in [0, 1),
// instead of math/rand/v2. It must be safe for concurrent use.
func WithRand(draw func() float64) Option { return optionFunc(func(o *options) { o.rand = draw }) }

// OnReload is called by [Watch] each time the file has changed: with nil when its
// policy is in use, also when that is the one that was in use before a broken or
// missing file, else with why the old one stays. When another try at a file that
// could not be built ends otherwise, it is called again. It is called on the
// watcher's goroutine; a panic in it is logged and goes no further.
func OnReload(report func(error)) Option { return optionFunc(func(o *options) { o.reloaded = report }) }

// OnAttempt has f called after each attempt; see [call.Hooks].
func OnAttempt(f func(ctx context.Context, a call.Attempt)) Option {
	return optionFunc(func(o *options) { o.hooks.OnAttempt = f })
}

// OnFallback has f called once for each call that another target than the primary
// answered, or none; see [call.Hooks]. An answer from the cache is none of these.
func OnFallback(f func(ctx context.Context, md call.Metadata)) Option {
	return optionFunc(func(o *options) { o.hooks.OnFallback = f })
}

// WithInterval is how late [Watch] sees a change of its file at most, instead of
// [DefaultInterval]: it looks twice as often. An interval that is not positive
// means the default.
func WithInterval(interval time.Duration) Option {
	return optionFunc(func(o *options) {
		if interval > 0 {
			o.interval = interval
		}
	})
}

// Load builds the model that a policy file describes, a regular file. It is read
// once; see [Watch]. ctx bounds the building of providers' clients, not the model's life.
//
// Name of the model returns the provider's name for the policy's primary, by which
// ADK decides what a request may hold. The model has the optional ADK methods
// that the primary has. It is safe for concurrent use.
//
// The error is an *[Error] if something is wrong with the file, with line and
// column; warnings are logged.
func Load(ctx context.Context, file string, opts ...Option) (model.LLM, error) {
	l, _, err := liveOf(ctx, file, opts)
	if err != nil {
		return nil, err
	}
	return l.Model(), nil
}

// liveOf builds the model of a file, and returns the content too.
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
	l, err := newLive(ctx, p, o)
	return l, data, inFile(file, err)
}

// inFile adds the name of the file to an error about its content.
func inFile(file string, err error) error {
	if e, ok := errors.AsType[*spec.Error](err); ok {
		e.File = file
	}
	return err
}

// Build is Load for a policy that has been parsed.
func Build(ctx context.Context, p *spec.Policy, opts ...Option) (model.LLM, error) {
	l, err := NewLive(ctx, p, opts...)
	if err != nil {
		return nil, err
	}
	return l.Model(), nil
}

// readFile reads a policy file. What is no regular file, such as a pipe, could
// keep its reader waiting for ever.
func readFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("policy: %s is of type %v; it must be a regular file", name, info.Mode().Type())
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, spec.MaxFile+1)) // one byte too many is for Parse to report
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return data, nil
}
