// Package check has the checks that constructors of layers share. A wrong field is an error;
// a nil model is a panic, because only a mistake in the program can cause it.
package check

import (
	"fmt"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/nilcheck"
)

// NotNegative returns an error for a negative value, or nil. field is the package and
// the field, such as "cache: Config.TTL"; allowed ends the sentence "must be …".
func NotNegative[T int | time.Duration](field string, value T, allowed string) error {
	if value >= 0 {
		return nil
	}
	return fmt.Errorf("%s: %v is negative; must be %s", field, value, allowed)
}

// Model panics if m, which a layer is to be put around, is no model. layer is the
// package and the layer, such as "middleware: Retry".
func Model(layer string, m model.LLM) {
	if nilcheck.Model(m) {
		panic(layer + ": the model is nil")
	}
}

// Must returns made, or panics if err is not nil. Every Must function is one.
func Must[T any](made T, err error) T {
	if err != nil {
		panic(err)
	}
	return made
}
