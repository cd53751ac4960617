// Package nilcheck reports whether a model is nil or a nil pointer in an interface. A
// constructor whose error was ignored returns such a value. Without this check, the first call
// would fail instead of the configuration.
package nilcheck

import (
	"reflect"
	"runtime"
	"strings"
)

// named is what the models of both majors of ADK have.
type named interface{ Name() string }

// Model reports whether m is no model: nil itself, a nil pointer, func, map,
// slice or channel, or a struct around nil that cannot tell its Name.
func Model(m named) bool {
	v := reflect.ValueOf(m)
	switch v.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Func, reflect.Map, reflect.Slice, reflect.Chan:
		if v.IsNil() {
			return true
		}
	}
	return namePanics(m)
}

// namePanics asks m itself: a struct may embed a nil interface and yet have
// every method that is called. Any other panic is left to who calls Name next.
func namePanics(m named) (onNil bool) {
	defer func() {
		if err, ok := recover().(runtime.Error); ok {
			onNil = strings.Contains(err.Error(), "nil pointer dereference")
		}
	}()
	m.Name()
	return false
}
