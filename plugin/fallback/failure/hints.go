package failure

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// parseDuration reads a server's delay: protobuf JSON ("34.074824224s"), Go ("1h2m3s"), a bare number of seconds, or words
// ("2 minutes and 3 seconds"). It rejects empty, negative and unreadable text, and never overflows.
func parseDuration(s string) (time.Duration, bool) {
	s = strings.TrimSpace(s)
	d, rest, ok := leadingDuration(s)
	return d, ok && rest == ""
}

// leadingDuration reads the duration at the start of s and returns the rest.
func leadingDuration(s string) (total time.Duration, rest string, ok bool) {
	for first := true; ; first = false {
		n := 0
		for n < len(s) && (s[n] >= '0' && s[n] <= '9' || n > 0 && s[n] == '.' && n+1 < len(s) && s[n+1] >= '0' && s[n+1] <= '9') {
			n++
		}
		number, err := strconv.ParseFloat(s[:n], 64)
		if n == 0 || err != nil {
			return total, s, !first
		}
		unit, tail := leadingUnit(s[n:])
		if unit == 0 {
			if !first || tail != "" && isLetter(tail[0]) {
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

// leadingUnit reads the unit at the start of s and returns the rest. It returns 0 if there is none.
func leadingUnit(s string) (time.Duration, string) {
	word := strings.TrimLeft(s, " ")
	n := 0
	for n < len(word) && isLetter(word[n]) {
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

// cjkUnits are units of time in Chinese. Japanese and Korean write days and hours differently; [spanWords] has their windows.
var cjkUnits = []spanName{{"秒", time.Second}, {"分", time.Minute}, {"个小时", time.Hour}, {"小时", time.Hour}, {"天", day}, {"周", 7 * day}}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// seconds turns a number of seconds into a duration, and rejects invalid delays.
func seconds(f float64) (time.Duration, bool) {
	if !(f >= 0) || f > math.MaxInt64/float64(time.Second) {
		return 0, false
	}
	return time.Duration(f * float64(time.Second)), true
}

// until returns the time from now to t, and false if t is not in the future, because a past time is no hint.
func until(t, now time.Time) (time.Duration, bool) {
	d := t.Sub(now)
	return d, d > 0
}

// epoch reads a Unix time in seconds or milliseconds, as in the header X-RateLimit-Reset of gateways.
func epoch(f float64) (time.Time, bool) {
	const year2001, year2286 = 1e9, 1e10
	switch {
	case f >= year2001 && f < year2286:
		return time.UnixMilli(int64(f * 1000)), true
	case f >= year2001*1000 && f < year2286*1000:
		return time.UnixMilli(int64(f)), true
	}
	return time.Time{}, false
}

// headerHint returns the delay that response headers ask for: the larger of retry-after-ms and Retry-After (seconds or an
// HTTP date, RFC 9110 section 10.2.3), or, without either, the latest reset of the rate limits that have nothing left:
//
//	x-ratelimit-reset-{requests,tokens}            https://platform.openai.com/docs/guides/rate-limits
//	anthropic-ratelimit-{…}-reset                  https://docs.anthropic.com/en/api/rate-limits
//	x-ratelimit-reset                              a Unix time; OpenRouter, LiteLLM and many gateways
func headerHint(h http.Header, now time.Time) (hint time.Duration, ok bool) {
	keep := func(d time.Duration, valid bool) {
		if valid && (!ok || d > hint) {
			hint, ok = d, true
		}
	}
	if s := h.Get("Retry-After-Ms"); s != "" {
		keep(parseDuration(s + "ms"))
	}
	if s := h.Get("Retry-After"); s != "" {
		keep(parseDuration(s))
		if at, err := http.ParseTime(s); err == nil {
			from := now
			if sent, err := http.ParseTime(h.Get("Date")); err == nil {
				from = sent // the server's own clock, so that a difference between the clocks does not matter
			}
			keep(max(at.Sub(from), 0), true)
		}
	}
	if ok {
		return hint, ok
	}
	for key := range h {
		lower := strings.ToLower(key)
		if !strings.Contains(lower, "ratelimit") || !strings.Contains(lower, "reset") {
			continue
		}
		if left, err := strconv.ParseFloat(h.Get(strings.Replace(lower, "reset", "remaining", 1)), 64); err == nil && left <= 0 {
			keep(resetTime(h.Get(key), now))
		}
	}
	return hint, ok
}

// resetTime reads a reset given as RFC 3339, as a Unix time, as a duration, or as a date or time in prose.
func resetTime(s string, now time.Time) (time.Duration, bool) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return until(t, now)
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		if t, ok := epoch(f); ok {
			return until(t, now)
		}
	}
	if d, ok := parseDuration(s); ok {
		return d, ok
	}
	if t, ok := parseMoment(strings.ToLower(s), now); ok {
		return until(t, now)
	}
	return 0, false
}

// The words before a delay in a sentence. resetHints describe the quota that was hit; retryHints describe the next request
// only.
var (
	retryHints = phrasesOf("retry in ", "gain in ", "retry after ", "again after ", "retry-after: ", "retry_after=", "wait ", "请在 ", "请等待 ", "等待 ")
	resetHints = phrasesOf("reset after ", "resets in ", "reset in ", "resets after ", "replenished in ", "refreshes in ", "refreshed in ", "renews in ", "available in ")
)

// textHint returns the largest delay that follows one of the words in a text.
func textHint(t *prose, words []phrase) (hint time.Duration, ok bool) {
	for i := range words {
		if !t.has(&words[i]) {
			continue
		}
		for rest := t.s; ; {
			_, after, found := strings.Cut(rest, words[i].s)
			if !found {
				break
			}
			if d, valid := spokenDuration(after); valid && (!ok || d > hint) {
				hint, ok = d, true
			}
			rest = after
		}
	}
	return hint, ok
}

// spokenDuration reads the duration at the start of a text that follows one of retryHints or resetHints: "about 3 hours",
// "~20s", or a TimeSpan of .NET ("5.03:23:11", with days before the hours), which Azure API Management sends.
func spokenDuration(text string) (time.Duration, bool) {
	text = strings.TrimLeft(strings.TrimPrefix(text, "about "), "~")
	if d, ok := timeSpan(text); ok {
		return d, true
	}
	d, _, ok := leadingDuration(text)
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
