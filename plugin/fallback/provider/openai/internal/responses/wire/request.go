package wire

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/adk-fallback/adk-fallback/internal/jsonscan"
	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
)

// Request is the body of POST /responses. It has only the fields that this
// module sends.
type Request struct {
	Model             string            `json:"model"`
	Input             Input             `json:"input"`
	Instructions      string            `json:"instructions,omitempty"`
	Tools             []Tool            `json:"tools,omitempty"`
	ToolChoice        any               `json:"tool_choice,omitempty"` // "none", "auto", "required" or a *ToolChoice
	ParallelToolCalls *bool             `json:"parallel_tool_calls,omitempty"`
	Text              *Text             `json:"text,omitempty"`
	Reasoning         *Reasoning        `json:"reasoning,omitempty"`
	MaxOutputTokens   *int64            `json:"max_output_tokens,omitempty"` // at least 16
	Temperature       *float64          `json:"temperature,omitempty"`
	TopP              *float64          `json:"top_p,omitempty"`
	TopLogprobs       *int64            `json:"top_logprobs,omitempty"`
	Include           []string          `json:"include,omitempty"`
	Metadata          map[string]string `json:"metadata,omitempty"`
	Store             *bool             `json:"store,omitempty"` // the server's default is true
	Stream            bool              `json:"stream,omitempty"`
}

// What [Request.Include] may name.
const (
	IncludeEncryptedReasoning = "reasoning.encrypted_content"
	IncludeLogprobs           = "message.output_text.logprobs"
)

// Input is the input of the model. On the wire it may be a single string,
// which is read as a user's message.
type Input []Item

// UnmarshalJSON implements json.Unmarshaler.
func (in *Input) UnmarshalJSON(data []byte) error {
	if text, ok := jsonString(data); ok {
		*in = Input{{Type: ItemMessage, Role: "user", Content: Content{{Type: PartInputText, Text: text}}}}
		return nil
	}
	return json.Unmarshal(data, (*[]Item)(in))
}

// Tool is a function that the model may call, or a tool that the
// server runs, which has a type only.
type Tool struct {
	Type        string          `json:"type"` // "function"
	Name        string          `json:"name,omitempty"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters,omitempty"` // JSON Schema of an object
	Strict      *bool           `json:"strict,omitempty"`     // the server's default is true
}

// ToolChoice makes the model call one function (type "function"), or
// choose among some (type "allowed_tools").
type ToolChoice struct {
	Type  string `json:"type"`
	Name  string `json:"name,omitempty"`
	Mode  string `json:"mode,omitempty"`  // of allowed_tools: "auto" or "required"
	Tools []Tool `json:"tools,omitempty"` // of allowed_tools: types and names
}

// Text says in which form the text is wanted.
type Text struct {
	Format *Format `json:"format,omitempty"`
}

// Format is a form of text: "text", "json_object" or "json_schema".
// The other fields belong to the last.
type Format struct {
	Type        string          `json:"type"`
	Name        string          `json:"name,omitempty"` // at most 64 of a-z A-Z 0-9 _ -
	Description string          `json:"description,omitempty"`
	Schema      json.RawMessage `json:"schema,omitempty"`
	Strict      *bool           `json:"strict,omitempty"`
}

// Reasoning configures reasoning models.
type Reasoning struct {
	Effort  string `json:"effort,omitempty"`  // none, minimal, low, medium, high, xhigh or max, as the model accepts
	Summary string `json:"summary,omitempty"` // auto, concise or detailed
}

// The types of items that this module reads and writes.
const (
	ItemMessage         = "message"
	ItemFunctionCall    = "function_call"
	ItemFunctionOutput  = "function_call_output"
	ItemReasoning       = "reasoning"
	ItemImageGeneration = "image_generation_call"
)

