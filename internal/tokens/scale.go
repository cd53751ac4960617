package tokens

import "sync"

// Scale corrects estimates by a model's own counts: it is how many tokens the model counts for each that is estimated. The
// zero value is 1. It is safe for concurrent use.
type Scale struct {
	mu     sync.Mutex
	factor float64 // guarded by mu; 0 for 1
}

const (
	// The bounds of a scale. A token of a single byte is a scale of 4; twice that is left for attachments that are longer
	// than estimated. Gemini counts a small image as 258 tokens; the estimate is 1,000. A count beyond the bounds is
	// taken to be wrong, such as one without what the provider has read from its cache.
	minScale, maxScale = 0.25, 8

	// minLearned is the shortest request to learn from, in estimated tokens. The provider adds most of the tokens of a
	// shorter one, such as the hundreds of tokens that explain tools to the model.
	minLearned = 200

	// lowering divides the step to a lower count: after about five requests, the scale is half the way down. So one
	// request with unusual content hardly lowers the scale for the others.
	lowering = 8

	// tooLongBy is the factor by which a refused request is assumed to exceed its window. The real factor is unknown: a
	// larger figure would cut more than is needed, and a smaller one would take more refused calls to find the scale.
	tooLongBy = 1.1
)

// Estimate returns the estimate, rounded down, of a request with a number of counted tokens.
func (s *Scale) Estimate(counted int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int(float64(counted) / s.now())
}

// Learn takes the model's count of a request; 0 or less means that there is none. A higher count applies at once, a
// lower one only in part, because a request that is too long costs a call.
func (s *Scale) Learn(estimated, counted int) {
	if estimated < minLearned || counted <= 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now, seen := s.now(), float64(counted)/float64(estimated)
	if seen < now {
		seen = now + (seen-now)/lowering
	}
	s.set(seen)
}

// TooLong records that a request was refused as longer than the window, which is in counted tokens. It never lowers
// the scale.
func (s *Scale) TooLong(estimated, window int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set(max(s.now(), tooLongBy*float64(window)/float64(max(estimated, 1))))
}

// now returns the factor. As set, it needs mu.
func (s *Scale) now() float64 {
	if s.factor == 0 {
		return 1
	}
	return s.factor
}

func (s *Scale) set(factor float64) { s.factor = min(max(factor, minScale), maxScale) }
