package fallbacktest

import (
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/protocol"
)

// timing says how long the server waits, and before what. Zero means no wait.
type timing struct {
	headers time.Duration // before anything is sent
	first   time.Duration // between the headers and the first event
	pace    time.Duration // between one event and the next
}

// After waits d before anything is sent, headers included.
func (s Step) After(d time.Duration) Step {
	s.timing.headers = d
	return s
}

// FirstAfter sends the headers at once and the first event (or the body of a
// unary answer or a status) d later.
func (s Step) FirstAfter(d time.Duration) Step {
	s.timing.first = d
	return s
}

// Pace waits d between one event and the next.
func (s Step) Pace(d time.Duration) Step {
	s.timing.pace = d
	return s
}

// KeepAlive sends n comment lines before the first event of a stream, as servers
// do while a model is slow to begin. They are timed and counted as events are: with
// [Step.Pace] one comes every so often. A unary answer has none, and an n below
// zero is zero.
func (s Step) KeepAlive(n int) Step {
	s.keepAlives = max(n, 0)
	return s
}

// fault says where a response breaks. The zero value breaks nowhere.
type fault struct {
	ending ending
	at     int  // events, or bytes of the body, sent before the ending
	bytes  bool // at counts bytes

	malformedAt int // event, from 1; 0 means none
	errorAt     int // event, from 1; 0 means none
	err         protocol.Status
}

// ending is how a response stops before it is whole.
type ending int

const (
	whole ending = iota
	cut          // the body ends early, in proper HTTP
	abort        // the connection is closed in the middle of the body
	stall        // nothing more is sent, and the connection stays open
)

// CutAfter ends the stream after n events in proper HTTP: to the client it looks
// complete. Real providers do this when a backend dies behind their front end.
func (s Step) CutAfter(n int) Step { return s.end(cut, n, false) }

// CutAfterBytes is [Step.CutAfter] after n bytes of the body.
func (s Step) CutAfterBytes(n int) Step { return s.end(cut, n, true) }

// AbortAfter closes the connection after n events, without ending the body. The
// client sees [io.ErrUnexpectedEOF].
func (s Step) AbortAfter(n int) Step { return s.end(abort, n, false) }

// AbortAfterBytes is [Step.AbortAfter] after n bytes of the body.
func (s Step) AbortAfterBytes(n int) Step { return s.end(abort, n, true) }

// StallAfter sends n events and then nothing more, until the client goes away or
// the server is closed.
func (s Step) StallAfter(n int) Step { return s.end(stall, n, false) }

func (s Step) end(e ending, at int, bytes bool) Step {
	s.fault.ending, s.fault.at, s.fault.bytes = e, max(at, 0), bytes
	return s
}

// MalformedAt sends event n, counted from 1, as broken JSON, and the others as
// they are. Beyond the last event, the broken one comes after it.
func (s Step) MalformedAt(n int) Step {
	s.fault.malformedAt = max(n, 1)
	return s
}

// ErrorAt sends, in place of event n (counted from 1) and all that follow, the
// body of err as an event of the stream, whose status stays 200. To a unary
// request it answers err itself. err is a status step such as [Overloaded]; for
// any other kind of step the error is [Internal].
func (s Step) ErrorAt(n int, err Step) Step {
	if err.kind != kindStatus {
		err = Internal()
	}
	s.fault.errorAt, s.fault.err = max(n, 1), err.status
	return s
}
