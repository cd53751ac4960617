package debugpage

import (
	"sync"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/redact"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// maxCalls is how many calls the page keeps.
const maxCalls = 100

// record is a call that has ended. It does not change once it is in a ring.
type record struct {
	call.Result
	seq        uint64 // from 1
	ended      time.Time
	invocation string
	tenant     redact.Digest
	tenantName string          // if the page shows names
	first      [1]call.Attempt // most calls need no more
}

// fellBack reports whether another model than the first answered.
func (r *record) fellBack() bool {
	return r.Outcome == call.OK && r.Triggered && r.FallbackModel != ""
}

// plain reports whether the first model answered at once.
func (r *record) plain() bool { return r.Outcome == call.OK && !r.Triggered && r.Degraded == "" }

// own replaces the texts of r by texts of its own, which are bounded and pin no larger ones.
func (r *record) own(names *targets) {
	for _, name := range []*string{&r.OriginalModel, &r.FallbackModel, &r.ModelName, &r.Degraded} {
		*name = names.name(*name)
	}
	for _, text := range []*string{&r.ModelVersion, &r.ErrorCode, &r.CacheStatus, &r.ExperimentID, &r.Cohort} {
		*text = copied(*text, "")
	}
	r.Outcome = outcome(r.Outcome)
	r.Notice, r.Adapted = "", nil
	attempts := r.Attempts
	if surplus := len(attempts) - call.MaxAttempts; surplus > 0 {
		attempts = attempts[surplus:]
		r.AttemptsDropped += surplus
	}
	r.Attempts = append(r.first[:0], attempts...) // others may have those of the hook
	reason := ""
	for i := range r.Attempts {
		a := &r.Attempts[i]
		if a.Outcome == call.OK && a.Code+a.Kind+a.Reason+a.Message == "" { // most
			a.Model = names.name(a.Model)
			continue
		}
		like := names.like(a.Model)
		*a = own(*a, &like)
		if a.Outcome == call.Failed {
			reason = a.Reason
		}
	}
	if len(r.Reason) > call.MaxMessageBytes {
		r.Reason = redact.Text(r.Reason, call.MaxMessageBytes)
	}
	r.Reason = copied(r.Reason, reason)
}

// calls are those that have ended. The zero value has none.
type calls struct {
	mu     sync.Mutex
	series *series // guarded by mu
	seq    uint64  // of the latest; guarded by mu
	failed int     // calls in a row that no target answered; guarded by mu
	// latest has all calls, unusual those that were not plain, so that a busy process
	// does not hide them: each the latest maxCalls, as rings. Guarded by mu.
	latest, unusual [maxCalls]*record
	unusuals        uint64 // guarded by mu
}

func (c *calls) add(r *record, now time.Time) {
	took, first := bucket(r.Duration), bucket(r.FirstContent)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.series == nil {
		s := newSeries()
		c.series = &s
	}
	for _, slot := range c.series.at(now) {
		slot.call(r, took, first)
	}
	switch r.Outcome {
	case call.OK:
		c.failed = 0
	case call.Failed:
		c.failed++
	}
	c.latest[c.seq%maxCalls] = r
	c.seq++
	r.seq = c.seq
	if !r.plain() {
		c.unusual[c.unusuals%maxCalls] = r
		c.unusuals++
	}
}

// matching returns at most maxCalls calls that f keeps, the latest first.
func (c *calls) matching(f filter) []*record {
	c.mu.Lock()
	latest, unusual := c.latest, c.unusual
	end, unusualEnd := c.seq, c.unusuals
	c.mu.Unlock()
	var found []*record
	oldest := end - min(end, maxCalls)
	for i := end; i > oldest; i-- {
		if r := latest[(i-1)%maxCalls]; f.keeps(r) {
			found = append(found, r)
		}
	}
	if f == (filter{}) {
		return found
	}
	for i := unusualEnd; i > unusualEnd-min(unusualEnd, maxCalls) && len(found) < maxCalls; i-- {
		if r := unusual[(i-1)%maxCalls]; r.seq <= oldest && f.keeps(r) {
			found = append(found, r)
		}
	}
	return found
}
