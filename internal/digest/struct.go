package digest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"sync"
)

// structure writes the fields that are set. What is not exported, as in a
// time.Time, is known by its JSON, which is all that a provider is sent of it.
func (d *digest) structure(v reflect.Value) {
	shape := shapeOf(v.Type())
	if shape.opaque {
		text, err := json.Marshal(v.Interface())
		if err != nil {
			d.err = fmt.Errorf("%w: %w", errNoForm, err)
			return
		}
		d.bytes(text)
		return
	}
	for _, field := range shape.fields {
		value := v.Field(field.index)
		if isUnset(value, field.kind) {
			continue
		}
		d.number(uint64(field.index) + 1)
		if field.id {
			d.id(value.String())
		} else {
			d.value(value)
		}
	}
	d.number(0) // no field has this number
}

// isUnset treats nil and empty alike: providers are sent neither.
func isUnset(v reflect.Value, kind reflect.Kind) bool {
	switch kind {
	case reflect.Pointer, reflect.Interface:
		return v.IsNil()
	case reflect.Slice, reflect.Map, reflect.String:
		return v.Len() == 0
	}
	return v.IsZero()
}

// shape is what a key takes of a struct type.
type shape struct {
	fields []shapeField
	opaque bool // it has fields that cannot be read
}

type shapeField struct {
	index int
	kind  reflect.Kind
	id    bool // it pairs a call with its result
}

var shapes sync.Map // reflect.Type → *shape; a cache, as large as there are types in requests

func shapeOf(t reflect.Type) *shape {
	if known, ok := shapes.Load(t); ok {
		return known.(*shape)
	}
	s := &shape{}
	for i := range t.NumField() {
		field := t.Field(i)
		switch {
		case !field.IsExported():
			s.opaque = true
		case !slices.Contains(omitted[t], field.Name):
			s.fields = append(s.fields, shapeField{i, field.Type.Kind(), field.Name == "ID" && identified[t]})
		}
	}
	shapes.Store(t, s)
	return s
}
