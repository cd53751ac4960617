package spec

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/duration"
)

// times finds limits that have no effect because of another limit.
func (c *checker) times() {
	for i, t := range c.chain {
		if i > 0 {
			c.latencies(c.chain[i-1], t)
		}
	}
	if c.Timeouts == nil || c.Timeouts.Total == 0 {
		return
	}
	parts, sum := c.silences(func(t Target) time.Duration { return t.Silence })
	streamed, sumStreamed := c.silences(func(t Target) time.Duration { return t.Streamed })
	how := ""
	if sumStreamed > sum {
		parts, sum, how = streamed, sumStreamed, ", streamed,"
	}
	if sum > c.Timeouts.Total {
		c.warn("timeouts.total", fmt.Sprintf("total is %s, but the targets%s may take %s = %s; raise it or shorten the other timeouts",
			duration.Text(c.Timeouts.Total), how, strings.Join(parts, " + "), duration.Text(sum)))
	}
}

// silences adds up how long the models may be without content: up to limit, or until the
// next entry's condition cancels them. A model with neither is omitted.
func (c *checker) silences(limit func(Target) time.Duration) (parts []string, sum time.Duration) {
	for i, t := range c.chain {
		if t.LastResort() {
			continue
		}
		silence := c.within(limit(t))
		if t.Cheap != nil && silence > 0 { // each model of a cascade has the primary's limits
			silence += c.within(limit(*t.Cheap))
		}
		if i+1 < len(c.chain) {
			if after, ok := c.chain[i+1].Condition.SureAfter(); ok && (silence == 0 || after < silence) {
				silence = after
			}
		}
		if silence > 0 {
			sum += silence
			parts = append(parts, duration.Text(silence))
		}
	}
	return parts, sum
}

// cutOff returns how long an attempt may be without content, whether it is streamed or
// not; 0 for no limit.
func (c *checker) cutOff(t Target) time.Duration {
	whole, streamed := c.within(t.Silence), c.within(t.Streamed)
	if whole == 0 || streamed == 0 {
		return 0
	}
	return max(whole, streamed)
}

// within returns limit, or timeouts.attempt if that is shorter; 0 for neither.
func (c *checker) within(limit time.Duration) time.Duration {
	if c.Timeouts == nil || c.Timeouts.Attempt == 0 || limit > 0 && limit < c.Timeouts.Attempt {
		return limit
	}
	return c.Timeouts.Attempt
}

// latencies finds latencies in the condition of next that an attempt at t without content
// never reaches.
func (c *checker) latencies(t, next Target) {
	path := at(next.entry, "condition")
	if next.Condition.waitsForTTFT() {
		c.warn(path, "ttft is 0 until there is content, so that this condition does not bound it; use latency")
	}
	limit := c.cutOff(t)
	if limit == 0 || t.Cheap != nil { // the latency of a cascade is the time of all its models
		return
	}
	for _, latency := range next.Condition.compiled.Latencies() {
		if latency >= limit {
			c.warn(path, fmt.Sprintf("latency %s is never reached, because %s is cut off after %s without content; use less", duration.Text(latency), t.Name, duration.Text(limit)))
		}
	}
}

// hedge finds a hedge without a model, and a delay that is never reached.
func (c *checker) hedge(h *Hedge) {
	fallbacks := c.fallbackModels()
	switch {
	case len(fallbacks) == 0:
		c.err("hedge", "hedge needs a model among the fallbacks; add one")
	case h.Target != "" && !slices.Contains(fallbacks, h.Target):
		c.err("hedge.target", quoted(h.Target)+" is not a model among the fallbacks"+didYouMean(h.Target, fallbacks)+"; name one that is")
	}
	if len(c.chain) == 0 {
		return
	}
	key, wait := "delay", h.Delay
	switch {
	case wait == 0:
		key, wait = "min_delay", h.MinDelay
	case c.given("hedge.min_delay"):
		c.warn("hedge.min_delay", "min_delay has no effect beside delay; remove one of them")
	}
	if limit := c.cutOff(c.chain[0]); limit > 0 && wait >= limit {
		c.warn(at("hedge", key), fmt.Sprintf("%s %s is never reached, because %s is cut off after %s without content; use less",
			key, duration.Text(wait), c.chain[0].Name, duration.Text(limit)))
	}
}
