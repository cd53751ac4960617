// Package responses calls models through OpenAI's Responses API. It writes the body of a
// request, with the model's own reasoning in it, because the server stores nothing, and
// reads answers and streams as real servers send them.
//
// Package wire has the protocol itself, package api what the API has in common with chat
// completions.
package responses
