package scenario

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
)

// The roles of models, by which a scenario fits any policy.
const (
	Primary  = "primary"  // the policy's primary
	Fallback = "fallback" // each other model that the scenario does not name
)

// checker compares the values of a file.
type checker struct {
	s        *Scenario
	problems []Problem
}

func (c *checker) err(path, format string, args ...any) {
	at := c.s.doc.Places[path]
	c.problems = append(c.problems, Problem{
		Line: at.Line, Column: at.Column, Path: path, Message: fmt.Sprintf(format, args...), Severity: strictyaml.SeverityError,
	})
}

// check returns the mistakes that are found by comparing values.
func (s *Scenario) check() []Problem {
	c := &checker{s: s}
	if t := s.Traffic; t != nil {
		c.traffic(t)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Models)) {
		c.model(strictyaml.At("models", name), s.Models[name])
	}
	for i, e := range s.Events {
		c.event(strictyaml.At("events", i), e)
	}
	return c.problems
}

func (c *checker) traffic(t *Traffic) {
	for i, b := range t.Bursts {
		c.within(strictyaml.At("traffic.bursts", i, "at"), b.At)
	}
	c.tokens("traffic.input_tokens", t.InputTokens)
	c.tokens("traffic.output_tokens", t.OutputTokens)
	c.whole("traffic.tenants", t.Tenants)
	c.whole("traffic.priorities", t.Priorities)
}

// within reports a time after the end.
func (c *checker) within(path string, at time.Duration) {
	if c.s.Length > 0 && at >= c.s.Length {
		c.err(path, "is after the end; it must be less than length, %v", c.s.Length)
	}
}

func (c *checker) tokens(path string, t *Tokens) {
	if t != nil && t.P50 > t.P99 {
		c.err(strictyaml.At(path, "p99"), "is less than p50, %d; it must be at least that", t.P50)
	}
}

// whole reports shares that do not add up to 100 %.
func (c *checker) whole(path string, shares map[string]Share) {
	var sum Share
	for _, name := range slices.Sorted(maps.Keys(shares)) {
		sum += shares[name]
	}
	if len(shares) > 0 && !all(sum) {
		c.err(path, "add up to %v; they must add up to 100%%", sum)
	}
}

func (c *checker) model(path string, m Model) {
	if d := m.FirstContent; d != nil && d.P50 > d.P99 {
		c.err(strictyaml.At(path, "first_content", "p99"), "is less than p50, %v; it must be at least that", d.P50)
	}
	c.errors(strictyaml.At(path, "errors"), m.Errors)
	if q := m.Quota; q != nil && q.RequestsPerMinute == 0 && q.TokensPerMinute == 0 && q.RequestsPerDay == 0 {
		c.err(strictyaml.At(path, "quota"), "has no quota; set requests_per_minute, tokens_per_minute or requests_per_day")
	}
}

func (c *checker) errors(path string, e *Errors) {
	if e == nil {
		return
	}
	var sum Share
	for _, f := range e.Each() {
		sum += f.Share
	}
	if sum > 1 && !all(sum) {
		c.err(path, "add up to %v; they must add up to at most 100%%", sum)
	}
}

func (c *checker) event(path string, e Event) {
	c.within(strictyaml.At(path, "at"), e.At)
	c.errors(strictyaml.At(path, "errors"), e.Errors)
	if e.Errors == nil && e.Slower == 1 && e.Capacity == 1 && e.Price == nil && e.Herd == nil {
		c.err(path, "has no effect; set errors, slower, capacity, price or herd")
	}
	if e.Herd != nil && e.For == 0 {
		c.err(strictyaml.At(path, "herd"), "needs for: without it the event does not end")
	}
	if e.Capacity < 1 && !c.limited() {
		c.err(strictyaml.At(path, "capacity"), "has no effect, because no model has a capacity; set models.NAME.capacity")
	}
}

// limited reports whether a model has a capacity.
func (c *checker) limited() bool {
	for _, m := range c.s.Models {
		if m.Capacity > 0 {
			return true
		}
	}
	return false
}
