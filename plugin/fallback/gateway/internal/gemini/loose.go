package gemini

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"

	"github.com/adk-fallback/adk-fallback/internal/plainjson"
)

// The Gemini API takes looser JSON than package json does. A single element may replace a list,
// as in Google's examples for curl: {"contents": {"parts": {"text": "Hello"}}}. Base64 may have
// the alphabet for URLs, which google-genai for Python sends, and no padding:
// https://protobuf.dev/programming-guides/json/.

// repeated are the fields that hold a list of objects.
var repeated = map[string]bool{"contents": true, "parts": true, "tools": true, "functionDeclarations": true, "safetySettings": true, "requests": true}

// binary are the fields that hold base64.
var binary = map[string]bool{"data": true, "thoughtSignature": true, "continuationToken": true, "voiceSampleAudio": true, "consentAudio": true}

// decode decodes body, whose keys are in camelCase, into v, which points to a struct. It returns
// body, or the stricter form of it that it has decoded.
func decode(body []byte, v any) ([]byte, error) {
	err := json.Unmarshal(body, v)
	if err == nil {
		return body, nil
	}
	strict, ok := tightened(body)
	if !ok {
		return body, err
	}
	reflect.ValueOf(v).Elem().SetZero() // discard what the failed call has decoded
	if json.Unmarshal(strict, v) != nil {
		return body, err
	}
	return strict, nil
}

// tightened returns body with lists instead of single elements, and with standard base64. It returns
// false if nothing changes.
func tightened(body []byte) ([]byte, bool) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil || !tighten(v) {
		return nil, false
	}
	out, err := plainjson.Marshal(v)
	return out, err == nil
}

// tighten changes v in place, and reports whether it has. Values of the client's own, such as
// arguments of functions, stay unchanged.
func tighten(v any) (changed bool) {
	switch v := v.(type) {
	case []any:
		for _, element := range v {
			changed = tighten(element) || changed
		}
	case map[string]any:
		for key, value := range v {
			if opaque[key] || key == "properties" || key == "defs" {
				continue
			}
			changed = tighten(value) || changed
			switch value := value.(type) {
			case map[string]any:
				if repeated[key] {
					v[key], changed = []any{value}, true
				}
			case string:
				if standard := standardBase64(value); binary[key] && standard != value {
					v[key], changed = standard, true
				}
			}
		}
	}
	return changed
}

var standardAlphabet = strings.NewReplacer("-", "+", "_", "/")

// standardBase64 returns base64 of either alphabet, padded or not, with the standard alphabet and
// padding.
func standardBase64(text string) string {
	digits := strings.TrimRight(text, "=")
	if pad := -len(digits) & 3; digits != "" && pad < 3 {
		return standardAlphabet.Replace(digits) + "=="[:pad]
	}
	return text // not base64
}
