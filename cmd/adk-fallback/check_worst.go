package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// worst is the worst that can become of one call, as far as the policy bounds
// it. Per target, with n = 1 + retries:
//
//	attempts = n, twice that for a model that may also be asked to continue a text
//	waiting  = n × (queue + silence) + the waits between the attempts,
//	           or the latency at which the next entry's condition moves on, if that is less
//	whole    = waiting + timeouts.attempt: content may flow for so long
//
// where queue is rate_limits.queue_timeout; silence is how long an attempt may be
// without content, streamed or not; and each wait is the backoff or retry.max_wait,
// whichever is longer, but at most retry.skip_wait while another target is left. A
// call goes through all targets once, so the figures add up, and timeouts.total
// bounds them all. Answers of last resort, refusals by breakers and guards, and
// the arms of an experiment that are not drawn take nothing. In a hedge both may
// have to be waited for, one after the other, because its extra load is bounded.
type worst struct {
	Attempts int   `json:"attempts"`
	Waiting  bound `json:"waiting"` // until the first content, or the error
	Whole    bound `json:"whole"`   // until the end of the answer, or the error

	targets []part        // in order
	last    time.Duration // more waiting for the last one left
}

// bound is a time that may be unbounded.
type bound struct {
	// Seconds is nil for a time that the policy does not bound.
	Seconds *float64 `json:"seconds"`
	// By is the setting that bounds it before its parts do, or, if it is not
	// bounded, the one that could.
	By string `json:"by,omitempty"`
}

// part is what one target adds to the worst.
type part struct {
	name           string
	attempts       int
	waiting, whole span
	last           time.Duration // more waiting if no other target is left after it
}

// span is a time without a bound if by is set, to the setting that is missing.
type span struct {
	time time.Duration
	by   string
}

func (s span) plus(t span) span {
	if s.by == "" {
		s.by = t.by
	}
	return span{s.time + t.time, s.by}
}

func (s span) atMost(limit time.Duration) span {
	if s.by == "" && s.time <= limit {
		return s
	}
	return span{time: limit}
}

// worstOf works out the worst of a checked policy.
func worstOf(p *spec.Policy) worst {
	chain := p.Chain()
	var w worst
	var waiting, whole span
	for i, x := range chain {
		var next spec.Condition
		if i+1 < len(chain) {
			next = chain[i+1].Condition
		}
		t := worstAt(p, &x, next)
		if t.attempts == 0 {
			continue
		}
		w.targets = append(w.targets, t)
		w.Attempts += t.attempts
		waiting, whole = waiting.plus(t.waiting), whole.plus(t.whole)
		w.last = max(w.last, t.last)
	}
	// Later calls of a turn begin at the target that has answered before, so any
	// target may be the last one left.
	waiting.time, whole.time = waiting.time+w.last, whole.time+w.last
	w.Waiting, w.Whole = bounded(p, waiting), bounded(p, whole)
	return w
}

// bounded applies timeouts.total.
func bounded(p *spec.Policy, s span) bound {
	by := s.by
	if p.Timeouts != nil && p.Timeouts.Total > 0 {
		total := s.atMost(p.Timeouts.Total)
		if by = ""; total != s {
			by = "timeouts.total"
		}
		s = total
	}
	if s.by != "" {
		return bound{By: s.by}
	}
	seconds := s.time.Seconds()
	return bound{&seconds, by}
}

// worstAt works out the worst of one place, and of who is asked beside it, before
// the entry with the condition next; the zero part for an answer of last resort.
func worstAt(p *spec.Policy, x *spec.Target, next spec.Condition) part {
	if x.LastResort() {
		return part{}
	}
	if x.Hedge == nil {
		return worstAlone(p, x).before(p, next)
	}
	t := worstAlone(p, x).before(p, x.Hedge.Condition)
	t.add(worstAlone(p, x.Hedge))
	return t.before(p, next)
}

// worstAlone works out the worst of a place if no other one follows.
func worstAlone(p *spec.Policy, x *spec.Target) part {
	var t part
	for _, r := range x.Models() {
		t.raise(worstModel(p, x, r))
	}
	t.name = x.Name
	return t
}

