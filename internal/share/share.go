// Package share bounds extra work, such as retries and hedges, to a share of the
// calls.
package share

import (
	"math"
	"sync"
	"sync/atomic"
)

// unit is one piece of extra work. Amounts are counted in millionths, because
// fractions of floats do not add up.
const unit = 1_000_000

// Budget is what may be spent on extra work: each call earns a share of a unit, each
// piece of extra work takes one. It is safe for concurrent use.
type Budget struct {
	share, most int64

	full atomic.Bool // as good as always, while there is no extra work

	mu      sync.Mutex
	balance int64 // guarded by mu, in [0, most]
}

// New returns a budget of a share per call, above 0 and at most 1, that saves up to
// most units, at least 1, and holds so many units now.
func New(share, most, now float64) *Budget {
	millionths := func(units float64) int64 { return int64(math.Round(units * unit)) }
	b := &Budget{share: max(millionths(share), 1), most: max(millionths(most), unit)}
	b.balance = min(millionths(now), b.most)
	b.full.Store(b.balance == b.most)
	return b
}

// Earn adds what one call allows.
func (b *Budget) Earn() {
	if b.full.Load() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.balance = min(b.balance+b.share, b.most)
	b.full.Store(b.balance == b.most)
}

// Take takes one unit and reports whether there was one.
func (b *Budget) Take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.balance < unit {
		return false
	}
	b.balance -= unit
	b.full.Store(false)
	return true
}

// Balance returns how many units can be taken now, and the most that are saved.
func (b *Budget) Balance() (units, most float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return float64(b.balance) / unit, float64(b.most) / unit
}
