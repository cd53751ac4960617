package gateway

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/protocol"
)

// chatRequest is a request for a chat completion, in the canonical form.
type chatRequest struct {
	*model.LLMRequest
	model        string
	fallbacks    []string // nil if the request has none of its own
	user         string
	streamed     bool
	includeUsage bool
}

// fieldUser is the field with the user, which the gateway does not pass on.
const fieldUser = "user"

// decodeChat reads the body of a request. Unknown fields reach only targets that use chat
// completions.
func decodeChat(body []byte) (*chatRequest, *problem.Problem) {
	var wire openaiwire.Chat
	if err := json.Unmarshal(body, &wire); err != nil {
		return nil, undecodable(body, err)
	}
	c := &chatRequest{LLMRequest: &model.LLMRequest{Config: &genai.GenerateContentConfig{}}, model: wire.Model, streamed: wire.Stream}
	c.includeUsage = wire.StreamOptions != nil && wire.StreamOptions.IncludeUsage
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

// own reads the fields for the gateway, and keeps the fields for the target.
func (c *chatRequest) own(wire *openaiwire.Chat) *problem.Problem {
	switch {
	case wire.Model == "":
		return problem.Invalid("model", "model is missing; GET /v1/models lists the models")
	case len(wire.Messages) == 0:
		return problem.Invalid("messages", "messages is empty; it must have at least one message")
	case wire.N < 0 || wire.N > 1:
		return problem.Invalid("n", "n must be 1: the gateway returns one choice")
	}
	if p := c.list(wire.Extra[protocol.FieldFallbacks]); p != nil {
		return p
	}
	if user, ok := wire.Extra[fieldUser]; ok && string(user) != "null" && json.Unmarshal(user, &c.user) != nil {
		return problem.Invalid(fieldUser, "user must be a string")
	}
	for _, old := range []string{"functions", "function_call"} {
		if _, ok := wire.Extra[old]; ok {
			return problem.Invalid(old, old+" is not supported; use tools and tool_choice")
		}
	}
	fields := make(map[string]any, len(wire.Extra)+1)
	for name, value := range wire.Extra {
		if name != protocol.FieldFallbacks && name != fieldUser {
			fields[name] = value
		}
	}
	if wire.ParallelToolCalls != nil {
		fields["parallel_tool_calls"] = *wire.ParallelToolCalls
	}
	request.SetFields(c.LLMRequest, request.Chat, fields)
	return nil
}

// list reads the request's own fallbacks.
func (c *chatRequest) list(raw json.RawMessage) *problem.Problem {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	if json.Unmarshal(raw, &c.fallbacks) != nil || c.fallbacks == nil {
		return problem.Invalid(protocol.FieldFallbacks, "fallbacks must be a list of names of models")
	}
	return protocol.CheckFallbacks(c.fallbacks)
}

// settings reads the generation settings.
func (c *chatRequest) settings(wire *openaiwire.Chat) *problem.Problem {
	config := c.Config
	for _, f := range []struct {
		name  string
		value *float64
	}{{"temperature", wire.Temperature}, {"top_p", wire.TopP}, {"presence_penalty", wire.PresencePenalty}, {"frequency_penalty", wire.FrequencyPenalty}} {
		if f.value != nil && math.Abs(*f.value) > math.MaxFloat32 { // which would be infinite, and no JSON
			return problem.Invalid(f.name, f.name+" is too large")
		}
	}
	config.Temperature, config.TopP, config.TopK = float(wire.Temperature), float(wire.TopP), wholeFloat(wire.TopK)
	config.PresencePenalty, config.FrequencyPenalty = float(wire.PresencePenalty), float(wire.FrequencyPenalty)
	most := wire.MaxCompletionTokens
	if most == 0 {
		most = wire.MaxTokens
	}
	if most < 0 || wire.MaxTokens < 0 {
		return problem.Invalid("max_tokens", "max_tokens and max_completion_tokens must be at least 1")
	}
	config.MaxOutputTokens = int32(min(most, math.MaxInt32))
	config.StopSequences = wire.Stop
	for _, seed := range []*int64{wire.Seed, wire.RandomSeed} {
		if seed != nil {
			config.Seed = genai.Ptr(int32(*seed)) // the lower 32 bits of a longer seed
		}
	}
	switch {
	case wire.TopLogprobs < 0 || wire.TopLogprobs > 20:
		return problem.Invalid("top_logprobs", "top_logprobs must be from 0 to 20")
	case wire.TopLogprobs > 0 && !wire.Logprobs:
		return problem.Invalid("top_logprobs", "top_logprobs needs logprobs: true")
	case wire.Logprobs:
		config.ResponseLogprobs = true
		if wire.TopLogprobs > 0 {
			config.Logprobs = genai.Ptr(int32(wire.TopLogprobs))
		}
	}
	for _, modality := range wire.Modalities {
		config.ResponseModalities = append(config.ResponseModalities, strings.ToUpper(modality))
	}
	if len(wire.Modalities) == 1 && wire.Modalities[0] == "text" {
		config.ResponseModalities = nil // the default
	}
	config.Labels = wire.Metadata
	return c.effort(wire.ReasoningEffort)
}

// effort reads reasoning_effort.
func (c *chatRequest) effort(effort string) *problem.Problem {
	switch effort {
	case "":
	case "none":
		c.Config.ThinkingConfig = &genai.ThinkingConfig{ThinkingBudget: genai.Ptr[int32](0)}
	case "minimal", "low", "medium", "high", "xhigh", "max":
		c.Config.ThinkingConfig = &genai.ThinkingConfig{ThinkingLevel: genai.ThinkingLevel(strings.ToUpper(effort))}
	default:
		return problem.Invalid("reasoning_effort", "reasoning_effort must be none, minimal, low, medium, high, xhigh or max")
	}
	return nil
}

// tools reads the functions, and how the model chooses among them.
func (c *chatRequest) tools(wire *openaiwire.Chat) *problem.Problem {
	tool := &genai.Tool{}
	for i, t := range wire.Tools {
		at := fmt.Sprintf("tools[%d]", i)
		if t.Type != "" && t.Type != "function" {
			return problem.Invalid(at+".type", "tools of type "+problem.Quote(t.Type)+" are not supported; use functions")
		}
		declared := &genai.FunctionDeclaration{Name: t.Function.Name, Description: t.Function.Description}
		if declared.Name == "" {
			return problem.Invalid(at+".function.name", "a function needs a name")
		}
		if len(t.Function.Parameters) > 0 && string(t.Function.Parameters) != "null" {
			schema, ok := object(t.Function.Parameters)
			if !ok {
				return problem.Invalid(at+".function.parameters", "parameters must be a JSON Schema, an object")
			}
			declared.ParametersJsonSchema = schema
		}
		tool.FunctionDeclarations = append(tool.FunctionDeclarations, declared)
	}
	if len(tool.FunctionDeclarations) > 0 {
		c.Config.Tools = []*genai.Tool{tool}
	}
	return c.choice(wire.ToolChoice)
}

// choice reads tool_choice.
func (c *chatRequest) choice(raw json.RawMessage) *problem.Problem {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var word string
	var named struct {
		Type     string                  `json:"type"`
		Function openaiwire.ChatFunction `json:"function"`
		Allowed  struct {
			Mode  string                `json:"mode"`
			Tools []openaiwire.ChatTool `json:"tools"`
		} `json:"allowed_tools"`
	}
	choice := &genai.FunctionCallingConfig{}
	if raw[0] == '"' {
		_ = json.Unmarshal(raw, &word) // cannot fail: it was decoded as part of the request
	} else if json.Unmarshal(raw, &named) == nil {
		switch {
		case named.Type == "function" && named.Function.Name != "":
			word, choice.AllowedFunctionNames = "required", []string{named.Function.Name}
		case named.Type == "allowed_tools":
			word = named.Allowed.Mode
			for _, tool := range named.Allowed.Tools {
				choice.AllowedFunctionNames = append(choice.AllowedFunctionNames, tool.Function.Name)
			}
		}
	}
	switch word {
	case "none":
		choice.Mode = genai.FunctionCallingConfigModeNone
	case "auto":
		choice.Mode = genai.FunctionCallingConfigModeAuto
		if len(choice.AllowedFunctionNames) > 0 {
			choice.Mode = genai.FunctionCallingConfigModeValidated // auto, limited to some functions
		}
	case "required":
		choice.Mode = genai.FunctionCallingConfigModeAny
	default:
		return problem.Invalid("tool_choice", "tool_choice must be none, auto, required or a function")
	}
	if len(c.Config.Tools) == 0 && word == "required" {
		return problem.Invalid("tool_choice", "tool_choice needs tools")
	}
	c.Config.ToolConfig = &genai.ToolConfig{FunctionCallingConfig: choice}
	return nil
}

// format reads response_format.
func (c *chatRequest) format(wire *openaiwire.Chat) *problem.Problem {
	f := wire.ResponseFormat
	if f == nil {
		return nil
	}
	switch f.Type {
	case "text":
		return nil
	case "json_object":
	case "json_schema":
		if f.JSONSchema == nil {
			return problem.Invalid("response_format.json_schema", "json_schema is missing")
		}
		schema, ok := object(f.JSONSchema.Schema)
		if !ok {
			return problem.Invalid("response_format.json_schema.schema", "schema must be a JSON Schema, an object")
		}
		c.Config.ResponseJsonSchema = schema
	default:
		return problem.Invalid("response_format.type", "response_format.type must be text, json_object or json_schema")
	}
	c.Config.ResponseMIMEType = "application/json"
	return nil
}

// object reads a JSON object.
func object(raw json.RawMessage) (fields map[string]any, ok bool) {
	raw = bytes.TrimSpace(raw)
	return fields, len(raw) > 0 && raw[0] == '{' && json.Unmarshal(raw, &fields) == nil
}

func float(f *float64) *float32 {
	if f == nil {
		return nil
	}
	return genai.Ptr(float32(*f))
}

func wholeFloat(n *int64) *float32 {
	if n == nil {
		return nil
	}
	return genai.Ptr(float32(*n))
}
