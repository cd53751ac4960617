// Package api has what chat completions and the Responses API share: the server that
// they are called at, and those values of an agent's request and of an answer that both
// write alike, such as names, tools, schemas, settings and log probabilities.
//
// The bodies themselves are in packages chat and responses, which do not know each
// other. What only one of them needs belongs there.
package api
