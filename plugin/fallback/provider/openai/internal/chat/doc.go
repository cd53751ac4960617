// Package chat calls models through chat completions, which many servers speak, each in
// a dialect of its own. It writes the body of a request as its server and model take it,
// and reads answers and streams as real servers send them.
//
// Package openaiwire has the protocol itself, package api what chat completions have in
// common with the Responses API.
package chat
