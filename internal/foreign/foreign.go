// Package foreign describes models of other packages, which do not describe themselves: their
// API and endpoint, and whether their clients retry.
package foreign

import (
	"net/url"
	"reflect"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// Optional methods that ADK asks a model for.
type (
	variant interface{ GetGoogleLLMVariant() genai.Backend }
	client  interface{ Client() *genai.Client }
)

// Target describes a model by its methods or its name.
func Target(m model.LLM) provider.Target {
	if d, ok := m.(provider.Described); ok {
		return d.Target()
	}
	t := provider.Target{Model: m.Name(), API: provider.ByName(m.Name())}
	if isADKOpenAI(m) {
		t.API, t.Takes = provider.Responses, adkOpenAITakes()
	}
	if v, ok := m.(variant); ok {
		switch v.GetGoogleLLMVariant() {
		case genai.BackendVertexAI:
			t.API = provider.Vertex
		case genai.BackendGeminiAPI:
			t.API = provider.Gemini
		}
	}
	if config := genaiConfig(m); config != nil {
		if u, err := url.Parse(config.HTTPOptions.BaseURL); err == nil {
			t.Endpoint = u.Host
		}
	}
	return t
}

// genaiConfig returns the configuration of the client of a Gemini model, or nil.
func genaiConfig(m model.LLM) *genai.ClientConfig {
	c, ok := m.(client)
	if !ok || c.Client() == nil {
		return nil
	}
	config := c.Client().ClientConfig()
	return &config
}

// isADKOpenAI recognizes ADK's own OpenAI model without importing its package,
// which would add an SDK of 10 to 25 MB.
func isADKOpenAI(m model.LLM) bool {
	return reflect.TypeOf(m).String() == "*openaimodel.openAIModel"
}

// adkOpenAITakes lists the settings that ADK's OpenAI model itself refuses,
// before it calls the API (google.golang.org/adk/v2 v2.2.0,
// model/openaimodel/request.go).
func adkOpenAITakes() provider.Takes {
	no, none := new(bool), new(int)
	return provider.Takes{Safety: no, TopK: no, Penalties: no, Labels: no, StopSequences: none}
}

// Faults lists faults of the model that this module cannot fix from outside it, and
// what to do about them.
func Faults(m model.LLM) (faults []string) {
	if isADKOpenAI(m) {
		faults = append(faults, "ADK's openaimodel reports a stream that is cut off as a complete answer, and OpenAI refuses the model turns in its history; use plugin/fallback/provider/openai")
	}
	if config := genaiConfig(m); config != nil && config.HTTPOptions.RetryOptions != nil {
		faults = append(faults, "the model's client has retries of its own, which multiply attempts; remove HTTPOptions.RetryOptions from its configuration")
	}
	return faults
}
