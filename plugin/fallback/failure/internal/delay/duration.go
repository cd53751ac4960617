package delay

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure/internal/prose"
)

const day = 24 * time.Hour

// parse reads a server's delay: protobuf JSON ("34.074824224s"), Go ("1h2m3s"), a bare number of seconds, or words
// ("2 minutes and 3 seconds"). It rejects empty, negative and unreadable text, and never overflows.
func parse(s string) (time.Duration, bool) {
	s = strings.TrimSpace(s)
	d, rest, ok := leading(s)
	return d, ok && rest == ""
}

// leading reads the duration at the start of s and returns the rest.
func leading(s string) (total time.Duration, rest string, ok bool) {
	for first := true; ; first = false {
		n := 0
		for n < len(s) && (s[n] >= '0' && s[n] <= '9' || n > 0 && s[n] == '.' && n+1 < len(s) && s[n+1] >= '0' && s[n+1] <= '9') {
			n++
		}
		number, err := strconv.ParseFloat(s[:n], 64)
		if n == 0 || err != nil {
			return total, s, !first
		}
		unit, tail := Unit(s[n:])
		if unit == 0 {
			if !first || tail != "" && prose.IsLetter(tail[0]) {
				return total, s, !first
			}
			unit = time.Second // a bare number
		}
		d := number * float64(unit)
		if d > float64(math.MaxInt64-total) {
			return 0, s, false
		}
		total += time.Duration(d)
		s = tail
		if next := strings.TrimPrefix(strings.TrimLeft(tail, " ,"), "and "); next != "" && next[0] >= '0' && next[0] <= '9' {
			s = next
		}
	}
}

// Unit reads the unit at the start of s and returns the rest. It returns 0 if there is none.
func Unit(s string) (time.Duration, string) {
	word := strings.TrimLeft(s, " ")
	n := 0
	for n < len(word) && prose.IsLetter(word[n]) {
		n++
	}
	switch strings.ToLower(word[:n]) {
	case "ms", "millisecond", "milliseconds":
		return time.Millisecond, word[n:]
	case "s", "sec", "secs", "second", "seconds":
		return time.Second, word[n:]
	case "m", "min", "mins", "minute", "minutes":
		return time.Minute, word[n:]
	case "h", "hr", "hrs", "hour", "hours":
		return time.Hour, word[n:]
	case "d", "day", "days":
		return day, word[n:]
	case "w", "week", "weeks":
		return 7 * day, word[n:]
	}
	for _, u := range cjkUnits {
		if after, ok := strings.CutPrefix(word, u.name); ok {
			return u.span, after
		}
	}
	return 0, s
}

// cjkUnits are units of time in Chinese. Japanese and Korean write days and hours differently; package quota has their windows.
var cjkUnits = []struct {
	name string
	span time.Duration
}{{"秒", time.Second}, {"分", time.Minute}, {"个小时", time.Hour}, {"小时", time.Hour}, {"天", day}, {"周", 7 * day}}

// seconds turns a number of seconds into a duration, and rejects invalid delays.
func seconds(f float64) (time.Duration, bool) {
	if !(f >= 0) || f > math.MaxInt64/float64(time.Second) {
		return 0, false
	}
	return time.Duration(f * float64(time.Second)), true
}

// spokenDuration reads the duration at the start of a text that follows one of retryHints or resetHints: "about 3 hours",
// "~20s", or a TimeSpan of .NET ("5.03:23:11", with days before the hours), which Azure API Management sends.
func spokenDuration(text string) (time.Duration, bool) {
	text = strings.TrimLeft(strings.TrimPrefix(text, "about "), "~")
	if d, ok := timeSpan(text); ok {
		return d, true
	}
	d, _, ok := leading(text)
	return d, ok
}

// timeSpan reads "d.hh:mm:ss" or "hh:mm:ss" at the start of a text.
func timeSpan(text string) (time.Duration, bool) {
	days, rest, ok := leadingInt(text)
	if !ok || rest == "" || rest[0] != '.' {
		days, rest = 0, "."+text
	}
	total := time.Duration(days) * day
	for i, unit := range [...]time.Duration{time.Hour, time.Minute, time.Second} {
		if rest == "" || rest[0] != ".::"[i] {
			return 0, false
		}
		var n int
		if n, rest, ok = leadingInt(rest[1:]); !ok {
			return 0, false
		}
		total += time.Duration(n) * unit
	}
	return total, true
}

// leadingInt reads the number at the start of a text, of at most four digits, and returns the rest.
func leadingInt(text string) (n int, rest string, ok bool) {
	for len(text) > 0 && text[0] >= '0' && text[0] <= '9' && n < 1000 {
		n, text, ok = n*10+int(text[0]-'0'), text[1:], true
	}
	return n, text, ok
}
