package simulate

import (
	"time"

	"github.com/adk-fallback/adk-fallback/internal/simulate/scenario"
)

// quota counts what a provider allows. Its counts are real requests and tokens. The caller
// must serialize calls.
type quota struct {
	limits      scenario.Quota
	minute, day window
}

// window is a minute or a day of the clock.
type window struct {
	begin            int64 // its number
	requests, tokens float64
}

// at moves the window on to a number.
func (w *window) at(number int64) {
	if number != w.begin {
		*w = window{begin: number}
	}
}

const day = 24 * time.Hour

// refuses returns the quota that a request would exceed, "" for none, and how long that of a
// minute lasts. The provider does not say it of that of a day.
func (q *quota) refuses(now time.Time, weight, tokens float64) (kind string, wait time.Duration) {
	q.minute.at(now.Unix() / 60)
	q.day.at(int64((time.Duration(now.UnixNano()) - q.limits.Resets) / day))
	exceeds := func(count float64, limit int) bool { return limit > 0 && count > float64(limit) }
	switch {
	case exceeds(q.day.requests+weight, q.limits.RequestsPerDay):
		return dayQuota, 0
	case exceeds(q.minute.requests+weight, q.limits.RequestsPerMinute), exceeds(q.minute.tokens+tokens*weight, q.limits.TokensPerMinute):
		return minuteQuota, time.Minute - now.Sub(now.Truncate(time.Minute))
	}
	return "", 0
}

// count counts a request. refuses must have been called at the same time.
func (q *quota) count(weight, tokens float64) {
	for _, w := range []*window{&q.minute, &q.day} {
		w.requests += weight
		w.tokens += tokens * weight
	}
}
