package stream

import (
	"context"
	"slices"
	"sync"
	"time"

	"google.golang.org/adk/v2/model"
)

// Early is a layer that needs something from the store of a shared state, and can request it
// before a call reaches the layer.
type Early interface {
	Layer

	// Early begins to get what the layer will need for a call, without waiting. What other calls
	// cannot use meanwhile, it gets with [Claim].
	Early(ctx context.Context, req *model.LLMRequest, out *Sink)
}

// Leader is a layer with several inner layers.
type Leader interface {
	Layer

	// First returns the layer that a call is expected to begin with, nil for none, and the
	// context for it. It does not count as a call.
	First(ctx context.Context) (context.Context, Layer)
}

// Ahead lets inner and the layers within it request what they need for a call, while the layer
// that calls Ahead waits for the store itself. So the call waits for one answer in all, not for
// one in each layer. Ahead follows the path that the call is expected to take. What no layer has
// used goes back when the next attempt begins or release is called. Until then, Ahead does nothing
// for layers further in.
func (s *Sink) Ahead(ctx context.Context, inner Layer, req *model.LLMRequest) (release func()) {
	if s.ahead.inUse() || s.AsksNoModel() {
		return func() {}
	}
	s.ahead = &ahead{}
	for inner != nil {
		m := Bare(inner)
		if b, ok := m.(Breaker); ok && b.Refuses(time.Now()) {
			break
		}
		if e, ok := m.(Early); ok {
			e.Early(ctx, req, s)
		}
		switch m := m.(type) {
		case Leader:
			ctx, inner = m.First(ctx)
		case interface{ Within() Layer }:
			inner = m.Within()
		default:
			inner = nil
		}
	}
	if len(s.ahead.claims) == 0 {
		s.ahead = nil // layers that Ahead does not see may go ahead
	}
	return s.DropAhead
}

// DropAhead gives back what no layer has used. It is called when an attempt begins, and by a layer
// whose call has to wait for something other than the store.
func (s *Sink) DropAhead() {
	if s.ahead != nil {
		s.ahead.drop()
	}
}

// OwnAhead separates a fork from the rest of the call: the fork neither uses nor gives back what
// the rest has got ahead, and may go ahead itself.
func (s *Sink) OwnAhead() { s.ahead = nil }

// ahead has the claims of layers that a call has not reached yet. A Sink and its forks share it.
type ahead struct {
	mu      sync.Mutex
	claims  []*claim // guarded by mu; those not used yet
	dropped bool     // guarded by mu; a layer that waits may go ahead again
}

// claim is what a layer has got ahead, or waits for.
type claim struct {
	by   Layer
	back func(amount int)

	done   chan struct{} // closed when amount and ok are set
	amount int
	ok     bool
}

// take returns the claim of a layer and removes it; nil if there is none.
func (a *ahead) take(by Layer) *claim {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.IndexFunc(a.claims, func(c *claim) bool { return c.by == by })
	if i < 0 {
		return nil
	}
	c := a.claims[i]
	a.claims = slices.Delete(a.claims, i, i+1)
	return c
}

// inUse reports whether layers may still use it. a may be nil.
func (a *ahead) inUse() bool {
	if a == nil {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.dropped
}

func (a *ahead) drop() {
	a.mu.Lock()
	unused := a.claims
	a.claims, a.dropped = nil, true
	a.mu.Unlock()
	for _, c := range unused {
		c.drop()
	}
}

// drop gives back what was got, as soon as that is known.
func (c *claim) drop() {
	select {
	case <-c.done:
		c.giveBack()
	default:
		go c.giveBack() // ends with get, see Claim
	}
}

func (c *claim) giveBack() {
	<-c.done
	if c.ok {
		c.back(c.amount)
	}
}

// Claim gets an amount for the layer by, on a goroutine of its own that ends with get. It is called
// in Early. get reports whether it has got the amount; it must end soon after its context. back
// gives back an amount that was got and not used, and must not wait.
func Claim(s *Sink, by Layer, get func() (amount int, ok bool), back func(amount int)) {
	c := &claim{by: by, back: back, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		c.amount, c.ok = get()
	}()
	s.ahead.mu.Lock()
	defer s.ahead.mu.Unlock()
	s.ahead.claims = append(s.ahead.claims, c)
}

// Claimed returns the amount that the layer by has got ahead for the call. It waits for it if need
// be. The amount belongs to the caller. ok is false if there is nothing, or if ctx has ended.
func Claimed(ctx context.Context, s *Sink, by Layer) (amount int, ok bool) {
	if s.ahead == nil {
		return 0, false
	}
	c := s.ahead.take(by)
	if c == nil {
		return 0, false
	}
	select {
	case <-c.done:
		return c.amount, c.ok
	case <-ctx.Done():
		c.drop()
		return 0, false
	}
}
