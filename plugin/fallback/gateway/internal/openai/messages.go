package openai

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
)

// messages reads the conversation.
func (c *Request) messages(wire *openaiwire.Chat) *problem.Problem {
	called := calls{}
	for i := range wire.Messages {
		m, at := &wire.Messages[i], fmt.Sprintf("messages[%d]", i)
		var p *problem.Problem
		switch m.Role {
		case "system", "developer":
			p = c.instruct(m, at)
		case "user":
			p = c.say(m, at)
		case "assistant":
			p = c.answered(m, at, called)
		case "tool":
			p = c.result(m, at, called)
		default:
			p = problem.Invalid(at+".role", "role must be system, developer, user, assistant or tool, not "+problem.Quote(m.Role))
		}
		if p != nil {
			return p
		}
	}
	return nil
}

// calls are the names of called functions, by the id of the call. If several answers have an id, the
// last one counts. Some servers give several calls of an answer the same id: the name of the function,
// or none.
type calls map[string][]string

// add adds the calls of an answer.
func (c calls) add(of []openaiwire.ChatToolCall) {
	for _, call := range of {
		delete(c, call.ID)
	}
	for _, call := range of {
		c[call.ID] = append(c[call.ID], call.Function.Name)
	}
}

// take returns the name of the function that was called with an id: of several, the first one
// without a result. ok is false if there is no call with that id.
func (c calls) take(id string) (name string, ok bool) {
	names := c[id]
	if len(names) == 0 {
		return "", false
	}
	if len(names) > 1 {
		c[id] = names[1:]
	}
	return names[0], true
}

// instruct adds an instruction. All instructions of the conversation are joined at its start.
func (c *Request) instruct(m *openaiwire.ChatMessage, at string) *problem.Problem {
	parts, p := texts(m.Content, at)
	if p != nil {
		return p
	}
	mark(parts, m)
	if c.Config.SystemInstruction == nil {
		c.Config.SystemInstruction = &genai.Content{Role: genai.RoleUser}
	}
	c.Config.SystemInstruction.Parts = append(c.Config.SystemInstruction.Parts, parts...)
	return nil
}

func (c *Request) say(m *openaiwire.ChatMessage, at string) *problem.Problem {
	content := &genai.Content{Role: genai.RoleUser}
	if m.Content.Parts == nil {
		content.Parts = []*genai.Part{{Text: m.Content.Text}}
	}
	for i := range m.Content.Parts {
		part, p := partOf(&m.Content.Parts[i], fmt.Sprintf("%s.content[%d]", at, i))
		if p != nil {
			return p
		}
		part.PartMetadata = breakpoint(m.Content.Parts[i].CacheControl)
		content.Parts = append(content.Parts, part)
	}
	if len(content.Parts) == 0 {
		return problem.Invalid(at+".content", "the content is an empty list")
	}
	mark(content.Parts, m)
	c.Contents = append(c.Contents, content)
	return nil
}

// answered adds an earlier answer of a model.
func (c *Request) answered(m *openaiwire.ChatMessage, at string, called calls) *problem.Problem {
	switch {
	case isSet(m.FunctionCall):
		return problem.Invalid(at+".function_call", "function_call is not supported; use tool_calls")
	case isSet(m.Audio):
		return problem.Invalid(at+".audio", "the audio of an earlier answer is not supported; send its transcript as content")
	}
	content := &genai.Content{Role: genai.RoleModel}
	for _, thought := range []*string{m.ReasoningContent, m.Reasoning} {
		if thought != nil && *thought != "" {
			content.Parts = append(content.Parts, &genai.Part{Text: *thought, Thought: true})
			break
		}
	}
	parts, p := texts(m.Content, at)
	if p != nil {
		return p
	}
	content.Parts = append(content.Parts, parts...)
	if m.Refusal != "" {
		content.Parts = append(content.Parts, &genai.Part{Text: m.Refusal})
	}
	for i, call := range m.ToolCalls {
		if call.Function.Name == "" {
			return problem.Invalid(fmt.Sprintf("%s.tool_calls[%d].function.name", at, i), "a call needs the name of its function")
		}
		content.Parts = append(content.Parts, &genai.Part{
			FunctionCall:     &genai.FunctionCall{ID: call.ID, Name: call.Function.Name, Args: arguments(call.Function.Arguments)},
			ThoughtSignature: signatureOf(call.ExtraContent),
		})
	}
	called.add(m.ToolCalls)
	mark(content.Parts, m)
	if len(content.Parts) > 0 {
		c.Contents = append(c.Contents, content)
	}
	return nil
}

