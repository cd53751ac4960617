package policy

import (
	"errors"
	"fmt"
	"sync"

	"github.com/adk-fallback/adk-fallback/internal/condition"
)

// maxConditions bounds the text of all conditions of a file, in bytes; one that
// stands there again is not counted again. It bounds what a hostile file can cost.
const maxConditions = 4 << 10

// Condition says when a call moves on to an entry; see docs/policy.md for the
// language. [ParseCondition] makes one by hand. The zero value is the condition of
// an entry in a file that has none: error.
type Condition struct{ compiled *condition.Condition }

// ParseCondition compiles a condition, such as "error || latency > 3s". The error
// names every mistake.
func ParseCondition(source string) (Condition, error) {
	compiled, err := condition.Compile(source)
	if err != nil {
		return Condition{}, fmt.Errorf("policy: %w", err)
	}
	return Condition{compiled}, nil
}

// String returns the condition as it was written.
func (c Condition) String() string { return c.orDefault().compiled.String() }

// orDefault returns c, or the default for the zero value.
func (c Condition) orDefault() Condition {
	if c.compiled == nil {
		return defaultCondition()
	}
	return c
}

var defaultCondition = sync.OnceValue(func() Condition {
	c, err := ParseCondition("error")
	if err != nil {
		panic(err) // it is a condition
	}
	return c
})

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
