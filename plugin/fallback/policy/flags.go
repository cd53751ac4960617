package policy

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/open-feature/go-sdk/openfeature"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// FlagClient is what a policy needs of OpenFeature; an *openfeature.Client is
// one. It must be safe for concurrent use.
type FlagClient interface {
	Boolean(ctx context.Context, flag string, defaultValue bool, evalCtx openfeature.EvaluationContext, options ...openfeature.Option) bool
}

// WithFlags lets client decide the flags of a policy. It is asked at each
// attempt at a target that a flag names, with the user (or what StickyBy names)
// as the targeting key, and app, agent, tenant, priority, data_class, region and
// the labels as attributes. Where it does not know a flag, or panics, the file's
// default holds.
func WithFlags(client FlagClient) Option {
	return optionFunc(func(o *options) { o.flags = client })
}

// flags returns the guard that asks the flags which name a target, nil if none
// does.
func (b *builder) flags(t Target) guard {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(b.policy.Flags)) {
		if slices.ContainsFunc(b.policy.Flags[name].Targets, t.Matches) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	flags, client := b.policy.Flags, b.options.flags
	return func(ctx context.Context, req *model.LLMRequest) (*model.LLMRequest, *middleware.RefusedError) {
		info := call.From(ctx)
		for _, name := range names {
			if flag := flags[name]; !flag.on(ctx, name, info, client) {
				return nil, &middleware.RefusedError{By: "flag", Reason: "flag " + name + " is off"}
			}
		}
		return req, nil
	}
}

// on reports whether a flag is on for the caller.
func (f *Flag) on(ctx context.Context, name string, info call.Info, client FlagClient) bool {
	id := cmp.Or(info.User, info.Session, info.Invocation)
	if f.StickyBy == "session" {
		id = cmp.Or(info.Session, info.User, info.Invocation)
	}
	on := f.Default
	if client != nil {
		on = decided(ctx, client, name, f.Default, id, info)
	}
	return on && (f.Rollout >= 1 || point(name, id) < float64(f.Rollout))
}

// decided asks the client, whose panics, and those of its provider, are no
// reason to fail a call.
func decided(ctx context.Context, client FlagClient, name string, fallback bool, id string, info call.Info) (on bool) {
	defer func() {
		if recover() != nil {
			on = fallback
		}
	}()
	attributes := map[string]any{
		"app": info.App, "agent": info.Agent, "tenant": info.Tenant, "priority": info.Priority, "data_class": info.DataClass, "region": info.Region,
	}
	for label, value := range info.Labels {
		attributes["labels."+label] = value
	}
	return client.Boolean(ctx, name, fallback, openfeature.NewEvaluationContext(id, attributes))
}

// point returns where in [0, 1) an id stands for a flag, or for another choice
// that has a name: the same in every replica, as router.NewSplit has it for
// experiments. Without an id it is a random draw.
func point(name, id string) float64 {
	if id == "" {
		return rand.Float64()
	}
	sum := sha256.Sum256([]byte(name + "\x00" + id))
	return float64(binary.BigEndian.Uint64(sum[:])>>11) / (1 << 53)
}
