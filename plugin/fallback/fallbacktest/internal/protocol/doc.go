// Package protocol is between the scripted server and the APIs that it speaks. A
// [Protocol] reads one API's requests, and writes the [Answer] or the [Problem] of a step
// in that API's form. Each vendor's protocols are in a package below this one, which imports
// this one; no vendor's package imports another.
//
// What two vendors' packages need to read requests or to write answers belongs here or,
// if package strict needs it too, in package wire. Package fallbacktest decides when an answer
// is sent and where it breaks off; package strict decides what an API refuses. The tests
// are those of fallbacktest, which see the bytes as a client does.
package protocol
