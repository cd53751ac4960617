package failure

import (
	"strconv"
	"strings"
	"time"
)

const (
	day   = 24 * time.Hour
	month = 30 * day
)

// quotaSpan returns the longest window in a quota id, metric, limit or message, which must be in lower case: "PerDay",
// "per_minute", "tokens per min (TPM)", "10 calls / minute", "50 per 86400s", "daily". It returns 0 if there is none.
func quotaSpan(text string) (span time.Duration) {
	t := proseOf(text)
	return t.span()
}

func (t *prose) span() (span time.Duration) {
	for i := range rateMarks {
		if m := &rateMarks[i]; t.has(m) {
			span = max(span, longestAfter(t.s, m.s))
		}
	}
	for i := range spanWords {
		if w := &spanWords[i]; w.span > span && t.hasAny(w.any) {
			span = w.span
		}
	}
	for i := range spanCodes {
		if w := &spanCodes[i]; w.span > span && t.hasWord(w.any) {
			span = w.span
		}
	}
	return span
}

var (
	// rateMarks stand between the unit that is counted and the window.
	rateMarks = phrasesOf("per", "/", "requests in ", "calls in ", "tokens in ", "messages in ", "requests every ", "requests within ")
	spanUnits = []spanName{{"second", time.Second}, {"minute", time.Minute}, {"min", time.Minute}, {"hour", time.Hour}, {"day", day}, {"week", 7 * day}, {"month", month}}
	spanWords = []struct {
		any  []phrase
		span time.Duration
	}{
		{phrasesOf("monthly", "month limit", "每月", "本月", "月度", "毎月"), month},
		{phrasesOf("weekly", "week limit", "-week limit", "每周", "每週", "本周", "毎週"), 7 * day},
		{phrasesOf("daily", "day limit", "-day limit", "-day usage", "今日", "每天", "每日", "当日", "当天", "毎日", "1日", "하루", "일일"), day},
		{phrasesOf("hourly", "-hour limit", "-hour usage", "hour limit", "session limit", "session usage limit", "小时", "時間"), time.Hour},
		{phrasesOf("每分钟", "每分鐘", "分钟内"), time.Minute},
	}
	// spanCodes are abbreviations of windows (Groq, Moonshot, SiliconFlow: "TPM limit reached"). They match whole words only.
	spanCodes = []struct {
		any  []phrase
		span time.Duration
	}{
		{phrasesOf("tpd", "rpd", "qpd"), day},
		{phrasesOf("tph", "rph"), time.Hour},
		{phrasesOf("tpm", "rpm", "qpm", "itpm", "otpm"), time.Minute},
	}
)

type spanName struct {
	name string
	span time.Duration
}

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
		inWord := mark == "per" && before != "" && isLetter(before[len(before)-1])
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
		if !apart && u.name != "min" || rest == "" || !isLetter(rest[0]) || rest[0] == 's' && (len(rest) == 1 || !isLetter(rest[1])) {
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
	unit, rest := leadingUnit(word[n:])
	number, err := strconv.ParseFloat(word[:n], 64)
	if err != nil || strings.HasSuffix(word[:len(word)-len(rest)], "m") {
		return 0
	}
	return time.Duration(min(number*float64(unit), float64(MaxCooldown)))
}

// limits reports whether lower-case text has a limit of 0 ("limit: 0, model: …", "Limit 0, Used 0", "limit is 0"), and
// whether it has a larger one ("limit: 10", "limit: 0.5").
func limits(text string) (zero, positive bool) {
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

// neverFits reports whether lower-case text says that a request is larger than the whole limit, so that waiting does not
// help: "Limit 30000, Requested 30601".
func neverFits(text string) bool {
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
