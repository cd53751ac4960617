package middleware

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// Defaults of a RetryBudget.
const (
	DefaultRetryRatio = 0.1
	DefaultRetryBurst = 10
)

// RetryBudget bounds retries to a share of the calls, so that retries cannot
// multiply the load on a provider that is down: every call adds the ratio to
// the balance, every retry takes one. It starts full, so that an application
// with little traffic can retry too.
//
// One budget can serve several Retry middlewares. It is safe for concurrent use.
type RetryBudget struct {
	ratio, burst float64

	full atomic.Bool // as good as always, while nothing fails

	mu      sync.Mutex
	balance float64 // guarded by mu, in [0, burst]
}

// NewRetryBudget returns a budget of ratio retries per call, with at most burst
// saved up. 0 means DefaultRetryRatio and DefaultRetryBurst; a ratio may be at
// most 1 and a burst is at least 1.
func NewRetryBudget(ratio float64, burst int) (*RetryBudget, error) {
	orDefault(&ratio, DefaultRetryRatio)
	orDefault(&burst, DefaultRetryBurst)
	if !(ratio > 0 && ratio <= 1) {
		return nil, fmt.Errorf("middleware: retry budget: ratio %v is out of range; allowed: 0 for %v, or above 0 up to 1", ratio, DefaultRetryRatio)
	}
	if burst < 1 {
		return nil, fmt.Errorf("middleware: retry budget: burst %d is out of range; allowed: 0 for %d, or 1 and more", burst, DefaultRetryBurst)
	}
	return &RetryBudget{ratio: ratio, burst: float64(burst), balance: float64(burst)}, nil
}

// MustRetryBudget is NewRetryBudget for values that are known to be right.
func MustRetryBudget(ratio float64, burst int) *RetryBudget {
	b, err := NewRetryBudget(ratio, burst)
	if err != nil {
		panic(err)
	}
	return b
}

// deposit adds what one call allows.
func (b *RetryBudget) deposit() {
	if b.full.Load() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.balance = min(b.balance+b.ratio, b.burst)
	b.full.Store(b.balance == b.burst)
}

// withdraw takes one retry and reports whether there was one.
func (b *RetryBudget) withdraw() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.balance < 1 {
		return false
	}
	b.balance--
	b.full.Store(false)
	return true
}
