package policy

import (
	"cmp"
	"crypto/sha256"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/endpoint"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// Models are models that the application supplies, by their names in the policy. They
// override the provider in the file and the one that follows from a name.
type Models map[string]model.LLM

// Option implements [Option].
func (m Models) Option() any { return m }

func (o *options) has(name string) bool { return o.models[name] != nil }

func (o *options) hasProvider(name string) bool {
	_, added := o.factories[name]
	return added || endpoint.BuiltIn(name)
}

// readings has digests of the environment variables that were read, by name. Digests,
// because some variables are keys.
type readings map[string][sha256.Size]byte

// of returns env, and records what it returns.
func (r readings) of(env func(string) (string, bool)) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := env(name)
		r[name] = sha256.Sum256([]byte(value))
		return value, ok
	}
}

// still reports whether env still returns the same values.
func (r readings) still(env func(string) (string, bool)) bool {
	for name, digest := range r {
		if value, _ := env(name); sha256.Sum256([]byte(value)) != digest {
			return false
		}
	}
	return true
}

// llm returns the model of a target, and the model name in its requests.
func (b *builder) llm(t spec.Target, env func(string) (string, bool)) (llm model.LLM, id string, err error) {
	for _, name := range []string{t.Name, t.Model} {
		if llm = b.options.models[name]; llm != nil {
			return llm, cmp.Or(t.Settings.ID, llm.Name()), nil
		}
	}
	e := endpoint.Endpoint{Resolved: t.Resolved, Env: env, Relied: b.policy.ReliesOnRegions(), Client: b.options.client, Factories: b.options.factories}
	if name := t.Settings.CredentialEnv; name != "" {
		if e.Key, _ = env(name); e.Key == "" {
			b.err(strictyaml.At("models", t.Entry, "credential_env"), "variable "+name+" is not set; it must hold a key")
			return nil, "", errReported
		}
	}
	llm, err = e.Model(b.ctx)
	return llm, t.ID, err
}
