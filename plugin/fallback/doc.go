// Package fallback keeps an ADK agent answering when its model fails. It has a plugin
// for google.golang.org/adk/v2 and an outer retry loop.
//
// The plugin works through ADK's callbacks:
//
//   - before a model is called, it resets the request to the root model, so that
//     every turn starts there even if the turn before fell back;
//   - when a model fails with a configured error code (429 and 504 by default),
//     it either answers with [Config.Recover] in the same turn, or turns the
//     error into a response whose metadata names the next model for an outer loop,
//     such as [Retry]. After Recover has answered, it answers the rest of the turn;
//   - it writes metadata to the event (see package call) and to the current
//     OpenTelemetry span, and logs one line.
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
//   - its error callback replaces an error by a response. Register a plugin that must
//     see every error before it, and a plugin that answers only the remaining errors
//     after it;
//   - if an error arrived as a response, the answer of Recover replaces it.
//     ADK then skips the after-model callbacks that come after this plugin's;
//   - in a turn that stays with Recover, its later answers come from the
//     before-model callback. ADK then skips the before-model callbacks that come
//     after this plugin's, and every after-model callback.
//
// Register it last if other plugins change or check requests, so that Recover gets
// the resulting requests. The agent's own callbacks always come later: if they must
// see every request, use a router model instead of Recover. A plugin that changes the
// model of requests must come after it, or its choice is reset.
//
// It never writes to a response of the agent's model. The event callback writes the
// metadata of such responses, so it is on the event and in the session, but after-model
// callbacks do not see it. If the event callback of a plugin registered before it
// returns another event, this plugin does not see the event. Under [Retry], this plugin
// replaces the empty event of an agent that it skips, so plugins registered after it do
// not see that one.
//
// # Agents as tools
//
// ADK's AgentTool runs its agent with its own runner, without the application's
// plugins, so this plugin never sees the calls of such an agent. Give that agent a
// router model, which falls back inside the call:
//
//	m := router.MustFallback(router.Config{}, flash, pro)
//	helper, err := llmagent.New(llmagent.Config{Name: "helper", Model: m})
//	tool := agenttool.New(helper, nil)
//
// See also package failure (the meaning of an error) and package call (the caller and
// the attempts of a call). Package adkv1 has the same plugin for ADK v1.
package fallback
