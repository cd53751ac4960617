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
//     which model to ask next. Once Recover has answered, it answers the rest of
//     the turn;
//   - it writes what happened on the event (package call has the contract), on
//     the current OpenTelemetry span, and in one line of the log.
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
// ADK calls plugins in the order in which they are registered, then the agent's
// own callbacks, and stops at the first that returns a response. This plugin
// returns one in three cases only:
//
//   - its error callback returns the response that replaces an error. A plugin
//     that wants to see the errors themselves is registered before it, and a
//     plugin that answers errors itself after it, if it is to get only those that
//     this one leaves;
//   - where an error arrived as a response, the answer of Recover replaces it.
//     ADK then skips the after-model callbacks that come after this plugin's;
//   - in a turn that stays with Recover, its later answers come from the
//     before-model callback. ADK then skips the before-model callbacks that come
//     after this plugin's, and every after-model callback.
//
// Register it last if other plugins change or check requests, so that Recover gets
// what they leave. Callbacks of the agent itself always come later: where they must
// see every request, use a router model in place of Recover. A plugin that changes
// the model of requests must come after it, or its choice is reset.
//
// It never writes to a response of the agent's model. Metadata of such responses is
// written by the event callback, so it is on the event and in the session, and
// after-model callbacks do not see it. A plugin registered before it whose event
// callback returns another event hides the event from it.
//
// # Agents as tools
//
// ADK's AgentTool runs its agent under a runner of its own, without the plugins of
// the application: this plugin never sees the calls of such an agent. Give that
// agent a router model, which falls back inside of the call:
//
//	m := router.MustFallback(router.Config{}, flash, pro)
//	helper, err := llmagent.New(llmagent.Config{Name: "helper", Model: m})
//	tool := agenttool.New(helper, nil)
//
// What a model or a policy decides is not here: see packages failure (what an
// error means) and call (who asks, and what was tried). Google ADK v1 has the
// same plugin in package adkv1.
package fallback
