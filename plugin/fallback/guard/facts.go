package guard

import (
	"context"

	"github.com/adk-fallback/adk-fallback/internal/match"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// Facts is a set of facts about a call: fields of [call.Info] that guards rely on.
type Facts uint8

// The facts that guards rely on.
const (
	Tenant Facts = 1 << iota
	DataClass
	Region
)

type unreadKey struct{}

// WithUnread returns a context for a call of which facts could not be read: where they
// are kept did not answer, or had something else there. Guards assume the worst. That
// there is no such fact, such as a call without a tenant, is something else.
//
// It adds to what ctx has. [call.With] with the fact overrides it.
func WithUnread(ctx context.Context, facts Facts) context.Context {
	if earlier, _ := ctx.Value(unreadKey{}).(Facts); earlier|facts != earlier {
		return context.WithValue(ctx, unreadKey{}, earlier|facts)
	}
	return ctx
}

// Unread returns the facts that could not be read, and that nobody has set since.
func Unread(ctx context.Context) Facts {
	facts, _ := ctx.Value(unreadKey{}).(Facts)
	if facts == 0 {
		return 0
	}
	info := call.From(ctx)
	if match.Fold(info.Tenant) != "" {
		facts &^= Tenant
	}
	if match.Fold(info.DataClass) != "" {
		facts &^= DataClass
	}
	if match.Fold(info.Region) != "" {
		facts &^= Region
	}
	return facts
}
