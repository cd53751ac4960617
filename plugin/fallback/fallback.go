package fallback

import (
	"log/slog"

	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/plugin"
	"google.golang.org/adk/v2/session"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/check"
	"github.com/adk-fallback/adk-fallback/internal/turn"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// DefaultName is the plugin's name when [Config.Name] is empty.
const DefaultName = "fallback"

// Config says which errors the plugin answers and how. The zero value only observes:
// without Recover and FallbackModel, errors pass through unchanged.
type Config struct {
	// Name of the plugin, unique within a runner. Empty means DefaultName.
	Name string

	// RootModel is the model name that every turn of every agent starts at. Each
	// agent's own client must be able to serve it. Default: each agent's own model,
	// which suits agents with different models.
	RootModel string

	// FallbackModel is the model name to call after the root has failed, and
	// FallbackModels are the names to call after it, in order. They are called
	// through the agent's own client, by an outer loop: [Retry], or your own with
	// [Advance]. Names must differ from each other and from RootModel.
	FallbackModel  string
	FallbackModels []string

	// ErrorCodes are the failures that trigger a fallback. Default: 429 and 504;
	// an empty list means none. An entry is one of:
	//
	//   - an HTTP status from 400 to 599, as a number or a string: 429, "503";
	//   - the gRPC name of one, or a provider's own code: "RESOURCE_EXHAUSTED",
	//     "SAFETY", "overloaded_error", "ThrottlingException";
	//   - a kind of package failure, as string or constant: "network", "timeout",
	//     "overloaded", failure.KindQuota. Use a kind for connection failures and for
	//     time limits of this process, which have no status and no code;
	//   - "any": every failure that a retry or another model may help with, that is,
	//     every failure whose verdict is not to fail.
	//
	// Case does not matter. An entry that can never match is an error: a status that
	// is not an error, the kind "canceled", and a lower-case word that is neither a
	// kind nor a code known to package failure, because most such words are misspelled
	// kinds. Write codes of other providers in upper case.
	ErrorCodes []any

	// Recover answers in the same turn when an agent's model has failed with a
	// configured code. It may be any model, also of another provider. It is not
	// streamed, since ADK takes one response from a callback: with streaming, the
	// whole answer arrives as one final response. Changes that ADK's Gemini model
	// has made to the request are removed; changes by other models are not.
	//
	// After Recover has answered, it also answers the later calls of that agent in
	// the turn (a tool loop). The next turn starts at the root again. If Recover fails
	// on a later call, the root is called. These later calls are answered before ADK
	// calls the model, so ADK skips all after-model callbacks, and the before-model
	// callbacks of the agent and of plugins registered after this one. If such a
	// callback must see every request, give the agent a router model (package router)
	// instead of Recover.
	//
	// Default: nil, which leaves failures to the outer loop.
	Recover model.LLM

	// MaxTurns bounds the turns, counted per agent, that have left their root and
	// are between two calls; 0 means 100. Beyond it, the least recently used are
	// dropped until PruneTo are left; 0 means half of MaxTurns. A dropped turn calls
	// its root again with an empty record, which is logged the first time. Calls in
	// flight are never dropped, healthy turns need no state, and a turn is forgotten
	// when its run ends. The choice of an outer loop is in the context, so it is not
	// affected.
	MaxTurns int
	PruneTo  int

	// Logger gets one line for each fallback, and one warning per code for a
	// configured failure without a fallback. It never gets prompts or answers.
	// Default: slog.Default().
	Logger *slog.Logger

	// Hooks report what calls do. The zero value reports nothing. OnAttempt is called
	// after each attempt that the plugin knows of, including the attempts of a router
	// inside the agent's model or Recover. All runs of a call by an outer loop count as
	// one call, with one OnFallback and one OnEnd. Duration in its result is the sum of
	// the attempts' and of their waits; FirstContent is not known.
	call.Hooks
}

// New returns the plugin. The error names every wrong field and its allowed values. A
// plugin is safe for the concurrent turns of its runner.
func New(cfg Config) (*plugin.Plugin, error) {
	core, err := turn.New(turn.Config{
		RootModel: cfg.RootModel, FallbackModel: cfg.FallbackModel, FallbackModels: cfg.FallbackModels,
		ErrorCodes: cfg.ErrorCodes, Recover: cfg.Recover, MaxTurns: cfg.MaxTurns, PruneTo: cfg.PruneTo,
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

// RecoverError is the error of a call whose model and Recover have both failed. Its
// fields Model and Recover are the two errors; errors.Is and errors.As find both.
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
	if v, ok := view(ev); ok && c.core.OnEvent(ctx, ev.InvocationID, v) {
		hidden := *ev
		hidden.Partial = true
		return &hidden, nil
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
