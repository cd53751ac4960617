package failure

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// class groups the HTTP statuses for which a phrase can decide.
type class uint8

const (
	unknown class = 1 << iota // no status, or one below 400
	bad                       // 400 and other 4xx
	denied                    // 401, 403
	missing                   // 404
	limited                   // 402, 429
	server                    // 5xx
)

func classOf(status int) class {
	switch {
	case status < 400:
		return unknown
	case status == 401 || status == 403:
		return denied
	case status == 404:
		return missing
	case status == 402 || status == 429:
		return limited
	case status < 500:
		return bad
	}
	return server
}

// phrases decide where no code did. They are asked in order, on lower-case text; when names the statuses for which
// a phrase counts: "billing" in a 429 is advice, "authentication" in a 500 is an accident. Each phrase is from a message
// that a provider sends; the tests hold the messages and their sources.
var phrases = []struct {
	kind Kind
	when class
	any  []phrase
}{
	{KindBilling, unknown | bad | denied | limited, phrasesOf(
		"credit balance", "insufficient credit", "insufficient balance", "insufficient funds", "insufficient quota", "account balance",
		"more credits", "credits are depleted", "credits have been", "out of credits", "no credits", "available credits", "purchase credits", "not enough credits",
		"spending cap", "spend cap", "spending limit", "spend limit", "billing hard limit", "billing to be enabled", "enable billing", "billing is not enabled", "billing account",
		"check your billing details", "payment required", "api usage limits", "余额不足", "欠费")},
	{KindLocation, unknown | bad | denied, phrasesOf(
		"location is not supported", "not available in your country", "not available in your region", "country, region, or territory not supported",
		"unsupported countries", "not available in your location")},
	{KindAuth, unknown | bad | denied, phrasesOf(
		"api key not valid", "api key expired", "api key not found", "invalid api key", "incorrect api key", "api key was reported", "invalid x-api-key", "has been suspended",
		"has been disabled", "verify your account", "terms of service", "terms of\n", "unauthorized", "authentication", "permission denied", "deactivated", "invalid_grant",
		"could not find default credentials")},
	{KindModel, unknown | bad | denied | missing, phrasesOf(
		"model not found", "model not exist", "is not found for api version", "does not have access to model", "access to the model", "have access to it",
		"invalid model", "unknown model", "unsupported model", "decommissioned", "no longer available", "no endpoints found", "not servable", "not a valid model",
		"model identifier is invalid", "on-demand throughput", "publisher model", "no available channel for model", "model is not supported", "model does not exist")},
	{KindContextLength, unknown | bad | server, phrasesOf(
		"maximum number of tokens", "maximum context length", "context length", "context window", "context limit", "prompt is too long", "input is too long",
		"too many tokens", "only supports up to", "token limit", "reduce the length", "max_prompt_tokens")},
	{KindTooLarge, unknown | bad | limited, phrasesOf(
		"request too large", "payload size exceeds", "payload too large", "entity too large", "request_too_large", "exceeds the maximum size")},
	{KindContent, unknown | bad | denied, phrasesOf(
		"content policy", "content filter", "content management policy", "responsible ai", "safety system", "flagged", "moderation", "usage policy", "usage policies",
		"prohibited content", "content exists risk", "inappropriate content", "sensitive words")},
	{KindCapacity, unknown | limited | server, phrasesOf(
		"no capacity", "out of capacity", "at capacity", "over capacity", "insufficient capacity", "capacity exceeded")},
	{KindTimeout, server, phrasesOf(
		"deadline expired", "timed out", "timeout")},
	{KindOverloaded, unknown, phrasesOf(
		"overloaded")},
}

// phraseKind returns what the text says for a status, "" for nothing.
func phraseKind(status int, t *prose) Kind {
	if t.s == "" {
		return ""
	}
	c := classOf(status)
	for i := range phrases {
		if p := &phrases[i]; p.when&c != 0 && t.hasAny(p.any) {
			return p.kind
		}
	}
	return ""
}

