// Package middleware holds the layers around one model: retries, breakers, limits,
// timeouts, budgets. Each is a [Middleware], a function from model to model, in a file
// of its own, and can be used alone or in a [Chain].
//
//	flash := middleware.Chain(gemini,
//		middleware.MustRetry(middleware.RetryConfig{MaxRetries: 2}),
//		middleware.MustBreaker(middleware.BreakerConfig{}),
//		middleware.MustTimeout(middleware.TimeoutConfig{FirstContent: 4 * time.Second}),
//	)
//
// The order matters, from the outermost to the innermost:
//
//	Retry → Validate → Breaker → Limit → Timeout → Budget → Attempt → model
//
// The reasons:
//
//   - Retry is outside of the others, so that each try passes the breaker, counts
//     against the limit and has its own timeout.
//   - Validate is inside of Retry and outside of all layers that watch the stream,
//     because it holds the stream back.
//   - Timeout is inside of Breaker and Limit, so that the wait in a queue does not count.
//   - Budget is around each target, so that falling back never bypasses it.
//   - Trim, which cuts out the middle of a long history, is outside of Limit and Budget:
//     they estimate the request that is sent.
//   - KeepWarm is around the router whose fallbacks it keeps warm.
//   - A cache (package cache) is around a whole tree, outside of KeepWarm.
//
// Two layers send small requests of their own, such as [Ping], so that no call has to find
// out how a model is: a [NewBreaker] with Probe, when its model may have recovered, and
// [NewKeepWarm], while fallbacks are idle. Both do so only while calls arrive.
//
// Package router chooses between several models, and package failure says what an error
// means; no layer here judges an error by itself.
package middleware
