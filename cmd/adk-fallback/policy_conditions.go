package main

import (
	"slices"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/condition"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// gaveUp returns after how long of silence an attempt is given up by the next
// entry's condition for certain; ok is false if there is no such time.
func gaveUp(when string) (after time.Duration, ok bool) {
	c, err := policy.ParseCondition(when)
	if err != nil {
		return 0, false
	}
	return c.SureAfter()
}

// judges reports whether a condition can give up an answer, which is then held
// back until it is whole.
func judges(when string) bool {
	return mentions(when, "confidence", "empty", "finish_reason")
}

// mentions reports whether a condition has one of names.
func mentions(when string, names ...string) bool {
	c, err := condition.Compile(when)
	return err == nil && slices.ContainsFunc(names, c.Uses)
}
