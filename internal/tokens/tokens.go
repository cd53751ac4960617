// Package tokens estimates the length of a request in tokens before it is sent, for limits, windows and prices. It makes no
// network call and has no model's vocabulary. The exact number is the provider's own count, afterwards.
package tokens

import (
	"encoding/json"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

const (
	// A token is about four characters of English (https://ai.google.dev/gemini-api/docs/tokens). Bytes stand for
	// characters, since scripts of several bytes a character have fewer characters a token.
	bytesPerToken = 4

	// An image of 1024 × 1024 is 765 tokens to GPT-4o, about 1,030 to Gemini (four tiles of 258) and about 1,400 to
	// Claude: https://platform.openai.com/docs/guides/images-vision, https://ai.google.dev/gemini-api/docs/tokens,
	// https://platform.claude.com/docs/en/build-with-claude/vision.
	attachmentBytes = 1000 * bytesPerToken

	// maxNodes bounds the look into values and schemas, which a program can build without end. About a millisecond.
	maxNodes = 100_000
)

// Estimate returns about how many input tokens a request has: a quarter of the bytes of its texts, of the JSON of its
// function calls, responses and declarations, of its system instruction, of the schema asked for and of attached text. Any
// other attachment, and a text that is attached by reference, counts as an image of 1,000 tokens, which is too little for a
// long video or document. It asks nobody: an ordinary request takes about a microsecond.
func Estimate(req *model.LLMRequest) int {
	size, s := 0, sizer{nodes: maxNodes}
	for _, c := range req.Contents {
		size += s.content(c)
	}
	if c := req.Config; c != nil {
		size += s.content(c.SystemInstruction)
		for _, t := range c.Tools {
			if t != nil {
				size += s.declarations(t.FunctionDeclarations)
			}
		}
		size += s.schema(c.ResponseSchema) + s.jsonSchema(c.ResponseJsonSchema)
	}
	return (size + bytesPerToken - 1) / bytesPerToken
}

// OfContent returns about how many tokens a content has, as Estimate counts them, rounded up.
func OfContent(c *genai.Content) int {
	s := sizer{nodes: maxNodes}
	return (s.content(c) + bytesPerToken - 1) / bytesPerToken
}

// A sizer returns lengths in bytes. It looks at as many nodes of values and schemas as it has left; each further one counts
// as a token.
type sizer struct{ nodes int }

func (s *sizer) spent() bool {
	s.nodes--
	return s.nodes < 0
}

func (s *sizer) content(c *genai.Content) int {
	if c == nil {
		return 0
	}
	size := 0
	for _, p := range c.Parts {
		if p != nil {
			size += s.part(p)
		}
	}
	return size
}

func (s *sizer) part(p *genai.Part) int {
	size := len(p.Text)
	if p.InlineData != nil {
		size += attachment(p.InlineData.MIMEType, p.InlineData.Data)
	}
	if p.FileData != nil {
		size += attachmentBytes
	}
	if f := p.FunctionCall; f != nil {
		size += len(f.Name) + s.value(f.Args)
	}
	if f := p.FunctionResponse; f != nil {
		size += len(f.Name) + s.value(f.Response)
		for _, p := range f.Parts {
			if p != nil && p.InlineData != nil {
				size += attachment(p.InlineData.MIMEType, p.InlineData.Data)
			} else {
				size += attachmentBytes
			}
		}
	}
	if c := p.ExecutableCode; c != nil {
		size += len(c.Code)
	}
	if r := p.CodeExecutionResult; r != nil {
		size += len(r.Output)
	}
	return size
}

// attachment returns about how much text, in bytes, data counts as.
func attachment(mimeType string, data []byte) int {
	if textual(mimeType) {
		return len(data)
	}
	return attachmentBytes
}

// textual reports whether data of a type is read as the text that it is: text/*, and the types of JSON, XML, YAML, code and
// forms that are registered elsewhere (https://www.iana.org/assignments/media-types).
func textual(mimeType string) bool {
	mimeType, _, _ = strings.Cut(mimeType, ";") // parameters
	kind, format, _ := strings.Cut(strings.ToLower(strings.TrimSpace(mimeType)), "/")
	if kind == "text" {
		return true
	}
	format = format[strings.LastIndexByte(format, '+')+1:] // image/svg+xml, application/ld+json
	switch strings.TrimPrefix(format, "x-") {
	case "json", "jsonl", "ndjson", "json-seq", "xml", "yaml", "toml", "javascript", "ecmascript", "typescript", "python", "sh", "sql", "graphql", "rtf", "www-form-urlencoded":
		return true
	}
	return false
}

// What JSON adds to what it holds, in bytes.
const quotes, comma, colon, brackets, number = 2, 1, 1, 2, 6

// value returns about the length of v as JSON, without making it: function responses can be large. Of a type that JSON
// does not decode to, it does make it.
func (s *sizer) value(v any) int {
	if s.spent() {
		return bytesPerToken
	}
	switch v := v.(type) {
	case nil:
		return len("null")
	case bool:
		return len("true")
	case string:
		return quotes + len(v)
	case float64, float32, int, int32, int64, uint, uint32, uint64:
		return number
	case map[string]any:
		size := brackets
		for key, element := range v {
			size += quotes + len(key) + colon + s.value(element) + comma
		}
		return size
	case []any:
		size := brackets
		for _, element := range v {
			size += s.value(element) + comma
		}
		return size
	}
	b, err := json.Marshal(v)
	if err != nil {
		return 0 // it will not be sent either
	}
	return len(b)
}
