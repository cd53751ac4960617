package promtool

import (
	"regexp"
	"strconv"
)

// Selector is a part of an expression of PromQL that selects series, such as
// x{outcome="ok"}.
type Selector struct {
	Metric   string
	Matchers []Matcher
}

// Matcher is a condition on a label.
type Matcher struct{ Label, Operator, Value string }

var (
	selector = regexp.MustCompile(`\b(fallback[_:][a-zA-Z0-9_:]*)(\{(?:[^"{}]|"(?:[^"\\]|\\.)*")*\})?`)
	matcher  = regexp.MustCompile(`([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*")`)
	text     = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
)

// Selectors returns those of expression that select metrics or recorded rules of this
// module, whose names begin with "fallback".
func Selectors(expression string) (all []Selector) {
	for _, found := range selector.FindAllStringSubmatchIndex(expression, -1) {
		if within(found[0], text.FindAllStringIndex(expression, -1)) {
			continue
		}
		s := Selector{Metric: expression[found[2]:found[3]]}
		if found[4] >= 0 {
			for _, m := range matcher.FindAllStringSubmatch(expression[found[4]:found[5]], -1) {
				value, err := strconv.Unquote(m[3])
				if err != nil {
					value = m[3]
				}
				s.Matchers = append(s.Matchers, Matcher{m[1], m[2], value})
			}
		}
		all = append(all, s)
	}
	return all
}

// within reports whether a position is in one of the spans.
func within(position int, spans [][]int) bool {
	for _, s := range spans {
		if s[0] <= position && position < s[1] {
			return true
		}
	}
	return false
}
