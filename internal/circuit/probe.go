package circuit

import (
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
)

// ownIsNext reports whether the next probe is the owner's.
func (c *Circuit) ownIsNext() bool { return c.config.OwnProbe > 0 && !c.byCall && !c.busy }

// begin starts a probe and returns its number.
func (c *Circuit) begin(now time.Time, own bool) uint64 {
	c.probes++
	c.probe, c.expires = c.probes, now.Add(c.config.OpenFor)
	if own {
		c.busy, c.expires = true, now.Add(c.config.OwnProbe)
	}
	return c.probe
}

// succeed is End for a success while the circuit is not closed: of a probe, or of a call
// that was forced through.
func (c *Circuit) succeed(pass Permit) {
	c.enter(inspect.HalfOpen)
	c.successes++
	switch {
	case c.successes >= c.config.SuccessesToClose:
		c.enter(inspect.Closed)
		c.shared.flag.Lower()
	case pass.Own:
		c.expires = time.Now().Add(c.config.OwnProbe) // the owner's probe goes on
	case pass.Probe == c.probe:
		c.probe = 0
	}
}

// Awaits reports whether the circuit needs another success of the owner's probe.
func (c *Circuit) Awaits(pass Permit) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.probe == pass.Probe
}

// Probed records that the model has returned from the owner's probe.
func (c *Circuit) Probed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = false
}
