// Package chat calls models through chat completions, which many servers speak, each in
// a dialect of its own. It writes the body of a request as its server and model take it,
// and reads answers and streams as real servers send them.
//
// The types of the protocol are in package openaiwire. Code shared with package responses
// is in package api.
package chat
