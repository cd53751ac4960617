package main

import (
	"slices"

	"github.com/adk-fallback/adk-fallback/plugin_test/peers"
)

// reason says why calls of this module cost more than those of a peer, according to
// profiles of both (README.md has the command).
type reason struct {
	peer string
	wire bool
	rows []string
	why  string
}

// reasons are for rows whose ratio may be above [limit]. The reason for a row below it is
// not used.
var reasons = []reason{
	{"failsafe-go", false, []string{"healthy call", "64 goroutines", "1,000 goroutines", "10 messages", "prompt of 1 KB", "prompt of 1 MB"},
		"Each attempt gets its own copy of the request, adapted to its target, because models may write into the request. The call is " +
			"recorded, and the answer's metadata names the target that answered. The copy and the record take half of adk-fallback's time. " +
			"failsafe-go passes the request on without a copy and records nothing."},
	{"failsafe-go", false, []string{"1,000 messages", "64 tools"},
		"Each attempt gets a copy of the request, whose cost is linear in messages and tool declarations. failsafe-go passes the request on without a copy."},
	{"eino", false, []string{"1,000 messages", "64 tools"},
		"The same reason as for failsafe-go: eino passes the same messages and tools to each model."},
	{"failsafe-go", false, []string{"healthy stream of 64", "stream of 10", "stream of 10,000"},
		"Each chunk is checked for content and usage, and for cancellation of the call, and the silence between chunks is limited. " +
			"failsafe-go limits the whole stream and does no work for a chunk."},
	{"failsafe-go", false, []string{"failover on 503", "failover on 429", "failover, stream of 64", "16 targets, 15 failing"},
		"Each failure is classified (kind, scope, how long to wait) and recorded without secrets or quotations from the prompt. " +
			"The answer's metadata lists all attempts. Each target gets a copy of the request. failsafe-go only applies a predicate to the error."},
	{"eino", false, []string{"16 targets, 15 failing"},
		"The same reason as for failsafe-go. A call of eino's agent has a high fixed cost and a low cost for each further model, " +
			"which has no limits, breaker or record of its own."},
	{"failsafe-go", false, []string{"open breaker in front", "16 targets, 15 cooling"},
		"Each skipped target is recorded with its reason, also in the metadata. failsafe-go returns one fixed error."},
	{"failsafe-go", false, []string{"hedge, not needed", "hedge, first is silent"},
		"Each target of a hedge has its own goroutine, copy of the request and record, so that a target that ignores its cancelled context does not delay the call."},
	{"failsafe-go", false, []string{"cache hit"},
		"A hit returns a copy. The cache is bounded in bytes and time, and joins equal requests in flight. The cache for failsafe-go is " +
			"a map that only grows; it returns the stored answer itself."},
	{"bifrost/core", true, []string{"64 goroutines", "1,000 goroutines", "16 targets, 15 failing"},
		"The HTTP clients differ: bifrost/core uses fasthttp. adk-fallback uses net/http, so that an application's transports, proxies and " +
			"tracing work. The last column is net/http alone."},
	{"openai-go", true, []string{"64 tools"},
		"The declarations are copied for each attempt, and Gemini's schemas are converted to JSON Schema. openai-go sends maps that were made in advance."},
	{"failsafe-go", true, []string{"64 tools"},
		"The same reason as for openai-go, which makes failsafe-go's calls."},
}

// reasonFor returns the reason for a row and a peer.
func reasonFor(row peers.Row, peer string) reason {
	for _, r := range reasons {
		if r.wire == row.Wire && r.peer == peer && slices.Contains(r.rows, row.Name) {
			return r
		}
	}
	return reason{peer: peer, wire: row.Wire, why: "not known yet"}
}
