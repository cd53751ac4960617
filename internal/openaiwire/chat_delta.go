package openaiwire

import (
	"bytes"

	"github.com/adk-fallback/adk-fallback/internal/jsonscan"
)

func (a *ChatAnswer) choice(i int, value []byte) {
	if i < cap(a.Choices) {
		a.Choices = a.Choices[:i+1]
	} else {
		a.Choices = append(a.Choices, ChatChoice{})
	}
	c := &a.Choices[i]
	*c = ChatChoice{Index: i, finish: c.finish, delta: ChatDelta{Role: c.delta.Role, ToolCalls: c.delta.ToolCalls}}
	var text []byte
	_ = jsonscan.Members(value, func(key, value []byte) {
		switch string(key) {
		case "index":
			c.Index = integerOr(value, i)
		case "delta":
			if value[0] == '{' {
				c.Delta = &c.delta
				c.delta.read(value)
			}
		case "message":
			if value[0] == '{' {
				c.Message = &c.message
				c.message.read(value)
			}
		case "finish_reason":
			if s := same(value, c.finish); s != "" {
				c.finish, c.FinishReason = s, &c.finish
			}
		case "native_finish_reason":
			c.NativeFinishReason = textOf(value)
		case "logprobs":
			if value[0] == '{' {
				c.Logprobs = readLogprobs(value)
			}
		case "text":
			text = value
		case "error":
			if isError(value) {
				a.Failed = value
			}
		}
	})
	if c.Delta == nil && c.Message == nil && len(text) > 0 && text[0] == '"' { // as in the older completions
		c.Delta = &c.delta
		c.delta.readContent(text)
	}
}

func (d *ChatDelta) read(data []byte) {
	*d = ChatDelta{Role: d.Role, ToolCalls: d.ToolCalls[:0]}
	_ = jsonscan.Members(data, func(key, value []byte) {
		switch string(key) {
		case "role":
			d.Role = same(value, d.Role)
		case "content":
			d.readContent(value)
		case "refusal":
			d.Refusal += textOf(value)
		case "reasoning_content":
			d.ReasoningContent = textOf(value)
		case "reasoning":
			d.Reasoning = textOf(value)
		case "reasoning_details":
			d.ReasoningDetails = listOf(value)
		case "annotations":
			d.Annotations = listOf(value)
		case "images":
			d.Images = listOf(value)
		case "tool_calls":
			jsonscan.Each(value, d.call)
		case "function_call": // what tool_calls were before
			if value[0] == '{' {
				call := ChatCallDelta{Index: -1}
				call.Function.read(value)
				d.ToolCalls = append(d.ToolCalls, call)
			}
		}
	})
}

// readContent reads a text, or a list of parts.
func (d *ChatDelta) readContent(value []byte) {
	switch value[0] {
	case '"':
		d.content = textOf(value)
		d.Content = &d.content
	case '[':
		jsonscan.Each(value, func(_ int, part []byte) {
			if part[0] == '"' {
				d.content += textOf(part)
				return
			}
			_ = jsonscan.Members(part, func(key, value []byte) {
				switch string(key) {
				case "text":
					d.content += textOf(value)
				case "refusal":
					d.Refusal += textOf(value)
				case "thinking":
					d.Thinking += textOf(value)
					jsonscan.Each(value, func(_ int, piece []byte) {
						_ = jsonscan.Members(piece, func(key, value []byte) {
							if string(key) == "text" {
								d.Thinking += textOf(value)
							}
						})
					})
				}
			})
		})
		d.Content = &d.content
	}
}

func (d *ChatDelta) call(_ int, value []byte) {
	if value[0] != '{' {
		return
	}
	call := ChatCallDelta{Index: -1}
	_ = jsonscan.Members(value, func(key, value []byte) {
		switch string(key) {
		case "index":
			call.Index = integerOr(value, -1)
		case "id":
			call.ID = textOf(value)
		case "type":
			call.Type = callType(value)
		case "function":
			call.Function.read(value)
		case "extra_content":
			if value[0] == '{' {
				call.ExtraContent = bytes.Clone(value)
			}
		}
	})
	d.ToolCalls = append(d.ToolCalls, call)
}

func callType(value []byte) string {
	if string(value) == `"function"` {
		return "function"
	}
	return textOf(value)
}

func (f *ChatFunction) read(data []byte) {
	_ = jsonscan.Members(data, func(key, value []byte) {
		switch string(key) {
		case "name":
			f.Name = textOf(value)
		case "arguments":
			if value[0] == '{' { // not as text, as Ollama's own API has them
				f.Arguments = string(value)
			} else {
				f.Arguments = textOf(value)
			}
		}
	})
}
