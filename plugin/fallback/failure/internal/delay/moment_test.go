package delay

import (
	"testing"
	"time"
)

// B29: the times in which resets are stated, read on Thursday, 15 January 2026, 20:00 UTC.
func TestMoments(t *testing.T) {
	now := time.Date(2026, time.January, 15, 20, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"4pm (utc)":                             "2026-01-16T16:00:00Z",
		"9pm":                                   "2026-01-15T21:00:00Z",
		"12am (europe/berlin)":                  "2026-01-15T23:00:00Z",
		"12pm utc":                              "2026-01-16T12:00:00Z",
		"6:50am (america/new_york)":             "2026-01-16T11:50:00Z",
		"10:00 utc. more":                       "2026-01-16T10:00:00Z",
		"4pm (nowhere/at_all)":                  "2026-01-16T16:00:00Z",
		"mon 5pm (utc)":                         "2026-01-19T17:00:00Z",
		"thursday at 9pm utc":                   "2026-01-15T21:00:00Z",
		"thursday at 7pm utc":                   "2026-01-22T19:00:00Z",
		"jan 17, 4pm (europe/rome)":             "2026-01-17T15:00:00Z",
		"january 18, 2026 at 2:00 am or switch": "2026-01-18T02:00:00Z",
		"jun 18th, 2026 8:41 am.":               "2026-06-18T08:41:00Z",
		"jan 2, 10am":                           "2027-01-02T10:00:00Z",
		"jan 15, 10am":                          "2026-01-15T10:00:00Z",
		"2026-09-09 05:38:28":                   "2026-09-09T05:38:28Z",
		"2026-09-09 05:38:28 重置":                "2026-09-08T21:38:28Z",
		"2026-09-09t05:38:28z":                  "2026-09-09T05:38:28Z",
		"2026-09-09t05:38:28.5+08:00":           "2026-09-08T21:38:28Z",
		"2026-09-09":                            "2026-09-09T00:00:00Z",
		"1768514400":                            "2026-01-15T22:00:00Z",
		"1768514400000.":                        "2026-01-15T22:00:00Z",
	} {
		at, ok := parseMoment(text, now)
		if got := at.UTC().Format(time.RFC3339); !ok || got != want {
			t.Errorf("parseMoment(%q) = %s, %v; want %s", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "soon", "4", "4 requests", "25:00", "13pm", "99:99", "2026", "2026-13-01", "2026-01-99", "jan", "jan 99", "mon", "utc", "(europe/berlin)", "in 4 hours"} {
		if at, ok := parseMoment(text, now); ok {
			t.Errorf("parseMoment(%q) = %v, want it refused", text, at)
		}
	}
}

func TestSpokenDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"about 3 hours": 3 * time.Hour, "~20s": 20 * time.Second, "5.03:23:11": 123*time.Hour + 23*time.Minute + 11*time.Second, "00:15:00.": 15 * time.Minute,
		"1 week": 7 * day, "2 个小时": 2 * time.Hour, "30 秒后": 30 * time.Second, "5.5s": 5500 * time.Millisecond, "51 hours.": 51 * time.Hour,
	} {
		if got, ok := spokenDuration(text); !ok || got != want {
			t.Errorf("spokenDuration(%q) = %v, %v; want %v", text, got, ok, want)
		}
	}
}
