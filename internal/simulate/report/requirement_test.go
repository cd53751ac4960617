package report_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/simulate/report"
)

// required returns the line that a report prints for a requirement.
func required(t *testing.T, r *report.Report, text string) (line string, missed int) {
	t.Helper()
	q, err := report.ParseRequirement(text)
	if err != nil {
		t.Fatal(err)
	}
	r.Required = nil
	missed = r.Require([]report.Requirement{q})
	var out bytes.Buffer
	if err := r.Print(&out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	return lines[len(lines)-1], missed
}

func TestRequirementsAreMetOrMissed(t *testing.T) {
	answered := example()
	answered.Runs[1].Whole.P50, answered.Runs[1].CostUSD = report.Seconds(6*time.Second), 41152
	for _, test := range []struct {
		of         *report.Report
		text, want string
		missed     int
	}{
		{answered, "available >= 99.99%", "met: a<b>.yaml: available is 99.995% (without: 0.000%), required >= 99.99%", 0},
		{answered, "available >= 0.99999", "missed: a<b>.yaml: available is 99.995% (without: 0.000%), required >= 0.99999", 1},
		{answered, " failed<=0.001% ", "missed: a<b>.yaml: failed is 0.002% (without: 100.000%), required <= 0.001%", 1},
		{answered, "wrong <= 0%", "met: a<b>.yaml: wrong is 0.000% (without: 0.000%), required <= 0%", 0},
		{answered, "fallback rate <= 50%", "met: a<b>.yaml: fallback rate is 50.000% (without: 0.000%), required <= 50%", 0},
		{answered, "amplification <= 1.02", "missed: a<b>.yaml: amplification is 1.020 (without: 0.000), required <= 1.02", 1},
		{answered, "whole answer p99 <= 3s", "met: a<b>.yaml: whole answer p99 is 3s (without: -), required <= 3s", 0},
		{answered, "first content p50 <= 999ms", "missed: a<b>.yaml: first content p50 is 1s (without: -), required <= 999ms", 1},
		{answered, "whole answer p50 <= 25% of without", "met: a<b>.yaml: whole answer p50 is 1.5s, 25.0% of without (6s), required <= 25% of without", 0},
		{answered, "cost <= 29.9%  of  without", "missed: a<b>.yaml: cost is $12,346, 30.0% of without ($41,152), required <= 29.9% of without", 1},
		{answered, "cost <= $12345.6", "met: a<b>.yaml: cost is $12,346 (without: $41,152), required <= $12345.6", 0},
		// Nothing without a policy to compare with.
		{example(), "whole answer p50 <= 25% of without", "missed: a<b>.yaml: whole answer p50 is 1.5s (without: -), required <= 25% of without", 1},
	} {
		if line, missed := required(t, test.of, test.text); line != test.want || missed != test.missed {
			t.Errorf("%s: %d missed:\n%s\nwant %d:\n%s", test.text, missed, line, test.missed, test.want)
		}
	}
}

// A run without an answer has no time and no cost. It misses bounds on them.
func TestNothingMeasuredIsMissed(t *testing.T) {
	r := example()
	r.Runs[0].Whole, r.Runs[0].CostUSD = report.Percentiles{}, 0
	for _, text := range []string{"whole answer p99 <= 1h", "whole answer p50 <= 100% of without", "cost <= $1000000"} {
		if line, missed := required(t, r, text); missed != 1 {
			t.Errorf("%s: %s; want it missed", text, line)
		}
	}
}

// If the price of a model is unknown, the cost meets no bound, and the report says that it is not the
// whole cost.
func TestUnknownPricesMissBoundsOnCost(t *testing.T) {
	for _, test := range []struct {
		name, text, want string
		change           func(runs []report.Run)
	}{
		{"a part", "cost <= $1000000", "missed: a<b>.yaml: cost is $12,346 or more (without: $0.50), required <= $1000000", func(runs []report.Run) { runs[0].Unpriced = []string{"local"} }},
		{"all", "cost <= $1000000", "missed: a<b>.yaml: cost is unknown (without: $0.50), required <= $1000000", func(runs []report.Run) { runs[0].Unpriced, runs[0].CostUSD = []string{"local"}, 0 }},
		{"without a policy", "cost <= 9999999% of without", "missed: a<b>.yaml: cost is $12,346 (without: $0.50 or more), required <= 9999999% of without", func(runs []report.Run) { runs[1].Unpriced = []string{"local"} }},
		{"another figure", "available >= 99%", "met: a<b>.yaml: available is 99.995% (without: 0.000%), required >= 99%", func(runs []report.Run) { runs[0].Unpriced = []string{"local"} }},
	} {
		r := example()
		test.change(r.Runs)
		if line, _ := required(t, r, test.text); line != test.want {
			t.Errorf("%s:\n%s\nwant\n%s", test.name, line, test.want)
		}
		page, err := r.HTML()
		if err != nil {
			t.Fatal(err)
		}
		if cost := " or more</td>"; strings.Contains(string(page), cost) == (test.name == "all") || strings.Contains(string(page), "unknown</td>") != (test.name == "all") {
			t.Errorf("%s: the page does not say that the cost is unknown", test.name)
		}
	}
}

// A simulation without a call misses every bound.
func TestNoCallsMissEveryBound(t *testing.T) {
	r := example()
	r.Sampling.Calls = 0
	for _, text := range []string{"failed <= 1%", "available >= 0%", "amplification <= 2", "whole answer p99 <= 1h"} {
		if line, missed := required(t, r, text); missed != 1 {
			t.Errorf("%s: %s; want it missed", text, line)
		}
	}
}

func TestOutcomesAreInTheReport(t *testing.T) {
	r := example()
	for _, text := range []string{"whole answer p99 <= 2s", "available >= 50%"} {
		required(t, r, text)
		data, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		want := `"required":[{"run":"a\u003cb\u003e.yaml","figure":"whole answer p99","value":3,"required":"\u003c= 2s","met":false}]`
		if text != "whole answer p99 <= 2s" {
			want = `"required":[{"run":"a\u003cb\u003e.yaml","figure":"available","value":0.99995,"required":"\u003e= 50%","met":true}]`
		}
		if !strings.Contains(string(data), want) {
			t.Errorf("the JSON lacks %s:\n%s", want, data)
		}
	}
	page, err := r.HTML()
	if err != nil || !strings.Contains(string(page), "<li>met: a&lt;b&gt;.yaml: available is 99.995% (without: 0.000%), required &gt;= 50%</li>") {
		t.Errorf("error %v, or the page lacks the outcome", err)
	}
}

func TestMistakesInRequirements(t *testing.T) {
	for text, want := range map[string]string{
		"":                               `"" must be a figure, <= or >=, and a value, such as "available >= 99.9%"`,
		"available > 99%":                "must be a figure, <= or >=, and a value",
		"available >= 99% of all":        "must be a figure, <= or >=, and a value",
		"availble >= 99%":                "there is no figure availble; did you mean available?",
		"speed >= 99%":                   "there is no figure speed; the figures are available, degraded, failed, wrong, fallback rate, cached, amplification, first content p50, first content p95, first content p99, whole answer p50, whole answer p95, whole answer p99, cost",
		"available >= 1s":                `"1s" is not a number of at least 0; write for example 99.9%`,
		"failed <= 5":                    "5 is more than 100%",
		"failed <= -1%":                  "is not a number of at least 0",
		"failed <= NaN":                  "is not a number of at least 0",
		"whole answer p99 <= 2":          `"2" is not a duration of at least 0; write for example 2s`,
		"whole answer p99 <= -2s":        "is not a duration of at least 0",
		"cost <= €5":                     "write for example $20",
		"cost <= $5 of without":          "write for example 30%",
		"whole answer p50 <= 40% of all": "must be a figure",
	} {
		if _, err := report.ParseRequirement(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}
