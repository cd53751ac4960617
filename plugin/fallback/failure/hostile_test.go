package failure_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// hostile are bodies that try to exhaust a parser. Their verdicts take a few milliseconds at most: BenchmarkHostile.
var hostile = map[string]string{
	"10 MiB of text":            strings.Repeat("quota per day limit ", 10<<20/20),
	"10 MiB of braces":          strings.Repeat("{", 10<<20),
	"10 MiB of brackets":        strings.Repeat("[", 10<<20),
	"10 MiB of pairs":           strings.Repeat("{}", 5<<20),
	"10000 deep objects":        strings.Repeat(`{"error":`, 10000) + "1" + strings.Repeat("}", 10000),
	"10000 deep arrays":         `{"details":` + strings.Repeat("[", 10000) + strings.Repeat("]", 10000) + "}",
	"strings in strings":        nested(18),
	"invalid UTF-8":             "{\"message\":\"\xff\xfe\xc0\xaf" + strings.Repeat("\x80", 1<<20) + "\"}",
	"underscores":               strings.Repeat("_", 1<<20),
	"backslashes":               `{"message":"` + strings.Repeat(`\`, 1<<20),
	"escaped braces":            strings.Repeat(`{\"`, 1<<19),
	"many messages":             `[{"a":[` + strings.Repeat(`{"message":"per day per day {"},`, 1<<16) + "]}]",
	"many hints":                strings.Repeat("retry in 1s limit 0. per per per 429 status 500 ", 1<<16),
	"huge numbers":              `{"code":1e999,"retryDelay":{"seconds":1e300,"nanos":-1e300},"quotaValue":1e400,"retryAfter":"99999999999999999999h"}`,
	"negative and not a number": `{"error":{"code":429,"retryDelay":"-5s","retryAfter":-1e9,"retryAfterMs":"NaN"}}`,
	"printed details":           strings.Repeat("map[retrydelay:1s reason:x violations { quota_value: 0 } retry_delay { seconds: 1 ", 1<<16),
	"quotes":                    "400 Bad request: " + strings.Repeat("'a[b`c\"d ", 1<<16),
	"opened quotes":             "400 Bad request: " + strings.Repeat(" '", 1<<18),
	"names":                     "400 Bad request: " + strings.Repeat("a1", 1<<18) + strings.Repeat(" _a", 1<<18),
	"slashes alone":             "limit " + strings.Repeat("/", 1<<18),
	"slashes":                   strings.Repeat("limit 1 per/", 1<<16),
	"moments":                   strings.Repeat("limit resets 4pm (a/b) resets at jan 2, 99:99 ", 1<<16),
	"phrases of two ends":       strings.Repeat("budget maximum model token prompt length ", 1<<16),
	"null bytes":                strings.Repeat("\x00", 1<<20),
}

func nested(n int) string {
	s := "{}"
	for range n {
		s = wrap(s)
	}
	return s
}

func TestHostileBodiesGetAVerdict(t *testing.T) {
	for name, body := range hostile {
		t.Run(name, func(t *testing.T) {
			for _, status := range []int{0, 200, 429, 500} {
				checkBounds(t, atNoon.ClassifyHTTP(status, nil, []byte(body)))
			}
			checkBounds(t, failure.Classify(genai.APIError{Message: body}))
			checkBounds(t, failure.Classify(errors.New(body)))
		})
	}
}

// checkBounds checks what holds for every verdict.
func checkBounds(t *testing.T, v failure.Verdict) {
	t.Helper()
	switch {
	case v.Action != failure.Retry && v.Action != failure.Fallback && v.Action != failure.Fail:
		t.Errorf("action %q", v.Action)
	case v.RetryAfter < 0 || v.RetryAfter > failure.MaxRetryAfter, v.Cooldown < 0 || v.Cooldown > failure.MaxCooldown:
		t.Errorf("retry after %v, cooldown %v: out of bounds", v.RetryAfter, v.Cooldown)
	case len(v.Message) > failure.MaxMessage || !utf8.ValidString(v.Message):
		t.Errorf("message %q: too long or invalid", v.Message)
	case strings.Contains(v.Reason, "panics"):
		t.Errorf("a panic of ours was recovered: %+v", v)
	case v.Kind == "" || v.Scope == "" || v.Reason == "":
		t.Errorf("incomplete: %+v", v)
	}
}

func BenchmarkHostile(b *testing.B) {
	for name, body := range hostile {
		b.Run(name, func(b *testing.B) {
			raw := []byte(body)
			for b.Loop() {
				atNoon.ClassifyHTTP(0, nil, raw)
			}
		})
	}
}

func FuzzClassifyHTTP(f *testing.F) {
	for _, body := range []string{plain, wrap(wrap(plain)), "[" + plain + "]", `{'error': {'code': None}}`, `{"a":"{\"b\":\"{`, "Error 429: limit 0", "<html><title>502 Bad Gateway",
		`{\n "error"`, "retry in 1m and 3s, again in 9h", `"{\"error\":{\"code\":429}}"`, "_a_b_quota_exhausted_",
		`429 You [violations { quota_id: "PerDay" quota_value: 0 } retry_delay { seconds: 3`, "Error 400, Details: [map[retryDelay:3s]]", "400 'a' b[c] `d", "limit 9 per 3 hours",
		"resets jan 31st, 2026 at 11:59:59.5 pm (Europe/Paris)", "resets at 2026-01-15T07:41:44+05:30", "replenished in 22.14:18:12", "limit reached|1760000400", "13:Received RST_STREAM"} {
		f.Add(429, "Retry-After", "17", []byte(body))
		f.Add(0, "X-RateLimit-Reset", "1768608000000", []byte(body))
	}
	f.Fuzz(func(t *testing.T, status int, key, value string, body []byte) {
		h := http.Header{}
		h.Set(key, value)
		v := atNoon.ClassifyHTTP(status, h, body)
		checkBounds(t, v)
		if again := atNoon.ClassifyHTTP(status, h, body); again != v {
			t.Errorf("not a function of its input: %+v, then %+v", v, again)
		}
	})
}

func FuzzClassify(f *testing.F) {
	f.Add(429, "RESOURCE_EXHAUSTED", "limit: 0", "retryDelay", "39s")
	f.Add(0, "", plain, "quotaId", "PerDay")
	f.Fuzz(func(t *testing.T, code int, status, message, key, value string) {
		err := genai.APIError{Code: code, Status: status, Message: message, Details: []map[string]any{{key: value}}}
		checkBounds(t, failure.Classify(err))
		checkBounds(t, failure.Classify(errors.New(message)))
	})
}