// quotaSpan returns the longest window that a quota id, metric, limit or message names: "PerDay", "per_minute", "tokens per
// min (TPM)", "daily"; 0 for none. text is in lower case.
func quotaSpan(text string) (span time.Duration) {
	t := proseOf(text)
	return t.span()
}

func (t *prose) span() (span time.Duration) {
	for rest := t.s; ; {
		i := strings.Index(rest, "per")
		if i < 0 {
			break
		}
		rest = rest[i+len("per"):]
		word := strings.TrimLeft(rest[:min(len(rest), 12)], " _-1")
		for _, u := range spanUnits {
			if strings.HasPrefix(word, u.name) {
				span = max(span, u.span)
				break
			}
		}
	}
	for i := range spanWords {
		if w := &spanWords[i]; w.span > span && t.hasAny(w.any) {
			span = w.span
		}
	}
	return span
}

type spanName struct {
	name string
	span time.Duration
}

const (
	day   = 24 * time.Hour
	month = 30 * day
)

var (
	spanUnits = []spanName{{"second", time.Second}, {"min", time.Minute}, {"hour", time.Hour}, {"day", day}, {"week", 7 * day}, {"month", month}}
	spanWords = []struct {
		any  []phrase
		span time.Duration
	}{
		{phrasesOf("monthly", "/ month", "/month"), month},
		{phrasesOf("weekly"), 7 * day},
		{phrasesOf("daily", "/ day", "/day", "(rpd)", "(tpd)", "_rpd", "_tpd"), day},
		{phrasesOf("hourly"), time.Hour},
	}
)

// zeroLimit reports whether lower-case text says that a limit is 0: "limit: 0, model: …", "Limit 0, Used 0".
// "limit: 10" and "limit: 0.5" are limits that can be met.
func zeroLimit(text string) bool {
	for rest := text; ; {
		_, after, found := strings.Cut(rest, "limit")
		if !found {
			return false
		}
		rest = after
		number := strings.TrimLeft(after, ": ")
		if len(number) == len(after) || number == "" || number[0] != '0' {
			continue
		}
		end := strings.TrimLeft(number, "0")
		if end == "" || end[0] != '.' && (end[0] < '0' || end[0] > '9') || end[0] == '.' && (len(end) == 1 || end[1] < '0' || end[1] > '9') {
			return true
		}
	}
}

// neverFits reports whether lower-case text says that one request asks for more than its limit ever gives:
// "Limit 30000, Requested 30601". Waiting does not make it smaller.
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
		n := 0
		for n < len(after) && n < 15 && after[n] >= '0' && after[n] <= '9' {
			n++
		}
		if v, err := strconv.Atoi(after[:n]); err == nil {
			return v, true
		}
	}
}

// textStatus finds an HTTP status in lower-case prose. A number counts only where the words around it make it a status:
// "Error code: 429", "status code 503", "HTTP 502", "429 Too Many Requests". "limit is 500 tokens" is not one.
func textStatus(text string) int {
	for i := 0; i+3 <= len(text); i++ {
		if text[i] != '4' && text[i] != '5' || i > 0 && wordByte(text[i-1]) || i+3 < len(text) && wordByte(text[i+3]) {
			continue
		}
		n, err := strconv.Atoi(text[i : i+3])
		if err != nil {
			continue
		}
		if statusBefore(strings.TrimRight(text[:i], " :=(\"'")) || statusAfter(n, text[i+3:]) {
			return n
		}
	}
	return 0
}

func wordByte(c byte) bool {
	return isLetter(c) || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '-' || c == ','
}

func statusBefore(text string) bool {
	for _, w := range [...]string{"status", "status code", "error code", "error", "http", "code", "api", "statuscode", "returned", "http/1.1", "http/2.0"} {
		if strings.HasSuffix(text, w) {
			return true
		}
	}
	return false
}

func statusAfter(n int, text string) bool {
	name := strings.ToLower(http.StatusText(n))
	text = strings.TrimLeft(text, " :-")
	return name != "" && strings.HasPrefix(text, name) || strings.HasPrefix(text, "status code") || strings.HasPrefix(text, "client error") || strings.HasPrefix(text, "server error")
}
