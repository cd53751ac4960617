package review_test

import (
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/review"
)

// Whichever review rejects the answer, the layers within it are told once.
func TestReject(t *testing.T) {
	around, outer := review.With(t.Context())
	within, inner := review.With(around)
	var both, one int
	review.Of(within).OnReject(func() { both++ })
	review.Of(around).OnReject(func() { one++ })
	inner.Reject()
	if both != 1 || one != 0 {
		t.Errorf("the inner review has told %d and %d; want only who is within it", both, one)
	}
	outer.Reject()
	if both != 1 || one != 1 {
		t.Errorf("after the outer review, %d and %d were told; want each once", both, one)
	}
	review.Of(within).OnReject(func() { both++ })
	if outer.Reject(); both != 2 {
		t.Error("the outer review alone has not told who is within the inner one")
	}
}

func TestNoReview(t *testing.T) {
	r := review.Of(t.Context())
	if r != nil {
		t.Errorf("a review %v without With", r)
	}
	r.OnReject(func() { t.Error("told of a rejection that cannot be") })
}
