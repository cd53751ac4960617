// Package review is how a layer that may give up a whole answer tells the layers within,
// which have taken it for a success by then.
package review

import (
	"context"
	"sync"
)

// Review is the review of one answer. It is safe for concurrent use. A nil Review gives up
// no answer.
type Review struct {
	around *Review

	mu       sync.Mutex
	rejected []func() // guarded by mu
}

type key struct{}

// With returns a context for calls whose answers are subject to a Review.
func With(ctx context.Context) (context.Context, *Review) {
	r := &Review{around: Of(ctx)}
	return context.WithValue(ctx, key{}, r), r
}

// Of returns the Review that the answer to a call of ctx is subject to, or
// nil.
func Of(ctx context.Context) *Review {
	r, _ := ctx.Value(key{}).(*Review)
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
