// Package review lets a layer that rejects a whole answer tell the layers within it, which
// have counted the answer as a success by then.
package review

import (
	"context"
	"sync"
)

// Review is the review of one answer. It is safe for concurrent use. A nil Review rejects
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

// OnReject makes a rejection of the answer call f, also one by a Review around this one.
// f is called once.
func (r *Review) OnReject(f func()) {
	f = sync.OnceFunc(f)
	for ; r != nil; r = r.around {
		r.mu.Lock()
		r.rejected = append(r.rejected, f)
		r.mu.Unlock()
	}
}

// Reject tells the layers within that the answer is rejected.
func (r *Review) Reject() {
	r.mu.Lock()
	rejected := r.rejected
	r.rejected = nil
	r.mu.Unlock()
	for _, f := range rejected {
		f()
	}
}
