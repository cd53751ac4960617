package turn

import (
	"cmp"
	"fmt"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// ExhaustedError ends an outer loop when no model is left to call. Its verdict is the
// latest failure's.
type ExhaustedError struct {
	Agent    string          // the agent whose models have failed
	Code     string          // of the latest failure, as in the metadata of its event
	Message  string          // of the latest failure
	Metadata call.Metadata   // the attempts
	Means    failure.Verdict // the verdict of the latest failure
}

func newExhausted(last Event, md call.Metadata) *ExhaustedError {
	means, _ := failure.ClassifyResponse(last.Response, failure.Expect{})
	return &ExhaustedError{
		Agent: last.Author, Code: md.ErrorCode, Message: last.Response.ErrorMessage, Metadata: md, Means: means,
	}
}

func (e *ExhaustedError) Error() string {
	text := fmt.Sprintf("fallback: no model answered agent %q, %d failed", e.Agent, e.Metadata.Attempt)
	if e.Code != "" {
		text += "; the last with " + e.Code
	}
	if why := cmp.Or(e.Message, e.Means.Reason); why != "" {
		text += ": " + why
	}
	return text
}

// Verdict returns Means, for package failure.
func (e *ExhaustedError) Verdict() failure.Verdict { return e.Means }
