package fallbacktest

import (
	"net/http"
	"slices"
	"time"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/protocol"
)

// Request is one request as the server saw it. It is a snapshot: it does not
// change later, and what it points to is shared and must not be changed.
type Request struct {
	Model  string    // name without "models/"; empty if the path is no call for content
	Stream bool      // streamed or unary
	Index  int       // how many requests for this model came before
	Time   time.Time // when its body was read
	Path   string    // URL path without the query
	// Header is the request's header, with the values of credentials (such as
	// X-Goog-Api-Key and Authorization) replaced by "REDACTED".
	Header http.Header
	Body   []byte // as sent

	// From the body, empty where it says nothing or cannot be read.
	Contents []*genai.Content
	System   *genai.Content
	Tools    []*genai.Tool

	// Violation says why strict mode refused the request; empty if it did not.
	Violation string

	Outcome Outcome
	Ended   time.Time // zero while in flight
}

// Outcome is how an exchange ended, as far as the server could see. It is final
// once the client has read the response to its end, or the server is closed. A
// client that leaves while the last bytes are under way may be seen either way.
type Outcome string

const (
	InFlight   Outcome = ""            // not ended yet
	Completed  Outcome = "completed"   // everything the step had to say was sent
	Broken     Outcome = "broken"      // ended early by the script: reset, cut or aborted
	ClientGone Outcome = "client gone" // the client left first, or the server was closed
)

// view returns what a protocol may know of the request.
func (r *Request) view() *protocol.Request {
	return &protocol.Request{
		Model: r.Model, Stream: r.Stream, Index: r.Index, Time: r.Time, Path: r.Path, Body: r.Body,
		Contents: r.Contents, System: r.System, Tools: r.Tools,
	}
}

// decoded fills in what a protocol has read.
func (r *Request) decoded(view *protocol.Request) {
	r.Model, r.Stream = view.Model, view.Stream
	r.Contents, r.System, r.Tools = view.Contents, view.System, view.Tools
}

// Text returns the text of the last content, which is the user's question or, if
// that is a function's result, empty.
func (r Request) Text() string {
	text := ""
	for _, p := range r.lastParts() {
		text += p.Text
	}
	return text
}

// FunctionResponse returns the result of the named function if the last content
// carries one, else nil. An empty name means any function.
func (r Request) FunctionResponse(name string) *genai.FunctionResponse {
	for _, p := range r.lastParts() {
		if f := p.FunctionResponse; f != nil && (name == "" || f.Name == name) {
			return f
		}
	}
	return nil
}

func (r Request) lastParts() []*genai.Part {
	if len(r.Contents) == 0 || r.Contents[len(r.Contents)-1] == nil {
		return nil
	}
	parts := slices.Clone(r.Contents[len(r.Contents)-1].Parts)
	return slices.DeleteFunc(parts, func(p *genai.Part) bool { return p == nil })
}

// redacted copies h without the values of credentials.
func redacted(h http.Header) http.Header {
	out := h.Clone()
	for _, key := range []string{"X-Goog-Api-Key", "Authorization", "Api-Key", "X-Api-Key", "Proxy-Authorization", "Cookie"} {
		if out.Get(key) != "" {
			out.Set(key, "REDACTED")
		}
	}
	return out
}
