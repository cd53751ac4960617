// Package price knows what models cost and how much they read: a dated snapshot of public list prices and context windows, and the
// projected price of a request.
//
//	p, ok := price.Of("gemini-2.5-flash-preview-09-2025")
//	if !ok {
//		… // unknown is not free: say so, and ask the user for a price
//	}
//	usd := price.Project(p, req, price.DefaultOutput)
//
//	tokens, ok := price.Window("gemini-2.5-flash") // 1048576
//
// # Which figures
//
// US dollars per million tokens, paid tier, standard speed, global endpoint, text. Each Price names the page it is from;
// SnapshotDate is the day on which the figures were current. If a provider announced a rate as introductory or
// promotional, the regular one is used instead: a budget should end early rather than late. As in a list price, these are not
// included: batch and priority tiers, regional surcharges, writing to a cache and keeping it, audio rates, searches
// and other tools of the provider, and any discount of the account.
//
// A window is the longest input in tokens that the provider's own API accepts. Where the provider documents one window for input and
// output together, it is that one: an input may fit and leave little room for the answer. Each provider's file names its source.
// Another platform that serves the model (Bedrock, Azure) may accept less.
//
// # What lives here
//
// The list, looking a model up in it, and multiplying. Prices and windows that a user configures override the list; that, and what
// uses them (budgets, conditions, guards), is in other packages. To update the list, edit the provider's file and the dates in
// price.go.
package price
