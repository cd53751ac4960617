package policy

import (
	"cmp"
	"crypto/sha256"
	"maps"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
)

// Models are models that the application hands in, by the names that the policy
// uses for them. They win over what a file or a name's beginning says of the
// provider.
type Models map[string]model.LLM

func (m Models) apply(o *options) { maps.Copy(o.models, m) }

func (o *options) has(name string) bool { return o.models[name] != nil }

// endpoint is where and as whom a provider is asked.
type endpoint struct {
	provider string // "" for Gemini by the environment's choice of its API
	id       string // the provider's name for the model
	key      string // "" for the provider's usual one
	baseURL  string // "" for the provider's usual one
	region   string
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

// unbuildable is why a model cannot be built, and what would help.
type unbuildable struct{ why, allowed string }

func (e *unbuildable) Error() string { return "policy: " + e.why + "; allowed: " + e.allowed }

// llm returns the model behind a target, and the name that requests to it carry.
func (b *builder) llm(t Target, env func(string) (string, bool)) (llm model.LLM, id string, err error) {
	m := t.Settings
	for _, name := range []string{t.Name, t.Model} {
		if llm = b.options.models[name]; llm != nil {
			return llm, cmp.Or(m.ID, llm.Name()), nil
		}
	}
	e := endpoint{provider: t.Provider, id: t.ID, baseURL: m.BaseURL, region: m.Region}
	if m.Provider == "" && e.provider == "gemini" {
		e.provider = ""
	}
	if m.CredentialEnv != "" {
		value, ok := env(m.CredentialEnv)
		if !ok || value == "" {
			b.err(join(join("models", t.Entry), "credential_env"), m.CredentialEnv+", a variable that is not set", "a variable that holds a key")
			return nil, "", errReported
		}
		e.key = value
	}
	llm, err = provide(b.ctx, e, env)
	return llm, e.id, err
}

// prepare returns what is changed in an attempt's copy of a request: the name,
// for a model that the provider knows by another, and what the file sets.
func prepare(name, id string, c *ModelConfig, maxOutput int) func(*model.LLMRequest) {
	return func(req *model.LLMRequest) {
		if req.Model = id; id != name {
			request.Adapt(req.Contents, id, false)
		}
		if c == nil && maxOutput == 0 {
			return
		}
		if req.Config == nil {
			req.Config = &genai.GenerateContentConfig{}
		}
		if c != nil {
			c.writeTo(req.Config)
		}
		req.Config.MaxOutputTokens = int32(atMostTokens(int(req.Config.MaxOutputTokens), maxOutput))
	}
}

// writeTo replaces in config what c sets.
func (c *ModelConfig) writeTo(config *genai.GenerateContentConfig) {
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
		thinking.ThinkingBudget = genai.Ptr(int32(*c.ThinkingBudget))
		config.ThinkingConfig = &thinking
	}
}
