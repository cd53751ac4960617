package simulate

import (
	"maps"
	"slices"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/simulate/report"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// points is the number of parts of the time in a report's series.
const points = 288

// summary counts what a run gave.
func (w *world) summary(name string) report.Run {
	run := report.Run{Name: name, Models: []report.Model{}, Series: w.series(), Recoveries: []report.Recovery{}}
	t := count(w.records)
	run.Reasons = t.reasons
	run.Available, run.Degraded, run.Failed, run.Fallback = t.share(t.answered), t.share(t.degraded), t.share(t.calls-t.answered-t.degraded), t.share(t.fallback)
	run.Wrong, run.Cached = t.share(t.wrong), t.share(t.cached)
	run.FirstContent, run.Whole = percentiles(w.records, func(r *record) time.Duration { return r.first }), percentiles(w.records, func(r *record) time.Duration { return r.whole })
	requests := 0.0 // real ones
	for _, p := range w.inOrder() {
		if spec.IsLastResort(w.policy.Resolve(p.name).Model) {
			continue
		}
		m := report.Model{Name: p.name, Requests: p.requests, Extra: p.extra, Answers: p.answers, Failures: p.failures, CostUSD: float64(p.nanoUSD) / 1e9 * w.each}
		if !p.priced && p.requests > 0 {
			run.Unpriced = append(run.Unpriced, p.name)
		}
		run.CostUSD += m.CostUSD
		requests += float64(p.requests)*w.each + float64(p.extra)*w.replicas
		run.Models = append(run.Models, m)
	}
	if t.calls > 0 {
		run.Amplification = requests / (float64(t.calls) * w.each)
	}
	for i := range w.scenario.Events {
		run.Recoveries = append(run.Recoveries, w.recovery(i))
	}
	return run
}

// inOrder returns the providers by name.
func (w *world) inOrder() (all []*provider) {
	for _, name := range slices.Sorted(maps.Keys(w.providers)) {
		all = append(all, w.providers[name])
	}
	return all
}

// tally counts calls.
type tally struct {
	calls, answered, degraded, fallback, requests, wrong, cached int

	reasons map[string]int // of calls that no model answered
}

func count(records []*record) tally {
	t := tally{reasons: map[string]int{}}
	for _, r := range records {
		t.calls++
		t.requests += r.requests
		switch r.outcome {
		case answered:
			t.answered++
		case degraded:
			t.degraded++
		}
		if r.reason != "" {
			t.reasons[r.reason]++
		}
		if r.fallback {
			t.fallback++
		}
		if r.wrong {
			t.wrong++
		}
		if r.cached {
			t.cached++
		}
	}
	return t
}

// share returns n as a share of the calls; 0 without any.
func (t tally) share(n int) float64 { return float64(n) / float64(max(1, t.calls)) }

// percentiles returns those of a time, of the calls that have it.
func percentiles(records []*record, of func(*record) time.Duration) report.Percentiles {
	times := make([]time.Duration, 0, len(records))
	for _, r := range records {
		if d := of(r); d > 0 {
			times = append(times, d)
		}
	}
	slices.Sort(times)
	at := func(percent int) report.Seconds {
		if len(times) == 0 {
			return 0
		}
		return report.Seconds(times[(len(times)*percent+99)/100-1])
	}
	return report.Percentiles{P50: at(50), P95: at(95), P99: at(99)}
}

// between returns the records of calls that arrived from one time on and before another.
func (w *world) between(from, to time.Duration) []*record {
	find := func(at time.Duration) int {
		i, _ := slices.BinarySearchFunc(w.records, at, func(r *record, at time.Duration) int { return int(r.at - at) })
		return i
	}
	return w.records[find(from):max(find(from), find(to))]
}

// series returns the figures of equal parts of the time.
func (w *world) series() []report.Point {
	all := make([]report.Point, 0, points)
	for i := range time.Duration(points) {
		from, to := w.scenario.Length*i/points, w.scenario.Length*(i+1)/points
		records := w.between(from, to)
		t := count(records)
		whole := percentiles(records, func(r *record) time.Duration { return r.whole })
		all = append(all, report.Point{
			At: report.Seconds(from), Calls: t.calls, RPS: float64(t.calls) * w.each / (to - from).Seconds(),
			Available: t.share(t.answered), Degraded: t.share(t.degraded), Fallback: t.share(t.fallback), Requests: t.share(t.requests),
			P50: whole.P50, P95: whole.P95,
		})
	}
	return all
}
