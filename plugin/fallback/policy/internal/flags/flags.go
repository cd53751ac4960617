// Package flags evaluates the flags of a policy for a caller. They determine which targets a call
// skips, and which cached answers it must not get.
package flags

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

// Client returns the value of a flag for the caller with that id and those attributes, or
// defaultValue if it does not know the flag.
type Client func(ctx context.Context, flag string, defaultValue bool, id string, attributes map[string]any) bool

// Flags are the flags of a policy. They are safe for concurrent use.
type Flags struct {
	policy *spec.Policy
	client Client                         // nil for none
	small  func(ctx context.Context) bool // the call is a small request of warm_standby
}

// New returns the flags of p. client, which may be nil, overrides their defaults. small reports
// whether a call is a small request of section warm_standby. Such a call has no caller, so a
// flag that is on for some callers is on for it.
func New(p *spec.Policy, client Client, small func(ctx context.Context) bool) *Flags {
	return &Flags{p, client, small}
}

// Guard returns the guard that evaluates the flags which name a target, nil if none
// does.
func (f *Flags) Guard(r spec.Resolved) guard.Guard {
	names := f.naming(r)
	if len(names) == 0 {
		return nil
	}
	return func(ctx context.Context, req *model.LLMRequest, _ guard.Target) (*model.LLMRequest, error) {
		info, before := call.From(ctx), f.before(ctx)
		for _, name := range names {
			flag := f.policy.Flags[name]
			if f.small(ctx) {
				flag.Rollout = 1 // on for some is on
			}
			if before.off[name] || !f.isOn(ctx, flag, name, info, before.nobody) {
				return nil, &middleware.RefusedError{By: "flag", Reason: "flag " + name + " is off"}
			}
		}
		return req, nil
	}
}

// naming returns the flags that name a model, in order.
func (f *Flags) naming(r spec.Resolved) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(f.policy.Flags)) {
		if slices.ContainsFunc(f.policy.Flags[name].Targets, r.Matches) {
			names = append(names, name)
		}
	}
	return names
}

// asked has the flags of a policy as they were when a call reached its cache. A flag that was
// off then stays off for the whole call, even if it is on when a guard evaluates it: the cache
// stores the answer for callers for whom the flag is off.
type asked struct {
	policy *spec.Policy
	off    map[string]bool // the flags that were off, by name
	models []string        // that they switch off, in order
	nobody string          // stands for a caller without an id, for this call
}

type askedKey struct{}

// before returns what the flags were in front of the chain, the zero value if nobody has
// asked.
func (f *Flags) before(ctx context.Context) asked {
	if a, _ := ctx.Value(askedKey{}).(*asked); a != nil && a.policy == f.policy {
		return *a
	}
	return asked{}
}

// SwitchedOff returns the models that flags switch off for the caller. The cache does not return
// their answers.
func SwitchedOff(ctx context.Context) []string {
	if a, _ := ctx.Value(askedKey{}).(*asked); a != nil {
		return a.models
	}
	return nil
}

// Ahead returns inner, which is a cache, behind the flags that name a model of the chain; see
// [SwitchedOff].
func (f *Flags) Ahead(inner stream.Layer) stream.Layer {
	names, models := f.ofChain()
	if len(names) == 0 {
		// What an outer policy's flags switch off is no matter of this cache.
		return stream.Wrap(inner, func(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
			if SwitchedOff(ctx) != nil {
				ctx = context.WithValue(ctx, askedKey{}, (*asked)(nil))
			}
			return inner.Do(ctx, req, streamed, out)
		})
	}
	inOrder := slices.Sorted(maps.Keys(models))
	return stream.Wrap(inner, func(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
		a := &asked{policy: f.policy, off: map[string]bool{}, nobody: strconv.FormatUint(rand.Uint64(), 36)}
		info := call.From(ctx)
		for _, name := range names {
			if !f.isOn(ctx, f.policy.Flags[name], name, info, a.nobody) {
				a.off[name] = true
			}
		}
		for _, m := range inOrder {
			if slices.ContainsFunc(models[m], func(name string) bool { return a.off[name] }) {
				a.models = append(a.models, m)
			}
		}
		return inner.Do(context.WithValue(ctx, askedKey{}, a), req, streamed, out)
	})
}

// ofChain returns the flags that name a model of the chain, in order, and those of each
// model.
func (f *Flags) ofChain() (names []string, models map[string][]string) {
	models = map[string][]string{}
	for _, t := range f.policy.Targets() {
		of := t.Models()
		if t.Cheap != nil { // whose answers are kept like the primary's
			of = append(slices.Clone(of), t.Cheap.Models()...)
		}
		for _, r := range of {
			if models[r.Name] == nil {
				models[r.Name] = f.naming(r)
				names = append(names, models[r.Name]...)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), models
}

// isOn reports whether a flag is on for the caller; nobody is the id of one who has
// none.
func (f *Flags) isOn(ctx context.Context, flag spec.Flag, name string, info call.Info, nobody string) bool {
	id := cmp.Or(info.User, info.Session, info.Invocation)
	if flag.StickyBy == "session" {
		id = cmp.Or(info.Session, info.User, info.Invocation)
	}
	on := flag.Default
	if f.client != nil {
		on = decided(ctx, f.client, name, flag.Default, id, info)
	}
	return on && (flag.Rollout >= 1 || Point(name, cmp.Or(id, nobody)) < float64(flag.Rollout))
}

// decided asks the client. If the client or its provider panics, it returns fallback: a flag
// must not fail a call.
func decided(ctx context.Context, client Client, name string, fallback bool, id string, info call.Info) (on bool) {
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

// Point maps the name of a flag, or of another choice, and an id to a number in [0, 1). The
// number is the same in every replica; router.NewSplit does the same for experiments. Without an
// id, it is random.
func Point(name, id string) float64 {
	if id == "" {
		return rand.Float64()
	}
	sum := sha256.Sum256([]byte(name + "\x00" + id))
	return float64(binary.BigEndian.Uint64(sum[:])>>11) / (1 << 53)
}
