package router

import (
	"slices"
	"sync"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/share"
)

// newHedgeBudget bounds hedges to a share of the calls. It allows the first one, and
// saves what [HedgeWindow] calls earn.
func newHedgeBudget(of float64) *share.Budget { return share.New(of, of*HedgeWindow, 1) }

// latencies remembers how long the latest [HedgeWindow] calls took to their first
// content. They are kept in order as well, so that the percentile of every call
// costs two binary searches and no sorting.
type latencies struct {
	mu     sync.Mutex
	recent []time.Duration // guarded by mu; in the order of their arrival, as a ring
	oldest int             // guarded by mu
	sorted []time.Duration // guarded by mu
}

func (p *latencies) add(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.recent) < HedgeWindow {
		p.recent = append(p.recent, d)
	} else {
		gone, _ := slices.BinarySearch(p.sorted, p.recent[p.oldest])
		p.sorted = slices.Delete(p.sorted, gone, gone+1)
		p.recent[p.oldest] = d
		p.oldest = (p.oldest + 1) % HedgeWindow
	}
	at, _ := slices.BinarySearch(p.sorted, d)
	p.sorted = slices.Insert(p.sorted, at, d)
}

// p95 returns the time within which 95 of 100 calls had content, and false
// before [MinHedgeSamples].
func (p *latencies) p95() (time.Duration, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.sorted)
	if n < MinHedgeSamples {
		return 0, false
	}
	return p.sorted[(n*95+99)/100-1], true
}
