package llmtest

import (
	"context"
	"sync"
)

// Leaving is the context of a caller that leaves. It runs a function in the last moment: when it is
// first asked why it has ended. So what the function does happens after the end of the context has
// been seen and before anything follows from it.
type Leaving struct {
	context.Context
	done chan struct{}
	last func()
}

// NewLeaving returns a context that ends with Leave, and runs last then.
func NewLeaving(ctx context.Context, last func()) *Leaving {
	return &Leaving{ctx, make(chan struct{}), sync.OnceFunc(last)}
}

// Leave ends the context. It must be called at most once.
func (l *Leaving) Leave() { close(l.done) }

// Done implements context.Context.
func (l *Leaving) Done() <-chan struct{} { return l.done }

// Err implements context.Context.
func (l *Leaving) Err() error {
	select {
	case <-l.done:
		l.last()
		return context.Canceled
	default:
		return nil
	}
}
