// Package anthropic asks Claude through Anthropic's Messages API, and every other
// server that speaks it.
//
//	claude, err := anthropic.New("claude-sonnet-5-5", anthropic.Config{APIKey: key})
//
// A [Model] is an ADK model: it takes what an agent made for Gemini, in the form
// that the API accepts, and answers as Gemini would. It does not retry; the
// layers around it do. It reads nothing from the environment.
//
// The SDK of Anthropic makes the HTTP call: URL, credential, API version and
// headers. Its own types are not used, on either side. Its stream decoder takes
// seven times the CPU and the allocations, and its accumulator fails on what real
// servers send, such as a piece of a block that has no beginning.
//
// What lives here is the protocol. What a model accepts is in the tables of
// package provider; the table here (family.go) has only what the wire form needs.
package anthropic
