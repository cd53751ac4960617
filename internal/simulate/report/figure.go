package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// figure is a row of the table: a figure of each run.
type figure struct {
	name string
	unit unit
	of   func(Run) float64
	// rare figures are shown only if they are above 0 in a run.
	rare bool
	// partial reports whether a part of the value is unknown; nil if it never is.
	partial func(Run) bool
}

// known reports whether the whole value of a run is known.
func (f figure) known(run Run) bool { return f.partial == nil || !f.partial(run) }

// text returns the value of a run as it is printed. A cost is never printed as $0.00 because a price is
// unknown.
func (f figure) text(run Run) string {
	value := f.of(run)
	switch {
	case f.known(run):
		return f.unit.print(value)
	case value == 0:
		return "unknown"
	}
	return f.unit.print(value) + " or more"
}

// unit says how the values of a figure are written and read.
type unit struct {
	print func(float64) string
	parse func(string) (float64, error)
	such  string // an example
	// measured figures are 0 if there is nothing to measure: no answer, or no price.
	measured bool
	inJSON   float64 // factor for the value that JSON has
}

var (
	inPercent = unit{percent, parsePart, "99.9%", false, 1}
	asNumber  = unit{func(f float64) string { return fmt.Sprintf("%.3f", f) }, parseNumber, "1.1", false, 1}
	inTime    = unit{func(f float64) string { return latency(Seconds(f)) }, parseTime, "2s", true, 1 / float64(time.Second)}
	inDollars = unit{dollars, func(text string) (float64, error) { return parseNumber(strings.TrimPrefix(text, "$")) }, "$20", true, 1}
)

// figures are those of every report, in the order of the table.
var figures = slices.Concat(
	[]figure{
		{name: "available", unit: inPercent, of: func(run Run) float64 { return run.Available }},
		{name: "degraded", unit: inPercent, of: func(run Run) float64 { return run.Degraded }},
		{name: "failed", unit: inPercent, of: func(run Run) float64 { return run.Failed }},
		{name: "wrong", unit: inPercent, of: func(run Run) float64 { return run.Wrong }, rare: true},
		{name: "fallback rate", unit: inPercent, of: func(run Run) float64 { return run.Fallback }},
		{name: "cached", unit: inPercent, of: func(run Run) float64 { return run.Cached }, rare: true},
		{name: "amplification", unit: asNumber, of: func(run Run) float64 { return run.Amplification }},
	},
	times("first content", func(run Run) Percentiles { return run.FirstContent }),
	times("whole answer", func(run Run) Percentiles { return run.Whole }),
	[]figure{{name: "cost", unit: inDollars, of: func(run Run) float64 { return run.CostUSD }, partial: func(run Run) bool { return len(run.Unpriced) > 0 }}},
)

func times(name string, of func(Run) Percentiles) []figure {
	return []figure{
		{name: name + " p50", unit: inTime, of: func(run Run) float64 { return float64(of(run).P50) }},
		{name: name + " p95", unit: inTime, of: func(run Run) float64 { return float64(of(run).P95) }},
		{name: name + " p99", unit: inTime, of: func(run Run) float64 { return float64(of(run).P99) }},
	}
}

// parsePart reads a share of at most 100%. 5 is an error: it may be meant as 5%.
func parsePart(text string) (float64, error) {
	value, err := parseShare(text)
	if err == nil && value > 1 {
		err = fmt.Errorf("%s is more than 100%%", text)
	}
	return value, err
}

// parseShare reads 99.9% or 0.999.
func parseShare(text string) (float64, error) {
	digits, percent := strings.CutSuffix(text, "%")
	value, err := parseNumber(digits)
	if percent {
		value /= 100
	}
	return value, err
}

// parseNumber reads a finite number of at least 0.
func parseNumber(text string) (float64, error) {
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || !(value >= 0 && value <= 1e15) { // also NaN
		return 0, fmt.Errorf("%q is not a number of at least 0", text)
	}
	return value, nil
}

// parseTime reads a duration, as nanoseconds.
func parseTime(text string) (float64, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a duration of at least 0", text)
	}
	return float64(d), nil
}
