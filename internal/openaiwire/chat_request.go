package openaiwire

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"sync"

	"github.com/adk-fallback/adk-fallback/internal/jsonscan"
)

// Chat is the request of a chat completion. Zero fields are not sent, except the
// model and the messages.
//
// Source: openai/openai-openapi, CreateChatCompletionRequest.
type Chat struct {
	Model    string        `json:"model"`
	Messages []ChatMessage `json:"messages"`

	MaxTokens           *int64             `json:"max_tokens"`
	MaxCompletionTokens *int64             `json:"max_completion_tokens"`
	Temperature         *float64           `json:"temperature"`
	TopP                *float64           `json:"top_p"`
	TopK                *int64             `json:"top_k"` // not OpenAI's
	N                   *int64             `json:"n"`
	Stop                ChatStop           `json:"stop"`
	PresencePenalty     *float64           `json:"presence_penalty"`
	FrequencyPenalty    *float64           `json:"frequency_penalty"`
	Seed                *int64             `json:"seed"`
	RandomSeed          *int64             `json:"random_seed"` // Mistral's
	Logprobs            bool               `json:"logprobs"`
	TopLogprobs         int64              `json:"top_logprobs"`
	ReasoningEffort     string             `json:"reasoning_effort"`
	ResponseFormat      *ChatFormat        `json:"response_format"`
	Modalities          []string           `json:"modalities"`
	Tools               []ChatTool         `json:"tools"`
	ToolChoice          json.RawMessage    `json:"tool_choice"` // a string or an object; see [ForcedTool]
	ParallelToolCalls   *bool              `json:"parallel_tool_calls"`
	Metadata            map[string]string  `json:"metadata"`
	Stream              bool               `json:"stream"`
	StreamOptions       *ChatStreamOptions `json:"stream_options"`

	// Extra holds the fields that this type does not know, so that a gateway can
	// hand them on.
	Extra map[string]json.RawMessage `json:"-"`
}

// ChatStreamOptions is the field stream_options.
type ChatStreamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

// ChatMessage is a message of a request.
type ChatMessage struct {
	Role       string         `json:"role"`
	Content    ChatContent    `json:"content"`
	Name       string         `json:"name"`
	ToolCalls  []ChatToolCall `json:"tool_calls"`
	ToolCallID string         `json:"tool_call_id"`
	Refusal    string         `json:"refusal"` // of an earlier answer; not sent

	CacheControl json.RawMessage `json:"cache_control"` // as in ChatPart, for the whole message
	FunctionCall json.RawMessage `json:"function_call"` // the deprecated form of tool_calls; not sent
	Audio        json.RawMessage `json:"audio"`         // of an earlier answer; not sent

	Reasoning        *string         `json:"reasoning"`         // OpenRouter, Groq, vLLM
	ReasoningContent *string         `json:"reasoning_content"` // DeepSeek
	ReasoningDetails json.RawMessage `json:"reasoning_details"` // OpenRouter
}

// ChatToolCall is a tool call of an assistant's message.
type ChatToolCall struct {
	ID           string          `json:"id"`
	Function     ChatFunction    `json:"function"`
	ExtraContent json.RawMessage `json:"extra_content"` // Gemini
}

// ChatFunction is the call of a function. Arguments is the text of a JSON object.
type ChatFunction struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

// ChatTool declares a function.
type ChatTool struct {
	Type     string          `json:"type"` // "function"; "" means that too
	Function ChatDeclaration `json:"function"`

	CacheControl json.RawMessage `json:"cache_control"` // as in ChatPart
}

// ChatDeclaration is what a model is told of a function.
type ChatDeclaration struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Parameters  json.RawMessage `json:"parameters"` // JSON Schema of an object
	Strict      bool            `json:"strict"`

	CacheControl json.RawMessage `json:"cache_control"` // LiteLLM also takes it here
}

// ForcedTool returns the tool choice that makes the model call the function of
// that name.
func ForcedTool(name string) json.RawMessage {
	return append(appendString([]byte(`{"type":"function","function":{"name":`), name), "}}"...)
}

