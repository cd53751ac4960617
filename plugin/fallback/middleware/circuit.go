package middleware

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/window"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
)

// circuit is the state of one breaker.
//
//	closed ──failures──▶ open ──rest is over──▶ half open ──probes succeed──▶ closed
//	                      ▲                        │
//	                      └──────probe fails───────┘
//
// Libraries' state machines do not support opening until a given time, forced calls,
// or a growing rest.
type circuit struct {
	config *BreakerConfig // defaults filled in

	// calm is the generation plus 1 while the circuit is closed and the latest call
	// that counts has not failed, which is the common case: then a call takes no lock.
	// Otherwise, and always with a FailureRatio, it is 0.
	calm atomic.Uint64

	mu         sync.Mutex
	state      BreakerState
	generation uint64 // changes of state so far; a result counts in the generation of its permit only

	// Closed.
	run         int                  // failures in a row
	latest      time.Time            // when the run last grew
	latestCalls window.Window[calls] // used if there is a FailureRatio

	// Open and half open.
	until     time.Time     // when a probe is due
	openFor   time.Duration // how long to stay open next
	reason    string        // why, for refused calls
	probe     uint64        // the probe under way; 0 for none
	probes    uint64        // probes so far
	expires   time.Time     // when another probe may start
	successes int           // of probes in a row
	byCall    bool          // the breaker's own probe has shown nothing: a call is the next
	busy      bool          // the model has not returned from the breaker's own probe

	shared shared // with other replicas; see circuit_shared.go
}

// permit is given to a call that was let through.
type permit struct {
	generation uint64
	probe      uint64 // 0 for a call that is no probe
	own        bool   // the probe is the breaker's own, not the call
}

type result uint8

const (
	neutral result = iota // says nothing about the target
	succeeded
	failed
)

// outcome is what a call shows about its target. The zero value is neutral.
type outcome struct {
	result result
	rest   time.Duration // failed: the shortest time to stay open
	enough int           // failed: how many failures in a row open the circuit; 0: as configured
	reason string        // failed: why, in a few words
}

// coolsDown reports whether the failure alone is enough to open.
func (o *outcome) coolsDown() bool { return o.result == failed && o.enough == 1 }

func newCircuit(config *BreakerConfig) *circuit {
	c := &circuit{config: config, state: BreakerClosed, openFor: config.OpenFor, latestCalls: window.New[calls](config.Window)}
	c.calmDown()
	return c
}

// calmDown sets calm. It needs mu, as all below do but admit and end.
func (c *circuit) calmDown() {
	if c.state == BreakerClosed && c.run == 0 && c.config.FailureRatio == 0 {
		c.calm.Store(c.generation + 1)
	} else {
		c.calm.Store(0)
	}
}

// admit lets a call through or refuses it, and returns the states before and after. An
// open circuit lets a forced call through. If the call is refused and pass.own is true,
// the breaker must make its own probe with pass.
func (c *circuit) admit(force bool) (pass permit, before, after BreakerState, refused *RefusedError) {
	if calm := c.calm.Load(); calm > 0 {
		return permit{generation: calm - 1}, BreakerClosed, BreakerClosed, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	before = c.state
	if c.state != BreakerClosed {
		now := time.Now()
		if c.state == BreakerOpen && !now.Before(c.until) {
			c.enter(BreakerHalfOpen)
		}
		if c.state == BreakerHalfOpen && (c.probe == 0 || !now.Before(c.expires)) {
			pass.own = !force && c.probesItself()
			pass.probe = c.begin(now, pass.own)
		}
		switch {
		case pass.probe != 0 && !pass.own || force:
		case c.state == BreakerHalfOpen:
			refused = &RefusedError{By: "breaker", Reason: "a probe is under way; " + c.reason, Until: c.until}
		default:
			refused = &RefusedError{By: "breaker", Reason: "open; " + c.reason, Until: c.until}
		}
	}
	pass.generation = c.generation
	return pass, before, c.state, refused
}

// probesItself reports whether the next probe is the breaker's own.
func (c *circuit) probesItself() bool { return c.config.Probe != nil && !c.byCall && !c.busy }

// begin returns the number of a probe that begins.
func (c *circuit) begin(now time.Time, own bool) uint64 {
	c.probes++
	c.probe, c.expires = c.probes, now.Add(c.config.OpenFor)
	if own {
		c.busy, c.expires = true, c.ownExpires(now)
	}
	return c.probe
}

// ownExpires returns a time after the end of a request that the breaker sends now.
func (c *circuit) ownExpires(now time.Time) time.Time {
	return now.Add(c.config.ProbeTimeout + 2*probeGrace)
}

// awaits reports whether the circuit needs another success of the breaker's own probe.
func (c *circuit) awaits(pass permit) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state == BreakerHalfOpen && c.generation == pass.generation && c.probe == pass.probe
}

// probed says that the model has returned from the breaker's own probe.
func (c *circuit) probed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = false
}

