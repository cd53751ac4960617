// Package turn is what the FallbackPlugin does, written once for both majors
// of ADK: it knows contexts by three methods and requests and responses by v2's
// types, to which v1's convert.
//
// A turn is one ADK invocation. Within it, state is kept for each agent and
// branch, since ADK hands every callback a fresh context and runs agents in
// parallel.
package turn
