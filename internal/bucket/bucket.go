// Package bucket is a token bucket whose content can be corrected afterwards.
package bucket

import (
	"time"

	"golang.org/x/time/rate"
)

// Bucket is a rate per minute. The zero Bucket has no limit.
type Bucket struct {
	perMinute int
	limiter   *rate.Limiter // nil without limit
}

// New returns a full bucket of that size and rate; 0 for no limit.
func New(perMinute int) Bucket {
	if perMinute == 0 {
		return Bucket{}
	}
	return Bucket{perMinute, rate.NewLimiter(rate.Limit(perMinute)/60, perMinute)}
}

// Delay returns how long after now the bucket holds n.
func (b Bucket) Delay(now time.Time, n int) time.Duration {
	if b.limiter == nil {
		return 0
	}
	missing := max(float64(n)-b.limiter.TokensAt(now), 0)
	return time.Duration(missing / float64(b.limiter.Limit()) * float64(time.Second))
}

// Take takes n if there is no delay, or else nothing.
func (b Bucket) Take(now time.Time, n int) bool {
	return b.limiter == nil || b.limiter.AllowN(now, n)
}

// Settle takes more from the bucket, or gives it back if negative. The bucket's debt
// is bounded by its size (a minute's worth), and so is its content.
func (b Bucket) Settle(now time.Time, more int) {
	if b.limiter == nil {
		return
	}
	left := b.limiter.TokensAt(now) + float64(b.perMinute)     // what may still be taken: the debt is at most the size
	b.limiter.ReserveN(now, min(more, b.perMinute, int(left))) // gives back if it is less than 0
}

// Set sets the rate to a share of the configured one. If slower, it also halves the
// bucket's content: a full bucket would let calls through as before.
func (b Bucket) Set(now time.Time, share float64, slower bool) {
	if b.limiter == nil {
		return
	}
	b.limiter.SetLimitAt(now, rate.Limit(share*float64(b.perMinute))/60)
	if slower {
		b.limiter.AllowN(now, int(b.limiter.TokensAt(now)/2)) // nothing if it is in debt
	}
}