// refuses reports whether a call at the given time would be refused, if nothing
// changes until then.
func (c *circuit) refuses(then time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.state {
	case BreakerOpen:
		return then.Before(c.until) || c.probesItself()
	case BreakerHalfOpen:
		return c.probe != 0 && then.Before(c.expires) || c.probesItself()
	}
	return false
}

// end takes the outcome of a call that was let through, and returns the states before
// and after. The outcome of an earlier generation is ignored, unless the target itself
// stated a cooldown.
func (c *circuit) end(pass permit, o outcome) (before, after BreakerState) {
	if o.result != failed && c.calm.Load() > 0 {
		return BreakerClosed, BreakerClosed // nothing changes
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.calmDown()
	before = c.state
	switch {
	case o.coolsDown():
		c.open(time.Now(), o)
	case pass.generation != c.generation:
	case c.state == BreakerClosed:
		c.count(o)
	case o.result == succeeded:
		c.succeed(pass)
	case c.state == BreakerHalfOpen && o.result == failed:
		c.open(time.Now(), o)
	case pass.probe == c.probe:
		c.probe, c.byCall = 0, c.byCall || pass.own
	}
	return before, c.state
}

// succeed is end for a success while the circuit is not closed: of a probe, or of a call
// that was forced through.
func (c *circuit) succeed(pass permit) {
	c.enter(BreakerHalfOpen)
	c.successes++
	switch {
	case c.successes >= c.config.SuccessesToClose:
		c.enter(BreakerClosed)
		c.shared.flag.Lower()
	case pass.own:
		c.expires = c.ownExpires(time.Now()) // it goes on
	case pass.probe == c.probe:
		c.probe = 0
	}
}

// count is end for a closed circuit.
func (c *circuit) count(o outcome) {
	if o.result == neutral {
		return
	}
	var now time.Time
	if o.result == failed || c.config.FailureRatio > 0 {
		now = time.Now()
	}
	if c.config.FailureRatio > 0 {
		c.latestCalls.At(now).add(o.result)
	}
	if o.result == succeeded {
		c.run = 0
		return
	}
	if now.Sub(c.latest) > c.config.Window {
		c.run = 0
	}
	c.run++
	c.latest = now
	enough := c.config.ConsecutiveFailures
	if o.enough > 0 {
		enough = min(enough, o.enough)
	}
	if c.run >= enough || c.config.FailureRatio > 0 && c.reached(now) {
		c.open(now, o)
	}
}

// calls counts the calls of a slot of time.
type calls struct{ all, failed int }

func (n *calls) add(r result) {
	n.all++
	if r == failed {
		n.failed++
	}
}

// reached reports whether the share of failures opens the circuit.
func (c *circuit) reached(now time.Time) bool {
	var sum calls
	for n := range c.latestCalls.All(now) {
		sum.all += n.all
		sum.failed += n.failed
	}
	return sum.all >= c.config.MinRequests && float64(sum.failed) >= c.config.FailureRatio*float64(sum.all)
}

// open opens the circuit, or extends the time that it is open.
func (c *circuit) open(now time.Time, o outcome) {
	if c.state == BreakerHalfOpen {
		c.grow()
	}
	rest := max(o.rest, c.openFor)
	if o.coolsDown() {
		rest = o.rest
	}
	until := now.Add(rest)
	if c.shared.own.Before(until) {
		c.shared.own, c.shared.ownReason = until, o.reason
	}
	if c.state == BreakerOpen && until.Before(c.until) {
		return
	}
	c.until, c.reason = until, o.reason
	c.enter(BreakerOpen)
	c.shared.flag.Raise(rest, o.reason)
}

// grow doubles the rest after a failed probe.
func (c *circuit) grow() {
	if c.openFor > c.config.MaxOpenFor/2 {
		c.openFor = c.config.MaxOpenFor
	} else {
		c.openFor *= 2
	}
}

// closeByHand closes the circuit, and returns the state before.
func (c *circuit) closeByHand() (before BreakerState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.calmDown()
	before, c.run = c.state, 0
	c.latestCalls = window.New[calls](c.config.Window) // also if it is closed
	c.enter(BreakerClosed)
	c.shared.flag.Lower()
	return before
}

// inspect returns the state.
func (c *circuit) inspect() inspect.Breaker {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := inspect.Breaker{State: c.state, Failures: c.run}
	if c.state != BreakerClosed {
		b.Reason, b.Until = c.reason, c.until
	}
	return b
}

// enter changes the state.
func (c *circuit) enter(state BreakerState) {
	if c.state == state {
		return
	}
	c.state = state
	c.generation++
	c.run, c.probe, c.successes, c.byCall = 0, 0, 0, false
	c.latestCalls = window.New[calls](c.config.Window)
	if state == BreakerClosed {
		c.openFor = c.config.OpenFor
		c.shared.own = time.Time{}
	}
}
