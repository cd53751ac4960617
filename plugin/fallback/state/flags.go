package state

import "time"

// Flag returns a switch for the flag of a key, which is the same flag for all switches of
// that key in all replicas.
//
// on is called when another switch, of this replica or of another, has raised or lowered
// the flag, and once soon if the flag is up already. It is called on a goroutine of s, one
// call at a time, with the flag as it is then: For is what is left, 0 if it is down. It is
// not called when a flag ends by itself. It must return soon. Nil means that nothing is
// called.
//
// s does not keep the switch alive: whoever needs on to be called must hold it.
func (s *Shared) Flag(key string, on func(Flag)) *Switch { return &Switch{} }

// Switch raises and lowers a flag. Its methods never wait for the store: the flag's latest
// state is sent in the background, and again after an outage. A nil Switch does nothing.
type Switch struct{}

// Raise raises the flag for d from now on, in place of what it was. reason says why in a
// few words without personal data; at most 256 bytes of it are kept. A d of 0 or less
// lowers the flag.
func (w *Switch) Raise(d time.Duration, reason string) {}

// Lower lowers the flag, whoever has raised it.
func (w *Switch) Lower() {}

// Stop ends the calls of on. A call that has begun goes on.
func (w *Switch) Stop() {}
