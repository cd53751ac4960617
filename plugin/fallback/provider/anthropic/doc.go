// Package anthropic calls Claude through Anthropic's Messages API. It also works
// with other servers that speak this API.
//
//	claude, err := anthropic.New("claude-sonnet-5-5", anthropic.Config{APIKey: key})
//
// A [Model] is an ADK model: it converts requests that an agent made for Gemini
// into the form that the API accepts, and answers as Gemini would. It does not
// retry: use middleware.NewRetry. It reads nothing from the environment.
//
// It does not use Anthropic's SDK, whose part would be one POST: its stream decoder
// takes seven times the CPU and the allocations, its accumulator fails on streams
// that real servers send, such as a delta of a block that was never started, and it
// adds a minute to a build and 20 MB to a program.
//
// This package holds the protocol. The tables of package provider say what a model
// accepts; the table here (family.go) has only what the wire format depends on.
package anthropic
