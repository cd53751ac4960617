// Package fallback keeps an ADK agent answering when its model does not. It is
// the front door: a plugin for google.golang.org/adk/v2 and an outer retry
// loop.
//
// The plugin works through ADK's callbacks:
//
//   - before a model is called, it resets the request to the root model, so that
//     every turn starts there although the turn before it fell back;
//   - when a model fails with a configured error code (429 and 504 by default),
//     it either answers with [Config.Recover] in the same turn, or turns the
//     error into a response whose metadata tells an outer loop, such as [Retry],
//     which model to ask next;
//   - it writes what happened on the response (package call has the contract)
//     and on the current OpenTelemetry span.
//
// Register it on the runner:
//
//	p := fallback.MustNew(fallback.Config{Recover: pro})
//	r, err := runner.New(runner.Config{
//		AppName: "shop", Agent: agent, SessionService: sessions,
//		PluginConfig: runner.PluginConfig{Plugins: []*plugin.Plugin{p}},
//	})
//
// # Other plugins
//
// ADK calls plugins in the order in which they are registered and stops at the
// first that returns a response. This plugin annotates responses in place and
// returns nothing from its before-model and after-model callbacks, so no plugin
// misses a response because of it. Its error callback must return the response
// that replaces an error: a plugin that wants to see the errors themselves is
// registered before it, and a plugin that answers errors itself after it if it
// is to get only those that this one leaves. A plugin that changes the model of
// requests belongs after it, or its choice is reset; so does one whose
// after-model callback returns a response, or this one never sees the answer
// that ends a fallback.
//
// What a model or a policy decides is not here: see packages failure (what an
// error means) and call (who asks, and what was tried). Google ADK v1 has the
// same plugin in package adkv1.
package fallback
