package protocol

import (
	"encoding/json"
	"time"

	"google.golang.org/genai"
)

// Request is what a protocol may know of a request.
type Request struct {
	Model  string // set by Decode
	Stream bool   // set by Decode
	Index  int    // how many requests for this model came before
	Time   time.Time
	Path   string // of the URL
	Body   []byte

	// Set by Decode, in genai's terms.
	Contents []*genai.Content
	System   *genai.Content
	Tools    []*genai.Tool
}

// FunctionResult is a tool's output in genai's terms: a JSON object as it is, and
// anything else as the key "output", which genai documents for it.
func FunctionResult(id, name, output string) *genai.Part {
	var response map[string]any
	if json.Unmarshal([]byte(output), &response) != nil || response == nil {
		response = map[string]any{"output": output}
	}
	return &genai.Part{FunctionResponse: &genai.FunctionResponse{ID: id, Name: name, Response: response}}
}
