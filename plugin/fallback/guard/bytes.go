package guard

import (
	"encoding"
	"encoding/json"
	"reflect"
)

// holdsBytes reports whether JSON of v has bytes in it, which are not text: as
// base64, or as a list of numbers. A type that writes itself, such as
// json.RawMessage, is taken to write text.
//
// v must be a value that json.Marshal has written, because one that holds itself
// has no end.
func holdsBytes(v reflect.Value) bool {
	if !v.IsValid() || writesItself(v) {
		return false
	}
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		return holdsBytes(v.Elem())
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return v.Len() > 0
		}
		for i := range v.Len() {
			if holdsBytes(v.Index(i)) {
				return true
			}
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			if holdsBytes(entries.Value()) {
				return true
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i)
			sent := (field.IsExported() || field.Anonymous) && field.Tag.Get("json") != "-"
			if sent && holdsBytes(v.Field(i)) {
				return true
			}
		}
	}
	return false
}

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

// writesItself reports whether json.Marshal leaves v to a method of its type, or
// of the pointer to it where there is one.
func writesItself(v reflect.Value) bool {
	t := v.Type()
	if v.CanAddr() {
		t = reflect.PointerTo(t) // which has the methods of the type too
	}
	return v.Kind() != reflect.Interface && (t.Implements(jsonMarshaler) || t.Implements(textMarshaler))
}
