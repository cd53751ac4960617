package openai

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/internal/plainjson"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/protocol"
)

// Request is a request for a chat completion, in the canonical form.
type Request struct {
	*model.LLMRequest          // without a model
	Named             string   // the model or route that the request names
	Fallbacks         []string // nil if the request has none of its own
	User              string   // "" if the request names none
	Streamed          bool

	includeUsage bool // in a stream
}

// fieldUser is the field with the user, which the gateway does not pass on.
const fieldUser = "user"

// Decode reads the body of a request for a chat completion. Unknown fields reach only targets
// that use chat completions. A field that is null counts as absent.
func Decode(body []byte) (*Request, *problem.Problem) {
	var wire openaiwire.Chat
	given := body
	body, err := protocol.Decode(given, func(body []byte) error {
		wire = openaiwire.Chat{}
		return wire.UnmarshalJSON(body) // json.Unmarshal would read the body twice more
	})
	if err == nil && !bytes.Equal(body, given) {
		err = wire.ReadExtra(given) // targets get unknown fields as they are
	}
	if err != nil {
		return nil, undecodable(body, err)
	}
	c := &Request{LLMRequest: &model.LLMRequest{Config: &genai.GenerateContentConfig{}}, Named: wire.Model, Streamed: wire.Stream}
	c.includeUsage = wire.StreamOptions != nil && wire.StreamOptions.IncludeUsage
	if at := withoutContent(body, wire.Messages); at >= 0 {
		path := fmt.Sprintf("messages[%d].content", at)
		return nil, problem.Invalid(path, path+" is missing; it must be a text or a list of parts")
	}
	for _, step := range []func(*openaiwire.Chat) *problem.Problem{c.own, c.messages, c.settings, c.tools, c.format} {
		if p := step(&wire); p != nil {
			return nil, p
		}
	}
	return c, nil
}

// undecodable returns the problem of a body that is not a request.
func undecodable(body []byte, err error) *problem.Problem {
	var typ *json.UnmarshalTypeError
	if !errors.As(err, &typ) {
		return problem.Invalid("", "the body is not valid JSON: "+err.Error())
	}
	field := typ.Field
	if strings.HasPrefix(field, "messages") || field == "" {
		field = wrongMessage(body, field)
	}
	return problem.Invalid(field, fmt.Sprintf("%s has the wrong type: %s", cmp.Or(field, "the body"), typ.Value))
}

// wrongMessage returns the path of the first field in the messages that cannot be decoded, or
// otherwise if there is none.
func wrongMessage(body []byte, otherwise string) string {
	var raw struct {
		Messages []json.RawMessage `json:"messages"`
	}
	if json.Unmarshal(body, &raw) != nil {
		return otherwise
	}
	for i, one := range raw.Messages {
		var message openaiwire.ChatMessage
		var typ *json.UnmarshalTypeError
		if err := json.Unmarshal(one, &message); errors.As(err, &typ) {
			at := fmt.Sprintf("messages[%d]", i)
			if typ.Field == "" {
				return at
			}
			return at + "." + typ.Field
		}
	}
	return otherwise
}

// withoutContent returns the index of the first message of a user that has no content, not even an
// empty one; -1 if there is none.
func withoutContent(body []byte, messages []openaiwire.ChatMessage) int {
	var raw struct {
		Messages []struct {
			Content json.RawMessage `json:"content"`
		} `json:"messages"`
	}
	for i := range messages {
		if m := &messages[i]; m.Role != "user" || m.Content.Text != "" || m.Content.Parts != nil {
			continue
		}
		if raw.Messages == nil && (json.Unmarshal(body, &raw) != nil || len(raw.Messages) != len(messages)) {
			return -1 // not reached: the body was decoded before
		}
		if content := raw.Messages[i].Content; len(content) == 0 || string(content) == "null" {
			return i
		}
	}
	return -1
}

// own reads the fields for the gateway, and keeps the fields for the target.
func (c *Request) own(wire *openaiwire.Chat) *problem.Problem {
	switch {
	case wire.Model == "":
		return problem.Invalid("model", "model is missing; GET /v1/models lists the models")
	case len(wire.Messages) == 0:
		return problem.Invalid("messages", "messages is empty; it must have at least one message")
	case wire.N != nil && *wire.N != 1:
		return problem.Invalid("n", "n must be 1: the gateway returns one choice")
	}
	if p := c.list(wire.Extra[protocol.FieldFallbacks]); p != nil {
		return p
	}
	if user := wire.Extra[fieldUser]; isSet(user) && json.Unmarshal(user, &c.User) != nil {
		return problem.Invalid(fieldUser, "user must be a string")
	}
	for _, old := range []string{"functions", "function_call"} {
		if isSet(wire.Extra[old]) {
			return problem.Invalid(old, old+" is not supported; use tools and tool_choice")
		}
	}
	fields := make(map[string]any, len(wire.Extra)+1)
	for name, value := range wire.Extra {
		if name != protocol.FieldFallbacks && name != fieldUser && isSet(value) {
			fields[name] = value
		}
	}
	if wire.ParallelToolCalls != nil {
		fields["parallel_tool_calls"] = *wire.ParallelToolCalls
	}
	request.SetFields(c.LLMRequest, request.Chat, fields)
	shared := map[string]any{}
	for _, name := range alsoOfResponses {
		if value, ok := fields[name]; ok {
			shared[name] = value
		}
	}
	request.SetFields(c.LLMRequest, request.Responses, shared)
	if wire.ParallelToolCalls != nil && !*wire.ParallelToolCalls {
		request.SetFields(c.LLMRequest, request.Messages, map[string]any{"disable_parallel_tool_use": true}) // see provider/anthropic
	}
	return nil
}

// alsoOfResponses are fields that OpenAI's Responses have too, with the same meaning. The canonical form has none of
// them. https://platform.openai.com/docs/api-reference/responses/create
var alsoOfResponses = []string{"parallel_tool_calls", "service_tier", "prompt_cache_key", "prompt_cache_retention", "safety_identifier"}

// list reads the request's own fallbacks.
func (c *Request) list(raw json.RawMessage) *problem.Problem {
	if !isSet(raw) {
		return nil
	}
	if json.Unmarshal(raw, &c.Fallbacks) != nil || c.Fallbacks == nil {
		return problem.Invalid(protocol.FieldFallbacks, "fallbacks must be a list of names of models")
	}
	return protocol.CheckFallbacks(c.Fallbacks)
}

// isSet reports whether a request has a field.
func isSet(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// object reads a JSON object.
func object(raw json.RawMessage) (fields map[string]any, ok bool) {
	fields, err := plainjson.Object(raw)
	return fields, err == nil && fields != nil
}
