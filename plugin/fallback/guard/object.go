package guard

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/adk-fallback/adk-fallback/internal/redact"
)

// redactObject replaces an object by what a provider is sent of it, JSON, whatever
// Go values a tool has put there. Bytes would be sent as base64, in which nothing
// is recognized.
func redactObject(object *map[string]any) bool {
	if *object == nil {
		return true
	}
	data, err := json.Marshal(*object)
	if err != nil || holdsBytes(reflect.ValueOf(*object)) {
		return false
	}
	plain, _, ok := decoded(string(data))
	if !ok {
		return false
	}
	var c cleaner
	*object, ok = c.value(nil, plain).(map[string]any)
	return ok
}

// decoded returns the JSON value that text starts with, with numbers as json.Number, and
// its length.
func decoded(text string) (value any, length int, ok bool) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	err := decoder.Decode(&value)
	return value, int(decoder.InputOffset()), err == nil
}

// cleaner redacts JSON values.
type cleaner struct {
	named bool // a name has marked a secret
}

// object redacts keys and values, and numbers keys that have become equal. names are the
// keys above the object and the texts beside it. They say what a value is, as
// {"password": "…"}, {"password": {"new": "…"}} and {"key": "password", "value": "…"} do.
func (c *cleaner) object(names []string, object map[string]any) map[string]any {
	clean := make(map[string]any, len(object))
	numbers := map[string]int{} // the last one that a key has tried
	beside := namesIn(object)
	for _, key := range slices.Sorted(maps.Keys(object)) {
		name := redactedText(key)
		free := name
		for _, taken := clean[free]; taken; _, taken = clean[free] {
			numbers[name] = max(numbers[name], 1) + 1
			free = name + " " + strconv.Itoa(numbers[name])
		}
		own := append(names[:len(names):len(names)], key)
		if isField(key, valueFields) {
			own = append(own, beside...)
		}
		clean[free] = c.value(own, object[key])
	}
	return clean
}

func (c *cleaner) value(names []string, value any) any {
	switch value := value.(type) {
	case string:
		if c.secret(names, value) {
			return placeholder
		}
		return redactedText(value)
	case json.Number:
		text := redactedText(value.String())
		if c.secret(names, text) {
			return placeholder
		}
		if number, err := value.Float64(); err == nil && text == value.String() {
			return number
		}
		return text
	case map[string]any:
		return c.object(names, value)
	case []any:
		return c.list(names, value)
	}
	return value
}

// list redacts a list. The first of two elements may name the second, as in a header
// written as a pair. A flag of a command names the element after it.
func (c *cleaner) list(names []string, list []any) []any {
	clean := make([]any, len(list))
	for i, value := range list {
		own := names
		if i > 0 {
			if before, ok := list[i-1].(string); ok && (len(list) == 2 || strings.HasPrefix(before, "-")) {
				own = append(names[:len(names):len(names)], before)
			}
		}
		clean[i] = c.value(own, value)
	}
	return clean
}

func (c *cleaner) secret(names []string, value string) bool {
	if value == placeholder || !slices.ContainsFunc(names, func(name string) bool { return redact.Secret(folded(name), value) }) {
		return false
	}
	c.named = true
	return true
}

// Ends of keys: a value under one of nameFields names the value under one of valueFields.
var (
	nameFields  = []string{"name", "key", "header", "field", "label", "param", "parameter", "variable", "var", "attribute", "property", "option", "setting", "type", "id", "path", "k"}
	valueFields = []string{"value", "val", "content", "data", "default", "v"}
)

// isField reports whether a key ends like one of fields, in the singular or the plural and
// in any spelling: HeaderValue, header_value, VALUES. One letter is a whole key.
func isField(key string, fields []string) bool {
	key = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(folded(key))), "s")
	return slices.ContainsFunc(fields, func(field string) bool {
		return key == field || len(field) > 1 && strings.HasSuffix(key, field)
	})
}

// namesIn returns the texts in an object that may be names.
func namesIn(object map[string]any) (names []string) {
	for key, value := range object {
		if !isField(key, nameFields) {
			continue
		}
		list, _ := value.([]any)
		for _, value := range append(list, value) {
			if name, ok := value.(string); ok {
				names = append(names, name)
			}
		}
	}
	return names
}
