package router

import (
	"errors"
	"fmt"
	"strings"
)

// ErrDiverged ends a resumed call: the next model's answer does not continue the
// text that was shown.
var ErrDiverged = errors.New("router: the next model's answer does not continue what was shown")

// AllFailedError says that no target answered. Its causes are in the order in
// which the targets were asked or skipped, the first model's first; errors.Is
// and errors.As find each.
type AllFailedError struct {
	Causes []error
}

func (e *AllFailedError) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "router: no target answered (%d tried or skipped)", len(e.Causes))
	for i, cause := range e.Causes {
		fmt.Fprintf(&text, "; %d. %v", i+1, cause)
	}
	return text.String()
}

// Unwrap returns the causes.
func (e *AllFailedError) Unwrap() []error { return e.Causes }
