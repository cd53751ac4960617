package report

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/duration"
)

// Print writes r as text.
func (r *Report) Print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "scenario\t%s\n", strings.TrimSuffix(r.Scenario+": "+r.Title, ": "))
	fmt.Fprintf(w, "calls\t%s in %s; %s simulated, each stands for %s\n", r.Sampling.real(), short(r.Length.Duration()), thousands(float64(r.Sampling.Calls)), r.Sampling.each())
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	w = tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range r.Table() {
		fmt.Fprintf(w, "%s\t%s\t\n", row.Name, strings.Join(row.Values, "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	lines := r.modelLines()
	for _, note := range r.Notes {
		lines = append(lines, "note: "+note)
	}
	for _, o := range r.Required {
		lines = append(lines, o.String())
	}
	if len(lines) > 0 {
		fmt.Fprintf(out, "\n%s\n", strings.Join(lines, "\n"))
	}
	return nil
}

func (s Sampling) real() string { return thousands(s.RealCalls) }

func (s Sampling) each() string {
	if s.Each == math.Trunc(s.Each) {
		return thousands(s.Each)
	}
	return thousands(math.Round(s.Each*10) / 10)
}

// Row is a row of the table of a report: a figure of each run.
type Row struct {
	Name   string
	Values []string
}

// Table returns the figures of all runs. The first row has their names.
func (r *Report) Table() []Row {
	row := func(name string, value func(Run) string) Row {
		row := Row{Name: name}
		for _, run := range r.Runs {
			row.Values = append(row.Values, value(run))
		}
		return row
	}
	rows := []Row{row("", func(run Run) string { return run.Name })}
	for _, f := range figures {
		if !f.rare || slices.ContainsFunc(r.Runs, func(run Run) bool { return f.of(run) > 0 }) {
			rows = append(rows, row(f.name, func(run Run) string { return f.text(run) }))
		}
	}
	for i, e := range r.Events {
		name := fmt.Sprintf("%s at %s", e.Name, r.clock(e.At))
		rows = append(rows,
			row(name+": impaired", func(run Run) string { return short(run.Recoveries[i].Impaired.Duration()) }),
			row(name+": back after", func(run Run) string { return run.Recoveries[i].back() }))
	}
	return rows
}

func (r Recovery) back() string {
	if r.Back == nil {
		return "-"
	}
	return short(r.Back.Duration())
}

// clock returns the time of day, in UTC, of a time since the beginning.
func (r *Report) clock(at Seconds) string {
	t := time.Time{}.Add(r.Begins.Duration() + at.Duration())
	if days := int((r.Begins.Duration() + at.Duration()) / (24 * time.Hour)); days > 0 {
		return fmt.Sprintf("%s +%dd", t.Format("15:04"), days)
	}
	return t.Format("15:04")
}

// modelLines returns a line for each run in which calls were not answered by a model, with the
// reasons, and one for each model that failed, with the kinds of its failures.
func (r *Report) modelLines() (lines []string) {
	for _, run := range r.Runs {
		if reasons := shares(run.Reasons, r.Sampling.Calls); reasons != "" {
			lines = append(lines, fmt.Sprintf("%s: degraded or failed because of %s", run.Name, reasons))
		}
		for _, m := range run.Models {
			if kinds := shares(m.Failures, int(m.Requests+m.Extra)); kinds != "" {
				lines = append(lines, fmt.Sprintf("%s, %s: %s requests, failed: %s", run.Name, m.Name, thousands(float64(m.Requests)), kinds))
			}
		}
	}
	return lines
}

// shares lists counts as shares of all, by name.
func shares[N int | int64](counts map[string]N, all int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s %s", name, percent(float64(counts[name])/float64(max(1, all)))))
	}
	return strings.Join(parts, ", ")
}

// percent writes a share with three digits after the point, which tell 99.99 % from 99.999 %.
func percent(share float64) string { return fmt.Sprintf("%.3f%%", 100*share) }

func dollars(usd float64) string {
	if usd < 1000 {
		return fmt.Sprintf("$%.2f", usd)
	}
	return "$" + thousands(math.Round(usd))
}

func latency(s Seconds) string {
	if s == 0 {
		return "-"
	}
	return s.Duration().Round(time.Millisecond).String()
}

// short writes a duration in steps of a second.
func short(d time.Duration) string { return duration.Text(d.Round(time.Second)) }

// thousands writes a number of at most one digit after the point, with commas.
func thousands(f float64) string {
	whole, part, _ := strings.Cut(strconv.FormatFloat(f, 'f', -1, 64), ".")
	if f >= 1e6 {
		whole, part = strconv.FormatFloat(math.Round(f), 'f', 0, 64), ""
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if part != "" {
		whole += "." + part[:1]
	}
	return whole
}

func formatFloat(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
