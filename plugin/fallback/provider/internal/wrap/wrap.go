// Package wrap wraps the schema of an answer in that of an object, because functions
// and some APIs take nothing else, and unwraps the answer.
//
// It changes no request: package provider decides which target needs it, and puts the
// schema into its place.
package wrap

import (
	"encoding/json"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
)

// OfCall returns a function that turns a call of set_model_response into text:
//
//   - A partial answer loses its text, with which the final answer will not begin. Nothing
//     may be left of it: nil.
//   - A final answer whose only call is set_model_response becomes its arguments as
//     JSON text. Thoughts stay; other texts go, as they would spoil the JSON. Of
//     several such calls the last counts.
//   - Beside calls of other functions it is dropped: the model answers after their
//     results.
//   - An answer without that call passes unchanged.
//
// wrapped says that the answer is in a property of the arguments, enum that it is
// a bare word.
func OfCall(wrapped, enum bool) func(*model.LLMResponse) *model.LLMResponse {
	return func(resp *model.LLMResponse) *model.LLMResponse {
		if resp == nil || resp.Content == nil {
			return resp
		}
		if resp.Partial {
			return request.WithText(resp, "")
		}
		var answer *genai.FunctionCall
		others := false
		for _, part := range resp.Content.Parts {
			switch {
			case part == nil || part.FunctionCall == nil:
			case part.FunctionCall.Name == Tool:
				answer = part.FunctionCall
			default:
				others = true
			}
		}
		if answer == nil {
			return resp
		}
		text, ok := textOf(answer.Args, wrapped, enum)
		if !ok && !others {
			return resp
		}
		var parts []*genai.Part
		for _, part := range resp.Content.Parts {
			isAnswer := part != nil && part.FunctionCall != nil && part.FunctionCall.Name == Tool
			if part == nil || isAnswer || !others && !part.Thought && part.Text != "" {
				continue
			}
			parts = append(parts, part)
		}
		if !others {
			parts = append(parts, &genai.Part{Text: text})
		}
		return withParts(resp, parts)
	}
}

// textOf returns the answer that args are.
func textOf(args map[string]any, wrapped, enum bool) (string, bool) {
	var value any = args
	if args == nil {
		value = map[string]any{}
	}
	if wrapped {
		inner, ok := args[wrapper]
		if !ok {
			return "", false
		}
		value = inner
	}
	if word, ok := value.(string); ok && enum {
		return word, true
	}
	data, err := json.Marshal(value)
	return string(data), err == nil
}

// OfObject returns a function that extracts an answer from the object that its
// schema was wrapped in. A partial answer loses its text, as in [OfCall]. Answers of
// another form pass unchanged.
func OfObject(enum bool) func(*model.LLMResponse) *model.LLMResponse {
	return func(resp *model.LLMResponse) *model.LLMResponse {
		if resp == nil || resp.Content == nil {
			return resp
		}
		if resp.Partial {
			return request.WithText(resp, "")
		}
		var text strings.Builder
		var parts []*genai.Part
		for _, part := range resp.Content.Parts {
			if part != nil && part.Text != "" && !part.Thought {
				text.WriteString(part.Text)
				continue
			}
			parts = append(parts, part)
		}
		var object map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text.String()), &object); err != nil || object[wrapper] == nil {
			return resp
		}
		answer := string(object[wrapper])
		var word string
		if enum && json.Unmarshal(object[wrapper], &word) == nil {
			answer = word
		}
		return withParts(resp, append(parts, &genai.Part{Text: answer}))
	}
}

// Through returns a yield that converts responses first, and skips those of which nothing
// is left.
func Through(convert func(*model.LLMResponse) *model.LLMResponse, yield func(*model.LLMResponse, error) bool) func(*model.LLMResponse, error) bool {
	return func(resp *model.LLMResponse, err error) bool {
		if resp != nil {
			if resp = convert(resp); resp == nil {
				return true
			}
		}
		return yield(resp, err)
	}
}

// withParts returns a copy of resp with other parts.
func withParts(resp *model.LLMResponse, parts []*genai.Part) *model.LLMResponse {
	changed, content := *resp, *resp.Content
	content.Parts = parts
	changed.Content = &content
	return &changed
}
