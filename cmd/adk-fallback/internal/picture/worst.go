package picture

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// Worst is the worst case of one call, as far as the policy bounds it. Per target,
// with n = retry.max_attempts:
//
//	attempts = n, twice that for a model that may also be called to continue an answer
//	waiting  = n × (queue + silence) + the waits between the attempts,
//	           or the latency in the next entry's condition, if that is less
//	whole    = waiting + timeouts.attempt: content may flow for so long
//
// where queue is rate_limits.queue_timeout; silence is how long an attempt may be
// without content, streamed or not; and each wait is the backoff or retry.max_wait,
// whichever is longer, but at most retry.skip_wait while another target is
// available. A call goes through each target once, so the figures add up, and
// timeouts.total bounds them all. A cascade takes the whole time of its cheap model, that of
// its judges, and the time of its primary. Last resorts, skipped targets and the other arms
// of an experiment take no time; a preview is not counted, as it delays no answer. Both
// targets of a hedge count, one after the other, because its extra load is bounded.
type Worst struct {
	Attempts int   `json:"attempts"`
	Waiting  Bound `json:"waiting"` // until the first content, or the error
	Whole    Bound `json:"whole"`   // until the end of the answer, or the error

	targets []part        // in order
	last    time.Duration // more waiting at the last available target
}

// Bound is a limit on a time.
type Bound struct {
	// Seconds is nil if the policy sets no limit.
	Seconds *float64 `json:"seconds"`
	// By is the setting that is the limit, "" for a sum of several; if there is no
	// limit, the setting that would be one.
	By string `json:"by,omitempty"`
}

// part is what one target adds to the worst case.
type part struct {
	name           string
	attempts       int
	waiting, whole span
	last           time.Duration // more waiting if no later target is available
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

// worstOf returns the worst case of a checked policy.
func worstOf(p *spec.Policy) Worst {
	chain := p.Chain()
	var w Worst
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
	// Later calls of a turn start at the target that has answered before, so any
	// target may be the last available one.
	waiting.time, whole.time = waiting.time+w.last, whole.time+w.last
	w.Waiting, w.Whole = bounded(p, waiting), bounded(p, whole)
	return w
}

// bounded applies timeouts.total.
func bounded(p *spec.Policy, s span) Bound {
	by := s.by
	if p.Timeouts != nil && p.Timeouts.Total > 0 {
		total := s.atMost(p.Timeouts.Total)
		if by = ""; total != s {
			by = "timeouts.total"
		}
		s = total
	}
	if s.by != "" {
		return Bound{By: s.by}
	}
	seconds := s.time.Seconds()
	return Bound{&seconds, by}
}

// worstAt returns the worst case of one place of the chain, its hedge included,
// before the entry with the condition next; the zero part for a last resort.
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

// worstAlone returns the worst case of a place that no other one follows.
func worstAlone(p *spec.Policy, x *spec.Target) part {
	var t part
	for _, r := range x.Models() {
		t.raise(worstModel(p, x, r))
	}
	t.name = x.Name
	if x.Cheap == nil {
		return t
	}
	cheap := worstAlone(p, x.Cheap)
	if x.Grader != nil {
		cheap.add(judged(p, worstAlone(p, x.Grader)))
	}
	if p.Cascade.Measure() == "application" {
		cheap.whole.time += p.Cascade.JudgeTimeout
	}
	cheap.waiting = cheap.whole // its answer is judged when it is whole
	cheap.add(t)
	return cheap
}

// judged returns the worst case of a grader, which may take judge_timeout.
func judged(p *spec.Policy, t part) part {
	t.waiting, t.last = span{time: p.Cascade.JudgeTimeout}, 0
	t.whole = t.waiting
	return t
}

// before returns t, cut short by the condition next where that becomes true.
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

// add makes t the worst case of two targets, one after the other.
func (t *part) add(next part) {
	t.name += " with " + next.name
	t.attempts += next.attempts
	t.waiting, t.whole, t.last = t.waiting.plus(next.waiting), t.whole.plus(next.whole), t.last+next.last
}

// raise makes t the worst case of two alternatives.
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

// worstModel returns the worst case of one model at a place.
func worstModel(p *spec.Policy, x *spec.Target, r spec.Resolved) part {
	attempts := 1
	var waits, patience time.Duration // with another target available, and without
	if again := p.Retry; again != nil {
		attempts = again.MaxAttempts
		for i := range attempts - 1 {
			wait := max(again.MaxWait, Backoff(again, i))
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
		// Called to continue the answer and, if it refuses, for a whole one.
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

// Backoff returns the longest backoff before a retry; the first is number 0.
func Backoff(r *spec.Retry, retry int) time.Duration {
	d := r.BaseDelay
	for range retry {
		d = min(2*d, r.MaxDelay)
	}
	return min(d, r.MaxDelay)
}

// String returns three lines.
func (w Worst) String() string {
	var attempts, waiting []string
	for _, t := range w.targets {
		attempts = append(attempts, fmt.Sprintf("%s %d", t.name, t.attempts))
		if t.waiting.by != "" {
			waiting = append(waiting, t.name+" unbounded")
			continue
		}
		waiting = append(waiting, t.name+" "+Short(t.waiting.time))
	}
	if w.last > 0 {
		waiting = append(waiting, Short(w.last)+" more at the last available target")
	}
	sum := ""
	if w.Waiting.Seconds != nil {
		sum = ": " + strings.Join(waiting, ", ")
	}
	return fmt.Sprintf("  attempts  %d: %s\n  waiting   %s until the first content or the error%s%s\n  whole     %s until the end of the answer%s\n",
		w.Attempts, strings.Join(attempts, ", "), w.Waiting.limit(), w.Waiting.note(), sum, w.Whole.limit(), w.Whole.note())
}

// String returns the limit, and the setting that is it or could be.
func (b Bound) String() string { return b.limit() + b.note() }

func (b Bound) limit() string {
	if b.Seconds == nil {
		return "unbounded"
	}
	return Short(time.Duration(*b.Seconds * float64(time.Second)))
}

func (b Bound) note() string {
	switch {
	case b.By == "":
		return ""
	case b.Seconds == nil:
		return fmt.Sprintf("; set %s or timeouts.total", b.By)
	}
	return " (" + b.By + ")"
}
