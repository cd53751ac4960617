package panics_test

import (
	"errors"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/panics"
)

func write(m map[string]int) { m["a"] = 1 }

// A value that the application has panicked with may quote a prompt. B40
func TestOnlyRuntimeErrorsAreQuoted(t *testing.T) {
	for want, do := range map[string]func(){
		"assignment to entry in nil map":      func() { write(nil) },
		"a value of type string":              func() { panic("my diagnosis") },
		"a value of type *errors.errorString": func() { panic(errors.New("my diagnosis")) },
		"a value of type map[string]string":   func() { panic(map[string]string{"prompt": "my diagnosis"}) },
		"panic called with nil argument":      func() { panic(any(nil)) },
	} {
		func() {
			defer func() {
				if got := panics.Text(recover()); got != want {
					t.Errorf("%q, want %q", got, want)
				}
			}()
			do()
		}()
	}
}
