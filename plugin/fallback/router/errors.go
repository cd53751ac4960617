package router

import (
	"errors"

	"github.com/adk-fallback/adk-fallback/internal/group"
)

// ErrDiverged ends a resumed call: the next model's answer does not continue the
// text that was shown.
var ErrDiverged = errors.New("router: the next model's answer does not continue what was shown")

// AllFailedError says that no target answered. Its causes are in the order in
// which the targets were called or skipped. errors.Is and errors.As find each.
type AllFailedError = group.AllFailedError
