package fallback

import (
	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/plugin"

	"github.com/adk-fallback/adk-fallback/internal/turn"
)

// DefaultName is the plugin's name when [Config.Name] is empty.
const DefaultName = "fallback"

// Config says which errors the plugin answers and how. The zero value watches
// and never acts: without Recover and FallbackModel there is nothing to fall
// back to, and errors pass through untouched.
type Config struct {
	// Name of the plugin, unique within a runner. Empty means DefaultName.
	Name string

	// RootModel is the model name that every turn of every agent starts at. It
	// must be one that each agent's own client can serve. Empty means each
	// agent's own model, and is right for agents with different models.
	RootModel string

	// FallbackModel is the model name to ask after the root has failed, and
	// FallbackModels are those to ask after it, in order. They are called
	// through the agent's own client, by an outer loop: [Retry], or yours with
	// [Advance]. Names must differ from each other and from RootModel.
	FallbackModel  string
	FallbackModels []string

	// ErrorCodes are the codes that trigger a fallback: HTTP statuses as int or
	// string (429, "429") and codes of providers as string
	// ("RESOURCE_EXHAUSTED", "SAFETY"), compared without regard to case. An
	// error matches by its status, by its own code, or by the gRPC name of its
	// status. Nil means 429 and 504, an empty list none.
	ErrorCodes []any

	// Recover answers in the same turn when an agent's model has failed with a
	// configured code. It may be any model, also of another provider. It is
	// called once per failed call and not streamed, since ADK takes one response
	// from the callback: under streaming the whole answer arrives as one final
	// response. What ADK's Gemini model has written into the request is taken
	// out again; what another model wrote there, Recover sees. Nil means that
	// failures are left to the outer loop.
	Recover model.LLM

	// MaxTurns bounds the turns that the plugin keeps state for; 0 means 100.
	// Beyond it, the least recently used are dropped until PruneTo are left; 0
	// means half of MaxTurns. A turn is forgotten when its run ends, so the
	// bound matters only for runs in flight: a pruned one loses the record of
	// its attempts and nothing else.
	MaxTurns int
	PruneTo  int
}

// New returns the plugin. The error names every field that is wrong and what
// is allowed. A plugin is safe for the concurrent turns of its runner.
func New(cfg Config) (*plugin.Plugin, error) {
	core, err := turn.New(turn.Config{
		RootModel: cfg.RootModel, FallbackModel: cfg.FallbackModel, FallbackModels: cfg.FallbackModels,
		ErrorCodes: cfg.ErrorCodes, Recover: cfg.Recover, MaxTurns: cfg.MaxTurns, PruneTo: cfg.PruneTo,
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

// callbacks fits the core to ADK's callback types.
type callbacks struct{ core *turn.Plugin }

func (c callbacks) beforeModel(ctx agent.Context, req *model.LLMRequest) (*model.LLMResponse, error) {
	c.core.BeforeModel(ctx, req)
	return nil, nil
}

func (c callbacks) afterModel(ctx agent.Context, resp *model.LLMResponse, _ error) (*model.LLMResponse, error) {
	c.core.AfterModel(ctx, resp)
	return nil, nil
}

func (c callbacks) onModelError(ctx agent.Context, req *model.LLMRequest, err error) (*model.LLMResponse, error) {
	return c.core.OnModelError(ctx, req, err)
}

func (c callbacks) afterRun(ctx agent.InvocationContext) {
	c.core.End(ctx.InvocationID())
}
