package middleware

import (
	"cmp"
	"fmt"

	"github.com/adk-fallback/adk-fallback/internal/check"
	"github.com/adk-fallback/adk-fallback/internal/share"
)

// Defaults of a RetryBudget.
const (
	DefaultRetryRatio = 0.1
	DefaultRetryBurst = 10
)

// RetryBudget bounds retries to a share of the calls, so that retries cannot multiply
// the load on a provider that is down. Every call adds the ratio to the balance, and
// every retry takes one. The balance starts full, so that an application with little
// traffic can retry too.
//
// One budget can serve several Retry middlewares. It is safe for concurrent use.
type RetryBudget struct{ budget *share.Budget }

// NewRetryBudget returns a budget of ratio retries per call that saves up at most
// burst. ratio must be at most 1, and burst at least 1. 0 means DefaultRetryRatio and
// DefaultRetryBurst.
func NewRetryBudget(ratio float64, burst int) (*RetryBudget, error) {
	ratio = cmp.Or(ratio, DefaultRetryRatio)
	burst = cmp.Or(burst, DefaultRetryBurst)
	if !(ratio > 0 && ratio <= 1) {
		return nil, fmt.Errorf("middleware: retry budget: ratio %v is out of range; must be 0 (default %v) or above 0 up to 1", ratio, DefaultRetryRatio)
	}
	if burst < 1 {
		return nil, fmt.Errorf("middleware: retry budget: burst %d is out of range; must be 0 for %d, or 1 and more", burst, DefaultRetryBurst)
	}
	return &RetryBudget{share.New(ratio, float64(burst), float64(burst))}, nil
}

// MustRetryBudget is NewRetryBudget, but panics on an error.
func MustRetryBudget(ratio float64, burst int) *RetryBudget {
	return check.Must(NewRetryBudget(ratio, burst))
}
