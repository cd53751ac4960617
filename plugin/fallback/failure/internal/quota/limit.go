package quota

import (
	"strconv"
	"strings"
)

// Limits reports whether lower-case text has a limit of 0 ("limit: 0, model: …", "Limit 0, Used 0", "limit is 0"), and
// whether it has a larger one ("limit: 10", "limit: 0.5").
func Limits(text string) (zero, positive bool) {
	for rest := text; ; {
		_, after, found := strings.Cut(rest, "limit")
		if !found {
			return zero, positive
		}
		rest = after
		number := strings.TrimLeft(after, ":= \t\r\n")
		number = strings.TrimPrefix(strings.TrimPrefix(number, "is "), "of ")
		if len(number) == len(after) || number == "" || number[0] < '0' || number[0] > '9' {
			continue
		}
		if isZero(number) {
			zero = true
		} else {
			positive = true
		}
	}
}

// isZero reports whether the number at the start of a text is 0 and is the limit itself, not the amount that is left.
func isZero(number string) bool {
	end := strings.TrimLeft(number, "0")
	if end == "" {
		return true
	}
	digit := func(i int) bool { return i < len(end) && end[i] >= '0' && end[i] <= '9' }
	if len(end) == len(number) || digit(0) || end[0] == '.' && digit(1) {
		return false
	}
	end = end[:min(len(end), 24)]
	if of, found := strings.CutPrefix(strings.TrimLeft(end, " "), "/"); found && window(of, false) == 0 {
		return false // "0 / 1600 tokens" is the amount used, unlike "0/1min"
	}
	return !strings.Contains(end, "remaining") && !strings.Contains(end, " left")
}

// NeverFits reports whether lower-case text says that a request is larger than the whole limit, so that waiting does not
// help: "Limit 30000, Requested 30601".
func NeverFits(text string) bool {
	limit, ok := numberAfter(text, "limit ")
	requested, ok2 := numberAfter(text, "requested ")
	return ok && ok2 && requested > limit
}

func numberAfter(text, word string) (int, bool) {
	for rest := text; ; {
		_, after, found := strings.Cut(rest, word)
		if !found {
			return 0, false
		}
		rest = after
		after = strings.TrimPrefix(after, "~")
		n := 0
		for n < len(after) && n < 15 && after[n] >= '0' && after[n] <= '9' {
			n++
		}
		if v, err := strconv.Atoi(after[:n]); err == nil {
			return v, true
		}
	}
}