// ChatFormat is the field response_format.
type ChatFormat struct {
	Type       string      `json:"type"` // "text", "json_object", "json_schema"
	JSONSchema *ChatSchema `json:"json_schema"`

	// Schema is the schema in the form of llama.cpp, Together and Fireworks; not sent.
	Schema json.RawMessage `json:"schema"`
}

// ChatSchema is the schema that an answer has to follow.
type ChatSchema struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Schema      json.RawMessage `json:"schema"`
	Strict      bool            `json:"strict"`
}

// ChatContent is the content of a message: null, a text, or a list of parts.
type ChatContent struct {
	Null  bool
	Text  string // if Parts is nil
	Parts []ChatPart
}

// UnmarshalJSON implements json.Unmarshaler.
func (c *ChatContent) UnmarshalJSON(data []byte) error {
	*c = ChatContent{}
	switch {
	case len(data) > 0 && data[0] == '[':
		c.Parts = []ChatPart{}
		return json.Unmarshal(data, &c.Parts)
	case string(data) == "null":
		c.Null = true
		return nil
	}
	var ok bool
	if c.Text, ok = jsonscan.Unquote(data); ok {
		return nil
	}
	return json.Unmarshal(data, &c.Text) // another type: an error
}

// ChatPart is one part of a [ChatContent].
type ChatPart struct {
	Type       string     `json:"type"` // "text", "image_url", "input_audio", "file", "refusal", "document_url"
	Text       string     `json:"text"`
	Refusal    string     `json:"refusal"` // in an earlier answer; not sent
	ImageURL   *ChatImage `json:"image_url"`
	InputAudio *ChatAudio `json:"input_audio"`
	File       *ChatFile  `json:"file"`

	DocumentURL string `json:"document_url"` // Mistral's form of a file

	CacheControl json.RawMessage `json:"cache_control"` // Anthropic's cache breakpoint, as LiteLLM and OpenRouter have it; not sent
}

// ChatImage is an image, by its address or as a data URL.
type ChatImage struct {
	URL    string `json:"url"`
	Detail string `json:"detail"`
}

// ChatAudio is a recording in base64.
type ChatAudio struct {
	Data   string `json:"data"`
	Format string `json:"format"` // "wav" or "mp3"
}

// ChatFile is a document, by its id or as a data URL.
type ChatFile struct {
	FileID   string `json:"file_id"`
	Filename string `json:"filename"`
	FileData string `json:"file_data"`
}

// ChatStop is a list of stop sequences. On the wire it may be one string.
type ChatStop []string

// UnmarshalJSON implements json.Unmarshaler.
func (s *ChatStop) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		*s = make(ChatStop, 1)
		return json.Unmarshal(data, &(*s)[0])
	}
	return json.Unmarshal(data, (*[]string)(s))
}

// UnmarshalJSON implements json.Unmarshaler. Fields that c does not know are kept
// in Extra.
func (c *Chat) UnmarshalJSON(data []byte) error {
	type fields Chat
	var f fields
	if err := json.Unmarshal(data, &f); err != nil {
		return err
	}
	*c = Chat(f)
	return c.ReadExtra(data)
}

// ReadExtra sets Extra to the fields of data, a JSON object, that c does not know.
func (c *Chat) ReadExtra(data []byte) error {
	c.Extra = nil
	return jsonscan.Members(data, func(key, value []byte) {
		name, ok := jsonscan.Unquote(append(append([]byte{'"'}, key...), '"'))
		if known := chatFields(); !ok || known[strings.ToLower(name)] {
			return
		}
		if c.Extra == nil {
			c.Extra = map[string]json.RawMessage{}
		}
		c.Extra[name] = bytes.Clone(value)
	})
}

// chatFields returns the names of the fields that [Chat] knows.
var chatFields = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{}
	for i, t := 0, reflect.TypeFor[Chat](); i < t.NumField(); i++ {
		names[t.Field(i).Tag.Get("json")] = true
	}
	return names
})
