package protocol

import (
	"net/http"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/strict"
)

// Protocol is the wire format of one provider API: it recognizes a request, reads
// it, and writes answers and errors. Steps and faults know nothing of it, so
// another API is one more implementation. Implementations hold no state.
type Protocol interface {
	// Owns reports whether the request is one of this API's calls for content.
	Owns(r *http.Request) bool
	// Decode fills in what the URL and the body say. After an error the request
	// may be filled in part; the error's text is sent to the client.
	Decode(r *http.Request, body []byte, req *Request) error

	// Document writes a unary answer.
	Document(req *Request, a Answer) []byte
	// Events writes a streamed answer: one piece for each part of the answer, and at
	// least one. Events with which the API frames an answer belong to the first and
	// the last piece, so that a fault strikes at the same word in every protocol;
	// with MetadataFirst the opening ones are a piece of their own.
	Events(req *Request, a Answer) [][]byte
	// ErrorEvent writes an error's body as an event of a stream.
	ErrorEvent(body string) []byte
	// Problem writes an error.
	Problem(req *Request, p Problem) Status

	// Check returns what the real API refuses about a request that Decode has
	// accepted, or nil if it accepts the request. It is called in strict mode only.
	Check(r *http.Request, body []byte, req *Request) *Violation
}

// Blocker is a protocol that answers a blocked prompt with an HTTP status, if the request says
// so, and otherwise with an answer.
type Blocker interface {
	BlockedStatus(req *Request) (Status, bool)
}

// Violation is a request that the API refuses.
type Violation struct {
	Text   string // for the author of a test
	Status Status // as the API says it
}

// Asked is what the rules see of a request.
func Asked(r *http.Request, body []byte, req *Request) strict.Request {
	return strict.Request{Model: req.Model, Path: req.Path, Header: r.Header, Body: body}
}

// Refused returns a violation with the status as write has it, nil if there is none.
func Refused(v *strict.Violation, write func(*strict.Violation) Status) *Violation {
	if v == nil {
		return nil
	}
	return &Violation{Text: v.Text(), Status: write(v)}
}
