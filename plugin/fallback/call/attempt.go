package call

import (
	"cmp"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/clip"
	"github.com/adk-fallback/adk-fallback/internal/redact"
)

// Bounds of the record of one call. They keep it readable in a trace and small in a
// session store.
const (
	MaxAttempts     = 16  // attempts kept: the first and the latest 15
	MaxMessageBytes = 256 // of one attempt's message, and of a reason
	MaxNameBytes    = 128 // of a model name, a code or a kind, as JSON
	MaxAdapted      = 16  // settings named as omitted or changed
	MaxAdaptedBytes = 64  // of each of those
	MaxNoticeBytes  = 512 // of a notice to the user
)

// Outcome says how an attempt ended.
type Outcome string

// The outcomes of an attempt.
const (
	OK      Outcome = "ok"      // it answered
	Failed  Outcome = "failed"  // it was called and failed
	Skipped Outcome = "skipped" // it was not called; Reason says why

	Cancelled Outcome = "cancelled" // of a call: the caller has ended it, or has stopped reading
)

// Attempt records one call to one target, or why a target was skipped.
// It never holds prompts, answers or credentials.
type Attempt struct {
	Model      string        // the target's name
	Outcome    Outcome       // how it ended
	Code       string        // the provider's code, such as "RESOURCE_EXHAUSTED"; empty when it answered
	Kind       string        // what the failure means, such as "quota"; see package failure
	HTTPStatus int           // 0 when there was none
	Wait       time.Duration // waited before the attempt
	Duration   time.Duration // from the call to its end, or to its final response; 0 if unknown
	// FirstContent is the time from the call to the first response with content; 0 if
	// there was none, or if it is unknown. Without streaming it is close to Duration.
	FirstContent time.Duration

	// InputTokens and OutputTokens are the provider's latest count, also for an
	// attempt that failed or was cut off; 0 if there is none. Output includes
	// thoughts.
	InputTokens, OutputTokens int
	// CachedTokens are those of InputTokens that the provider read from its prompt
	// cache. Most prices charge less for them.
	CachedTokens int
	// CachedTokensLost is what the switch to another target has lost: the cached tokens of
	// the conversation's previous answer that are not cached here, at most InputTokens. It
	// is 0 if the same target gave the previous answer, or if either count is unknown.
	// These tokens are part of InputTokens, so the charge for the attempt includes them.
	CachedTokensLost int

	// Cost is the price of these tokens in US dollars, at the price of the policy or else
	// the list price; 0 if the price or the tokens are unknown. The charge of a budget may
	// differ: it has prices of its own. Metadata omits it.
	Cost float64
	// Hedge: the attempt began beside another one that was slow. Metadata omits it.
	Hedge bool

	Reason  string // the rule that judged the failure, or why the target was skipped
	Message string // the error's text, redacted, at most MaxMessageBytes
}

// ErrorCode returns the code of a failed attempt in metadata: the HTTP status, or
// else the provider's code, or else the kind of failure.
func (a Attempt) ErrorCode() string {
	if a.HTTPStatus != 0 {
		return strconv.Itoa(a.HTTPStatus)
	}
	return cmp.Or(a.Code, a.Kind)
}

// Bounded returns a as [Log.Add] records it: its texts redacted and cut to their limits.
func (a Attempt) Bounded() Attempt {
	a.Model = cut(a.Model, MaxNameBytes)
	a.Code = cut(a.Code, MaxNameBytes)
	a.Kind = cut(a.Kind, MaxNameBytes)
	a.Outcome = Outcome(cut(string(a.Outcome), MaxNameBytes))
	a.Reason = readable(a.Reason, MaxNameBytes)
	a.Message = readable(a.Message, MaxMessageBytes)
	return a
}

// readable returns s redacted, and cut at the end of a word if it has more than
// limit bytes.
func readable(s string, limit int) string {
	if s == "" {
		return ""
	}
	return clip.Words(redact.Text(s, limit+4), limit) // 4 bytes (a rune) more, so that Words sees that s is longer
}

// Log collects the attempts of one call. Beyond [MaxAttempts] it keeps the first, which
// explains the fallback, and the latest.
//
// The zero value is an empty log. All methods are safe for concurrent use: all attempts
// of one call, including those of a hedge, share one log.
type Log struct {
	mu       sync.Mutex
	attempts []Attempt  // guarded by mu; each is bounded
	dropped  int        // guarded by mu
	closed   bool       // guarded by mu
	first    [2]Attempt // most calls need no more
}

// Add appends a, redacted and bounded, unless the log is closed. It returns the
// recorded attempt.
func (l *Log) Add(a Attempt) Attempt {
	a = a.Bounded()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.add(a)
	return a
}

// add needs mu.
func (l *Log) add(a Attempt) {
	if l.closed {
		return
	}
	if len(l.attempts) == MaxAttempts {
		copy(l.attempts[1:], l.attempts[2:])
		l.attempts = l.attempts[:MaxAttempts-1]
		l.dropped++
	}
	if l.attempts == nil {
		l.attempts = l.first[:0]
	}
	l.attempts = append(l.attempts, a)
}

// Close ends the record. Later attempts are dropped, for example of a model that goes
// on after its call has ended.
func (l *Log) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

// Attempts returns a copy of the attempts kept, oldest first, and how many were
// dropped after the first.
func (l *Log) Attempts() (attempts []Attempt, dropped int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.attempts), l.dropped
}

// All calls yield for each of the attempts kept, oldest first, until it returns
// false. It must not keep the attempt, nor call l.
func (l *Log) All(yield func(*Attempt) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.attempts {
		if !yield(&l.attempts[i]) {
			return
		}
	}
}

// Restore replaces the record by the attempts in an earlier call's metadata.
func (l *Log) Restore(attempts []Attempt, dropped int) {
	bounded := make([]Attempt, len(attempts))
	for i, a := range attempts {
		bounded[i] = a.Bounded()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.attempts, l.dropped = nil, max(dropped, 0)
	for _, a := range bounded {
		l.add(a)
	}
}
