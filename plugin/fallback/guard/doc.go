// Package guard decides who may see a request. A [Guard] gets a request and the
// [Target] that it would go to, and returns the request that the target may see, which
// is a copy if it differs, or an error, which skips the target:
//
//   - [Compliance]: which data may go to which targets and regions, whole or redacted
//   - [Redact]: no secrets and no personal data
//   - [Tenants]: who may use a target
//   - [Capabilities] and [ContextWindow]: what a target can process
//   - [Tools]: which tools a target is given
//   - [Gate]: which tools a fallback may use, after a switch
//
// Around puts guards around one model. A router runs the guards of its Config for each
// of its targets, and knows those from router.Describe:
//
//	eu := router.Describe(mistral, router.Traits{Region: "europe-west4"})
//	m, err := router.NewFallback(router.Config{Guards: []guard.Guard{
//		guard.Compliance(guard.Rule{DataClasses: []string{"pii"}, Regions: []string{"europe-*"}}),
//		guard.ContextWindow,
//	}}, flash, eu)
//	// …
//	ctx = call.With(ctx, call.Info{DataClass: "pii"}) // flash is skipped
//
// The reason of a refusal is in the record of the call, and its error is a
// *middleware.RefusedError, whose By names the guard.
//
// # Names
//
// Tenants, classes, regions, targets and tools are compared in any script; case,
// Unicode form and white space at both ends do not matter: "PII" is "pii", and "Müller"
// is "Müller" however its ü is written. In every list, * stands for any text.
//
// # Caches
//
// A cache outside of guards does not know them. It must keep apart the callers whom
// guards treat differently: see cache.Config.Scope.
//
// What does not depend on the request or the caller (breakers, limits, budgets) is in
// package middleware. How a request is put in a form that a target takes is in package
// provider.
package guard
