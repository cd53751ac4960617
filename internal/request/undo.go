package request

import (
	"slices"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

// continueText is the user turn that ADK's Gemini model appends to a request
// that does not end with one.
const continueText = "Continue processing previous requests as instructed. Exit or provide a summary if no more outputs are needed."

// UndoGemini takes from req, a copy, what ADK's Gemini model has written into
// the request of a call: another model is to see what the agent asked.
func UndoGemini(req *model.LLMRequest) {
	if n := len(req.Contents); n > 1 && isContinueTurn(req.Contents[n-1]) {
		req.Contents = req.Contents[:n-1]
	}
	if req.Config == nil || req.Config.HTTPOptions == nil {
		return
	}
	for _, name := range []string{"X-Goog-Api-Client", "User-Agent"} {
		if strings.HasPrefix(req.Config.HTTPOptions.Headers.Get(name), "google-adk/") {
			req.Config.HTTPOptions.Headers.Del(name)
		}
	}
}

func isContinueTurn(content *genai.Content) bool {
	return content != nil && content.Role == genai.RoleUser && len(content.Parts) == 1 &&
		content.Parts[0] != nil && content.Parts[0].Text == continueText
}

// EndsWithResults reports whether req hands the model the results of its function
// calls.
func EndsWithResults(req *model.LLMRequest) bool {
	contents := req.Contents
	if n := len(contents); n > 1 && isContinueTurn(contents[n-1]) {
		contents = contents[:n-1]
	}
	if len(contents) == 0 || contents[len(contents)-1] == nil {
		return false
	}
	return slices.ContainsFunc(contents[len(contents)-1].Parts, func(p *genai.Part) bool { return p != nil && p.FunctionResponse != nil })
}
