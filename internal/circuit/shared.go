package circuit

import (
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// shared is what a circuit shares with those of other replicas: a flag that is up while one
// of them has found the target down.
type shared struct {
	flag      *state.Switch // nil if nothing is shared
	own       time.Time     // when a probe is due for what this replica has found out itself
	ownReason string
}

// Share shares the circuit with those of other replicas that have the same key. It must be called
// before the first call. After each change by another replica, changed gets the states before and
// after.
func (c *Circuit) Share(with *state.Shared, key string, changed func(before, after inspect.BreakerState)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shared.flag = with.Flag(key, func(f state.Flag) { changed(c.learn(f)) })
}

// learn takes the flag as another circuit has changed it, and returns the states before and
// after. It opens a closed circuit and extends the rest of an open one. A flag that is
// lowered takes that back. A half open circuit relies on its own probe.
func (c *Circuit) learn(f state.Flag) (before, after inspect.BreakerState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before = c.state
	until := time.Now().Add(f.For)
	switch {
	case c.state == inspect.HalfOpen:
	case f.For > 0:
		if c.state == inspect.Closed || c.until.Before(until) {
			c.until, c.reason = until, f.Reason
			c.enter(inspect.Open)
		}
	case time.Now().Before(c.shared.own):
		c.until, c.reason = c.shared.own, c.shared.ownReason
	case c.shared.own.Before(c.until): // otherwise its own rest is over, and a probe decides
		c.enter(inspect.Closed)
	}
	return before, c.state
}
