package call

import (
	"context"
	"maps"

	"github.com/adk-fallback/adk-fallback/internal/caller"
)

// Info says who asks for a model call and under which conditions. The zero
// value means "nothing known". An Info is read-only once it is in a context.
type Info struct {
	// From ADK, filled in by [From] when the context is ADK's own.
	App, User, Session, Invocation, Agent, Branch string

	// From the application, given with [With].
	Tenant    string            // who pays
	Priority  string            // class of work, such as "paid" or "batch"
	DataClass string            // sensitivity of the data, such as "public" or "pii"
	Region    string            // where the data must stay
	Labels    map[string]string // anything else that a policy may ask for
}

// adkContext is what this package needs of ADK's contexts. The contexts of
// both majors' callbacks, and v2's context of a model call, satisfy it.
type adkContext interface {
	AppName() string
	UserID() string
	SessionID() string
	InvocationID() string
	AgentName() string
	Branch() string
}

// anyADK is what the contexts of a model call have in both majors. v1's does not satisfy
// adkContext: package adkv1 finds it behind the context of [With] and completes it.
type anyADK interface {
	InvocationID() string
	Branch() string
}

type infoKey struct{}

// carrier is a context that knows who asks.
type carrier struct {
	context.Context
	info Info
	adk  bool // Context is ADK's own
}

// Value implements context.Context.
func (c *carrier) Value(key any) any {
	switch key.(type) {
	case infoKey:
		return &c.info
	case caller.Key:
		if c.adk {
			return c.Context
		}
	}
	return c.Context.Value(key)
}

// With returns a context that carries info on top of what ctx already knows:
// fields that are set in info replace, empty ones leave, labels are merged.
//
// ADK's own fields are read from ctx here, because a context derived from
// ADK's (with a timeout, say) no longer answers for them.
func With(ctx context.Context, info Info) context.Context {
	merged := From(ctx)
	set(&merged.App, info.App)
	set(&merged.User, info.User)
	set(&merged.Session, info.Session)
	set(&merged.Invocation, info.Invocation)
	set(&merged.Agent, info.Agent)
	set(&merged.Branch, info.Branch)
	set(&merged.Tenant, info.Tenant)
	set(&merged.Priority, info.Priority)
	set(&merged.DataClass, info.DataClass)
	set(&merged.Region, info.Region)
	if len(info.Labels) > 0 {
		labels := make(map[string]string, len(merged.Labels)+len(info.Labels))
		maps.Copy(labels, merged.Labels)
		maps.Copy(labels, info.Labels)
		merged.Labels = labels
	}
	_, adk := ctx.(anyADK)
	return &carrier{Context: ctx, info: merged, adk: adk}
}

// Carry returns a context whose descendants still know what ctx, a context of
// ADK's, tells of the caller. Any other context is returned as it is: what it
// knows is carried already. The outermost layer of a call does this once.
func Carry(ctx context.Context) context.Context {
	if _, ok := ctx.(adkContext); !ok {
		return ctx
	}
	return &carrier{Context: ctx, info: From(ctx), adk: true}
}

// From returns what ctx knows: what [With] put there, and ADK's fields when
// ctx is a context of ADK's. ADK's fields win, since the same values may have
// been handed down from an outer agent.
func From(ctx context.Context) Info {
	var info Info
	if carried, ok := ctx.Value(infoKey{}).(*Info); ok {
		info = *carried
	}
	if adk, ok := ctx.(adkContext); ok {
		info.App, info.User, info.Session = adk.AppName(), adk.UserID(), adk.SessionID()
		info.Invocation, info.Agent, info.Branch = adk.InvocationID(), adk.AgentName(), adk.Branch()
	}
	return info
}

func set(dst *string, src string) {
	if src != "" {
		*dst = src
	}
}
