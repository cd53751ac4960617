// Package check has the checks that constructors of layers share. A wrong field is an error;
// a nil model is a panic, because only a mistake in the program can cause it.
package check

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/match"
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

// Folded returns the values by the names that [match.Fold] returns. Two spellings of one name are an error, because
// either value may be meant. field is the package and the field, such as "middleware: BudgetConfig.Limits".
func Folded[V any](field string, names map[string]V) (map[string]V, error) {
	if names == nil {
		return nil, nil
	}
	var problems []error
	all, first := make(map[string]V, len(names)), make(map[string]string, len(names))
	for _, name := range slices.Sorted(maps.Keys(names)) {
		folded := match.Fold(name)
		if other, twice := first[folded]; twice {
			problems = append(problems, fmt.Errorf("%s[%q]: is the same name as %q, because case does not matter; remove one of them", field, name, other))
		}
		all[folded], first[folded] = names[name], name
	}
	return all, errors.Join(problems...)
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
