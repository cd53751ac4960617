package condition

import (
	"fmt"
	"strings"
)

// An Error is one mistake in a condition.
type Error struct {
	Offset  int    // where, in bytes from the start of the source; len(source) is its end
	Found   string // what stands there
	Allowed string // what may stand there
}

// Error returns "condition: at 12: found …; allowed: …".
func (e *Error) Error() string {
	return fmt.Sprintf("condition: at %d: found %s; allowed: %s", e.Offset, e.Found, e.Allowed)
}

// Errors is what Compile returns: every mistake of one condition, in order of Offset, at least one.
// errors.As finds the first as an *Error.
type Errors []*Error

// Error returns the mistakes, one a line.
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
