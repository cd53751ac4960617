package anthropic

import (
	"encoding/json"
	"fmt"

	"github.com/adk-fallback/adk-fallback/internal/plainjson"
	"github.com/adk-fallback/adk-fallback/internal/request"
)

// params are the body of POST /v1/messages.
// https://platform.claude.com/docs/en/api/messages/create
type params struct {
	Model         string        `json:"model"`
	MaxTokens     int32         `json:"max_tokens"`
	Stream        bool          `json:"stream,omitempty"`
	CacheControl  *cacheControl `json:"cache_control,omitempty"`
	System        []block       `json:"system,omitempty"`
	Messages      []message     `json:"messages"`
	Tools         []tool        `json:"tools,omitempty"`
	ToolChoice    *toolChoice   `json:"tool_choice,omitempty"`
	Thinking      *thinking     `json:"thinking,omitempty"`
	OutputConfig  *outputConfig `json:"output_config,omitempty"`
	StopSequences []string      `json:"stop_sequences,omitempty"`
	Temperature   *float32      `json:"temperature,omitempty"`
	TopP          *float32      `json:"top_p,omitempty"`
	TopK          *int32        `json:"top_k,omitempty"`
	Metadata      *metadata     `json:"metadata,omitempty"`
}

type message struct {
	Role    string  `json:"role"`
	Content []block `json:"content"`

	results int // how many blocks at the beginning are tool results
}

const (
	user      = "user"
	assistant = "assistant"
)

// block is a content block of any type in a request.
type block struct {
	Type         string        `json:"type"`
	Text         string        `json:"text,omitempty"`
	Thinking     *string       `json:"thinking,omitempty"` // may be empty, but not missing
	Signature    string        `json:"signature,omitempty"`
	Data         string        `json:"data,omitempty"`
	Source       *source       `json:"source,omitempty"`
	Title        string        `json:"title,omitempty"`
	ID           string        `json:"id,omitempty"`
	Name         string        `json:"name,omitempty"`
	Input        any           `json:"input,omitempty"` // a map, if not nil: {} is sent
	ToolUseID    string        `json:"tool_use_id,omitempty"`
	Content      []block       `json:"content,omitempty"`
	IsError      bool          `json:"is_error,omitempty"`
	CacheControl *cacheControl `json:"cache_control,omitempty"`
}

// source is where an image or a document comes from.
type source struct {
	Type      string `json:"type"`
	MediaType string `json:"media_type,omitempty"`
	Data      any    `json:"data,omitempty"` // []byte becomes base64, string is text
	URL       string `json:"url,omitempty"`
	FileID    string `json:"file_id,omitempty"`
}

type cacheControl struct {
	Type string `json:"type"`
	TTL  string `json:"ttl,omitempty"`
}

type tool struct {
	Name         string          `json:"name"`
	Description  string          `json:"description,omitempty"`
	InputSchema  json.RawMessage `json:"input_schema"`
	CacheControl *cacheControl   `json:"cache_control,omitempty"`
}

type toolChoice struct {
	Type            string `json:"type"`
	Name            string `json:"name,omitempty"`
	DisableParallel bool   `json:"disable_parallel_tool_use,omitempty"`
}

type thinking struct {
	Type         string `json:"type"`
	BudgetTokens int32  `json:"budget_tokens,omitempty"`
	Display      string `json:"display,omitempty"`
}

type outputConfig struct {
	Effort string  `json:"effort,omitempty"`
	Format *format `json:"format,omitempty"`
}

type format struct {
	Type   string          `json:"type"`
	Schema json.RawMessage `json:"schema"`
}

type metadata struct {
	UserID string `json:"user_id"`
}

// marshal returns r as JSON, with layers of extras over its own fields.
func (r *params) marshal(extras ...map[string]json.RawMessage) ([]byte, error) {
	body, err := plainjson.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("anthropic: the request is no JSON: %w", err)
	}
	if body, err = request.Overlay(body, extras...); err != nil {
		return nil, fmt.Errorf("anthropic: %w", err)
	}
	return body, nil
}

// answer is the body of an unary response, and the message of a message_start
// event.
type answer struct {
	Type        string        `json:"type"`
	Model       string        `json:"model"`
	Content     []answerBlock `json:"content"`
	StopReason  string        `json:"stop_reason"`
	StopDetails *stopDetails  `json:"stop_details"`
	Usage       *usage        `json:"usage"`
}

// answerBlock is a content block of a type that is understood here, and as much
// of any other.
type answerBlock struct {
	Type      string          `json:"type"`
	Text      string          `json:"text"`
	Thinking  string          `json:"thinking"`
	Signature string          `json:"signature"`
	Data      string          `json:"data"`
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	Input     json.RawMessage `json:"input"`
	Citations []citation      `json:"citations"`
}

type citation struct {
	URL           string `json:"url"`
	Source        string `json:"source"` // of a search result
	Title         string `json:"title"`
	DocumentTitle string `json:"document_title"`
}

type stopDetails struct {
	Category         string `json:"category"`
	Explanation      string `json:"explanation"`
	RecommendedModel string `json:"recommended_model"`
}

// usage has pointers where a later event may leave out what an earlier one told.
type usage struct {
	Input         *int32 `json:"input_tokens"`
	CacheCreation *int32 `json:"cache_creation_input_tokens"`
	CacheRead     *int32 `json:"cache_read_input_tokens"`
	Output        *int32 `json:"output_tokens"`
	Details       *struct {
		Thinking int32 `json:"thinking_tokens"`
	} `json:"output_tokens_details"`
}
