package stack

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/endpoint"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// errReported stands for an error that was reported already.
var errReported = errors.New("policy: reported")

// Model returns the model of a target, and the model name for its requests. A problem that was
// passed to Report is returned as errReported. ctx applies to making the model's client.
func (b *Builder) Model(ctx context.Context, t spec.Target) (llm model.LLM, id string, err error) {
	return b.model(ctx, t, b.App.Env)
}

// model is Model with the environment env.
func (b *Builder) model(ctx context.Context, t spec.Target, env func(string) (string, bool)) (llm model.LLM, id string, err error) {
	for _, name := range []string{t.Name, t.Model} {
		if llm = b.App.Models[name]; llm != nil {
			return llm, cmp.Or(t.Settings.ID, llm.Name()), nil
		}
	}
	e := endpoint.Endpoint{Resolved: t.Resolved, Env: env, Relied: b.Policy.ReliesOnRegions(), Client: b.App.Client, Factories: b.App.Factories}
	if name := t.Settings.CredentialEnv; name != "" {
		if e.Key, _ = env(name); e.Key == "" {
			b.Report(strictyaml.At("models", t.Entry, "credential_env"), "variable "+name+" is not set; it must hold a key")
			return nil, "", errReported
		}
	}
	llm, err = e.Model(ctx)
	return llm, t.ID, err
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
