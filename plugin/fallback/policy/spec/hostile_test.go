package spec_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/race"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// hostileFiles returns files of up to 64 KiB that are expensive to check, each in its own
// way.
func hostileFiles() map[string]string {
	times := func(n int, form string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.ReplaceAll(form, "%", fmt.Sprint(i)))
		}
		return b.String()
	}
	const first = "primary: gemini-2.5-flash\n"
	files := map[string]string{
		"unknown keys":        first + times(7000, "k%: 1\n"),
		"unknown keys within": first + "models:\n" + times(900, "  m%: {idd: 1, x: 2, y: 3, z: 4, providr: openai}\n"),
		"keys again":          first + times(5000, "timeouts: {}\n"),
		"long key":            first + times(60000, "k") + ": 1",
		"patterns":            first + "models:\n" + times(490, `  "`+strings.Repeat("*a", 55)+"%\": {}\n"),
		"unknown targets":     first + "flags:\n" + times(900, "  f%: {targets: [x%, y%, z%]}\n"),
		"lists within lists":  "primary: " + times(60000, "["),
		"merged mappings":     first + "a: &a {x: 1}\n" + "b: &b {<<: [" + times(90, "*a, ") + "]}\nc: &c {<<: [" + times(90, "*b, ") + "]}\nretry: {<<: [" + times(90, "*c, ") + "]}\n",
		"addresses":           "primary: " + times(30000, "a@"),
		"digits":              "primary: " + times(6500, "1111111111"),
	}
	var aliases strings.Builder
	for i := range 998 {
		fmt.Fprintf(&aliases, "  a%d: a%d\n", i, min(i+1, 997))
	}
	files["aliases of aliases"] = first + "aliases:\n" + aliases.String()
	var latencies strings.Builder
	for i := range 8 {
		fmt.Fprintf(&latencies, "  - {name: n%d, condition: '", i)
		for j := range 30 {
			fmt.Fprintf(&latencies, "latency>%d%02dms||", i+1, j)
		}
		latencies.WriteString("cost>1.0'}\n")
	}
	files["latencies and a total"] = first + "timeouts: {primary: 1h, fallback: 1h, total: 1s}\nfallbacks:\n" + latencies.String()
	for name, part := range map[string]string{
		"unknown names": "x==1||", "equations": "1==1||", "lists": "1 in [1]||", "halves": "= ", "units": "5min>1||", "brackets": "(", "negations": "!", "latencies": "latency>1ms||",
	} {
		for _, length := range []int{480, 1900} {
			var b strings.Builder
			b.WriteString(first + "fallbacks:\n")
			for i := range 31 {
				fmt.Fprintf(&b, "  - {name: n%d, condition: '%strue && %d == 1'}\n", i, strings.Repeat(part, length/len(part)), i)
			}
			files[fmt.Sprintf("conditions of %d bytes with %s", length, name)] = b.String()
		}
	}
	for name, text := range files {
		files[name] = text[:min(len(text), 64<<10)]
	}
	return files
}

// B91: the allocations of Parse stand for its work, because they are the same on every
// machine. BenchmarkBadFiles measures the time.
func TestHostileFilesAreLittleWork(t *testing.T) {
	parse(t, "primary: gemini-2.5-flash\nfallbacks: [{name: gpt-4o}]") // what is made once
	bound := uint64(24 << 20)
	if race.Enabled {
		bound *= 16 // the race detector makes every sync.Pool forget much of what it is given
	}
	for name, text := range hostileFiles() {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := spec.Parse([]byte(text))
		runtime.ReadMemStats(&after)
		if bytes := after.TotalAlloc - before.TotalAlloc; bytes > bound {
			t.Errorf("%s: %d bytes allocated", name, bytes)
		}
		if e, ok := errors.AsType[*spec.Error](err); ok && len(e.Problems) > 101 {
			t.Errorf("%s: %d problems; want at most 100, and how many more there are", name, len(e.Problems))
		}
	}
}

// A broken file may take 100 ms. slowest-ms is the time of the slowest one.
func BenchmarkBadFiles(b *testing.B) {
	all := hostileFiles()
	for _, path := range files(b, "testdata/bad") {
		all[path] = string(read(b, path))
	}
	slowest, which := time.Duration(0), ""
	for name, text := range all {
		fastest := time.Hour
		for range 5 {
			started := time.Now()
			_, _ = spec.Parse([]byte(text))
			fastest = min(fastest, time.Since(started))
		}
		if fastest > slowest {
			slowest, which = fastest, name
		}
	}
	b.Logf("slowest: %s", which)
	for b.Loop() {
		_, _ = spec.Parse([]byte(all[which]))
	}
	b.ReportMetric(float64(slowest.Microseconds())/1000, "slowest-ms")
}

// B91
func TestConditionsAreBoundedInAll(t *testing.T) {
	file := func(n int) string {
		var b strings.Builder
		b.WriteString("primary: gemini-2.5-flash\nfallbacks:\n")
		for i := range n {
			for range 2 { // an equal one is not counted again
				fmt.Fprintf(&b, "  - {name: gpt-%d, condition: %q}\n", b.Len(), fmt.Sprintf("error || attempt > %02d%s", i, strings.Repeat(" ", 512-21)))
			}
		}
		return b.String()
	}
	parse(t, file(8))
	got := problemsIn(t, []byte(file(9)))
	want := "19:33: fallbacks[16].condition: conditions have more than 4096 bytes in all; equal ones count once\n"
	if !strings.Contains(got, want) || strings.Count(got, "4096") != 1 {
		t.Errorf("problems:\n%s\nwant among them, once:\n%s", got, want)
	}
}

// B91: of many problems, the errors come first, and a last line counts those that are not
// listed.
func TestManyProblemsAreCutShort(t *testing.T) {
	var b strings.Builder
	b.WriteString("primary: gemini-2.5-flash\nmodels:\n")
	for i := range 60 {
		fmt.Fprintf(&b, "  unused%d: {}\n", i) // a warning
	}
	for i := range 90 {
		fmt.Fprintf(&b, "  m%d: {colour: red}\n", i) // a warning and an error
	}
	_, err := spec.Parse([]byte(b.String()))
	e, ok := errors.AsType[*spec.Error](err)
	if !ok || len(e.Problems) != 101 {
		t.Fatalf("error %v; want 101 problems", err)
	}
	count := map[spec.Severity]int{}
	for _, p := range e.Problems[:100] {
		count[p.Severity]++
	}
	last := e.Problems[100].String()
	if count[spec.SeverityError] != 90 || last != "152:9: warning: and at least 140 more problems" {
		t.Errorf("problems by severity %v, and the last is %q", count, last)
	}
}

// B91: after 100 problems, no more conditions are compiled.
func TestConditionsAfterManyProblemsAreNotCompiled(t *testing.T) {
	for n, want := range map[int]string{99: "at least 2 more problems", 100: ""} { // the condition has three
		file := "primary: gemini-2.5-flash\nmodels:\n  gemini-*: {"
		for i := range n {
			file += fmt.Sprintf("y%d: 1, ", i)
		}
		got := problemsIn(t, []byte(file+"region: eu}\nfallbacks: [{name: gpt-4o, condition: a || b || c}]\n"))
		if _, last, _ := strings.Cut(got, "at least"); last != "" != (want != "") || !strings.Contains(got, want) {
			t.Errorf("after %d problems:\n%s\nwant %q", n, got, want)
		}
	}
}
