package middleware

import (
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/check"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// AttemptConfig adapts calls to one target. The zero value changes nothing.
type AttemptConfig struct {
	// Model is the model name to call, for a client that serves several. Empty
	// means the model's own name.
	Model string
	// Configure changes the attempt's own copy of the configuration, which is
	// never nil: a lower temperature, a tier, a safety setting of this target. It
	// must be safe for concurrent use.
	Configure func(*genai.GenerateContentConfig)
	// RequireFinishReason says that the provider always ends an answer with a
	// finish reason, so that one without it was cut off. It is known of Gemini
	// models and need not be set for them.
	RequireFinishReason bool
}

// Attempt is the innermost layer: it calls the model. Every other layer that is
// put around a model directly does the same as an Attempt of the zero config:
//
//   - the call gets its own copy of the request, under the target's name, with
//     thought signatures that the target accepts; the instances in req.Tools are
//     shared;
//   - a failure is recorded in the call's metadata, and, when the call is
//     traced, every attempt has a span;
//   - what arrives as success but is no whole answer (cut off, empty, an
//     unusable function call) becomes an error, and so does a panic.
func Attempt(config AttemptConfig) Middleware {
	return func(m model.LLM) model.LLM {
		check.Model("middleware: Attempt", m)
		options := stream.Options{Name: config.Model, Expect: failure.Expect{FinishReason: config.RequireFinishReason}}
		if config.Configure != nil {
			options.Prepare = func(req *model.LLMRequest) {
				if req.Config == nil {
					req.Config = &genai.GenerateContentConfig{}
				}
				config.Configure(req.Config)
			}
		}
		return stream.Forward(stream.NewSource(m, options), m)
	}
}
