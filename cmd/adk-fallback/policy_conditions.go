package main

import (
	"slices"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/condition"
)

// gaveUp returns after how long of silence a condition is true whoever asks and
// whatever the request costs; ok is false if there is no such time.
//
// A condition is a || b || …, and is true as soon as one of these is. Those that
// speak of the caller or of the price are not counted on.
func gaveUp(when string) (after time.Duration, ok bool) {
	for _, part := range alternatives(when) {
		c, err := condition.Compile(part)
		if err != nil || !silent(c) {
			continue
		}
		for _, moment := range c.Latencies() {
			// latency > 3s is asked just after three seconds.
			if yes, _ := c.Eval(&condition.Vars{Latency: moment + 1, Attempt: 1}); yes && (!ok || moment < after) {
				after, ok = moment, true
			}
		}
	}
	return after, ok
}

// silent reports whether all that a condition speaks of is known while an
// attempt is silent.
func silent(c *condition.Condition) bool {
	for _, name := range condition.Names() {
		switch name.Name {
		case "latency", "ttft", "error", "error_code", "error_kind":
			continue
		}
		if c.Uses(name.Name) {
			return false
		}
	}
	return true
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

// alternatives splits a condition at the || that no bracket or quote is around.
// What has a ?:, which reaches further than ||, is left whole, and so are texts
// and comments in their rarer forms.
func alternatives(when string) []string {
	if strings.ContainsAny(when, "?\\") || strings.Contains(when, `"""`) || strings.Contains(when, "'''") || strings.Contains(when, "//") {
		return []string{when}
	}
	var parts []string
	depth, start := 0, 0
	var quote rune
	for i, r := range when {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '"' || r == '\'':
			quote = r
		case strings.ContainsRune("([{", r):
			depth++
		case strings.ContainsRune(")]}", r):
			depth--
		case depth == 0 && i >= start && strings.HasPrefix(when[i:], "||"):
			parts, start = append(parts, when[start:i]), i+2
		}
	}
	return append(parts, when[start:])
}
