package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/internal/simulate/report"
)

var update = flag.Bool("update", false, "write the golden files")

// example is a report with names that HTML must escape.
func example() *report.Report {
	seconds := func(d time.Duration) report.Seconds { return report.Seconds(d) }
	back := seconds(42 * time.Second)
	series := func(available ...float64) (all []report.Point) {
		for i, share := range available {
			p := report.Point{At: seconds(time.Duration(i) * 8 * time.Hour), Calls: 10, RPS: 900 + 100*float64(i), Available: share, Requests: 1}
			if share > 0 {
				p.P50, p.P95 = seconds(time.Second), seconds(3*time.Second)
			}
			all = append(all, p)
		}
		return all
	}
	return &report.Report{
		Scenario: "<script>", Title: `Title & "quotes"`, Seed: 7, Begins: seconds(8 * time.Hour), Length: seconds(24 * time.Hour),
		Sampling: report.Sampling{RealCalls: 86_400_000, Calls: 30, Each: 2880.5, Replicas: 2},
		Events:   []report.Event{{Name: "out<age>", At: seconds(8 * time.Hour), End: seconds(9 * time.Hour)}},
		Runs: []report.Run{
			{
				Name: "a<b>.yaml", Available: 0.99995, Degraded: 0.00003, Failed: 0.00002, Fallback: 0.5, Amplification: 1.0204, CostUSD: 12345.6,
				FirstContent: report.Percentiles{P50: seconds(time.Second), P95: seconds(2 * time.Second), P99: seconds(3 * time.Second)},
				Whole:        report.Percentiles{P50: seconds(1500 * time.Millisecond), P95: seconds(2 * time.Second), P99: seconds(3 * time.Second)},
				Reasons:      map[string]int{"timeout": 1, "refused": 2},
				Models:       []report.Model{{Name: "flash", Requests: 1200, Answers: 1190, Failures: map[string]int64{"server": 10}, CostUSD: 12345.6}},
				Recoveries:   []report.Recovery{{Event: "out<age>", Impaired: seconds(90 * time.Second), Back: &back}}, Series: series(1, 1, 1),
			},
			{Name: "without", Failed: 1, CostUSD: 0.5, Models: []report.Model{}, Recoveries: []report.Recovery{{Event: "out<age>", Impaired: seconds(time.Hour)}}, Series: series(1, 0, 1)},
		},
		Notes: []string{"a note <i>"},
	}
}

func TestTextAndPageAreAsExpected(t *testing.T) {
	var text bytes.Buffer
	if err := example().Print(&text); err != nil {
		t.Fatal(err)
	}
	page, err := example().HTML()
	if err != nil {
		t.Fatal(err)
	}
	for golden, got := range map[string]string{"testdata/report.txt": text.String(), "testdata/report.html": string(page)} {
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", golden, diff)
		}
	}
}

// The page is well-formed, needs nothing from elsewhere, runs nothing and shows names as text.
func TestPageStandsAlone(t *testing.T) {
	page, err := example().HTML()
	if err != nil {
		t.Fatal(err)
	}
	plots := 0
	d := xml.NewDecoder(strings.NewReader(strings.ReplaceAll(string(page), "<!DOCTYPE html>", "")))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		element, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch element.Name.Local {
		case "script", "link", "img", "iframe", "age", "b", "i":
			t.Errorf("the page has an element %s", element.Name.Local)
		case "svg":
			plots++
		}
		for _, a := range element.Attr {
			if strings.HasPrefix(a.Name.Local, "on") || strings.Contains(a.Value, "//") {
				t.Errorf("%s has the attribute %s=%q", element.Name.Local, a.Name.Local, a.Value)
			}
			if a.Name.Local == "d" && strings.Contains(a.Value, "NaN") {
				t.Errorf("a line has points that are no numbers: %s", a.Value)
			}
		}
	}
	if plots != 7 || !bytes.Contains(page, []byte("prefers-color-scheme: dark")) {
		t.Errorf("%d plots, want 7, and colours for dark screens", plots)
	}
}

func TestTimesAreSecondsInJSON(t *testing.T) {
	data, err := json.Marshal(example())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"length_seconds":86400,`, `"whole_answer_seconds":{"p50":1.5,"p95":2,"p99":3}`, `"back_seconds":42}`, `"back_seconds":null}`} {
		if !strings.Contains(string(data), want) {
			t.Errorf("the JSON lacks %s:\n%s", want, data)
		}
	}
}
