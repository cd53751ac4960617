package main

import (
	"slices"

	"github.com/adk-fallback/adk-fallback/plugin_test/peers"
)

// reason says why calls of this module cost more than those of a peer, as profiles of
// both show (README.md has the command).
type reason struct {
	peer string
	wire bool
	rows []string
	why  string
}

// reasons are for rows whose ratio may be above [limit]. Those of a row that is below
// it are not used.
var reasons = []reason{
	{"failsafe-go", false, []string{"healthy call", "64 goroutines", "1,000 goroutines", "10 messages", "prompt of 1 KB", "prompt of 1 MB"},
		"Each attempt gets its own copy of the request, fitted to its target, because models may write into it. The call is " +
			"recorded, and the answer's metadata says which target answered. Copy and record are half of the profile. failsafe-go passes the same request on and records nothing."},
	{"failsafe-go", false, []string{"1,000 messages", "64 tools"},
		"The copy of the request for each attempt: its cost is linear in messages and tool declarations. failsafe-go passes the same request on."},
	{"eino", false, []string{"1,000 messages", "64 tools"},
		"As beside failsafe-go: eino passes the same messages and tools to each model."},
	{"failsafe-go", false, []string{"healthy stream of 64", "stream of 10", "stream of 10,000"},
		"Each chunk is checked for content, usage and a cancelled call, and the silence between chunks is limited. failsafe-go limits the whole stream " +
			"and does nothing for a chunk."},
	{"failsafe-go", false, []string{"failover on 503", "failover on 429", "failover, stream of 64", "16 targets, 15 failing"},
		"Each failure is classified (kind, scope, how long to wait), freed of secrets and of what it quotes from the prompt, and recorded; the answer's " +
			"metadata lists all attempts. Each target gets a copy of the request. failsafe-go applies a predicate."},
	{"eino", false, []string{"16 targets, 15 failing"},
		"As beside failsafe-go. A call of eino's agent costs much at first and little for each further model, which has no limits, breaker or record of its own."},
	{"failsafe-go", false, []string{"open breaker in front", "16 targets, 15 cooling"},
		"Each skipped target is recorded with its reason, in the metadata too. failsafe-go returns one fixed error."},
	{"failsafe-go", false, []string{"hedge, not needed", "hedge, first is silent"},
		"Each target of a hedge has its own goroutine, copy of the request and record, so that one that ignores its cancelled context delays nobody."},
	{"failsafe-go", false, []string{"cache hit"},
		"A hit is a copy, from a cache that is bounded in bytes and time and joins equal requests in flight. The cache for failsafe-go is a map that " +
			"only grows and returns the stored answer itself."},
	{"bifrost/core", true, []string{"64 goroutines", "1,000 goroutines", "16 targets, 15 failing"},
		"The HTTP client: bifrost/core calls with fasthttp, adk-fallback with net/http, so that an application's transports, proxies and tracing work. " +
			"The last column is net/http alone."},
	{"openai-go", true, []string{"64 tools"},
		"The declarations are copied for the attempt, and Gemini's schemas are converted to JSON Schema. openai-go sends maps that were made in advance."},
	{"failsafe-go", true, []string{"64 tools"},
		"As beside openai-go, which makes its calls."},
}

// reasonFor returns the reason for a row beside a peer.
func reasonFor(row peers.Row, peer string) reason {
	for _, r := range reasons {
		if r.wire == row.Wire && r.peer == peer && slices.Contains(r.rows, row.Name) {
			return r
		}
	}
	return reason{peer: peer, wire: row.Wire, why: "not known yet"}
}
