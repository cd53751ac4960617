package simulate

import (
	"math"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/simulate/report"
)

// How recovery is measured.
const (
	block   = 25        // calls, one after the other, whose share is compared
	usual   = time.Hour // before an event, whose shares are the usual ones
	after   = time.Hour // after an event, in which its consequences count
	beyond  = 0.05      // more than the usual share
	sigmas  = 3.0       // deviations that are chance
	atLeast = 4         // blocks that make a usual share
)

// recovery returns how the run came through event i.
func (w *world) recovery(i int) report.Recovery {
	e := w.scenario.Events[i]
	end := w.scenario.End(e)
	until := min(end+after, w.scenario.Length)
	for _, other := range w.scenario.Events {
		if other.At >= end {
			until = min(until, other.At)
		}
	}
	r := report.Recovery{Event: e.Name}
	before := count(w.before(e.At))
	bad := w.exceeding(e.At, until, before.share(before.calls-before.answered), func(t tally) int { return t.calls - t.answered })
	for _, b := range bad {
		r.Impaired += report.Seconds(b.to - b.from)
	}
	if end == w.scenario.Length || w.build == nil {
		return r
	}
	back := w.back(end, until, before.share(before.fallback))
	if end+back < until || until == end {
		after := report.Seconds(back)
		r.Back = &after
	}
	return r
}

// back returns how long after an event it takes until two successive blocks have no more
// fallbacks than usual: one could have few by chance.
func (w *world) back(end, until time.Duration, usual float64) time.Duration {
	back := time.Duration(0)
	for _, b := range w.exceeding(end, until, usual, func(t tally) int { return t.fallback }) {
		if len(w.between(end+back, b.from)) >= 2*block {
			break
		}
		back = b.to - end
	}
	return back
}

// before returns the calls of the usual time before an event, or all if there are too few.
func (w *world) before(at time.Duration) []*record {
	if records := w.between(at-usual, at); len(records) >= atLeast*block {
		return records
	}
	return w.records
}

// span is a part of the time.
type span struct{ from, to time.Duration }

// exceeding returns the blocks of calls in which the share of those that of counts is higher
// than the usual one.
func (w *world) exceeding(from, to time.Duration, usual float64, of func(tally) int) (all []span) {
	records := w.between(from, to)
	begin := from
	for len(records) > 0 {
		n := min(block, len(records))
		t := count(records[:n])
		records = records[n:]
		end := to
		if len(records) > 0 {
			end = records[0].at
		}
		likely := max(usual, 0.5/float64(n))
		if t.share(of(t)) > usual+max(beyond, sigmas*math.Sqrt(likely*(1-likely)/float64(n))) {
			all = append(all, span{begin, end})
		}
		begin = end
	}
	return all
}
