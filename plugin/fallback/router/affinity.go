package router

import (
	"context"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// Sticky says which later calls stay with a fallback that has answered.
type Sticky string

const (
	// StickyTurn is the default: later calls of the same turn (a tool loop). The next
	// turn starts at the first target.
	StickyTurn Sticky = "turn"
	// StickySession: all calls of the same agent in the same session, for
	// [Config.StayFor] after the switch, so that they use the fallback's prompt cache.
	// After that, the next turn starts at the first target. If the fallback fails
	// earlier, the first target is called next. Calls without a session
	// ([call.Info]) start at the first target.
	StickySession Sticky = "session"
	// StickyNone: no call. Every call starts at the first target, even within a turn.
	StickyNone Sticky = "none"
)

// affinity remembers, for each turn or session that fell back, the target that answered
// and why it left the first one.
type affinity struct {
	sticky Sticky
	lasts  time.Duration
	places *memory[place]
}

// place is where a turn or a session stays.
type place struct {
	target     int
	cause      stream.Cause
	since      time.Time // when the target was chosen
	used       time.Time // latest
	invocation string    // of the latest call
}

func newAffinity(sticky Sticky, maxTurns int, lasts time.Duration) *affinity {
	return &affinity{sticky: sticky, lasts: lasts, places: newMemory[place](maxTurns)}
}

// start returns where the calls of ctx's turn begin. ok is false if they begin at
// the first target.
func (a *affinity) start(ctx context.Context) (p place, ok bool) {
	if a.places.empty() {
		return place{}, false
	}
	info := call.From(ctx)
	key, ok := a.keyOf(&info)
	if !ok {
		return place{}, false
	}
	now := time.Now()
	a.places.update(key, func(found place, known bool) (place, bool) {
		if !known || !a.holds(&found, &info, now) {
			ok = false
			return place{}, false
		}
		if found.invocation != info.Invocation {
			found.cause.Failed = nil // in another turn
		}
		found.used, found.invocation = now, info.Invocation
		p = found
		return found, true
	})
	return p, ok && p.target > 0
}

// holds reports whether a call at the time now stays at p. A session does not leave its
// fallback in the middle of a turn.
func (a *affinity) holds(p *place, info *call.Info, now time.Time) bool {
	if now.Sub(p.used) >= a.lasts {
		return false
	}
	sameTurn := info.Invocation != "" && info.Invocation == p.invocation
	return sameTurn || now.Sub(p.since) < a.lasts
}

// stay remembers that target i answered.
func (a *affinity) stay(ctx context.Context, i int, cause stream.Cause) {
	info := call.From(ctx)
	key, ok := a.keyOf(&info)
	if !ok {
		return
	}
	now := time.Now()
	a.places.update(key, func(place, bool) (place, bool) {
		return place{i, cause, now, now, info.Invocation}, i > 0
	})
}

// keyOf returns the key of the calls that stay together, and false if ctx's call stays
// with no other.
func (a *affinity) keyOf(info *call.Info) (memoryKey, bool) {
	switch a.sticky {
	case StickyNone:
		return memoryKey{}, false
	case StickySession:
		return conversationOf(info)
	}
	return turnOf(info)
}

// what names what stays, for a record.
func (a *affinity) what() string {
	if a.sticky == StickySession {
		return "session"
	}
	return "turn"
}
