package policy

import (
	"cmp"
	"crypto/sha256"
	"slices"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// Models are models that the application hands in, by the names that the policy
// uses for them. They win over what a file or a name's beginning says of the
// provider.
type Models map[string]model.LLM

// Option implements [Option].
func (m Models) Option() any { return m }

func (o *options) has(name string) bool { return o.models[name] != nil }

// builtin are the providers whose models this package builds by itself.
var builtin = []string{"gemini", "vertexai", "openai", "openai_chat"}

func (o *options) hasProvider(name string) bool {
	_, added := o.factories[name]
	return added || slices.Contains(builtin, name)
}

// readings is what was read of the environment, by name. Keys are among it, so
// that only digests are kept.
type readings map[string][sha256.Size]byte

// of returns env, and notes what it says.
func (r readings) of(env func(string) (string, bool)) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := env(name)
		r[name] = sha256.Sum256([]byte(value))
		return value, ok
	}
}

// still reports whether env says the same now.
func (r readings) still(env func(string) (string, bool)) bool {
	for name, digest := range r {
		if value, _ := env(name); sha256.Sum256([]byte(value)) != digest {
			return false
		}
	}
	return true
}

// llm returns the model behind a target, and the name that requests to it carry.
func (b *builder) llm(t spec.Target, env func(string) (string, bool)) (llm model.LLM, id string, err error) {
	for _, name := range []string{t.Name, t.Model} {
		if llm = b.options.models[name]; llm != nil {
			return llm, cmp.Or(t.Settings.ID, llm.Name()), nil
		}
	}
	e := endpoint{Resolved: t.Resolved, env: env}
	if name := t.Settings.CredentialEnv; name != "" {
		if e.key = e.first(name); e.key == "" {
			b.err(strictyaml.At("models", t.Entry, "credential_env"), "variable "+name+" is not set; it must hold a key")
			return nil, "", errReported
		}
	}
	llm, err = b.provide(e)
	return llm, t.ID, err
}

// targetOf returns the target that the file describes for a model.
func targetOf(t spec.Target, id string) provider.Target {
	return provider.Target{Model: id, Takes: takesOf(t.Settings.Takes), Drop: t.Settings.Unsupported == "drop"}
}

// prepare returns what is changed in an attempt's copy of a request: the name,
// for a model that the provider knows by another, and what the file sets.
func prepare(id string, c *spec.ModelConfig, maxOutput int) func(*model.LLMRequest) {
	return func(req *model.LLMRequest) {
		req.Model = id
		if c == nil && maxOutput == 0 {
			return
		}
		if req.Config == nil {
			req.Config = &genai.GenerateContentConfig{}
		}
		if c != nil {
			writeTo(c, req.Config)
		}
		req.Config.MaxOutputTokens = int32(atMostTokens(int(req.Config.MaxOutputTokens), maxOutput))
	}
}

// writeTo replaces in config what c sets.
func writeTo(c *spec.ModelConfig, config *genai.GenerateContentConfig) {
	narrow := func(to **float32, from *float64) {
		if from != nil {
			*to = genai.Ptr(float32(*from))
		}
	}
	narrow(&config.Temperature, c.Temperature)
	narrow(&config.TopP, c.TopP)
	narrow(&config.PresencePenalty, c.PresencePenalty)
	narrow(&config.FrequencyPenalty, c.FrequencyPenalty)
	if c.TopK != nil {
		config.TopK = genai.Ptr(float32(*c.TopK))
	}
	if c.MaxOutputTokens > 0 {
		config.MaxOutputTokens = int32(c.MaxOutputTokens)
	}
	if c.StopSequences != nil {
		config.StopSequences = append([]string(nil), c.StopSequences...)
	}
	if c.Seed != nil {
		config.Seed = genai.Ptr(int32(*c.Seed))
	}
	if c.ThinkingBudget != nil {
		thinking := genai.ThinkingConfig{}
		if config.ThinkingConfig != nil {
			thinking = *config.ThinkingConfig
		}
		// Level and budget exclude each other: ai.google.dev/gemini-api/docs/thinking
		thinking.ThinkingBudget, thinking.ThinkingLevel = genai.Ptr(int32(*c.ThinkingBudget)), ""
		config.ThinkingConfig = &thinking
	}
}
