// Package degrade holds answers of last resort, for when no model answers:
// [NewTemplate] says a fixed text or one made for the call, [NewCachedAnswer]
// gives an earlier answer to the same request, [NewRetrieval] quotes passages from
// an ADK memory or a search of yours. Each is a model.LLM and goes at the end of a
// router's targets:
//
//	cache := middleware.MustCache(middleware.CacheConfig{})
//	m := middleware.Chain(
//		router.MustFallback(router.Config{}, flash, pro,
//			degrade.CachedAnswer(cache),
//			degrade.Retrieval(memoryService),
//			degrade.Template("I cannot answer right now. Please try again in a few minutes."),
//		),
//		cache.Middleware(),
//	)
//
// An answer of last resort always says what it is: to programs by "degraded" in
// the response's metadata (see package call), to users by its text. All models
// here are safe for concurrent use.
//
// Nothing here decides when to degrade; that is the router's. Nothing here keeps
// answers; that is middleware.Cache.
package degrade
