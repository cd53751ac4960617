// Package app holds what an application supplies to its policies through the options of package
// policy: models, functions and clients. The packages that build a policy read it.
package app

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/catalog"
	"github.com/adk-fallback/adk-fallback/internal/standin"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/endpoint"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/flags"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// Config is what an application supplies. Logger, Env, Rand and Client must be set; a zero
// value of another field means that the application does not have it. The functions must be
// safe for concurrent use.
type Config struct {
	Models     map[string]model.LLM        // by name in the policy
	Factories  map[string]provider.Factory // by name of the provider
	Validators map[string]func(ctx context.Context, req *model.LLMRequest, resp *model.LLMResponse) error
	Judge      func(ctx context.Context, req *model.LLMRequest, resp *model.LLMResponse) (confidence float64, err error)
	Approve    func(ctx context.Context, fc *genai.FunctionCall, model string) bool
	Retrieval  degrade.RetrievalConfig
	Deferred   func(Deferral) (model.LLM, error) // makes deferred-answer
	Wake       func()                            // wakes the queue of deferred-answer; it ends by itself
	Flags      flags.Client
	Open       func(url string) (state.Store, error) // of section state

	Logger *slog.Logger
	Env    func(name string) (value string, ok bool)
	Rand   func() float64 // in [0, 1)
	Client *http.Client   // of all models that speak a protocol of OpenAI's: a pattern may stand for many
}

// Deferral is what a policy says of deferred-answer.
type Deferral struct {
	Text       string
	Expiry     time.Duration
	Priorities map[string]int // by class
}

// Known returns what [spec.Check] knows of the application when a model is built.
func (c *Config) Known() spec.Known {
	known := catalog.Known()
	known.Model = func(name string) bool { return c.Models[name] != nil }
	known.Provider = func(name string) bool {
		_, added := c.Factories[name]
		return added || endpoint.BuiltIn(name)
	}
	known.Validator = func(name string) bool { return c.Validators[name] != nil }
	known.Retrieval = func() bool { return c.Retrieval.Memory != nil || c.Retrieval.Search != nil }
	known.Deferred = func() bool { return c.Deferred != nil }
	known.Judge = func() bool { return c.Judge != nil }
	known.Approval = func() bool { return c.Approve != nil }
	known.State = func() bool { return c.Open != nil }
	return known
}

// HandsIn reports whether the application supplies a model of that name. A stand-in for the
// file's model does not count.
func (c *Config) HandsIn(name string) bool {
	_, other := c.Models[name].(standin.Model)
	return c.Models[name] != nil && !other
}
