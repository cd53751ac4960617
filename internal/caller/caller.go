// Package caller hands on ADK's context of a model call. Only the outermost layer
// gets it; a context derived from it, with a timeout say, does not answer what
// ADK's does.
//
// What every call tells is in a call.Info. This is for what only some layers ask
// for, such as the state of the session.
package caller

import "context"

// Key is the key of ADK's context in those that package call derives from it.
type Key struct{}

// Context returns ADK's context behind ctx: ctx itself, or what it was derived
// from. Outside of ADK it returns ctx.
func Context(ctx context.Context) context.Context {
	if adk, ok := ctx.Value(Key{}).(context.Context); ok {
		return adk
	}
	return ctx
}
