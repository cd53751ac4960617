package spec

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/condition"
	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
)

// Condition says when a call moves on to an entry; see docs/policy.md for the language.
// Use [ParseCondition] to make one. The zero value is the default condition, error.
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

// Compiled returns the compiled condition; nil for the zero value.
func (c Condition) Compiled() *condition.Condition { return c.compiled }

// Uses reports whether the condition uses a name, such as cache_hit.
func (c Condition) Uses(name string) bool { return c.orDefault().compiled.Uses(name) }

// HoldsBack reports whether the condition can reject an answer. The answer is then held
// back until it is complete.
func (c Condition) HoldsBack() bool { return c.orDefault().compiled.HoldsBack() }

// SureAfter returns the time without content after which an attempt is cancelled in favour
// of an entry with this condition, whatever the caller and the cost of the request. ok is
// false if there is no such time, or if it depends on anything else.
func (c Condition) SureAfter() (silence time.Duration, ok bool) {
	c = c.orDefault()
	for _, moment := range c.compiled.Latencies() {
		// latency > 3s is evaluated just after three seconds.
		v := condition.Vars{Latency: moment + 1, Confidence: math.NaN()}
		if answer, sure := c.compiled.Certain(&v, append(ofSilence, "latency", "ttft", "confidence")...); answer && sure {
			return moment, true
		}
	}
	return 0, false
}

// ofSilence are the names, beside times, whose values are known for an attempt that
// neither has content nor has failed.
var ofSilence = []string{"error", "error_code", "error_kind", "empty", "finish_reason"}

// followsAll reports whether the condition is true for every failed attempt.
func (c Condition) followsAll() bool {
	answer, sure := c.orDefault().compiled.Certain(&condition.Vars{Error: true}, "error")
	return answer && sure
}

// Plain reports whether the condition is true of every failed attempt and is evaluated of no
// other: error, which is the default, or an equal one.
func (c Condition) Plain() bool {
	return c.followsAll() && len(c.orDefault().compiled.Latencies()) == 0 && !c.Uses("cost") && !c.HoldsBack()
}

// waitsForTTFT reports whether the condition seems to limit the time to first content but
// does not: ttft is 0 until there is content, and then the answer is not rejected.
func (c Condition) waitsForTTFT() bool {
	if !c.Uses("ttft") || c.HoldsBack() {
		return false
	}
	_, sure := c.orDefault().compiled.Certain(&condition.Vars{}, ofSilence...)
	return !sure
}

// compileCondition compiles a condition in a file, or returns its mistakes.
func compileCondition(source string) (any, []strictyaml.Mistake) {
	compiled, err := condition.Compile(source)
	if err == nil {
		return Condition{compiled}, nil
	}
	found, ok := errors.AsType[condition.Errors](err)
	if !ok {
		return Condition{}, []strictyaml.Mistake{{Message: err.Error()}}
	}
	mistakes := make([]strictyaml.Mistake, len(found))
	for i, m := range found {
		mistakes[i] = strictyaml.Mistake(*m)
	}
	return Condition{}, mistakes
}
