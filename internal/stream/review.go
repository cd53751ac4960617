package stream

import (
	"context"
	"sync"
)

// Review is how a layer that may give up a whole answer tells the layers within,
// which have taken it for a success by then. It is safe for concurrent use.
type Review struct {
	around *Review

	mu       sync.Mutex
	rejected []func() // guarded by mu
}

type reviewKey struct{}

// WithReview returns a context for calls whose answers are subject to a Review.
func WithReview(ctx context.Context) (context.Context, *Review) {
	r := &Review{around: ReviewOf(ctx)}
	return context.WithValue(ctx, reviewKey{}, r), r
}

// ReviewOf returns the Review that the answer to a call of ctx is subject to, or
// nil.
func ReviewOf(ctx context.Context) *Review {
	r, _ := ctx.Value(reviewKey{}).(*Review)
	return r
}

// OnReject has f called when the answer is given up, also by a Review around this
// one. It is called once, whoever does.
func (r *Review) OnReject(f func()) {
	f = sync.OnceFunc(f)
	for ; r != nil; r = r.around {
		r.mu.Lock()
		r.rejected = append(r.rejected, f)
		r.mu.Unlock()
	}
}

// Reject tells those within that the answer is given up.
func (r *Review) Reject() {
	r.mu.Lock()
	rejected := r.rejected
	r.rejected = nil
	r.mu.Unlock()
	for _, f := range rejected {
		f()
	}
}