// arguments returns those of a call. OpenAI takes any text, such as arguments that were cut off: a client
// sends them again in every later request, with an error as the call's result.
func arguments(text string) map[string]any {
	args, ok := object(json.RawMessage(text))
	switch trimmed := strings.TrimSpace(text); {
	case ok:
		return args
	case trimmed == "" || trimmed == "null": // some clients' form of no arguments
		return map[string]any{}
	}
	return map[string]any{"arguments": text}
}

// result adds the result of a call. Consecutive results become one message.
func (c *Request) result(m *openaiwire.ChatMessage, at string, called calls) *problem.Problem {
	name, ok := called.take(m.ToolCallID)
	if !ok {
		return problem.Invalid(at+".tool_call_id", "there is no call with the id "+problem.Quote(m.ToolCallID)+" before its result")
	}
	parts, p := texts(m.Content, at)
	if p != nil {
		return p
	}
	one := &genai.Part{}
	lines := make([]string, len(parts))
	for i, part := range parts {
		lines[i] = part.Text
		if part.PartMetadata != nil {
			one.PartMetadata = part.PartMetadata
		}
	}
	mark([]*genai.Part{one}, m)
	text := strings.Join(lines, "\n")
	response, ok := object(json.RawMessage(text))
	if !ok {
		response = map[string]any{"output": text}
	}
	one.FunctionResponse = &genai.FunctionResponse{ID: m.ToolCallID, Name: name, Response: response}
	if n := len(c.Contents); n > 0 && c.Contents[n-1].Parts[0].FunctionResponse != nil {
		c.Contents[n-1].Parts = append(c.Contents[n-1].Parts, one)
		return nil
	}
	c.Contents = append(c.Contents, &genai.Content{Role: genai.RoleUser, Parts: []*genai.Part{one}})
	return nil
}

// texts returns the texts of a content that may have only texts.
func texts(content openaiwire.ChatContent, at string) (parts []*genai.Part, p *problem.Problem) {
	if content.Parts == nil && content.Text != "" {
		return []*genai.Part{{Text: content.Text}}, nil
	}
	for i, part := range content.Parts {
		text := part.Text
		switch part.Type {
		case "text":
		case "refusal":
			text = part.Refusal
		default:
			return nil, problem.Invalid(fmt.Sprintf("%s.content[%d].type", at, i), "a message of this role may only have parts of type text, not "+problem.Quote(part.Type))
		}
		if text != "" {
			parts = append(parts, &genai.Part{Text: text, PartMetadata: breakpoint(part.CacheControl)})
		}
	}
	return parts, nil
}

// mark sets the cache breakpoint of a message, if it has one, after its last part.
func mark(parts []*genai.Part, m *openaiwire.ChatMessage) {
	if control := breakpoint(m.CacheControl); control != nil && len(parts) > 0 {
		parts[len(parts)-1].PartMetadata = control
	}
}

// breakpoint returns the metadata of a part with a cache breakpoint, as provider/anthropic has it; nil
// for none.
func breakpoint(raw json.RawMessage) map[string]any {
	if ttl := cacheTime(raw); ttl != "" {
		return map[string]any{"cache_control": ttl}
	}
	return nil
}

// cacheTime returns the duration of a cache breakpoint, "" for none. Coding agents such as Cline and Roo
// Code set breakpoints in the format of LiteLLM: https://docs.litellm.ai/docs/completion/prompt_caching
func cacheTime(raw json.RawMessage) string {
	var control struct{ Type, TTL string }
	if !isSet(raw) || json.Unmarshal(raw, &control) != nil || control.Type != "ephemeral" {
		return ""
	}
	if control.TTL != "1h" {
		return "5m" // the default
	}
	return control.TTL
}

// extraContent is the extra field of a call in Google's own endpoint for this protocol:
// https://ai.google.dev/gemini-api/docs/openai
type extraContent struct {
	Google struct {
		ThoughtSignature string `json:"thought_signature"`
	} `json:"google"`
}

// signatureOf returns the thought signature that a call came with, nil for none.
func signatureOf(raw json.RawMessage) []byte {
	var extra extraContent
	if len(raw) == 0 || json.Unmarshal(raw, &extra) != nil || extra.Google.ThoughtSignature == "" {
		return nil
	}
	signature, err := base64.StdEncoding.DecodeString(extra.Google.ThoughtSignature)
	if err != nil {
		return []byte(extra.Google.ThoughtSignature)
	}
	return signature
}
