package wireschema

import (
	"encoding/json"
	"fmt"
)

// value copies what is no schema, such as a default.
func (w *schemaWriter) value(v any, depth int) (any, error) {
	if err := w.enter(depth); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case nil, bool, string, float64:
		return v, nil
	case int:
		return float64(v), nil
	case []string:
		return toList(v), nil
	case []any:
		out := make([]any, len(v))
		for i := range v {
			var err error
			if out[i], err = w.value(v[i], depth-1); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for key := range v {
			var err error
			if out[key], err = w.value(v[key], depth-1); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	plain, _, err := toJSON(v)
	return plain, err
}

// toJSON returns v in JSON's shapes, and the text that these were read from.
func toJSON(v any) (plain any, text []byte, err error) {
	raw, ok := v.(json.RawMessage)
	if text = raw; !ok {
		if text, err = json.Marshal(v); err != nil {
			return nil, nil, fmt.Errorf("schema: not JSON: %w", err)
		}
	}
	if len(text) == 0 {
		return nil, nil, nil
	}
	if err := json.Unmarshal(text, &plain); err != nil {
		return nil, nil, fmt.Errorf("schema: not JSON: %w", err)
	}
	return plain, text, nil
}

// toStrings returns the strings of a list.
func toStrings(v any) (out []string, ok bool) {
	list, ok := v.([]any)
	if !ok {
		out, ok = v.([]string)
		return out, ok
	}
	for _, element := range list {
		text, isText := element.(string)
		if !isText {
			return nil, false
		}
		out = append(out, text)
	}
	return out, true
}

func toList[T any](values []T) []any {
	out := make([]any, len(values))
	for i, value := range values {
		out[i] = value
	}
	return out
}
