package scenario

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Rate returns the calls per second, of all processes together, at a time since the
// beginning.
func (s *Scenario) Rate(at time.Duration) float64 {
	t := s.Traffic
	const day = 24 * time.Hour
	phase := float64(s.Begins+at-t.Peak) / float64(day) // 0 at the peak
	busy := (1 + math.Cos(2*math.Pi*phase)) / 2         // 1 at the peak, 0 at night
	rate := t.RPS * (float64(t.Night) + (1-float64(t.Night))*busy)
	for _, b := range t.Bursts {
		if at >= b.At && at < b.At+b.For {
			rate *= b.Times
		}
	}
	for _, e := range s.Events {
		if over := at - s.End(e); e.Herd != nil && over >= 0 && over < e.Herd.For {
			rate *= 1 + (e.Herd.Times-1)*(1-float64(over)/float64(e.Herd.For))
		}
	}
	return rate
}

// step is the longest time for which the rate counts as constant.
const step = 30 * time.Second

// Next returns when the rate may have changed, for a time since the beginning: it counts as
// constant until then.
func (s *Scenario) Next(at time.Duration) time.Duration {
	next := at.Truncate(step) + step
	earlier := func(change time.Duration) {
		if change > at && change < next {
			next = change
		}
	}
	for _, b := range s.Traffic.Bursts {
		earlier(b.At)
		earlier(b.At + b.For)
	}
	for _, e := range s.Events {
		if e.Herd != nil {
			earlier(s.End(e))
		}
	}
	earlier(s.Length)
	return next
}

// Calls returns the expected number of calls.
func (s *Scenario) Calls() float64 {
	calls := 0.0
	for at := time.Duration(0); at < s.Length; {
		next := s.Next(at)
		calls += s.Rate(at) * (next - at).Seconds()
		at = next
	}
	return calls
}

// End returns when an event ends, at most the end of the simulation.
func (s *Scenario) End(e Event) time.Duration {
	return min(e.At+cmp.Or(e.For, s.Length), s.Length)
}

// In reports whether an event is in effect.
func (s *Scenario) In(e Event, at time.Duration) bool {
	return at >= e.At && at < s.End(e) && (e.Flap == 0 || (at-e.At)/e.Flap%2 == 0)
}

// Failure is a share of requests that fail, and how.
type Failure struct {
	Kind  string // the key in section errors
	Share Share
}

// Each returns the failures in the order of the file format.
func (e *Errors) Each() []Failure {
	if e == nil {
		return nil
	}
	return []Failure{
		{"overloaded", e.Overloaded}, {"capacity", e.Capacity}, {"server", e.Server}, {"rate_limit", e.RateLimit},
		{"timeout", e.Timeout}, {"auth", e.Auth}, {"network", e.Network}, {"silence", e.Silence}, {"cut", e.Cut},
	}
}

// Of returns how a model behaves: its name in the policy, or else its role decides.
func (s *Scenario) Of(name string, primary bool) Model {
	m, ok := s.Models[name]
	if role := Role(primary); !ok {
		if m, ok = s.Models[role]; !ok {
			m = *Default[Model]()
		}
	}
	m.FirstContent = cmp.Or(m.FirstContent, &Delay{500 * time.Millisecond, 2 * time.Second})
	return m
}

// Role returns the role of a model.
func Role(primary bool) string {
	if primary {
		return Primary
	}
	return Fallback
}

// Concerns reports whether an event concerns a model with a name, role and tags.
func (e *Event) Concerns(names ...string) bool {
	return slices.ContainsFunc(e.Models, func(m string) bool { return slices.Contains(names, m) })
}
