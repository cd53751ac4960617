package router

import (
	"github.com/adk-fallback/adk-fallback/internal/affinity"
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

// keyOf returns the key of the calls that stay together, and false if the call stays with
// no other.
func (s Sticky) keyOf(info *call.Info) (affinity.Key, bool) {
	switch s {
	case StickyNone:
		return affinity.Key{}, false
	case StickySession:
		return affinity.ConversationOf(info)
	}
	return affinity.TurnOf(info)
}

// what names what stays, for a record.
func (s Sticky) what() string {
	if s == StickySession {
		return "session"
	}
	return "turn"
}
