package condition

import (
	"fmt"
	"strings"
)

// An Error is one mistake in a condition.
type Error struct {
	Offset  int    // its place, in bytes from the start of the source; len(source) is the end
	Message string // what is wrong and what to write instead
}

// Error returns "condition: at 12: unknown name …".
func (e *Error) Error() string {
	return fmt.Sprintf("condition: at %d: %s", e.Offset, e.Message)
}

// Errors has every mistake of one condition, at least one, in order of Offset. errors.As finds the first as an *Error.
type Errors []*Error

// Error returns the mistakes, one per line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns each *Error.
func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, err := range e {
		errs[i] = err
	}
	return errs
}
