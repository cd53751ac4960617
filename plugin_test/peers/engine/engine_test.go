package engine_test

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"
)

// BenchmarkEngine measures both sides of every row in turns, so that both meet the
// same load of the machine. A benchmark is named after its row and its sides, "ROW/A
// vs B". Figures are for one call, or for one chunk of a resumed stream:
//
//   - a-cpu-ns, b-cpu-ns: processor time of the process, with garbage collection
//   - a-allocs, b-allocs: heap allocations
//   - ratio: processor time of A divided by that of B, the median of the rounds
//   - aim: the largest ratio that is aimed at, if there is one
//
// The iterations are calls of each side.
func BenchmarkEngine(b *testing.B) {
	for _, row := range rows(10_000) {
		b.Run(row.name+"/"+row.a.name+" vs "+row.b.name, func(b *testing.B) {
			first, second := open(b, row.a), open(b, row.b)
			rounds := min(b.N, 25)
			var figures [2][]figure
			for round := range rounds {
				calls := (round+1)*b.N/rounds - round*b.N/rounds
				figures[0] = append(figures[0], first.measure(b, calls))
				figures[1] = append(figures[1], second.measure(b, calls))
			}
			first.check(b, b.N)
			second.check(b, b.N)
			b.ReportMetric(0, "ns/op") // would be the sum of both
			for i, unit := range []string{"a", "b"} {
				b.ReportMetric(median(figures[i], func(_ int, f figure) float64 { return f.cpu }), unit+"-cpu-ns")
				b.ReportMetric(median(figures[i], func(_ int, f figure) float64 { return f.allocs }), unit+"-allocs")
			}
			b.ReportMetric(median(figures[0], func(i int, f figure) float64 { return f.cpu / figures[1][i].cpu }), "ratio")
			if row.aim > 0 {
				b.ReportMetric(row.aim, "aim")
			}
		})
	}
}

// Both sides of every row give the whole answer, and ask the targets that they must
// ask: else the figures say nothing.
func TestSidesAnswer(t *testing.T) {
	for _, row := range rows(40) {
		for _, side := range []side{row.a, row.b} {
			t.Run(row.name+"/"+side.name, func(t *testing.T) {
				o := open(t, side)
				for range 3 {
					want := words(0, max(side.chunks, 1))
					if got := o.call(t); got != want {
						t.Errorf("the answer has %d bytes, want %d", len(got), len(want))
					}
				}
				o.check(t, 3)
			})
		}
	}
}

// opened is a side that is ready for the calls that count.
type opened struct {
	side
	model   model.LLM
	targets []*fake
	ctx     context.Context
	req     *model.LLMRequest
}

func open(tb testing.TB, s side) *opened {
	ctx, cancel := context.WithCancel(tb.Context()) // as an application's contexts are
	tb.Cleanup(cancel)
	o := &opened{side: s, targets: s.targets(), ctx: ctx, req: tiny()}
	if s.request != nil {
		o.req = s.request()
	}
	o.model = s.build(tb, o.targets, s.breaker)
	for range s.primed {
		o.call(tb)
	}
	for _, target := range o.targets {
		target.calls = 0
	}
	return o
}

// call makes one call and returns what its consumer is shown: the text of the
// partial responses of a stream, else that of the answer.
func (o *opened) call(tb testing.TB) string {
	var text strings.Builder
	for resp, err := range o.model.GenerateContent(o.ctx, o.req, o.chunks > 0) {
		if err != nil {
			tb.Fatal(err)
		}
		if resp.Partial == (o.chunks > 0) {
			text.WriteString(resp.Content.Parts[0].Text)
		}
	}
	return text.String()
}

// check fails if the targets were not asked as often as so many calls must.
func (o *opened) check(tb testing.TB, calls int) {
	tb.Helper()
	for i, target := range o.targets {
		if want := calls * o.asked[i]; target.calls != want {
			tb.Errorf("%s: %s was asked %d times, want %d", o.name, target.name, target.calls, want)
		}
	}
}

// figure is the cost of one call, or of one chunk.
type figure struct{ cpu, allocs float64 } // cpu in nanoseconds

// measure makes calls calls. The text is not collected, since that would count.
func (o *opened) measure(tb testing.TB, calls int) figure {
	runtime.GC() // the garbage of one side is not the other's to collect
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu := processCPU(tb)
	for range calls {
		for _, err := range o.model.GenerateContent(o.ctx, o.req, o.chunks > 0) {
			if err != nil {
				tb.Fatal(err)
			}
		}
	}
	cpu = processCPU(tb) - cpu
	runtime.ReadMemStats(&after)
	per := float64(calls)
	if o.perChunk {
		per *= float64(o.chunks)
	}
	return figure{float64(cpu) / per, float64(after.Mallocs-before.Mallocs) / per}
}

// processCPU returns the processor time that the process has used.
func processCPU(tb testing.TB) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// median returns the median of what value returns for each of figures.
func median(figures []figure, value func(i int, f figure) float64) float64 {
	values := make([]float64, len(figures))
	for i, f := range figures {
		values[i] = value(i, f)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