// before makes t the worst of what can be given up by the condition next.
func (t part) before(p *spec.Policy, next spec.Condition) part {
	if next.HoldsBack() { // answers are held back until they are whole
		t.waiting = t.whole
	} else if after, ok := next.SureAfter(); ok {
		patience := t.waiting.plus(span{time: t.last}).atMost(after)
		t.waiting = t.waiting.atMost(after)
		t.last = patience.time - t.waiting.time
		t.whole = t.waiting.plus(flowing(p))
	}
	return t
}

// add makes t the worst of two that follow each other.
func (t *part) add(next part) {
	t.name += " with " + next.name
	t.attempts += next.attempts
	t.waiting, t.whole, t.last = t.waiting.plus(next.waiting), t.whole.plus(next.whole), t.last+next.last
}

// raise makes t the worst of two of which one happens.
func (t *part) raise(or part) {
	longer := func(a, b span) span {
		if a.by != "" || b.by == "" && a.time >= b.time {
			return a
		}
		return b
	}
	t.attempts, t.last = max(t.attempts, or.attempts), max(t.last, or.last)
	t.waiting, t.whole = longer(t.waiting, or.waiting), longer(t.whole, or.whole)
}

// worstModel works out the worst of one model at a place.
func worstModel(p *spec.Policy, x *spec.Target, r spec.Resolved) part {
	attempts := 1
	var waits, patience time.Duration // with another target left, and without
	if again := p.Retry; again != nil {
		attempts = again.MaxAttempts
		for i := range attempts - 1 {
			wait := max(again.MaxWait, backoff(again, i))
			patience += wait
			if again.SkipWait > 0 {
				wait = min(wait, again.SkipWait)
			}
			waits += wait
		}
	}
	one := silence(p, x)
	if limits := limitsOf(p, r); limits != nil {
		one.time += limits.QueueTimeout
	}
	t := part{attempts: attempts, waiting: span{time.Duration(attempts)*one.time + waits, one.by}, last: patience - waits}
	t.whole = t.waiting.plus(flowing(p))
	if p.Stream != nil && p.Stream.MidStream == "resume" && slices.Contains(r.Settings.Capabilities, "prefill") {
		// Asked to continue the text, and if it refuses, from the start.
		t.attempts *= 2
		t.whole = t.whole.plus(t.whole)
	}
	return t
}

// silence returns how long one attempt may be without content, streamed or not.
func silence(p *spec.Policy, x *spec.Target) span {
	limit := span{time: max(x.Silence, x.Streamed)}
	if x.Silence == 0 || x.Streamed == 0 {
		limit.by = "timeouts.fallback"
		if x.Name == p.Primary {
			limit.by = "timeouts.primary"
		}
	}
	if p.Timeouts != nil && p.Timeouts.Attempt > 0 {
		return limit.atMost(p.Timeouts.Attempt)
	}
	return limit
}

// flowing returns how long the content of an attempt may flow.
func flowing(p *spec.Policy) span {
	if p.Timeouts == nil || p.Timeouts.Attempt == 0 {
		return span{by: "timeouts.attempt"}
	}
	return span{time: p.Timeouts.Attempt}
}

// backoff returns the longest backoff before the retry of the given number, from
// 0.
func backoff(r *spec.Retry, retry int) time.Duration {
	d := r.BaseDelay
	for range retry {
		d = min(2*d, r.MaxDelay)
	}
	return min(d, r.MaxDelay)
}

// String says it in three lines.
func (w worst) String() string {
	var attempts, waiting []string
	for _, t := range w.targets {
		attempts = append(attempts, fmt.Sprintf("%s %d", t.name, t.attempts))
		if t.waiting.by != "" {
			waiting = append(waiting, t.name+" no bound")
			continue
		}
		waiting = append(waiting, t.name+" "+short(t.waiting.time))
	}
	if w.last > 0 {
		waiting = append(waiting, short(w.last)+" more for the last one left")
	}
	sum := ""
	if w.Waiting.Seconds != nil {
		sum = ": " + strings.Join(waiting, ", ")
	}
	return fmt.Sprintf("  attempts  %d: %s\n  waiting   %s, until the first content or the error%s\n  whole     %s, until the end of the answer\n",
		w.Attempts, strings.Join(attempts, ", "), w.Waiting, sum, w.Whole)
}

func (b bound) String() string {
	switch {
	case b.Seconds == nil:
		return fmt.Sprintf("no bound without %s or timeouts.total", b.By)
	case b.By != "":
		return short(seconds(*b.Seconds)) + " by " + b.By
	}
	return short(seconds(*b.Seconds))
}
