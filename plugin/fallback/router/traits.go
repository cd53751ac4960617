package router

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/nilcheck"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// Traits describe a target to a router and its guards. All fields are optional; an
// unknown trait never excludes a target, except where a guard says so.
type Traits struct {
	Provider      string // the service, such as "google"
	Credential    string // a name for the account or key it is called with; never the key itself
	ContextWindow int    // in tokens of input; 0 if unknown
	Prefill       bool   // it can continue a text that the request ends with

	// Tier names a group of targets between which the caller has no preference; "" for
	// none. Neighbours of one tier are equal: when a call moves on to one of them, the
	// target that has the conversation in its prompt cache comes first, then those of
	// the same provider and credential as the target that the call comes from, then
	// those of the same provider. Otherwise their order holds, also for the first call.
	// A target with a rule ([When]) is in no tier.
	Tier string

	// For guards: see [guard.Target].
	Aliases      []string
	Region       string
	Capabilities []string

	// Target describes the model's API and what it accepts. Each field that is set
	// overrides the model's own description ([provider.Described]) or, without one,
	// the description that its name implies.
	Target provider.Target
}

// Describe returns m with traits for a router. Other layers may be around it, such as
// [When] or those of package middleware. Of two descriptions of a target, the outer one
// counts.
//
// It panics if m is nil, which is a mistake of the program.
func Describe(m model.LLM, traits Traits) model.LLM {
	if nilcheck.Model(m) {
		panic("router: Describe: the model is nil")
	}
	if traits.Prefill && traits.Target.Takes.Prefill == nil {
		traits.Target.Takes.Prefill = &traits.Prefill
	}
	return stream.Forward(&described{stream.Around{Inner: stream.Of(m)}, traits}, m)
}

type described struct {
	stream.Around
	traits Traits
}

// Do passes the description on to the layer that calls the model.
func (d *described) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	outer := out.Described
	out.Described = &d.traits.Target
	if outer != nil {
		out.Described = d.within(outer)
	}
	err := d.Inner.Do(ctx, req, streamed, out)
	out.Described = outer
	return err
}

// within returns the target in an enclosing group, whose description is less specific than d's.
//
//go:noinline // keeps two targets off the stack of Do, on which a stream waits
func (d *described) within(outer *provider.Target) *provider.Target {
	merged := d.traits.Target.Over(*outer)
	return &merged
}

// Target implements provider.Described.
func (d *described) Target() provider.Target { return d.traits.Target.Over(stream.TargetOf(d.Inner)) }

// GenerateContent implements model.LLM.
func (d *described) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(d, ctx, req, streamed)
}

func traitsOf(m model.LLM) Traits {
	var traits Traits
	if d, ok := stream.Find[*described](m); ok {
		traits = d.traits
	}
	traits.Target = stream.TargetOf(m)
	return traits
}

// optional returns m as a target that may be absent from a call, or nil.
func optional(m model.LLM) stream.Optional {
	o, _ := stream.Find[stream.Optional](m)
	return o
}

// avoid collects the traits that made targets fail in one call.
type avoid struct {
	providers, credentials []string
	endpoints              []string // that could not be reached
	window                 int      // the largest window that was too small; 0 for none
}

func (a *avoid) add(verdict failure.Verdict, t *Traits) {
	switch {
	case verdict.Kind == failure.KindContextLength:
		a.window = max(a.window, t.ContextWindow)
	case verdict.Scope == failure.ScopeProvider && t.Provider != "":
		a.providers = append(a.providers, t.Provider)
	case verdict.Scope == failure.ScopeEndpoint && t.Target.Endpoint != "":
		a.endpoints = append(a.endpoints, t.Target.Endpoint)
	case verdict.Scope == failure.ScopeAccount && t.Credential != "":
		a.credentials = append(a.credentials, t.Credential)
	}
}

// unreachable reports whether the endpoint of a target with traits t could not
// be reached in this call.
func (a *avoid) unreachable(t *Traits) bool {
	return slices.Contains(a.endpoints, t.Target.Endpoint)
}

// reason returns why a target with traits t would fail too, or "".
func (a *avoid) reason(t *Traits) string {
	for _, provider := range a.providers {
		if t.Provider == provider {
			return fmt.Sprintf("provider %s has failed in this call", provider)
		}
	}
	for _, credential := range a.credentials {
		if t.Credential == credential {
			return fmt.Sprintf("credential %s has failed in this call", credential)
		}
	}
	if a.window > 0 && t.ContextWindow > 0 && t.ContextWindow <= a.window {
		return fmt.Sprintf("its context window of %d tokens is not larger than one that was too small", t.ContextWindow)
	}
	return ""
}
