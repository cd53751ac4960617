package policy

import (
	"errors"

	"github.com/adk-fallback/adk-fallback/internal/condition"
)

// Condition says when a call moves on to an entry; see docs/policy.md for the
// language. In a file it is a string, and compiled when it is read. The zero
// value, which no file leaves behind, is never true.
type Condition struct{ compiled *condition.Condition }

// String returns the condition as it was written.
func (c Condition) String() string {
	if c.compiled == nil {
		return "false"
	}
	return c.compiled.String()
}

// compileCondition returns what is wrong with source, each with the offset of
// its mistake in bytes.
func compileCondition(source string) (Condition, condition.Errors) {
	compiled, err := condition.Compile(source)
	if err == nil {
		return Condition{compiled}, nil
	}
	if mistakes, ok := errors.AsType[condition.Errors](err); ok {
		return Condition{}, mistakes
	}
	return Condition{}, condition.Errors{{Found: err.Error(), Allowed: "a condition"}}
}
