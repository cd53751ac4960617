// Package caller carries ADK's context of a model call to inner layers. Only the outermost
// layer gets it; a context derived from it, for example with a timeout, does not have its
// methods.
//
// The facts that most layers need are in a call.Info. This package is for the others, such as
// the state of the session.
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

// deferredKey is the key of the mark of a deferred call.
type deferredKey struct{}

// Deferred returns a context whose call is one that nobody waits for: a deferred job makes
// it, and makes it again while no model answers.
func Deferred(ctx context.Context) context.Context {
	return context.WithValue(ctx, deferredKey{}, true)
}

// IsDeferred reports whether ctx is that of a deferred call.
func IsDeferred(ctx context.Context) bool {
	deferred, _ := ctx.Value(deferredKey{}).(bool)
	return deferred
}
