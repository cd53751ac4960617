// Package queue makes calls wait their turn at a limit.
package queue

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/bucket"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
)

// Limits bound the calls. 0 means no limit of requests, of tokens, or of calls at once.
type Limits struct {
	RequestsPerMinute int // a bucket of that size, full at first
	TokensPerMinute   int // a bucket of that size, full at first
	MaxConcurrent     int // calls that have entered and not left

	MaxQueue int           // calls that wait
	MaxWait  time.Duration // of one call

	// Gate, if set, is a limit outside of the queue that a call must pass when its turn has
	// come. It takes what the call needs and returns 0, or takes nothing and returns the
	// time until the call may try again. The first call that waits keeps trying for all.
	Gate func(ctx context.Context, tokens int) (wait time.Duration)
}

// Refusal says why a call does not get its turn.
type Refusal struct {
	Reason string
	Until  time.Time // when the limits allow the call; zero if unknown
}

func (r *Refusal) Error() string { return "queue: " + r.Reason }

// Feedback is what the end of a call shows about limits that others share.
type Feedback uint8

const (
	Unknown  Feedback = iota // nothing
	Kept                     // the limits are kept
	Exceeded                 // they are exceeded: fewer calls may start for a while
)

// Queue lets calls start within the limits, in order of rank and arrival. It is safe for
// concurrent use.
type Queue struct {
	limits Limits

	mu       sync.Mutex
	running  int           // calls that have entered and not left
	requests bucket.Bucket // one for each call
	tokens   bucket.Bucket // as estimated
	pace     pace          // changes with feedback
	waiting  []*waiter     // the next first; it cannot start now
	atGate   bool          // a call whose turn has come after waiting is at the gate
	alarm    *time.Timer
}

// New returns a queue in which no call waits.
func New(limits Limits) *Queue {
	return &Queue{limits: limits, requests: bucket.New(limits.RequestsPerMinute), tokens: bucket.New(limits.TokensPerMinute), pace: newPace()}
}

// Enter lets a call start if no call waits and the limits allow it now. Every call
// that starts must [Queue.Leave], with the returned round. If the gate stops the call, after
// is the time until it may try again.
func (q *Queue) Enter(ctx context.Context, tokens int) (round int, after time.Duration, ok bool) {
	round, ok = q.EnterPassed(tokens)
	if !ok || q.limits.Gate == nil {
		return round, 0, ok
	}
	if after = q.limits.Gate(ctx, tokens); after > 0 {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.putBack(tokens)
		q.admit() // waiting calls can take the place; the call itself may not wait for it
		return 0, after, false
	}
	return round, 0, true
}

// EnterPassed is Enter for a call that has passed the gate already.
func (q *Queue) EnterPassed(tokens int) (round int, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) > 0 || q.atGate || !q.take(time.Now(), tokens) {
		return 0, false
	}
	return q.pace.round, true
}

// Busy reports whether a call would have to wait for other calls.
func (q *Queue) Busy() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting) > 0 || q.atGate || q.full()
}

// Leave ends a call that entered in the given round. more is how many tokens it took
// beyond its estimate, negative if fewer.
//
// Exceeded halves the limits, down to a tenth. After each ten seconds without it, the
// first Kept raises them by a tenth of what is configured.
func (q *Queue) Leave(round int, f Feedback, more int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tokens.Settle(time.Now(), more)
	if f != Unknown && q.pace.learn(round, f) {
		q.adapt(f)
	}
	q.running--
	q.admit()
}

// Inspect returns the state.
func (q *Queue) Inspect() inspect.Limit {
	q.mu.Lock()
	defer q.mu.Unlock()
	return inspect.Limit{
		InFlight: q.running, MaxConcurrent: q.limits.MaxConcurrent, Queued: len(q.waiting), MaxQueue: q.limits.MaxQueue,
		RequestsPerMinute: q.limits.RequestsPerMinute, TokensPerMinute: q.limits.TokensPerMinute, Pace: q.pace.share(),
	}
}

// adapt applies the pace after it has changed. Like all methods below, it needs mu.
func (q *Queue) adapt(f Feedback) {
	now := time.Now()
	q.requests.Set(now, q.pace.share(), f == Exceeded)
	q.tokens.Set(now, q.pace.share(), f == Exceeded)
}

// admit lets in those whose turn it is, and sets the alarm for the next one.
// One that waits for a running call to end needs no alarm. At the gate there is one at a time.
func (q *Queue) admit() {
	now := time.Now()
	for len(q.waiting) > 0 && !q.atGate && !now.Before(q.waiting[0].closed) && q.take(now, q.waiting[0].tokens) {
		w := q.waiting[0]
		q.waiting = slices.Delete(q.waiting, 0, 1)
		w.round = q.pace.round
		q.atGate = q.limits.Gate != nil
		w.turn <- nil
	}
	if len(q.waiting) > 0 {
		if delay := q.delay(now, q.waiting[0]); delay > 0 {
			q.ring(delay)
		}
	}
}

// ring sets the alarm.
func (q *Queue) ring(delay time.Duration) {
	if q.alarm != nil {
		q.alarm.Reset(delay)
		return
	}
	q.alarm = time.AfterFunc(delay, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.admit()
	})
}

// take takes a call's requests and tokens, or nothing if it cannot start now.
func (q *Queue) take(now time.Time, tokens int) bool {
	if q.full() || q.tokens.Delay(now, tokens) > 0 || !q.requests.Take(now, 1) {
		return false
	}
	q.tokens.Take(now, tokens)
	q.running++
	return true
}

// full reports whether MaxConcurrent calls are running, or fewer if the pace is reduced.
func (q *Queue) full() bool {
	return q.limits.MaxConcurrent > 0 && q.running >= max(int(q.pace.share()*float64(q.limits.MaxConcurrent)), 1)
}

// putBack undoes take.
func (q *Queue) putBack(tokens int) {
	now := time.Now()
	q.requests.Settle(now, -1)
	q.tokens.Settle(now, -tokens)
	q.running--
}

// delay returns how long the buckets and the gate need until a call may start.
func (q *Queue) delay(now time.Time, w *waiter) time.Duration {
	return max(q.requests.Delay(now, 1), q.tokens.Delay(now, w.tokens), w.closed.Sub(now))
}
