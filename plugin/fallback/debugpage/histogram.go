package debugpage

import (
	"math"
	"time"
)

// The buckets of a histogram: perOctave for each doubling from smallest on, up to 17 minutes,
// one below and one above.
const (
	perOctave = 8
	octaves   = 23
	smallest  = 125 * time.Microsecond
	buckets   = octaves*perOctave + 2
)

// histogram counts durations on a logarithmic scale. A percentile is the middle of its
// bucket, so it is within 4.5 % (2^(1/16)) of the true one, from 125 µs to 17 minutes. The
// zero value is empty. It is not safe for concurrent use.
type histogram [buckets]uint32

// add counts a duration in its bucket, unless it is unknown.
func (h *histogram) add(bucket int) {
	if bucket >= 0 {
		h[bucket]++
	}
}

// bucket returns the bucket of d, or -1 if d is unknown: not positive.
func bucket(d time.Duration) int {
	switch {
	case d <= 0:
		return -1
	case d < smallest:
		return 0
	}
	return min(1+int(perOctave*math.Log2(float64(d)/float64(smallest))), buckets-1)
}

// middle returns the duration that stands for those in bucket i.
func middle(i int) time.Duration {
	switch i {
	case 0:
		return smallest
	case buckets - 1:
		return smallest << octaves
	}
	return time.Duration(float64(smallest) * math.Exp2((float64(i)-0.5)/perOctave))
}

func (h *histogram) merge(o *histogram) {
	for i, n := range o {
		h[i] += n
	}
}

// percentiles are those of durations; 0 if there were none.
type percentiles struct{ P50, P95, P99 time.Duration }

func (h *histogram) percentiles() percentiles {
	return percentiles{h.at(50), h.at(95), h.at(99)}
}

// at returns the duration that percent of 100 do not exceed, or 0 for an empty histogram.
func (h *histogram) at(percent uint64) time.Duration {
	total := uint64(0)
	for _, n := range h {
		total += uint64(n)
	}
	if total == 0 {
		return 0
	}
	rank, seen := (total*percent+99)/100, uint64(0)
	for i, n := range h {
		if seen += uint64(n); seen >= rank {
			return middle(i)
		}
	}
	return middle(buckets - 1)
}
