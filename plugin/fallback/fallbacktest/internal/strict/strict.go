package strict

import "net/http"

type object = map[string]any

// Request is what the rules may know of a request that the server has read. Its body
// is a JSON object.
type Request struct {
	Model  string
	Path   string      // of the URL
	Header http.Header // as sent, credentials included
	Body   []byte
}

// Violation is what an API says of a request that it refuses.
type Violation struct {
	Status      int    // of HTTP
	Kind        string // the error's type, or Google's status
	Message     string
	Param, Code string // OpenAI's only; empty where it says null
}

// Text is the violation in words for the author of a test.
func (v *Violation) Text() string {
	if v.Param == "" {
		return v.Message
	}
	return v.Param + ": " + v.Message
}
