package middleware

import (
	"fmt"

	"github.com/adk-fallback/adk-fallback/internal/share"
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
type RetryBudget struct{ budget *share.Budget }

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
	return &RetryBudget{share.New(ratio, float64(burst), float64(burst))}, nil
}

// MustRetryBudget is NewRetryBudget for values that are known to be right.
func MustRetryBudget(ratio float64, burst int) *RetryBudget {
	b, err := NewRetryBudget(ratio, burst)
	if err != nil {
		panic(err)
	}
	return b
}
