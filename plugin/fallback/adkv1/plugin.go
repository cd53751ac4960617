package adkv1

import (
	"google.golang.org/adk/agent"
	"google.golang.org/adk/model"
	"google.golang.org/adk/plugin"
	modelv2 "google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/turn"
)

// DefaultName is the plugin's name when [Config.Name] is empty.
const DefaultName = "fallback"

// Config says which errors the plugin answers and how. Its fields mean what
// those of package fallback's Config mean, with a v1 model in Recover.
type Config struct {
	// Name of the plugin, unique within a runner. Empty means DefaultName.
	Name string

	// RootModel is the model name that every turn starts at; empty means each
	// agent's own model.
	RootModel string

	// FallbackModel and FallbackModels are asked after the root, in order, by an
	// outer loop: [Retry], or yours with [Advance].
	FallbackModel  string
	FallbackModels []string

	// ErrorCodes trigger a fallback: 429, "429", "RESOURCE_EXHAUSTED". Nil means
	// 429 and 504, an empty list none.
	ErrorCodes []any

	// Recover answers in the same turn. Nil leaves failures to the outer loop.
	// A v2 model, such as this module's building blocks, fits through [FromV2].
	Recover model.LLM

	// MaxTurns bounds the tracked turns; 0 means 100. Beyond it they are pruned
	// to PruneTo; 0 means half.
	MaxTurns int
	PruneTo  int
}

// New returns the plugin. The error names every field that is wrong and what
// is allowed. A plugin is safe for the concurrent turns of its runner.
func New(cfg Config) (*plugin.Plugin, error) {
	var backup modelv2.LLM
	if cfg.Recover != nil {
		backup = ToV2(cfg.Recover)
	}
	core, err := turn.New(turn.Config{
		RootModel: cfg.RootModel, FallbackModel: cfg.FallbackModel, FallbackModels: cfg.FallbackModels,
		ErrorCodes: cfg.ErrorCodes, Recover: backup, MaxTurns: cfg.MaxTurns, PruneTo: cfg.PruneTo,
	})
	if err != nil {
		return nil, err
	}
	name := cfg.Name
	if name == "" {
		name = DefaultName
	}
	c := callbacks{core}
	return plugin.New(plugin.Config{
		Name:                 name,
		BeforeModelCallback:  c.beforeModel,
		AfterModelCallback:   c.afterModel,
		OnModelErrorCallback: c.onModelError,
		AfterRunCallback:     c.afterRun,
	})
}

// MustNew is [New] for a configuration that is known to be right. It panics if
// it is not.
func MustNew(cfg Config) *plugin.Plugin {
	p, err := New(cfg)
	if err != nil {
		panic(err)
	}
	return p
}

// RecoverError is the error of a call whose model failed and for which Recover
// failed too. Its fields Model and Recover are the two errors, and errors.Is and
// errors.As find both.
type RecoverError = turn.RecoverError

// callbacks fits the core to v1's callback types.
type callbacks struct{ core *turn.Plugin }

func (c callbacks) beforeModel(ctx agent.CallbackContext, req *model.LLMRequest) (*model.LLMResponse, error) {
	c.core.BeforeModel(ctx, (*modelv2.LLMRequest)(req))
	return nil, nil
}

func (c callbacks) afterModel(ctx agent.CallbackContext, resp *model.LLMResponse, _ error) (*model.LLMResponse, error) {
	var own turn.Context = ctx
	if resp != nil && resp.ErrorCode != "" {
		own = callback{ctx} // Recover may answer, and ask for the state
	}
	c.core.AfterModel(own, (*modelv2.LLMResponse)(resp))
	return nil, nil
}

func (c callbacks) onModelError(ctx agent.CallbackContext, req *model.LLMRequest, err error) (*model.LLMResponse, error) {
	resp, err := c.core.OnModelError(callback{ctx}, (*modelv2.LLMRequest)(req), err)
	return (*model.LLMResponse)(resp), err
}

func (c callbacks) afterRun(ctx agent.InvocationContext) {
	c.core.End(ctx.InvocationID())
}
