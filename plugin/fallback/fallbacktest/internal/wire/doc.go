// Package wire reads requests as they came, without the types of a client: a server
// that shared those would not notice when a client sends a name that does not exist.
//
// What the protocols' decoders and the rules of package strict both need to read of
// a request belongs here. What a value means does not.
package wire
