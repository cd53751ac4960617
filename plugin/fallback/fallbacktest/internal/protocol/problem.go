package protocol

import (
	"net/http"
	"time"
)

// Problem is an error that does not depend on a protocol. Each protocol writes it with the
// status and the body that its API uses.
type Problem struct {
	Kind  Kind
	Retry time.Duration // for MinuteQuota: the wait that the error asks for
	Text  string        // for BadRequest: what is wrong; the other kinds have texts of their own
}

// Kind is what has happened.
type Kind int

const (
	_ Kind = iota
	DailyQuota
	MinuteQuota
	Exhausted
	Overloaded
	Capacity
	Internal
	Deadline
	ContextLength
	InvalidKey
	NotFound
	Location
	BadRequest
)

// Status is an HTTP response that is not an answer: one that is given literally,
// or a problem that the protocol of the request puts into words.
type Status struct {
	Problem Problem // if its kind is set, the rest is empty

	Code   int
	Header http.Header
	Body   string
}

// In returns the status as the protocol writes it.
func (s Status) In(proto Protocol, req *Request) Status {
	if s.Problem.Kind == 0 {
		return s
	}
	return proto.Problem(req, s.Problem)
}
