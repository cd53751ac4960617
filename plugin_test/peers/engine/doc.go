// Package engine compares the processor time of a call through the engine with that
// of the same call through failsafe-go, without a network. It holds benchmarks and
// exports nothing; the module's README has the command.
//
// Each row makes the same calls through two sides. Both are a model.LLM, because that
// is what ADK calls. Their targets are the same model, which answers from memory, and
// they have the same errors, limits and retries. Some rows compare this module with
// itself: a compiled policy with the same tree built by hand, and a resumed stream
// with one a quarter as long.
//
// # Differences
//
// The engine does more per call. It classifies each failure; failsafe-go applies a
// predicate to the status. It limits the first content, the silence within a stream
// and the whole attempt; failsafe-go limits the whole attempt. Only the engine has a
// retry budget, records attempts and writes metadata into the answer.
//
// Cache: the engine's is bounded in bytes and time, joins equal requests that are in
// flight, and returns a copy of the answer. The one for failsafe-go is a map that only
// grows, and returns the stored answer itself. Its key is the SHA-256 hash of the
// request as JSON.
//
// failsafe-go makes the executors of its policies for each call. Each target has a
// fallback policy that calls the next target. The rows "in a loop" use a loop over the
// targets instead, which is cheaper for failsafe-go and needs code outside of it.
package engine
