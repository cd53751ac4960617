// Package signature makes what the scripted models sign their thoughts and calls
// with, and knows it again. As in reality a client can only send it back unchanged.
// Nothing is secret: what counts is that it differs from what anybody else makes.
//
// The packages below protocol decide when a model signs. Package strict decides what an API
// does about a signature that is missing or not its own.
package signature
