// Package inspect has the state of a tree of models: breakers, limits, budgets, caches,
// hedges and experiments, for metrics, status pages and runbooks.
//
//	for n := range inspect.Of(m).All() {
//		if n.Breaker != nil && n.Name == "gemini-2.5-flash" {
//			n.Breaker.Open(10*time.Minute, "maintenance at the provider")
//		}
//	}
//
// A model takes part as an [Inspector], as every layer of this module does. A middleware of
// your own that is none hides what is inside it.
package inspect
