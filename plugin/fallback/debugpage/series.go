package debugpage

import (
	"time"

	"github.com/adk-fallback/adk-fallback/internal/window"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// tally counts attempts at a target, or calls.
type tally struct {
	ok, failed uint32
	stopped    uint32 // attempts that lost a hedge or were a preview; calls that their caller ended
	skipped    uint32 // of targets that were not called

	fallbacks, degraded, cached uint32 // of calls that were answered, by whom

	input, output uint64 // tokens
	cost          float64
	took, first   histogram // of those that answered
}

// all returns how many attempts or calls were made.
func (t *tally) all() uint32 { return t.ok + t.failed + t.stopped }

func (t *tally) merge(o *tally) {
	t.ok += o.ok
	t.failed += o.failed
	t.stopped += o.stopped
	t.skipped += o.skipped
	t.fallbacks += o.fallbacks
	t.degraded += o.degraded
	t.cached += o.cached
	t.input += o.input
	t.output += o.output
	t.cost += o.cost
	t.took.merge(&o.took)
	t.first.merge(&o.first)
}

// notTheTargets are the kinds of failed attempts that say nothing about the target.
var notTheTargets = map[string]bool{"hedge_lost": true, "preview": true, "canceled": true}

// attempt counts an attempt, whose durations are in these buckets.
func (t *tally) attempt(a *call.Attempt, took, first int) {
	switch {
	case a.Outcome == call.OK:
		t.ok++
		t.took.add(took)
		t.first.add(first)
	case a.Outcome == call.Skipped:
		t.skipped++
	case a.Outcome == call.Failed && !notTheTargets[a.Kind]:
		t.failed++
	default:
		t.stopped++
	}
	t.input += uint64(max(a.InputTokens, 0))
	t.output += uint64(max(a.OutputTokens, 0))
	t.cost += a.Cost
}

// call counts a call, whose durations are in these buckets.
func (t *tally) call(r *record, took, first int) {
	switch r.Outcome {
	case call.OK:
		t.ok++
		t.took.add(took)
		t.first.add(first)
	case call.Failed:
		t.failed++
	default:
		t.stopped++
	}
	if r.fellBack() {
		t.fallbacks++
	}
	if r.Degraded != "" {
		t.degraded++
	}
	if r.CacheStatus == call.CacheHit || r.CacheStatus == call.CacheStale {
		t.cached++
	}
	for i := range r.Attempts {
		t.input += uint64(max(r.Attempts[i].InputTokens, 0))
		t.output += uint64(max(r.Attempts[i].OutputTokens, 0))
		t.cost += r.Attempts[i].Cost
	}
}

// span is a window that the page shows.
type span struct {
	minutes int
	coarse  bool
	slots   int
}

// spans are the windows. Each slides by one of its slots: 10 seconds, or two minutes.
var spans = [...]span{{1, false, 6}, {5, false, slots}, {60, true, slots}}

// slots is how many steps a series keeps of each of its two widths.
const slots = 30

// series keeps tallies of the last hour: 60 of them, about 100 kB. It is not safe for
// concurrent use.
type series struct{ fine, coarse window.Window[tally] }

func newSeries() series {
	return series{window.NewSlots[tally](5*time.Minute, slots), window.NewSlots[tally](time.Hour, slots)}
}

// at returns the tallies to count in.
func (s *series) at(now time.Time) [2]*tally { return [...]*tally{s.fine.At(now), s.coarse.At(now)} }

// bar is a step of a sparkline.
type bar struct{ ok, failed uint32 }

// sum returns the tally of a window that ends at now, and its steps, oldest first.
func (s *series) sum(w span, now time.Time) (sum tally, bars []bar) {
	of := &s.fine
	if w.coarse {
		of = &s.coarse
	}
	for t := range of.Latest(now, w.slots) {
		if t == nil {
			bars = append(bars, bar{})
			continue
		}
		sum.merge(t)
		bars = append(bars, bar{t.all() - t.failed, t.failed})
	}
	return sum, bars
}
