package policy

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// WithFlags lets an OpenFeature client decide the flags of a policy:
//
//	policy.WithFlags(openfeature.NewClient("assistant"), openfeature.NewEvaluationContext)
//
// The client is called at each attempt at a target that a flag names, with the user (or
// what sticky_by names) as the targeting key, and app, agent, tenant, priority,
// data_class, region and the labels as attributes. If the policy has a cache, it is also
// called before each call: a caller for whom a model is off gets no cached answer of it.
// If the client does not know a flag, or panics, the file's default holds. The client must
// be safe for concurrent use; nil means no client.
//
// The types are parameters so that a program without flags does not contain OpenFeature.
func WithFlags[Context, Opt any](client interface {
	Boolean(ctx context.Context, flag string, defaultValue bool, evalCtx Context, options ...Opt) bool
}, newContext func(targetingKey string, attributes map[string]any) Context) Option {
	return optionFunc(func(o *options) {
		if o.flags = nil; client != nil {
			o.flags = func(ctx context.Context, flag string, defaultValue bool, id string, attributes map[string]any) bool {
				return client.Boolean(ctx, flag, defaultValue, newContext(id, attributes))
			}
		}
	})
}

// flagClient decides a flag for an id with attributes.
type flagClient func(ctx context.Context, flag string, defaultValue bool, id string, attributes map[string]any) bool

// flags returns the guard that asks the flags which name a target, nil if none
// does.
func (b *builder) flags(t spec.Target) guard.Guard {
	names := b.flagsOf(t.Resolved)
	if len(names) == 0 {
		return nil
	}
	p, client := b.policy, b.options.flags
	return func(ctx context.Context, req *model.LLMRequest, _ guard.Target) (*model.LLMRequest, error) {
		info, before := call.From(ctx), flagsBefore(ctx, p)
		for _, name := range names {
			flag := p.Flags[name]
			if isPing(ctx, p) {
				flag.Rollout = 1 // on for some is on
			}
			if before.off[name] || !isOn(ctx, flag, name, info, before.nobody, client) {
				return nil, &middleware.RefusedError{By: "flag", Reason: "flag " + name + " is off"}
			}
		}
		return req, nil
	}
}

// flagsOf returns the flags that name a model, in order.
func (b *builder) flagsOf(r spec.Resolved) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(b.policy.Flags)) {
		if slices.ContainsFunc(b.policy.Flags[name].Targets, r.Matches) {
			names = append(names, name)
		}
	}
	return names
}

// askedFlags is what the flags of a policy were when a call came to its cache. A
// flag that was off then stays off for the call, whatever it is by the time that a
// guard asks: the answer is kept for callers for whom it is off.
type askedFlags struct {
	policy *spec.Policy
	off    map[string]bool // the flags that were off, by name
	models []string        // that they switch off, in order
	nobody string          // stands for a caller without an id, for this call
}

type askedFlagsKey struct{}

// flagsBefore returns what the flags of p were in front of the chain, the zero
// value if nobody has asked.
func flagsBefore(ctx context.Context, p *spec.Policy) askedFlags {
	if asked, _ := ctx.Value(askedFlagsKey{}).(*askedFlags); asked != nil && asked.policy == p {
		return *asked
	}
	return askedFlags{}
}

// switchedOff returns the models that a caller does not get answers of: what the
// cache has to know of flags.
func switchedOff(ctx context.Context) []string {
	if asked, _ := ctx.Value(askedFlagsKey{}).(*askedFlags); asked != nil {
		return asked.models
	}
	return nil
}

// askFlags returns inner, which is a cache, behind the flags that name a model of
// the chain; inner itself if none does.
func (b *builder) askFlags(inner stream.Layer) stream.Layer {
	var names []string             // of all these flags
	flags := map[string][]string{} // by the model that they name
	for _, t := range b.policy.Targets() {
		models := t.Models()
		if t.Cheap != nil { // whose answers are kept like the primary's
			models = append(slices.Clone(models), t.Cheap.Models()...)
		}
		for _, r := range models {
			if flags[r.Name] == nil {
				flags[r.Name] = b.flagsOf(r)
				names = append(names, flags[r.Name]...)
			}
		}
	}
	if len(names) == 0 {
		// What an outer policy's flags switch off is no matter of this cache.
		return around(inner, func(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
			if switchedOff(ctx) != nil {
				ctx = context.WithValue(ctx, askedFlagsKey{}, (*askedFlags)(nil))
			}
			return inner.Do(ctx, req, streamed, out)
		})
	}
	slices.Sort(names)
	names = slices.Compact(names)
	models := slices.Sorted(maps.Keys(flags))
	p, client := b.policy, b.options.flags
	return around(inner, func(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
		asked := &askedFlags{policy: p, off: map[string]bool{}, nobody: strconv.FormatUint(rand.Uint64(), 36)}
		info := call.From(ctx)
		for _, name := range names {
			if !isOn(ctx, p.Flags[name], name, info, asked.nobody, client) {
				asked.off[name] = true
			}
		}
		for _, m := range models {
			if slices.ContainsFunc(flags[m], func(name string) bool { return asked.off[name] }) {
				asked.models = append(asked.models, m)
			}
		}
		return inner.Do(context.WithValue(ctx, askedFlagsKey{}, asked), req, streamed, out)
	})
}

// isOn reports whether a flag is on for the caller; nobody is the id of one who has
// none.
func isOn(ctx context.Context, f spec.Flag, name string, info call.Info, nobody string, client flagClient) bool {
	id := cmp.Or(info.User, info.Session, info.Invocation)
	if f.StickyBy == "session" {
		id = cmp.Or(info.Session, info.User, info.Invocation)
	}
	on := f.Default
	if client != nil {
		on = decided(ctx, client, name, f.Default, id, info)
	}
	return on && (f.Rollout >= 1 || point(name, cmp.Or(id, nobody)) < float64(f.Rollout))
}

// decided asks the client, whose panics, and those of its provider, are no
// reason to fail a call.
func decided(ctx context.Context, client flagClient, name string, fallback bool, id string, info call.Info) (on bool) {
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
	return client(ctx, name, fallback, id, attributes)
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
