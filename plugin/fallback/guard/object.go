package guard

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/adk-fallback/adk-fallback/internal/redact"
)

// redactObject replaces an object by what a provider is sent of it, JSON, whatever
// Go values a tool has put there. Bytes would be sent as base64, in which nothing
// is recognised.
func redactObject(object *map[string]any) bool {
	if *object == nil {
		return true
	}
	data, err := json.Marshal(*object)
	if err != nil || holdsBytes(reflect.ValueOf(*object)) {
		return false
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var plain map[string]any
	if decoder.Decode(&plain) != nil {
		return false
	}
	*object = redactedObject(nil, plain)
	return true
}

// redactedObject redacts keys and values. Keys that are equal then are numbered.
// names are the keys that the object itself stands under: they say what a value is,
// as {"password": "…"} and {"password": {"new": "…"}} do.
func redactedObject(names []string, object map[string]any) map[string]any {
	clean := make(map[string]any, len(object))
	numbers := map[string]int{} // the last one that a key has tried
	for _, key := range slices.Sorted(maps.Keys(object)) {
		name := redactedText(key)
		free := name
		for _, taken := clean[free]; taken; _, taken = clean[free] {
			numbers[name] = max(numbers[name], 1) + 1
			free = name + " " + strconv.Itoa(numbers[name])
		}
		own := append(names[:len(names):len(names)], key)
		if called, ok := object["name"].(string); ok && key == "value" {
			own = append(own, called) // {"name": "DB_PASSWORD", "value": "…"}
		}
		clean[free] = redactedValue(own, object[key])
	}
	return clean
}

func redactedValue(names []string, value any) any {
	switch value := value.(type) {
	case string:
		if isSecret(names, value) {
			return placeholder
		}
		return redactedText(value)
	case json.Number:
		text := redactedText(value.String())
		if isSecret(names, text) {
			return placeholder
		}
		if number, err := value.Float64(); err == nil && text == value.String() {
			return number
		}
		return text
	case map[string]any:
		return redactedObject(names, value)
	case []any:
		for i := range value {
			value[i] = redactedValue(names, value[i])
		}
	}
	return value
}

func isSecret(names []string, value string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return redact.Secret(name, value) })
}
