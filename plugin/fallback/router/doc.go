// Package router has the models that choose between several others:
//
//   - [NewFallback] calls them in order until one answers.
//   - [NewHedge] calls a second one when the first is slow.
//   - [NewSplit] sends a share of the users to each. The shares may follow the health
//     of the first ([AdaptiveShare]).
//   - [NewProgressive] shows a quick preview until the answer begins.
//
// Each is a model.LLM made of others, so they nest, in each other and in the
// layers of package middleware:
//
//	fast := router.MustHedge(router.HedgeConfig{}, flash, lite)
//	m := router.MustFallback(router.Config{}, fast, pro, gpt)
//
// A router takes the name, and the optional methods that ADK asks for, of its
// first model. On every final response it says which model answered; see
// package call.
//
// After a switch, the calls of the same turn stay with the fallback; [Config.Sticky]
// extends this to the session or turns it off. The record of the answer has the number
// of cached tokens that the switch has lost (call.Attempt.CachedTokensLost).
//
// Config.Gate keeps fallbacks from using tools whose effects cannot be undone.
// Config.Notice tells the user that a fallback answers.
//
// A cheap model in front of a strong one, which is called when a judge rejects the cheap
// answer, is in package cascade. What stands around one model is in package middleware.
// What an error means is in package failure; nothing here judges an error by itself.
package router
