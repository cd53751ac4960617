package openaiwire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/adk-fallback/adk-fallback/internal/redact"
)

// MaxErrorBody bounds what is read of the body of an error, in bytes.
const MaxErrorBody = 1 << 20

// Error is an error of a server, with an error status, in the body of a success, or
// within a stream. Package failure classifies it by the exported fields and RawJSON.
type Error struct {
	StatusCode int            // HTTP status; below 400 for an error within a success
	Response   *http.Response // for its headers; its body is closed. nil for an error of a stream

	body []byte
	words
}

// words are what an error body says. Fields that it lacks are "".
type words struct{ message, kind, code, param string }

// NewError returns the error that body is. resp may be nil; status is then 0. It
// keeps body.
func NewError(resp *http.Response, body []byte) *Error {
	e := &Error{Response: resp, body: body}
	if resp != nil {
		e.StatusCode = resp.StatusCode
	}
	if v, ok := decodeAny(body); ok {
		e.words = readWords(v, maxErrorDepth)
	}
	if e.message == "" && e.kind == "" && e.code == "" {
		e.message = strings.ToValidUTF8(string(body[:min(len(body), maxMessage)]), "\uFFFD")
	}
	return e
}

// RawJSON returns the body, which is not JSON if the server sent something else.
func (e *Error) RawJSON() string { return string(e.body) }

// Message returns the server's words: those of the innermost error if a gateway
// has wrapped one. They may hold what the request held.
func (e *Error) Message() string { return e.message }

// Code returns the code in words, such as "unsupported_parameter", or a numeric
// code in digits.
func (e *Error) Code() string { return e.code }

// Type returns the type, such as "invalid_request_error".
func (e *Error) Type() string { return e.kind }

// Param returns the path of the field of the request that is refused, such as
// "messages[2].role".
func (e *Error) Param() string { return e.param }

const (
	maxMessage    = 1 << 10
	maxErrorDepth = 8
)

// Error implements error. Keys and tokens in the server's words are redacted.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("openai: ")
	if e.StatusCode >= 400 {
		fmt.Fprintf(&b, "status %d", e.StatusCode)
	} else {
		b.WriteString("error in the answer")
	}
	if e.message != "" {
		b.WriteString(": " + redact.Text(e.message, maxMessage))
	}
	var more []string
	for _, field := range [...]struct{ name, value string }{{"type", e.kind}, {"code", e.code}, {"param", e.param}} {
		if field.value != "" {
			more = append(more, field.name+" "+redact.Text(field.value, 128))
		}
	}
	if more != nil {
		b.WriteString(" (" + strings.Join(more, ", ") + ")")
	}
	return b.String()
}

// decodeAny decodes the JSON value at the start of body. Some servers write
// more behind it.
func decodeAny(body []byte) (any, bool) {
	var v any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	return v, d.Decode(&v) == nil
}

// readWords finds the words in any of the shapes that servers use:
//
//	{"error": {"message", "type", "param", "code"}}      OpenAI, and most
//	{"error": "…", "code": "…"}                          xAI, LM Studio, Ollama
//	{"object": "error", "message", "type", "code"}       Mistral, SGLang, older vLLM
//	{"message": "…"}                                     Cohere
//	{"detail": "…"}, {"detail": [{"loc", "msg"}]}        FastAPI
//	{"errors": [{"code", "message"}]}                    Cloudflare
//	[{"error": {…}}]                                     Gemini
func readWords(v any, depth int) (w words) {
	if depth == 0 {
		return w
	}
	switch v := v.(type) {
	case string:
		return words{message: v}
	case []any:
		if len(v) > 0 {
			return readWords(v[0], depth-1)
		}
	case map[string]any:
		w = words{message: text(v, "message", "msg", "title"), kind: text(v, "type", "status"), code: text(v, "code"), param: text(v, "param")}
		if loc, ok := v["loc"].([]any); ok {
			w.param = path(loc)
		}
		for _, key := range [...]string{"error", "detail", "errors", "message"} {
			switch inner := v[key].(type) {
			case map[string]any, []any, string:
				w = readWords(inner, depth-1).or(w)
			}
		}
		// OpenRouter: the message is no more than "Provider returned error".
		if metadata, ok := v["metadata"].(map[string]any); ok {
			w = readRaw(metadata["raw"], depth-1).or(w)
		}
	}
	return w
}

// readRaw reads the error that a gateway was answered with.
func readRaw(raw any, depth int) words {
	if s, ok := raw.(string); ok {
		if v, ok := decodeAny([]byte(s)); ok {
			raw = v
		}
	}
	return readWords(raw, depth)
}

// or fills in from outer what w lacks.
func (w words) or(outer words) words {
	fill := func(field *string, more string) {
		if *field == "" {
			*field = more
		}
	}
	fill(&w.message, outer.message)
	fill(&w.kind, outer.kind)
	fill(&w.code, outer.code)
	fill(&w.param, outer.param)
	return w
}

// text returns the first of the keys that holds a text or a number.
func text(object map[string]any, keys ...string) string {
	for _, key := range keys {
		switch v := object[key].(type) {
		case string:
			if v != "" {
				return v
			}
		case json.Number:
			return v.String()
		}
	}
	return ""
}

// path writes the place of a field as OpenAI does, without FastAPI's "body".
func path(loc []any) string {
	var b strings.Builder
	for i, step := range loc {
		switch step := step.(type) {
		case string:
			if i == 0 && step == "body" {
				continue
			}
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(step)
		case json.Number:
			if n, err := strconv.Atoi(step.String()); err == nil {
				fmt.Fprintf(&b, "[%d]", n)
			}
		}
	}
	return b.String()
}
