package turn

import (
	"sync"
	"time"
)

// maxAge bounds how long a call in flight is tracked if its callbacks do not come. ADK
// ends each run with a callback, unless its consumer abandons the iterator.
const maxAge = time.Hour

// turns keeps the state between two callbacks, per invocation, agent and branch: calls
// in flight, and turns that have left their root. Healthy turns between calls need no
// state.
//
// A call in flight is never dropped while it can still come back: its context is
// alive and it is not older than maxAge. When more than max states are idle, the
// least recently used are dropped until pruneTo of them are left.
//
// The links of the lists are in the states themselves: every healthy call pays
// for this.
type turns struct {
	max, pruneTo int

	sync.Mutex                   // guards what follows, and every state in it
	byID       map[string]*state // the first of each invocation
	busy, idle ring
	pruned     bool // states were dropped because there were too many
}

func newTurns(maxTurns, pruneTo int) *turns {
	t := &turns{max: maxTurns, pruneTo: pruneTo, byID: map[string]*state{}}
	t.busy.init()
	t.idle.init()
	return t
}

// begin returns the state of an agent whose call begins, new if need be. The
// caller holds the lock.
func (t *turns) begin(ctx Context) *state {
	invocation, agent, branch := ctx.InvocationID(), ctx.AgentName(), ctx.Branch()
	first := t.byID[invocation]
	s := first.find(agent, branch)
	if s == nil {
		s = &state{invocation: invocation, agent: agent, branch: branch, next: first}
		if first != nil {
			first.prev = s
		}
		t.byID[invocation] = s
	} else {
		t.ringOf(s).remove(s)
	}
	s.phase, s.began, s.done = asked, time.Now(), ctx.Done()
	s.refused, s.note = nil, nil
	t.busy.add(s)
	t.expire(s.began)
	return s
}

// find returns the state of an agent, or nil if there is none. The caller holds the
// lock.
func (t *turns) find(invocation, agent, branch string) *state {
	return t.byID[invocation].find(agent, branch)
}

// find looks for an agent in s, which may be nil, and those after it.
func (s *state) find(agent, branch string) *state {
	for ; s != nil; s = s.next {
		if s.agent == agent && s.branch == branch {
			return s
		}
	}
	return nil
}

// enter sets the phase of a state, which may have been dropped meanwhile. An idle state
// without failures is dropped. The caller holds the lock.
func (t *turns) enter(s *state, to phase) {
	if s.newer == nil {
		return
	}
	t.ringOf(s).remove(s)
	s.phase = to
	if to != idle {
		t.busy.add(s)
		return
	}
	s.req, s.refused, s.done = nil, nil, nil
	if s.failures == nil {
		t.forget(s)
		return
	}
	t.idle.add(s)
	if t.idle.n > t.max {
		for t.idle.n > t.pruneTo {
			t.drop(t.idle.oldest())
		}
		t.pruned = true
	}
}

// expire drops calls in flight that cannot come back any more. It checks the two that
// were checked longest ago, so each call pays the same.
func (t *turns) expire(now time.Time) {
	for range min(2, t.busy.n-1) {
		s := t.busy.oldest()
		t.busy.remove(s)
		if s.over(now) {
			t.forget(s)
		} else {
			t.busy.add(s)
		}
	}
}

// over reports whether the call of s has ended without a callback.
func (s *state) over(now time.Time) bool {
	select {
	case <-s.done:
		return true
	default:
		return now.Sub(s.began) > maxAge
	}
}

// end forgets an invocation. The caller holds the lock.
func (t *turns) end(invocation string) {
	for s := t.byID[invocation]; s != nil; s = s.next {
		t.ringOf(s).remove(s)
	}
	delete(t.byID, invocation)
}

// drop forgets a state. The caller holds the lock.
func (t *turns) drop(s *state) {
	t.ringOf(s).remove(s)
	t.forget(s)
}

// forget takes a state, which is in no ring, out of its invocation.
func (t *turns) forget(s *state) {
	switch {
	case s.prev != nil:
		s.prev.next = s.next
	case s.next != nil:
		t.byID[s.invocation] = s.next
	default:
		delete(t.byID, s.invocation)
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
}

func (t *turns) ringOf(s *state) *ring {
	if s.phase == idle {
		return &t.idle
	}
	return &t.busy
}

// ring lists states in the order in which they were added.
type ring struct {
	n    int
	ends state // ends.newer is the oldest, ends.older the newest
}

func (r *ring) init() { r.ends.newer, r.ends.older = &r.ends, &r.ends }

func (r *ring) oldest() *state { return r.ends.newer }

func (r *ring) add(s *state) {
	newest := r.ends.older
	s.newer, s.older = &r.ends, newest
	newest.newer, r.ends.older = s, s
	r.n++
}

func (r *ring) remove(s *state) {
	if s.newer == nil {
		return
	}
	s.newer.older, s.older.newer = s.older, s.newer
	s.newer, s.older = nil, nil
	r.n--
}
