package openaiwire

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
)

// ChatAnswer is a whole chat completion, or one chunk of it.
type ChatAnswer struct {
	ID      string       `json:"id"`
	Object  string       `json:"object"`
	Created int64        `json:"created"`
	Model   string       `json:"model"`
	Choices []ChatChoice `json:"choices"`
	Usage   *ChatUsage   `json:"usage,omitempty"`

	// Failed is the whole JSON if it tells of an error instead.
	Failed []byte `json:"-"`
	// Alien reports JSON that has none of the fields of an answer.
	Alien bool `json:"-"`

	usage ChatUsage // memory for the pointer
}

// ChatChoice is one of several answers to a request. A whole answer has a
// Message, a chunk has a Delta.
type ChatChoice struct {
	Index        int           `json:"index"`
	Delta        *ChatDelta    `json:"delta,omitempty"`
	Message      *ChatDelta    `json:"message,omitempty"`
	FinishReason *string       `json:"finish_reason"`
	Logprobs     *ChatLogprobs `json:"logprobs,omitempty"`

	NativeFinishReason string `json:"native_finish_reason,omitempty"` // OpenRouter: what the model behind it said

	delta, message ChatDelta // memory for the pointers
	finish         string
}

// Part returns the delta, else the message, else nil.
func (c *ChatChoice) Part() *ChatDelta {
	if c.Delta != nil {
		return c.Delta
	}
	return c.Message
}

// ChatDelta is a message, or what a chunk adds to one.
type ChatDelta struct {
	Role    string  `json:"role,omitempty"`
	Content *string `json:"content,omitempty"` // of a list of parts, the texts
	Refusal string  `json:"refusal,omitempty"`

	// The thoughts, of which a server sends one field, or the same text in several.
	ReasoningContent string          `json:"reasoning_content,omitempty"`
	Reasoning        string          `json:"reasoning,omitempty"`
	ReasoningDetails json.RawMessage `json:"reasoning_details,omitempty"` // a list
	Thinking         string          `json:"-"`                           // the thinking parts of the content (Mistral)

	ToolCalls   []ChatCallDelta `json:"tool_calls,omitempty"`
	Annotations json.RawMessage `json:"annotations,omitempty"` // a list
	Images      json.RawMessage `json:"images,omitempty"`      // a list (OpenRouter)

	content string
}

// ChatCallDelta is a tool call, or a piece of one.
type ChatCallDelta struct {
	Index        int             `json:"index"` // -1 if the server gave none
	ID           string          `json:"id,omitempty"`
	Type         string          `json:"type,omitempty"`
	Function     ChatFunction    `json:"function"`
	ExtraContent json.RawMessage `json:"extra_content,omitempty"` // Gemini
}

// ChatUsage counts tokens.
type ChatUsage struct {
	PromptTokens     int64 `json:"prompt_tokens"`     // cached ones included
	CompletionTokens int64 `json:"completion_tokens"` // reasoning included, except at xAI and Gemini
	TotalTokens      int64 `json:"total_tokens"`
	CachedTokens     int64 `json:"-"`
	ReasoningTokens  int64 `json:"-"`
}

// MarshalJSON implements json.Marshaler.
func (u ChatUsage) MarshalJSON() ([]byte, error) {
	type cached struct {
		CachedTokens int64 `json:"cached_tokens"`
	}
	type reasoning struct {
		ReasoningTokens int64 `json:"reasoning_tokens"`
	}
	type usage ChatUsage
	return json.Marshal(struct {
		usage
		Prompt     cached    `json:"prompt_tokens_details"`
		Completion reasoning `json:"completion_tokens_details"`
	}{usage(u), cached{u.CachedTokens}, reasoning{u.ReasoningTokens}})
}

// ChatLogprobs holds the log probabilities of tokens.
type ChatLogprobs struct {
	Content []ChatLogprob `json:"content"`
}

// ChatLogprob is a token with its log probability, and the likeliest others in
// its place.
type ChatLogprob struct {
	Token       string        `json:"token"`
	Logprob     float64       `json:"logprob"`
	TopLogprobs []ChatLogprob `json:"top_logprobs,omitempty"`
}