// Item is one item of the input or of the output. Which fields it has
// depends on its type; an input message may lack the type.
type Item struct {
	Type   string `json:"type,omitempty"`
	ID     string `json:"id,omitempty"`
	Status string `json:"status,omitempty"` // in_progress, completed or incomplete

	// Of a message. A reasoning item may have content too.
	Role    string  `json:"role,omitempty"`
	Phase   string  `json:"phase,omitempty"` // commentary or final_answer: newer models want it back
	Content Content `json:"content,omitzero"`

	// Of a function call and of its output.
	CallID    string  `json:"call_id,omitempty"`
	Name      string  `json:"name,omitempty"`
	Arguments JSON    `json:"arguments,omitempty"`
	Output    *Output `json:"output,omitempty"`

	// Of reasoning. An input item must have a summary, be it empty.
	Summary          Content `json:"summary,omitzero"`
	EncryptedContent string  `json:"encrypted_content,omitempty"`
	Format           string  `json:"format,omitempty"`    // OpenRouter: whose encryption or signature
	Signature        string  `json:"signature,omitempty"` // OpenRouter

	// Of the generation of an image.
	Result       string `json:"result,omitempty"` // base64
	OutputFormat string `json:"output_format,omitempty"`
}

// JSON is JSON in a string. Some servers send the value itself.
type JSON string

// UnmarshalJSON implements json.Unmarshaler.
func (s *JSON) UnmarshalJSON(data []byte) error {
	text, ok := jsonString(data)
	if !ok && string(data) != "null" {
		text = string(data)
	}
	*s = JSON(text)
	return nil
}

// The types of parts that this module reads and writes.
const (
	PartInputText     = "input_text"
	PartInputImage    = "input_image"
	PartInputFile     = "input_file"
	PartOutputText    = "output_text"
	PartRefusal       = "refusal"
	PartSummaryText   = "summary_text"
	PartReasoningText = "reasoning_text"
)

// Content is the content of an item. On the wire it may be one text,
// which is read as a part without a type.
type Content []Part

// UnmarshalJSON implements json.Unmarshaler. What is neither text nor a list is
// no content.
func (c *Content) UnmarshalJSON(data []byte) error {
	if text, ok := jsonString(data); ok {
		*c = Content{{Text: text}}
		return nil
	}
	if len(data) == 0 || data[0] != '[' {
		*c = nil
		return nil
	}
	return lenient(json.Unmarshal(data, (*[]Part)(c)))
}

// Part is a part of a content.
type Part struct {
	Type string `json:"type,omitempty"`
	Text string `json:"text,omitzero"`

	Refusal     string               `json:"refusal,omitempty"`
	Annotations []Annotation         `json:"annotations,omitempty"`
	Logprobs    []openaiwire.Logprob `json:"logprobs,omitempty"`

	ImageURL string `json:"image_url,omitempty"` // https or data URL
	Detail   string `json:"detail,omitempty"`
	FileURL  string `json:"file_url,omitempty"`
	FileData string `json:"file_data,omitempty"` // data URL
	FileID   string `json:"file_id,omitempty"`
	Filename string `json:"filename,omitempty"`
}

// Annotation is a source that the text rests on. Indexes count
// characters of the part's text.
type Annotation struct {
	Type       string `json:"type"` // url_citation, file_citation, …
	URL        string `json:"url,omitempty"`
	Title      string `json:"title,omitempty"`
	StartIndex int    `json:"start_index,omitempty"`
	EndIndex   int    `json:"end_index,omitempty"`
}

// Output is what a function returned: a text, or parts where there are
// any.
type Output struct {
	Text  string
	Parts Content
}

// MarshalJSON implements json.Marshaler.
func (o Output) MarshalJSON() ([]byte, error) {
	if o.Parts != nil {
		return json.Marshal([]Part(o.Parts))
	}
	return json.Marshal(o.Text)
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *Output) UnmarshalJSON(data []byte) error {
	if text, ok := jsonString(data); ok {
		*o = Output{Text: text}
		return nil
	}
	return json.Unmarshal(data, &o.Parts)
}

// jsonString returns the text that data is, if it is a JSON string.
func jsonString(data []byte) (string, bool) {
	data = bytes.TrimSpace(data)
	if len(data) < 2 || data[0] != '"' {
		return "", false
	}
	return jsonscan.Unquote(data)
}

// lenient forgives fields of another type than expected: the rest has been
// decoded, and a server that writes 1.0 for 1 is still understood.
func lenient(err error) error {
	if err == nil {
		return nil
	}
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) {
		return nil
	}
	return err
}
