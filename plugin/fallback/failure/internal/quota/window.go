// Package quota reads what a name or a sentence says about a quota: the window of time that it counts over, and whether any
// request can pass its limit.
package quota

import (
	"strconv"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure/internal/delay"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure/internal/prose"
)

const (
	day   = 24 * time.Hour
	month = 30 * day

	// maxWindow bounds a window that is stated as a duration: no quota counts over more than a month.
	maxWindow = 31 * day
)

// Window returns the longest window in a quota id, metric, limit or message: "PerDay", "per_minute", "tokens per min (TPM)",
// "10 calls / minute", "50 per 86400s", "daily". It returns 0 if there is none.
func Window(t *prose.Text) (span time.Duration) {
	for i := range rateMarks {
		if m := &rateMarks[i]; t.Contains(m) {
			span = max(span, longestAfter(t.String(), m.String()))
		}
	}
	for i := range spanWords {
		if w := &spanWords[i]; w.span > span && t.HasAny(w.any) {
			span = w.span
		}
	}
	return span
}

var (
	// rateMarks stand between the unit that is counted and the window.
	rateMarks = prose.Phrases("per", "/", "requests in ", "calls in ", "tokens in ", "messages in ", "requests every ", "requests within ")
	spanUnits = []struct {
		name string
		span time.Duration
	}{{"second", time.Second}, {"minute", time.Minute}, {"min", time.Minute}, {"hour", time.Hour}, {"day", day}, {"week", 7 * day}, {"month", month}}
	spanWords = []struct {
		any  []prose.Phrase
		span time.Duration
	}{
		{prose.Phrases("monthly", "month limit", "每月", "本月", "月度", "毎月"), month},
		{prose.Phrases("weekly", "week limit", "-week limit", "每周", "每週", "本周", "毎週"), 7 * day},
		{prose.Phrases("daily", "day limit", "-day limit", "-day usage", "今日", "每天", "每日", "当日", "当天", "毎日", "1日", "하루", "일일"), day},
		{prose.Phrases("hourly", "-hour limit", "-hour usage", "hour limit", "session limit", "session usage limit", "小时", "時間"), time.Hour},
		{prose.Phrases("每分钟", "每分鐘", "分钟内"), time.Minute},
		// Groq, Moonshot, SiliconFlow: "TPM limit reached"
		{prose.Words("tpd", "rpd", "qpd"), day},
		{prose.Words("tph", "rph"), time.Hour},
		{prose.Words("tpm", "rpm", "qpm", "itpm", "otpm"), time.Minute},
	}
)

// longestAfter returns the longest window that follows a mark in a text.
func longestAfter(text, mark string) (span time.Duration) {
	for at := 0; ; {
		i := strings.Index(text[at:], mark)
		if i < 0 {
			return span
		}
		before, after := text[:at+i], text[at+i+len(mark):]
		at += i + len(mark)
		if mark == "/" && inPath(before) {
			continue
		}
		inWord := mark == "per" && before != "" && prose.IsLetter(before[len(before)-1])
		span = max(span, window(after, inWord))
	}
}

// inPath reports whether a slash after text is one of several, as in a URL or the name of a model.
func inPath(text string) bool {
	text = text[max(0, len(text)-64):]
	return strings.IndexByte(text[strings.LastIndexAny(text, " \t\r\n\"'(")+1:], '/') >= 0
}

// window reads the window at the start of a text that follows "per". If they are separate, the window must be a whole word
// or a duration. If they are one word, as in the ids of quotas ("requestsperdayperproject"), another word may follow
// directly. inWord means that "per" is the end of a longer word; then only the second form counts (not "super daydream").
func window(text string, inWord bool) time.Duration {
	word := strings.TrimLeft(text[:min(len(text), 24)], " _-")
	apart := len(word) < min(len(text), 24)
	if apart && inWord {
		return 0
	}
	if word != "" && word[0] >= '0' && word[0] <= '9' {
		return durationWindow(word)
	}
	for _, u := range spanUnits {
		if !strings.HasPrefix(word, u.name) {
			continue
		}
		rest := word[len(u.name):]
		if !apart && u.name != "min" || rest == "" || !prose.IsLetter(rest[0]) || rest[0] == 's' && (len(rest) == 1 || !prose.IsLetter(rest[1])) {
			return u.span
		}
	}
	return 0
}

// durationWindow reads "60s", "24 hours" or "1 day". A number without a unit is not a window ("10/20"), nor is "1m", which
// may mean a million.
func durationWindow(word string) time.Duration {
	n := 0
	for n < len(word) && (word[n] >= '0' && word[n] <= '9' || word[n] == '.') {
		n++
	}
	unit, rest := delay.Unit(word[n:])
	number, err := strconv.ParseFloat(word[:n], 64)
	if err != nil || strings.HasSuffix(word[:len(word)-len(rest)], "m") {
		return 0
	}
	return time.Duration(min(number*float64(unit), float64(maxWindow)))
}
