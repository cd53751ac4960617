// Package affinity remembers, for a while, where the calls of a turn or a conversation
// should go.
package affinity

import (
	"context"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// Affinity remembers, for each turn or session that fell back, the target that answered
// and why it left the first one. It is safe for concurrent use.
type Affinity struct {
	keyOf  KeyOf
	lasts  time.Duration
	places *Memory[Place]
}

// KeyOf returns the key of the calls that stay together, and false if a call stays with
// no other. See [TurnOf] and [ConversationOf].
type KeyOf func(info *call.Info) (key Key, ok bool)

// Place is where a turn or a session stays.
type Place struct {
	Target     int          // its index
	Cause      stream.Cause // why the first target was left
	since      time.Time    // when the target was chosen
	used       time.Time    // latest
	invocation string       // of the latest call
}

// New returns an affinity of at most size turns or sessions, each for lasts after its
// latest call.
func New(keyOf KeyOf, size int, lasts time.Duration) *Affinity {
	return &Affinity{keyOf: keyOf, lasts: lasts, places: NewMemory[Place](size)}
}

// Start returns where the calls of ctx's turn begin. ok is false if they begin at
// the first target.
func (a *Affinity) Start(ctx context.Context) (p Place, ok bool) {
	if a.places.Empty() {
		return Place{}, false
	}
	info := call.From(ctx)
	key, ok := a.keyOf(&info)
	if !ok {
		return Place{}, false
	}
	now := time.Now()
	a.places.Update(key, func(found Place, known bool) (Place, bool) {
		if !known || !a.holds(&found, &info, now) {
			ok = false
			return Place{}, false
		}
		if found.invocation != info.Invocation {
			found.Cause.Failed = nil // in another turn
		}
		found.used, found.invocation = now, info.Invocation
		p = found
		return found, true
	})
	return p, ok && p.Target > 0
}

// Peek returns the target that Start would return, 0 for the first. It does not count as a call.
func (a *Affinity) Peek(ctx context.Context) (target int) {
	if a.places.Empty() {
		return 0
	}
	info := call.From(ctx)
	key, ok := a.keyOf(&info)
	if !ok {
		return 0
	}
	a.places.Update(key, func(found Place, known bool) (Place, bool) {
		if known && a.holds(&found, &info, time.Now()) {
			target = found.Target
		}
		return found, known
	})
	return target
}

// holds reports whether a call at the time now stays at p. A session does not leave its
// fallback in the middle of a turn.
func (a *Affinity) holds(p *Place, info *call.Info, now time.Time) bool {
	if now.Sub(p.used) >= a.lasts {
		return false
	}
	sameTurn := info.Invocation != "" && info.Invocation == p.invocation
	return sameTurn || now.Sub(p.since) < a.lasts
}

// Stay remembers that target i answered.
func (a *Affinity) Stay(ctx context.Context, i int, cause stream.Cause) {
	info := call.From(ctx)
	key, ok := a.keyOf(&info)
	if !ok {
		return
	}
	now := time.Now()
	a.places.Update(key, func(Place, bool) (Place, bool) {
		return Place{i, cause, now, now, info.Invocation}, i > 0
	})
}
