package wire

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/adk-fallback/adk-fallback/internal/jsonscan"
)

// Response is the answer of the Responses API, whole or as an event tells of
// it.
type Response struct {
	ID                string          `json:"id,omitempty"`
	Object            string          `json:"object,omitempty"` // "response"
	CreatedAt         int64           `json:"created_at,omitempty"`
	Status            string          `json:"status,omitempty"` // one of the constants below
	Model             string          `json:"model,omitempty"`
	Output            []Item          `json:"output"`
	Usage             *Usage          `json:"usage,omitempty"`
	IncompleteDetails *Incomplete     `json:"incomplete_details,omitempty"`
	Error             json.RawMessage `json:"error,omitempty"` // nil unless there is one
}

// The states of a response.
const (
	StatusCompleted  = "completed"
	StatusIncomplete = "incomplete"
	StatusFailed     = "failed"
	StatusCancelled  = "cancelled"
	StatusInProgress = "in_progress"
	StatusQueued     = "queued"
)

// Incomplete says why an answer is not complete.
type Incomplete struct {
	Reason string `json:"reason,omitempty"` // max_output_tokens, content_filter
}

// Usage counts tokens. Input holds the cached ones, output the
// reasoning.
type Usage struct {
	InputTokens         int64         `json:"input_tokens"`
	InputTokensDetails  InputDetails  `json:"input_tokens_details"`
	OutputTokens        int64         `json:"output_tokens"`
	OutputTokensDetails OutputDetails `json:"output_tokens_details"`
	TotalTokens         int64         `json:"total_tokens"`
}

// InputDetails are parts of the input's tokens.
type InputDetails struct {
	CachedTokens int64 `json:"cached_tokens"`
}

// OutputDetails are parts of the output's tokens.
type OutputDetails struct {
	ReasoningTokens int64 `json:"reasoning_tokens"`
}

// DecodeResponse reads a response, or an error in the place of one: Response.Error
// is then set. It keeps nothing of data. What it does not use, such as the
// echo of the instructions and tools, is skipped, not decoded.
func DecodeResponse(data []byte) (*Response, error) {
	r := &Response{}
	var failed error
	err := jsonscan.Members(data, func(key, value []byte) {
		var err error
		switch string(key) {
		case "id":
			r.ID, _ = jsonscan.Unquote(value)
		case "status":
			r.Status, _ = jsonscan.Unquote(value)
		case "model":
			r.Model, _ = jsonscan.Unquote(value)
		case "output":
			err = json.Unmarshal(value, &r.Output)
		case "usage":
			err = json.Unmarshal(value, &r.Usage)
		case "incomplete_details":
			err = json.Unmarshal(value, &r.IncompleteDetails)
		case "error":
			if isSomething(value) {
				r.Error = bytes.Clone(value)
			}
		}
		if err = lenient(err); err != nil && failed == nil {
			failed = fmt.Errorf("field %q: %w", key, err)
		}
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return nil, fmt.Errorf("responses: response: %w", err)
	}
	return r, nil
}

// isSomething reports whether a JSON value says anything: some servers write
// null, {}, "" or false where there is no error.
func isSomething(value []byte) bool {
	switch string(value) {
	case "", "null", "{}", `""`, "false", "[]":
		return false
	}
	return true
}
