// Package delay reads how long a server asks to wait: from headers, from members of JSON and from sentences; as a duration,
// a date or a time of day. Each function returns false if no delay is stated.
package delay

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure/internal/lenient"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure/internal/prose"
)

// OfHeader returns the delay that response headers ask for: the larger of retry-after-ms and Retry-After (seconds or an
// HTTP date, RFC 9110 section 10.2.3), or, without either, the latest reset of the rate limits that have nothing left:
//
//	x-ratelimit-reset-{requests,tokens}            https://platform.openai.com/docs/guides/rate-limits
//	anthropic-ratelimit-{…}-reset                  https://docs.anthropic.com/en/api/rate-limits
//	x-ratelimit-reset                              a Unix time; OpenRouter, LiteLLM and many gateways
func OfHeader(h http.Header, now time.Time) (hint time.Duration, ok bool) {
	keep := func(d time.Duration, valid bool) {
		if valid && (!ok || d > hint) {
			hint, ok = d, true
		}
	}
	if s := h.Get("Retry-After-Ms"); s != "" {
		keep(parse(s + "ms"))
	}
	if s := h.Get("Retry-After"); s != "" {
		keep(parse(s))
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
			keep(UntilReset(h.Get(key), now))
		}
	}
	return hint, ok
}

// UntilReset reads a reset given as RFC 3339, as a Unix time, as a duration, or as a date or time in prose.
func UntilReset(s string, now time.Time) (time.Duration, bool) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return until(t, now)
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		if t, ok := epoch(f); ok {
			return until(t, now)
		}
	}
	if d, ok := parse(s); ok {
		return d, ok
	}
	if t, ok := parseMoment(strings.ToLower(s), now); ok {
		return until(t, now)
	}
	return 0, false
}

// OfJSON reads a delay in JSON: a string, a number of units, or a protobuf Duration as an object.
func OfJSON(v any, unit time.Duration) (time.Duration, bool) {
	if f, ok := lenient.Number(v); ok {
		return seconds(f * unit.Seconds())
	}
	switch v := v.(type) {
	case string:
		return parse(v)
	case map[string]any:
		s, ok := lenient.Number(v["seconds"])
		ns, ok2 := lenient.Number(v["nanos"])
		if !ok && !ok2 {
			return 0, false
		}
		return seconds(s + ns/1e9)
	}
	return 0, false
}

// The words before a delay in a sentence. resetHints describe the quota that was hit; retryHints describe the next request
// only.
var (
	retryHints = prose.Phrases("retry in ", "gain in ", "retry after ", "again after ", "retry-after: ", "retry_after=", "wait ", "请在 ", "请等待 ", "等待 ")
	resetHints = prose.Phrases("reset after ", "resets in ", "reset in ", "resets after ", "replenished in ", "refreshes in ", "refreshed in ", "renews in ", "available in ")
)

// ToRetry returns the largest delay until the next request that a text states.
func ToRetry(t *prose.Text) (time.Duration, bool) { return behind(t, retryHints) }

// ToReset returns the longest time until a reset that a text states. It calls now only if the text states a date or a time
// of day.
func ToReset(t *prose.Text, now func() time.Time) (time.Duration, bool) {
	d, ok := behind(t, resetHints)
	if at, valid := untilMoment(t, now); valid && (!ok || at > d) {
		return at, true
	}
	return d, ok
}

// behind returns the largest delay that follows one of the words in a text.
func behind(t *prose.Text, words []prose.Phrase) (longest time.Duration, ok bool) {
	for i := range words {
		for after := range t.After(&words[i]) {
			if d, valid := spokenDuration(after); valid && (!ok || d > longest) {
				longest, ok = d, true
			}
		}
	}
	return longest, ok
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
