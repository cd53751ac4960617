package openaiwire

import (
	"encoding/json"
	"maps"
	"slices"
)

// Append appends the request as JSON to dst and returns it. It takes half the time
// of package json, which checks and copies each schema anew; see
// BenchmarkEncode. What is a json.RawMessage must be valid JSON. Broken UTF-8
// becomes U+FFFD.
func (c *Chat) Append(dst []byte) []byte {
	o := object{append(slices.Grow(dst, c.size()), '{')}
	o.text("model", c.Model)
	o.key("messages")
	o.b = appendList(o.b, c.Messages, appendMessage)
	if len(c.Tools) > 0 {
		o.key("tools")
		o.b = appendList(o.b, c.Tools, appendTool)
	}
	o.raw("tool_choice", c.ToolChoice)
	o.flag("parallel_tool_calls", c.ParallelToolCalls)
	if f := c.ResponseFormat; f != nil {
		o.key("response_format")
		o.b = appendFormat(o.b, f)
	}
	o.textIf("reasoning_effort", c.ReasoningEffort)
	o.integer("max_tokens", c.MaxTokens)
	o.integer("max_completion_tokens", c.MaxCompletionTokens)
	o.float("temperature", c.Temperature)
	o.float("top_p", c.TopP)
	o.integer("top_k", c.TopK)
	o.integer("n", c.N)
	if len(c.Stop) > 0 {
		o.key("stop")
		o.b = appendList(o.b, c.Stop, func(b []byte, s *string) []byte { return appendString(b, *s) })
	}
	o.float("presence_penalty", c.PresencePenalty)
	o.float("frequency_penalty", c.FrequencyPenalty)
	o.integer("seed", c.Seed)
	o.integer("random_seed", c.RandomSeed)
	if c.Logprobs {
		o.flag("logprobs", &c.Logprobs)
		o.count("top_logprobs", c.TopLogprobs)
	}
	if len(c.Modalities) > 0 {
		o.key("modalities")
		o.b = appendList(o.b, c.Modalities, func(b []byte, s *string) []byte { return appendString(b, *s) })
	}
	if len(c.Metadata) > 0 {
		o.key("metadata")
		metadata := object{append(o.b, '{')}
		for _, name := range slices.Sorted(maps.Keys(c.Metadata)) {
			metadata.text(name, c.Metadata[name])
		}
		o.b = append(metadata.b, '}')
	}
	if c.Stream {
		o.flag("stream", &c.Stream)
		if c.StreamOptions != nil {
			o.key("stream_options")
			options := object{append(o.b, '{')}
			options.flag("include_usage", &c.StreamOptions.IncludeUsage)
			o.b = append(options.b, '}')
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Extra)) {
		o.raw(name, c.Extra[name])
	}
	return append(o.b, '}')
}

// size estimates the length of the JSON, so that it is mostly written in place.
func (c *Chat) size() int {
	const field, slack = 64, 1 << 10
	n := slack
	for i := range c.Messages {
		m := &c.Messages[i]
		n += field + len(m.Content.Text) + len(m.Content.Text)/16 + len(m.ReasoningDetails)
		for j := range m.ToolCalls {
			n += 2*field + len(m.ToolCalls[j].Function.Arguments)*5/4 + len(m.ToolCalls[j].ExtraContent)
		}
		for j := range m.Content.Parts {
			n += field + m.Content.Parts[j].size()
		}
	}
	for i := range c.Tools {
		n += 2*field + len(c.Tools[i].Function.Description) + len(c.Tools[i].Function.Parameters)
	}
	return n
}

func (p *ChatPart) size() int {
	n := len(p.Text) + len(p.DocumentURL)
	if p.ImageURL != nil {
		n += len(p.ImageURL.URL)
	}
	if p.InputAudio != nil {
		n += len(p.InputAudio.Data)
	}
	if p.File != nil {
		n += len(p.File.FileData)
	}
	return n
}

func appendMessage(b []byte, m *ChatMessage) []byte {
	o := object{append(b, '{')}
	o.text("role", m.Role)
	o.textIf("name", m.Name)
	o.textIf("tool_call_id", m.ToolCallID)
	o.textAt("reasoning", m.Reasoning)
	o.textAt("reasoning_content", m.ReasoningContent)
	o.raw("reasoning_details", m.ReasoningDetails)
	switch {
	case m.Content.Null:
		o.raw("content", json.RawMessage("null"))
	case m.Content.Parts != nil:
		o.key("content")
		o.b = appendList(o.b, m.Content.Parts, appendPart)
	default:
		o.text("content", m.Content.Text)
	}
	if len(m.ToolCalls) > 0 {
		o.key("tool_calls")
		o.b = appendList(o.b, m.ToolCalls, appendCall)
	}
	return append(o.b, '}')
}

func appendPart(b []byte, p *ChatPart) []byte {
	o := object{append(b, '{')}
	o.text("type", p.Type)
	switch {
	case p.ImageURL != nil:
		o.open("image_url")
		o.text("url", p.ImageURL.URL)
		o.textIf("detail", p.ImageURL.Detail)
		o.close()
	case p.InputAudio != nil:
		o.open("input_audio")
		o.text("data", p.InputAudio.Data)
		o.text("format", p.InputAudio.Format)
		o.close()
	case p.File != nil:
		o.open("file")
		o.textIf("file_id", p.File.FileID)
		o.textIf("filename", p.File.Filename)
		o.textIf("file_data", p.File.FileData)
		o.close()
	case p.DocumentURL != "":
		o.text("document_url", p.DocumentURL)
	default:
		o.text("text", p.Text)
	}
	return append(o.b, '}')
}

func appendCall(b []byte, c *ChatToolCall) []byte {
	o := object{append(b, '{')}
	o.text("id", c.ID)
	o.text("type", "function")
	o.open("function")
	o.text("name", c.Function.Name)
	o.text("arguments", c.Function.Arguments)
	o.close()
	o.raw("extra_content", c.ExtraContent)
	return append(o.b, '}')
}

func appendTool(b []byte, t *ChatTool) []byte {
	o := object{append(b, '{')}
	o.text("type", "function")
	o.open("function")
	o.text("name", t.Function.Name)
	o.textIf("description", t.Function.Description)
	o.raw("parameters", t.Function.Parameters)
	if t.Function.Strict {
		o.flag("strict", &t.Function.Strict)
	}
	o.close()
	return append(o.b, '}')
}

func appendFormat(b []byte, f *ChatFormat) []byte {
	o := object{append(b, '{')}
	o.text("type", f.Type)
	if s := f.JSONSchema; s != nil {
		o.open("json_schema")
		o.text("name", s.Name)
		o.textIf("description", s.Description)
		o.raw("schema", s.Schema)
		if s.Strict {
			o.flag("strict", &s.Strict)
		}
		o.close()
	}
	return append(o.b, '}')
}

// AppendParts appends parts of a message as a JSON list to dst and returns it.
func AppendParts(dst []byte, parts []ChatPart) []byte { return appendList(dst, parts, appendPart) }
