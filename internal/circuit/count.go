package circuit

import "time"

// calls counts the calls of a slot of time.
type calls struct{ all, failed int }

func (n *calls) add(r Result) {
	n.all++
	if r == Failed {
		n.failed++
	}
}

// count is End for a closed circuit.
func (c *Circuit) count(o Outcome) {
	if o.Result == Neutral {
		return
	}
	now := time.Now()
	if c.config.FailureRatio > 0 {
		c.latestCalls.At(now).add(o.Result)
	}
	if o.Result == Succeeded {
		c.run = 0
		return
	}
	if now.Sub(c.latest) > c.config.Window {
		c.run = 0
	}
	c.run++
	c.latest = now
	enough := c.config.ConsecutiveFailures
	if o.Enough > 0 {
		enough = min(enough, o.Enough)
	}
	if c.run >= enough || c.config.FailureRatio > 0 && c.reached(now) {
		c.open(now, o)
	}
}

// reached reports whether the share of failures opens the circuit.
func (c *Circuit) reached(now time.Time) bool {
	var sum calls
	for n := range c.latestCalls.All(now) {
		sum.all += n.all
		sum.failed += n.failed
	}
	return sum.all >= c.config.MinRequests && float64(sum.failed) >= c.config.FailureRatio*float64(sum.all)
}
