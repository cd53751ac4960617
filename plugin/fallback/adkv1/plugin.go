package adkv1

import (
	"log/slog"

	"google.golang.org/adk/agent"
	"google.golang.org/adk/model"
	"google.golang.org/adk/plugin"
	"google.golang.org/adk/session"
	modelv2 "google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/check"
	"github.com/adk-fallback/adk-fallback/internal/turn"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
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

	// FallbackModel and FallbackModels are called after the root, in order, by an
	// outer loop: [Retry], or your own with [Advance].
	FallbackModel  string
	FallbackModels []string

	// ErrorCodes trigger a fallback: an HTTP status (429), a provider's code
	// ("RESOURCE_EXHAUSTED"), a kind of package failure ("network"), or "any".
	// Default: 429 and 504; an empty list means none.
	ErrorCodes []any

	// Recover answers in the same turn, and the later calls of the turn. Default:
	// nil, which leaves failures to the outer loop. A v2 model, such as this
	// module's building blocks, fits through [FromV2].
	Recover model.LLM

	// MaxTurns bounds the turns, counted per agent, that have left their root and
	// are between two calls; 0 means 100. Beyond it they are pruned to PruneTo; 0
	// means half.
	MaxTurns int
	PruneTo  int

	// Logger gets one line for each fallback. Default: slog.Default().
	Logger *slog.Logger

	// Hooks report what calls do. The zero value reports nothing.
	call.Hooks
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
		Logger: cfg.Logger, Hooks: cfg.Hooks,
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
		OnEventCallback:      c.onEvent,
		BeforeAgentCallback:  c.beforeAgent,
		AfterAgentCallback:   c.afterAgent,
		AfterRunCallback:     c.afterRun,
	})
}

// MustNew is [New], but panics on an error.
func MustNew(cfg Config) *plugin.Plugin { return check.Must(New(cfg)) }

// RecoverError is the error of a call whose model failed and for which Recover
// failed too. Its fields Model and Recover are the two errors, and errors.Is and
// errors.As find both.
type RecoverError = turn.RecoverError

// callbacks fits the core to v1's callback types.
type callbacks struct{ core *turn.Plugin }

func (c callbacks) beforeModel(ctx agent.CallbackContext, req *model.LLMRequest) (*model.LLMResponse, error) {
	resp, err := c.core.BeforeModel(callback{ctx}, (*modelv2.LLMRequest)(req))
	return (*model.LLMResponse)(resp), err
}

func (c callbacks) afterModel(ctx agent.CallbackContext, resp *model.LLMResponse, _ error) (*model.LLMResponse, error) {
	return (*model.LLMResponse)(c.core.AfterModel(callback{ctx}, (*modelv2.LLMResponse)(resp))), nil
}

func (c callbacks) onModelError(ctx agent.CallbackContext, req *model.LLMRequest, err error) (*model.LLMResponse, error) {
	resp, err := c.core.OnModelError(callback{ctx}, (*modelv2.LLMRequest)(req), err)
	return (*model.LLMResponse)(resp), err
}

func (c callbacks) onEvent(ctx agent.InvocationContext, ev *session.Event) (*session.Event, error) {
	if v, ok := view(ev); ok && c.core.OnEvent(ctx, ev.InvocationID, v) {
		hidden := *ev
		hidden.Partial = true
		return &hidden, nil
	}
	return nil, nil
}

func (c callbacks) beforeAgent(ctx agent.CallbackContext) (*genai.Content, error) {
	return c.core.BeforeAgent(ctx), nil
}

func (c callbacks) afterAgent(ctx agent.CallbackContext) (*genai.Content, error) {
	c.core.AfterAgent(ctx)
	return nil, nil
}

func (c callbacks) afterRun(ctx agent.InvocationContext) {
	c.core.End(ctx.InvocationID())
}
