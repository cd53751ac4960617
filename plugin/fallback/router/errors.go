package router

import (
	"errors"

	"github.com/adk-fallback/adk-fallback/internal/group"
)

// ErrDiverged ends a resumed call: the next model's answer does not continue the
// text that was shown.
var ErrDiverged = errors.New("router: the next model's answer does not continue what was shown")

// AllFailedError says that no target answered, after two or more were called or skipped. Its
// causes are in the order of these targets, and errors.Is and errors.As find each. If only one
// was called or skipped, because there is no other or its verdict is to fail, the call returns
// its error instead.
type AllFailedError = group.AllFailedError
