// Package middleware holds what can stand around one model: retries, breakers,
// limits, timeouts, budgets. Each is a [Middleware], a function from model to model, in
// a file of its own, and can be used alone or in a [Chain].
//
//	flash := middleware.Chain(gemini,
//		middleware.MustRetry(middleware.RetryConfig{MaxRetries: 2}),
//		middleware.MustBreaker(middleware.BreakerConfig{}),
//		middleware.MustTimeout(middleware.TimeoutConfig{FirstContent: 4 * time.Second}),
//	)
//
// The order matters. Retry goes outside of the others, so that each try passes
// the breaker, takes from the limit and has its own timeout; Timeout goes inside
// of Breaker and Limit, so that it does not count the wait for a free place:
//
//	Retry → Validate → Breaker → Limit → Timeout → Attempt → model
//
// Validate goes inside of Retry and outside of all that watches the stream, since it
// holds that back.
// Budget goes inside of Timeout, around each target, so that falling back never
// bypasses it. Cache is the exception among them: it stands around a whole tree.
//
// What chooses between several models is in package router. What an error means
// is in package failure; nothing here judges an error by itself.
package middleware