// errNotAnswer is JSON that is no object.
var errNotAnswer = errors.New("openaiwire: the answer is not a JSON object")

// Decode reads a chunk, or a whole answer, into a. Of what a held before, only
// memory is used again; it keeps nothing of data. A field of another type than
// expected reads as absent: one odd field must not cost the answer. The error is
// of JSON that is cut off or broken.
func (a *ChatAnswer) Decode(data []byte) error {
	*a = ChatAnswer{ID: a.ID, Object: a.Object, Model: a.Model, Choices: a.Choices[:0]}
	known, failed, relay := false, false, ChatUsage{}
	err := scanObject(data, func(key, value []byte) {
		switch string(key) {
		case "id":
			a.ID = same(value, a.ID)
		case "model":
			a.Model = same(value, a.Model)
		case "object":
			a.Object = same(value, a.Object)
			failed = failed || a.Object == "error"
		case "created":
			a.Created = count(value)
		case "choices":
			known = known || value[0] == '['
			scanArray(value, a.choice)
		case "usage":
			known = known || value[0] == '{'
			a.usage.read(value)
		case "x_groq":
			_ = scanObject(value, func(key, value []byte) {
				switch string(key) {
				case "usage":
					relay.read(value)
				case "error":
					failed = failed || isError(value)
				}
			})
		case "error":
			failed = failed || isError(value)
		}
	})
	if err == errNotObject {
		err = errNotAnswer
	}
	if a.usage == (ChatUsage{}) {
		a.usage = relay
	}
	if a.usage != (ChatUsage{}) {
		a.Usage = &a.usage
	}
	a.Alien = !known
	if failed || a.Alien && err == nil && hasErrorWords(data) {
		a.Failed = data
	}
	return err
}

// isError reports whether the value of a field "error" tells of one. Some servers
// decorate each answer with an empty one.
func isError(value []byte) bool {
	switch string(value) {
	case "null", "false", `""`, "{}", "[]", "0":
		return false
	}
	return true
}

// hasErrorWords reports whether JSON without choices has the fields of an error
// body; see readWords.
func hasErrorWords(data []byte) bool {
	found := false
	_ = scanObject(data, func(key, value []byte) {
		switch string(key) {
		case "message", "msg", "detail", "errors":
			found = found || isError(value)
		}
	})
	return found
}

