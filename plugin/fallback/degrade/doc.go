// Package degrade holds answers of last resort, for calls that no model answers. Each is
// a model.LLM and goes at the end of a router's targets:
//
//	answers := cache.MustNew(cache.Config{})
//	m := middleware.Chain(
//		router.MustFallback(router.Config{}, flash, pro,
//			degrade.CachedAnswer(answers),
//			degrade.Retrieval(memoryService),
//			degrade.Template("I cannot answer right now. Please try again in a few minutes."),
//		),
//		answers.Middleware(),
//	)
//
// The answers:
//
//   - [CachedAnswer] returns an earlier answer to the same request.
//   - [Retrieval] quotes passages from an ADK memory or from a search of yours.
//   - [Deferred] queues the call, so that it is answered later (package jobs).
//   - [Template] returns a fixed text, or one made for the call.
//
// An answer of last resort always says what it is: to programs by "degraded" in the
// response's metadata (see package call), to users by its text. All models here are safe
// for concurrent use.
//
// The session keeps the text of a Retrieval, a Deferred or a Template, but no model should
// take it for its own words. In later requests of an ADK session, a neutral line replaces
// the text if the called model has a layer of this module around it, such as a router or a
// middleware. An agent's plain model that relies on the plugin's Recover gets the session's
// text.
//
// The router decides when a last resort answers. Packages cache and jobs keep the
// answers and calls; nothing here does.
package degrade
