package debugpage

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
)

//go:embed page.html
var pageHTML string

//go:embed style.css
var styleCSS string

//go:embed script.js
var scriptJS string

// contentSecurityPolicy allows the page's own style and script, by their hashes, and nothing
// else.
var contentSecurityPolicy = sync.OnceValue(func() string {
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return base64.StdEncoding.EncodeToString(sum[:])
	}
	return fmt.Sprintf("default-src 'none'; style-src 'sha256-%s'; script-src 'sha256-%s'; img-src data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		hash(styleCSS), hash(scriptJS))
})

var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"style":     func() template.CSS { return template.CSS(styleCSS) },
		"script":    func() template.JS { return template.JS(scriptJS) },
		"duration":  shownMillis,
		"nanos":     func(d time.Duration) string { return shownMillis(ms(d)) },
		"percent":   percent,
		"number":    number,
		"rate":      rate,
		"money":     money,
		"bytes":     shownBytes,
		"clock":     func(t time.Time) string { return t.UTC().Format("15:04:05") },
		"day":       func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") },
		"stamp":     func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") },
		"sparkline": sparkline,
		"timeline":  timeline,
		"branch":    branchOf,
		"capacity":  capacityOf,
		"count":     count,
		"word":      func(s any) string { return strings.ReplaceAll(fmt.Sprint(s), "_", " ") },
		"wait":      waitWord,
		"tokens":    tokens,
		"list":      func(parts ...string) []string { return parts },
		"usage":     func(s inspect.Spending) float64 { return share(s.Spent+s.Reserved, s.Limit) },
		"share":     func(n, of int) float64 { return share(float64(n), float64(of)) },
		"times":     func(n float64) float64 { return 100 * n },
	}).Parse(pageHTML))
})

// view is what the templates read.
type view struct {
	*state
	Filter    filter
	Control   bool
	Tenants   bool // tenants are shown by name
	Live      bool // the script writes the times that are relative
	Changed   *targetState
	Outcomes  []string
	Durations []time.Duration
}

func (p *Page) view(s *state, f filter) *view {
	return &view{state: s, Filter: f, Control: p.config.AllowBreakerControl, Tenants: p.config.ShowTenants, Outcomes: outcomes, Durations: durations}
}

// Events returns the query of the stream of events for the page.
func (v *view) Events() string { return v.link("events") }

// Reload returns the query of the page itself.
func (v *view) Reload() string { return "?" + v.Filter.Query() }

// Policies returns the policies in use.
func (v *view) Policies() []*inspect.Policy {
	var all []*inspect.Policy
	for n := range v.policies() {
		all = append(all, n.Policy)
	}
	return all
}

// JSON returns the query of the same state as JSON.
func (v *view) JSON() string { return v.link("json") }

func (v *view) link(format string) string {
	if q := v.Filter.Query(); q != "" {
		return "?format=" + format + "&" + q
	}
	return "?format=" + format
}

// Until says how long it is until t, or "" if the script says so.
func (v *view) Until(t time.Time) string {
	left := t.Sub(v.Time)
	switch {
	case v.Live:
		return ""
	case left <= 0:
		return "at the next call"
	}
	return "in " + shownWait((left + time.Second - 1).Truncate(time.Second)) // rounded up: no call passes before
}

// Ago says how long ago t was, or "" if the script says so.
func (v *view) Ago(t time.Time) string {
	if v.Live {
		return ""
	}
	return shownWait(max(v.Time.Sub(t), 0)) + " ago"
}

// ByOutcome returns the text of an outcome in the filter.
func (v *view) ByOutcome(outcome string) string {
	switch outcome {
	case "ok":
		return "answered"
	case outcomeFallback:
		return "answered by a fallback"
	case outcomeDegraded:
		return "answered by a last resort"
	case "failed":
		return "failed: no target answered"
	}
	return "cancelled by the caller"
}

// shownWait returns d with its two largest units, in whole seconds.
func shownWait(d time.Duration) string {
	s := int(d.Round(time.Second) / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%d min %d s", s/60, s%60)
	case s < 86400:
		return fmt.Sprintf("%d h %d min", s/3600, s/60%60)
	}
	return fmt.Sprintf("%d d %d h", s/86400, s/3600%24)
}

// shownMillis returns a duration with three digits or so; "–" if it is unknown.
func shownMillis(ms float64) string {
	switch {
	case ms <= 0:
		return "–"
	case ms < 1:
		return fmt.Sprintf("%.2f ms", ms)
	case ms < 10:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 1000:
		return fmt.Sprintf("%.0f ms", ms)
	case ms < 60_000:
		return fmt.Sprintf("%.2f s", ms/1000)
	}
	return shownWait(time.Duration(ms * float64(time.Millisecond)))
}

// percent returns n of all as a percentage; "–" of nothing.
func percent(n, all uint32) string {
	if all == 0 {
		return "–"
	}
	share := 100 * float64(n) / float64(all)
	if share > 0 && share < 10 || share > 99 && share < 100 {
		return strconv.FormatFloat(share, 'f', 1, 64) + " %"
	}
	return strconv.FormatFloat(share, 'f', 0, 64) + " %"
}

// number returns n with a space between thousands.
func number(n any) string {
	digits := fmt.Sprint(n)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 && digits[i-1] != '-' {
			b.WriteRune('\u202f') // narrow, and no break
		}
		b.WriteRune(d)
	}
	return b.String()
}

// tokens returns input and output tokens; "–" if both are unknown.
func tokens(input, output int) string {
	if input == 0 && output == 0 {
		return "–"
	}
	return number(input) + " + " + number(output)
}

func rate(r float64) string {
	if r > 0 && r < 10 {
		return strconv.FormatFloat(r, 'f', 1, 64)
	}
	return number(int64(r + 0.5))
}

func money(dollars float64) string {
	switch {
	case dollars == 0:
		return "–"
	case dollars < 0.01:
		return fmt.Sprintf("$%.5f", dollars)
	case dollars < 1:
		return fmt.Sprintf("$%.3f", dollars)
	}
	return fmt.Sprintf("$%.2f", dollars)
}

// share returns n as a percentage of a limit, at most 100, or -1 without a limit.
func share(n, limit float64) float64 {
	if limit <= 0 {
		return -1
	}
	return round(min(100*n/limit, 100))
}

// waitWord returns one of the durations of the form.
func waitWord(d time.Duration) string {
	if d < time.Hour {
		return count(int(d/time.Minute), "minute", "minutes")
	}
	return count(int(d/time.Hour), "hour", "hours")
}

func shownBytes(n int) string {
	switch {
	case n < 1<<10:
		return fmt.Sprint(n, " B")
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	case n < 1<<30:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
}
