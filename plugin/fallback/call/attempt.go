package call

import (
	"cmp"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/redact"
)

// Bounds of what is kept about the attempts of one call. They keep a record
// readable in a trace and small in a session store.
const (
	MaxAttempts     = 16  // attempts kept: the first and the latest 15
	MaxMessageBytes = 256 // of one attempt's message
	MaxNameBytes    = 128 // of a model name, a code or a kind, as JSON
	MaxAdapted      = 16  // settings named as omitted or changed
	MaxAdaptedBytes = 64  // of each of those
)

// Outcome says how an attempt ended.
type Outcome string

// The outcomes of an attempt.
const (
	OK      Outcome = "ok"      // it answered
	Failed  Outcome = "failed"  // it was called and failed
	Skipped Outcome = "skipped" // it was not called; Message says why
)

// Attempt records one call to one target, or why a target was passed over.
// It never holds prompts, answers or credentials.
type Attempt struct {
	Model      string        // the target's name
	Outcome    Outcome       // how it ended
	Code       string        // the provider's code, such as "RESOURCE_EXHAUSTED"; empty when it answered
	Kind       string        // what the failure means, such as "quota"; see package failure
	HTTPStatus int           // 0 when there was none
	Wait       time.Duration // waited before the attempt
	Duration   time.Duration // from the call to its end; 0 when it is not known
	Reason     string        // the rule that judged the failure, or why the target was skipped
	Message    string        // the error's text, redacted, at most MaxMessageBytes
}

// ErrorCode is the code of a failed attempt as metadata has it: the HTTP status
// where there was one, else the provider's code, else the kind of failure.
func (a Attempt) ErrorCode() string {
	if a.HTTPStatus != 0 {
		return strconv.Itoa(a.HTTPStatus)
	}
	return cmp.Or(a.Code, a.Kind)
}

// bounded returns a with every text redacted or cut to its limit.
func (a Attempt) bounded() Attempt {
	a.Model = cut(a.Model, MaxNameBytes)
	a.Code = cut(a.Code, MaxNameBytes)
	a.Kind = cut(a.Kind, MaxNameBytes)
	a.Reason = cut(redact.Text(a.Reason, MaxNameBytes), MaxNameBytes)
	a.Outcome = Outcome(cut(string(a.Outcome), MaxNameBytes))
	a.Message = cut(redact.Text(a.Message, MaxMessageBytes), MaxMessageBytes)
	return a
}

// Log collects the attempts of one call. Of more than [MaxAttempts] it keeps
// the first, which explains why anything else was tried, and the latest.
//
// The zero value is an empty log. All methods are safe for concurrent use, so
// that the two sides of a hedge can share one.
type Log struct {
	mu       sync.Mutex
	attempts []Attempt
	dropped  int
}

// Add appends a.
func (l *Log) Add(a Attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.attempts) == MaxAttempts {
		copy(l.attempts[1:], l.attempts[2:])
		l.attempts = l.attempts[:MaxAttempts-1]
		l.dropped++
	}
	if l.attempts == nil {
		l.attempts = make([]Attempt, 0, 2) // most calls need no more
	}
	l.attempts = append(l.attempts, a)
}

// Snapshot returns a copy of the attempts kept, oldest first, with their
// messages redacted and all texts bounded, and how many were dropped after the
// first. That is done here because the next target should not wait for it.
func (l *Log) Snapshot() (attempts []Attempt, dropped int) {
	l.mu.Lock()
	attempts, dropped = slices.Clone(l.attempts), l.dropped
	l.mu.Unlock()
	for i, a := range attempts {
		attempts[i] = a.bounded()
	}
	return attempts, dropped
}

// Restore puts back what an earlier Snapshot, or a [Metadata], told.
func (l *Log) Restore(attempts []Attempt, dropped int) {
	l.mu.Lock()
	l.attempts, l.dropped = nil, max(dropped, 0)
	l.mu.Unlock()
	for _, a := range attempts {
		l.Add(a)
	}
}
