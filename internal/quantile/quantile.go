// Package quantile measures percentiles of the times that the latest calls took.
package quantile

import (
	"slices"
	"sync"
	"time"
)

const (
	Window     = 128 // calls that are remembered
	MinSamples = 20  // calls that are measured before their 95th percentile means anything: of 20, one is slower

	// Noise is the smallest difference that counts. The network causes smaller ones, not a
	// slow model.
	Noise = 100 * time.Millisecond
)

// Latencies remembers how long the latest [Window] calls took to their first
// content. They are kept in order as well, so that the percentile of every call
// costs two binary searches and no sorting. The zero value is ready for use. Its methods
// are safe for concurrent use.
type Latencies struct {
	// Every is the shortest time between two remembered calls, once [MinSamples] are
	// remembered, so that a burst does not fill the window. 0 means that all calls are
	// remembered. It must be set before the first call.
	Every time.Duration

	mu     sync.Mutex
	latest time.Time       // guarded by mu; when the latest call was remembered; used if Every is set
	recent []time.Duration // guarded by mu; in the order of their arrival, as a ring
	oldest int             // guarded by mu
	sorted []time.Duration // guarded by mu
}

// Add notes how long a call took.
func (p *Latencies) Add(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.Every > 0 {
		now := time.Now()
		if len(p.recent) >= MinSamples && now.Sub(p.latest) < p.Every {
			return
		}
		p.latest = now
	}
	if len(p.recent) < Window {
		p.recent = append(p.recent, d)
	} else {
		gone, _ := slices.BinarySearch(p.sorted, p.recent[p.oldest])
		p.sorted = slices.Delete(p.sorted, gone, gone+1)
		p.recent[p.oldest] = d
		p.oldest = (p.oldest + 1) % Window
	}
	at, _ := slices.BinarySearch(p.sorted, d)
	p.sorted = slices.Insert(p.sorted, at, d)
}

// P95 returns the time within which 95 of 100 calls had content, and false
// before [MinSamples].
func (p *Latencies) P95() (time.Duration, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.sorted)
	if n < MinSamples {
		return 0, false
	}
	return p.sorted[(n*95+99)/100-1], true
}
