package gemini

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/adk-fallback/adk-fallback/internal/plainjson"
)

// The Gemini API also accepts field names in snake_case, like all APIs defined by protocol
// buffers (https://protobuf.dev/programming-guides/json/). Google's examples for curl use them.

// hasSnakeKeys reports whether a key of JSON in data has an underscore.
func hasSnakeKeys(data []byte) bool {
	for i := 0; i < len(data); i++ {
		if data[i] != '"' {
			continue
		}
		start := i + 1
		for i = start; i < len(data) && data[i] != '"'; i++ {
			if data[i] == '\\' {
				i++
			}
		}
		if i >= len(data) {
			return false
		}
		after := bytes.TrimLeft(data[i+1:min(i+64, len(data))], " \t\r\n")
		if len(after) > 0 && after[0] == ':' && bytes.IndexByte(data[start:i], '_') >= 0 {
			return true
		}
	}
	return false
}

// camelKeys returns data with its field names in camelCase. It keeps names that the client
// chooses. Data that is not JSON is returned unchanged.
func camelKeys(data []byte) []byte {
	if !hasSnakeKeys(data) {
		return data
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var v any
	if decoder.Decode(&v) != nil || decoder.More() {
		return data
	}
	out, err := plainjson.Marshal(camel(v))
	if err != nil {
		return data
	}
	return out
}

// opaque are the fields whose values are the client's own. The values in properties are schemas,
// but their names are the client's.
var opaque = map[string]bool{
	"args": true, "response": true, "parametersJsonSchema": true, "responseJsonSchema": true, "labels": true,
	"partMetadata": true, "default": true, "example": true, "enum": true,
}

func camel(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = camel(v[i])
		}
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			name := camelOf(key)
			switch properties, isMap := value.(map[string]any); {
			case opaque[name]:
			case isMap && (name == "properties" || name == "defs"):
				for property, schema := range properties {
					properties[property] = camel(schema)
				}
			default:
				value = camel(value)
			}
			if _, both := out[name]; !both || name == key { // the API's own name wins
				out[name] = value
			}
		}
		return out
	}
	return v
}

// camelOf returns a name in camelCase. A name that begins with an underscore is not changed.
func camelOf(name string) string {
	if strings.HasPrefix(name, "_") || !strings.Contains(name, "_") {
		return name
	}
	words := strings.Split(name, "_")
	for i, word := range words[1:] {
		if word != "" {
			words[i+1] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(words, "")
}
