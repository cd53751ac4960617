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
	return toJSON(v)
}

// toJSON returns v in JSON's shapes.
func toJSON(v any) (any, error) {
	data, ok := v.(json.RawMessage)
	if !ok {
		var err error
		if data, err = json.Marshal(v); err != nil {
			return nil, fmt.Errorf("schema: not JSON: %w", err)
		}
	}
	if len(data) == 0 {
		return nil, nil
	}
	var plain any
	if err := json.Unmarshal(data, &plain); err != nil {
		return nil, fmt.Errorf("schema: not JSON: %w", err)
	}
	return plain, nil
}

func toList[T any](values []T) []any {
	out := make([]any, len(values))
	for i, value := range values {
		out[i] = value
	}
	return out
}
