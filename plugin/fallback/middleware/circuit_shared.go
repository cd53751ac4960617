package middleware

import (
	"cmp"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// shared is what a circuit shares with those of other replicas: a flag that is up while one
// of them has found the target down. The fields are guarded by circuit.mu.
type shared struct {
	flag      *state.Switch // nil if nothing is shared
	own       time.Time     // when a probe is due for what this replica has found out itself
	ownReason string
}

// share shares the circuit of b, before its first call.
func (b *breaker) share(config *BreakerConfig) {
	if config.State == nil {
		return
	}
	c := b.circuit
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shared.flag = config.State.Flag("breaker:"+cmp.Or(config.StateKey, b.Name()), func(f state.Flag) {
		b.changed(c.learn(f))
	})
}

// learn takes the flag as another circuit has changed it, and returns the states before and
// after. It opens a closed circuit and extends the rest of an open one. A flag that is
// lowered takes that back. A half open circuit relies on its own probe.
func (c *circuit) learn(f state.Flag) (before, after BreakerState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.calmDown()
	before = c.state
	until := time.Now().Add(f.For)
	switch {
	case c.state == BreakerHalfOpen:
	case f.For > 0:
		if c.state == BreakerClosed || c.until.Before(until) {
			c.until, c.reason = until, f.Reason
			c.enter(BreakerOpen)
		}
	case c.state == BreakerOpen && time.Now().Before(c.shared.own):
		c.until, c.reason = c.shared.own, c.shared.ownReason
	case c.state == BreakerOpen && c.shared.own.Before(c.until):
		c.enter(BreakerClosed)
	}
	return before, c.state
}
