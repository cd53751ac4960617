// Package inspect has the state of a tree of models: breakers, limits, budgets, caches,
// hedges and experiments, for metrics, status pages and runbooks.
//
//	for n := range inspect.Of(m).All() {
//		if n.Breaker != nil && n.Name == "gemini-2.5-flash" {
//			n.Breaker.Open(10*time.Minute, "maintenance at the provider")
//		}
//	}
//
// Every layer of this module is an [Inspector]. If a middleware of your own is not one, the
// layers inside it are not in the tree.
package inspect
