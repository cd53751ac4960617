package gemini

import (
	"bytes"
	"encoding/json"
	"reflect"

	"github.com/adk-fallback/adk-fallback/internal/plainjson"
)

// The Gemini API also accepts one element in place of a list, as in Google's examples for curl:
// {"contents": {"parts": {"text": "Hello"}}}.

// repeated are the fields that have a list of objects.
var repeated = map[string]bool{"contents": true, "parts": true, "tools": true, "functionDeclarations": true, "safetySettings": true, "requests": true}

// decode decodes body, whose keys are in camelCase, into v, which points to a struct.
func decode(body []byte, v any) ([]byte, error) {
	err := json.Unmarshal(body, v)
	if err == nil {
		return body, nil
	}
	listed, ok := withLists(body)
	if !ok {
		return body, err
	}
	reflect.ValueOf(v).Elem().SetZero() // of what has been decoded
	if json.Unmarshal(listed, v) != nil {
		return body, err
	}
	return listed, nil
}

// withLists returns body with lists where it has one element; false if it has lists everywhere.
func withLists(body []byte) ([]byte, bool) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil || !putLists(v) {
		return nil, false
	}
	out, err := plainjson.Marshal(v)
	return out, err == nil
}

// putLists puts lists into v, and reports whether it has. What is the client's own stays as it is.
func putLists(v any) (changed bool) {
	switch v := v.(type) {
	case []any:
		for _, element := range v {
			changed = putLists(element) || changed
		}
	case map[string]any:
		for key, value := range v {
			if opaque[key] || key == "properties" || key == "defs" {
				continue
			}
			changed = putLists(value) || changed
			if _, isObject := value.(map[string]any); isObject && repeated[key] {
				v[key], changed = []any{value}, true
			}
		}
	}
	return changed
}
