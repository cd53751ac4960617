package circuit

import (
	"sync"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/window"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
)

// Config says when a circuit opens and for how long. All fields must be set, except those whose
// comment gives 0 a meaning.
type Config struct {
	ConsecutiveFailures int           // failures in a row that open it
	FailureRatio        float64       // share of failed calls that opens it; 0 for none
	MinRequests         int           // calls that FailureRatio needs
	Window              time.Duration // how long an outcome counts
	OpenFor             time.Duration // first time to stay open; a failure may state another
	MaxOpenFor          time.Duration // up to which failed probes double that time
	SuccessesToClose    int           // probes in a row that close it

	// OwnProbe is the longest time that a probe by the owner takes. 0: calls are the probes.
	OwnProbe time.Duration
}

// Circuit is the state of one breaker. It is safe for concurrent use.
type Circuit struct {
	config Config

	mu         sync.Mutex // guards the fields below
	state      inspect.BreakerState
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
	byCall    bool          // the owner's probe was neutral, so the next probe is a call
	busy      bool          // the model has not returned from the owner's probe yet

	shared shared
}

// Permit is given to a call that was let through.
type Permit struct {
	Generation uint64
	Probe      uint64 // 0 for a call that is no probe
	Own        bool   // the probe is the owner's, not the call
}

// Refusal says why a call is not let through.
type Refusal struct {
	Reason string
	Until  time.Time // when a probe is due
}

// Result is what a call shows about its target.
type Result uint8

const (
	Neutral Result = iota // nothing
	Succeeded
	Failed
)

// Outcome is a result, and for a failure how the circuit must react. The zero value is neutral.
type Outcome struct {
	Result Result
	Rest   time.Duration // Failed: the shortest time to stay open
	Enough int           // Failed: how many failures in a row open the circuit; 0: as configured
	Reason string        // Failed: why, in a few words
}

// coolsDown reports whether the failure alone is enough to open.
func (o *Outcome) coolsDown() bool { return o.Enough == 1 }

// New returns a closed circuit.
func New(config Config) *Circuit {
	return &Circuit{config: config, state: inspect.Closed, openFor: config.OpenFor, latestCalls: window.New[calls](config.Window)}
}

// Admit lets a call through or refuses it, and returns the states before and after. An
// open circuit lets a forced call through. If the call is refused and pass.Own is true,
// the owner must make a probe of its own with pass.
func (c *Circuit) Admit(force bool) (pass Permit, before, after inspect.BreakerState, refused *Refusal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before = c.state
	if c.state != inspect.Closed {
		now := time.Now()
		if !now.Before(c.until) {
			c.enter(inspect.HalfOpen)
		}
		if c.state == inspect.HalfOpen && (c.probe == 0 || !now.Before(c.expires)) {
			pass.Own = !force && c.ownIsNext()
			pass.Probe = c.begin(now, pass.Own)
		}
		switch {
		case pass.Probe != 0 && !pass.Own || force:
		case c.state == inspect.HalfOpen:
			refused = &Refusal{Reason: "a probe is under way; " + c.reason, Until: c.until}
		default:
			refused = &Refusal{Reason: "open; " + c.reason, Until: c.until}
		}
	}
	pass.Generation = c.generation
	return pass, before, c.state, refused
}

// Refuses reports whether a call at the given time would be refused, if nothing
// changes until then.
func (c *Circuit) Refuses(then time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.state {
	case inspect.Open:
		return then.Before(c.until) || c.ownIsNext()
	case inspect.HalfOpen:
		return c.probe != 0 && then.Before(c.expires) || c.ownIsNext()
	}
	return false
}

// End takes the outcome of a call that was let through, and returns the states before
// and after. The outcome of an earlier generation is ignored, unless the target itself
// stated a cooldown.
func (c *Circuit) End(pass Permit, o Outcome) (before, after inspect.BreakerState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before = c.state
	switch {
	case o.coolsDown():
		c.open(time.Now(), o)
	case pass.Generation != c.generation:
	case c.state == inspect.Closed:
		c.count(o)
	case o.Result == Succeeded:
		c.succeed(pass)
	case c.state == inspect.HalfOpen && o.Result == Failed:
		c.open(time.Now(), o)
	case pass.Probe == c.probe:
		c.probe, c.byCall = 0, c.byCall || pass.Own
	}
	return before, c.state
}

// open opens the circuit, or extends the time that it is open. The caller holds mu, as for all
// unexported methods except learn.
func (c *Circuit) open(now time.Time, o Outcome) {
	if c.state == inspect.HalfOpen {
		c.grow()
	}
	rest := max(o.Rest, c.openFor)
	if o.coolsDown() {
		rest = o.Rest
	}
	until := now.Add(rest)
	if c.shared.own.Before(until) {
		c.shared.own, c.shared.ownReason = until, o.Reason
	}
	if c.state == inspect.Open && until.Before(c.until) {
		return
	}
	c.until, c.reason = until, o.Reason
	c.enter(inspect.Open)
	c.shared.flag.Raise(rest, o.Reason)
}

// grow doubles the time to stay open after a failed probe.
func (c *Circuit) grow() {
	if c.openFor > c.config.MaxOpenFor/2 {
		c.openFor = c.config.MaxOpenFor
	} else {
		c.openFor *= 2
	}
}

// Close closes the circuit, and returns the state before.
func (c *Circuit) Close() (before inspect.BreakerState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before, c.run = c.state, 0
	c.latestCalls = window.New[calls](c.config.Window) // enter keeps those of a closed circuit
	c.enter(inspect.Closed)
	c.shared.flag.Lower()
	return before
}

// Inspect returns the state.
func (c *Circuit) Inspect() inspect.Breaker {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := inspect.Breaker{State: c.state, Failures: c.run}
	if c.state != inspect.Closed {
		b.Reason, b.Until = c.reason, c.until
	}
	return b
}

// enter changes the state.
func (c *Circuit) enter(state inspect.BreakerState) {
	if c.state == state {
		return
	}
	c.state = state
	c.generation++
	c.run, c.probe, c.successes, c.byCall = 0, 0, 0, false
	c.latestCalls = window.New[calls](c.config.Window)
	if state == inspect.Closed {
		c.openFor = c.config.OpenFor
		c.shared.own = time.Time{}
	}
}
