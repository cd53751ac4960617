// Package turn is what the FallbackPlugin does, written once for both majors
// of ADK. It uses three methods of a context, and v2's types of requests and responses, to
// which v1's can be converted.
//
// A turn is one ADK invocation. Within it, state is kept for each agent and
// branch, since ADK hands every callback a fresh context and runs agents in
// parallel.
package turn
