// Package cache answers requests that were answered before, without calling a model. A
// [Cache] goes around a whole tree of models; its Middleware is a layer as in package
// middleware.
//
//	answers := cache.MustNew(cache.Config{TTL: time.Hour})
//	defer answers.Close()
//	m := middleware.Chain(router.MustFallback(router.Config{}, flash, pro), answers.Middleware())
//
// A [Rule] gives some requests another TTL, or none. [Embeddings] is the cache in front of
// an embedding model, which is not a model.LLM. Both keep their answers in the memory of the
// process; replicas can share those of a Cache (Config.State).
//
// A last resort that returns an old answer is in package degrade; it calls [Cache.Lookup].
// A provider's own prompt cache, which makes input tokens cheaper, is not in this package.
package cache
