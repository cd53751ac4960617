package fallback

import (
	"context"
	"log/slog"

	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/plugin"
	"google.golang.org/adk/v2/session"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/turn"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
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

	// ErrorCodes are the failures that trigger a fallback. Default: 429 and 504;
	// an empty list means none. An entry is one of:
	//
	//   - an HTTP status from 400 to 599, as int or string: 429, "503";
	//   - the gRPC name of one, or a provider's own code: "RESOURCE_EXHAUSTED",
	//     "SAFETY", "overloaded_error", "ThrottlingException";
	//   - a kind of package failure, as string or constant: "network", "timeout",
	//     "overloaded", failure.KindQuota. Connection failures and time limits of
	//     this process have no status and no code: a kind names them;
	//   - "any": every failure that a retry or another model may help with, which
	//     is whatever package failure does not judge to fail.
	//
	// Case does not matter. An entry that can never match is an error: a status
	// that is none of an error, what the caller has cancelled, and a word in lower
	// case that is neither a kind nor a code known to package failure, since most
	// such words are misspelled kinds. Write the code of another provider in upper
	// case.
	ErrorCodes []any

	// Recover answers in the same turn when an agent's model has failed with a
	// configured code. It may be any model, also of another provider. It is not
	// streamed, since ADK takes one response from a callback: under streaming the
	// whole answer arrives as one final response. Changes that ADK's Gemini model
	// has made to the request are removed; changes by other models are not.
	//
	// Once Recover has answered, it also gets the later calls of that agent in
	// the turn (a tool loop); the next turn starts at the root again. If Recover
	// fails on a later call, the root is asked. These later calls are answered
	// before ADK calls the model, so ADK does not run the before-model callbacks
	// of plugins registered after this one and of the agent, nor any after-model
	// callback. Where such a callback must see every request, give the agent a
	// router model (package router) in place of Recover.
	//
	// Default: nil, which leaves failures to the outer loop.
	Recover model.LLM

	// MaxTurns bounds the turns, counted per agent, that have left their root and
	// are between two calls; 0 means 100. Beyond it, the least recently used are
	// dropped until PruneTo are left; 0 means half of MaxTurns. A dropped turn
	// asks its root again and its record begins anew; the first time this is
	// logged. Calls in flight are never dropped, healthy turns need no state, and
	// a turn is forgotten when its run ends. The choice of an outer loop is not
	// affected: it is in the context.
	MaxTurns int
	PruneTo  int

	// Logger gets one line for each fallback, and a warning, once per code, for a
	// configured failure that has nothing to fall back to. It gets no prompts and
	// no answers. Default: slog.Default().
	Logger *slog.Logger

	// OnAttempt is called after each attempt that the plugin knows of, those that
	// a router inside the agent's model or Recover tells of included.
	OnAttempt func(ctx context.Context, a call.Attempt)
	// OnFallback is called once for each call that another model than the first
	// has answered, or that no model has; then FallbackModel is empty. An outer
	// loop's runs of a call count as one call.
	//
	// Both may be nil. They run on the goroutine of the call; a panic in one is
	// logged and goes no further. See [call.Hooks].
	OnFallback func(ctx context.Context, md call.Metadata)
}

// New returns the plugin. The error names every field that is wrong and what
// is allowed. A plugin is safe for the concurrent turns of its runner.
func New(cfg Config) (*plugin.Plugin, error) {
	core, err := turn.New(turn.Config{
		RootModel: cfg.RootModel, FallbackModel: cfg.FallbackModel, FallbackModels: cfg.FallbackModels,
		ErrorCodes: cfg.ErrorCodes, Recover: cfg.Recover, MaxTurns: cfg.MaxTurns, PruneTo: cfg.PruneTo,
		Logger: cfg.Logger, Hooks: call.Hooks{OnAttempt: cfg.OnAttempt, OnFallback: cfg.OnFallback},
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
	return c.core.BeforeModel(ctx, req)
}

func (c callbacks) afterModel(ctx agent.Context, resp *model.LLMResponse, _ error) (*model.LLMResponse, error) {
	return c.core.AfterModel(ctx, resp), nil
}

func (c callbacks) onModelError(ctx agent.Context, req *model.LLMRequest, err error) (*model.LLMResponse, error) {
	return c.core.OnModelError(ctx, req, err)
}

func (c callbacks) onEvent(ctx agent.InvocationContext, ev *session.Event) (*session.Event, error) {
	if v, ok := view(ev); ok {
		c.core.OnEvent(ctx, ev.InvocationID, v)
	}
	return nil, nil
}

func (c callbacks) beforeAgent(ctx agent.Context) (*genai.Content, error) {
	return c.core.BeforeAgent(ctx), nil
}

func (c callbacks) afterAgent(ctx agent.Context) (*genai.Content, error) {
	c.core.AfterAgent(ctx)
	return nil, nil
}

func (c callbacks) afterRun(ctx agent.InvocationContext) {
	c.core.End(ctx.InvocationID())
}