func (a *ChatAnswer) choice(i int, value []byte) {
	if i < cap(a.Choices) {
		a.Choices = a.Choices[:i+1]
	} else {
		a.Choices = append(a.Choices, ChatChoice{})
	}
	c := &a.Choices[i]
	*c = ChatChoice{Index: i, finish: c.finish, delta: ChatDelta{Role: c.delta.Role, ToolCalls: c.delta.ToolCalls}}
	var text []byte
	_ = scanObject(value, func(key, value []byte) {
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
			c.Logprobs = readLogprobs(value)
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
	_ = scanObject(data, func(key, value []byte) {
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
			scanArray(value, d.call)
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
		scanArray(value, func(_ int, part []byte) {
			if part[0] == '"' {
				d.content += textOf(part)
				return
			}
			_ = scanObject(part, func(key, value []byte) {
				switch string(key) {
				case "text":
					d.content += textOf(value)
				case "refusal":
					d.Refusal += textOf(value)
				case "thinking":
					d.Thinking += textOf(value)
					scanArray(value, func(_ int, piece []byte) {
						_ = scanObject(piece, func(key, value []byte) {
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
	_ = scanObject(value, func(key, value []byte) {
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
	_ = scanObject(data, func(key, value []byte) {
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

func (u *ChatUsage) read(data []byte) {
	set := func(field *int64, value []byte) {
		if n := count(value); n > 0 {
			*field = n
		}
	}
	_ = scanObject(data, func(key, value []byte) {
		switch string(key) {
		case "prompt_tokens", "input_tokens":
			set(&u.PromptTokens, value)
		case "completion_tokens", "output_tokens":
			set(&u.CompletionTokens, value)
		case "total_tokens":
			set(&u.TotalTokens, value)
		case "cached_tokens", "prompt_cache_hit_tokens":
			set(&u.CachedTokens, value)
		case "reasoning_tokens":
			set(&u.ReasoningTokens, value)
		case "prompt_tokens_details", "input_tokens_details", "completion_tokens_details", "output_tokens_details":
			_ = scanObject(value, func(key, value []byte) {
				switch string(key) {
				case "cached_tokens":
					set(&u.CachedTokens, value)
				case "reasoning_tokens":
					set(&u.ReasoningTokens, value)
				}
			})
		}
	})
}

// readLogprobs reads the current form, {"content": […]}, and that of the older
// completions, {"tokens": […], "token_logprobs": […]}, which Together sends.
func readLogprobs(data []byte) *ChatLogprobs {
	var l ChatLogprobs
	_ = scanObject(data, func(key, value []byte) {
		switch string(key) {
		case "content":
			scanArray(value, func(_ int, token []byte) { l.Content = append(l.Content, readLogprob(token)) })
		case "tokens":
			scanArray(value, func(i int, token []byte) { l.at(i).Token = textOf(token) })
		case "token_logprobs":
			scanArray(value, func(i int, token []byte) { l.at(i).Logprob, _ = numberOf(token) })
		}
	})
	if len(l.Content) == 0 {
		return nil
	}
	return &l
}

func (l *ChatLogprobs) at(i int) *ChatLogprob {
	if i == len(l.Content) {
		l.Content = append(l.Content, ChatLogprob{})
	}
	return &l.Content[i]
}

func readLogprob(data []byte) ChatLogprob {
	var p ChatLogprob
	_ = scanObject(data, func(key, value []byte) {
		switch string(key) {
		case "token":
			p.Token = textOf(value)
		case "logprob":
			p.Logprob, _ = numberOf(value)
		case "top_logprobs":
			scanArray(value, func(_ int, token []byte) {
				top := ChatLogprob{}
				_ = scanObject(token, func(key, value []byte) {
					switch string(key) {
					case "token":
						top.Token = textOf(value)
					case "logprob":
						top.Logprob, _ = numberOf(value)
					}
				})
				p.TopLogprobs = append(p.TopLogprobs, top)
			})
		}
	})
	return p
}

// textOf returns the text of a string, the digits of a number, else "". A string
// with a broken escape is taken as it stands: nothing of an answer gets lost.
func textOf(value []byte) string {
	if s, ok := unquote(value); ok {
		return s
	}
	if n := len(value); n >= 2 && value[0] == '"' {
		return string(value[1 : n-1])
	}
	if len(value) > 0 && (value[0] == '-' || value[0] >= '0' && value[0] <= '9') {
		return string(value)
	}
	return ""
}

// same is textOf that returns known, without an allocation, if it reads the same
// again.
func same(value []byte, known string) string {
	if n := len(value); n >= 2 && value[0] == '"' && string(value[1:n-1]) == known {
		return known
	}
	return textOf(value)
}

// listOf returns a copy of a list that has elements, else nil.
func listOf(value []byte) json.RawMessage {
	if len(value) > 2 && value[0] == '[' && json.Valid(value) {
		return bytes.Clone(value)
	}
	return nil
}

// numberOf returns a number, or the one that a string holds.
func numberOf(value []byte) (f float64, ok bool) {
	if len(value) > 2 && value[0] == '"' {
		value = value[1 : len(value)-1]
	}
	f, err := strconv.ParseFloat(string(value), 64)
	return f, err == nil && f-f == 0
}

// count returns a number of tokens, at least 0.
func count(value []byte) int64 {
	f, _ := numberOf(value)
	return int64(min(max(f, 0), 1<<53))
}

// integerOr returns a whole number, or otherwise if the value is none.
func integerOr(value []byte, otherwise int) int {
	n, err := strconv.Atoi(string(value))
	if err != nil || n < 0 || n > 1<<20 {
		return otherwise
	}
	return n
}
