// Package sse reads and writes server-sent events, in which servers of every
// vendor stream their answers. What is read here is what servers really send, not
// only what the specification promises; what is written follows the
// specification.
package sse
