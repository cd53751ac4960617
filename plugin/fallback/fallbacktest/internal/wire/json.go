package wire

import (
	"maps"
	"slices"
)

type object = map[string]any

// List returns what v holds if it is an array of objects; what else is in it
// becomes an empty object, so that positions stay.
func List(v any) []map[string]any {
	items, _ := v.([]any)
	out := make([]object, len(items))
	for i, item := range items {
		out[i], _ = item.(object)
	}
	return out
}

// Str returns the string at a key, empty if there is none.
func Str(o map[string]any, key string) string {
	s, _ := o[key].(string)
	return s
}

// Sub returns the object at a key, nil if there is none.
func Sub(o map[string]any, key string) map[string]any {
	v, _ := o[key].(object)
	return v
}

// Number returns the number at a key.
func Number(o map[string]any, key string) (float64, bool) {
	f, ok := o[key].(float64)
	return f, ok
}

// Keys returns the keys in order, so that nothing depends on the order of a map.
func Keys(o map[string]any) []string { return slices.Sorted(maps.Keys(o)) }
