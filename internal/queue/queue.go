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
	alarm    *time.Timer
}

// waiter is a call that waits.
type waiter struct {
	rank   int
	tokens int
	round  int           // of the pace, when its turn came
	turn   chan *Refusal // gets one value: nil to start
}

// New returns a queue in which no call waits.
func New(limits Limits) *Queue {
	return &Queue{limits: limits, requests: bucket.New(limits.RequestsPerMinute), tokens: bucket.New(limits.TokensPerMinute), pace: newPace()}
}

// Enter lets a call start if no call waits and the limits allow it now. Every call
// that starts must [Queue.Leave], with the returned round.
func (q *Queue) Enter(tokens int) (round int, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) > 0 || !q.take(q.now(), tokens) {
		return 0, false
	}
	return q.pace.round, true
}

// Wait is Enter for a call that has to wait. Higher ranks come first. In a full queue, a
// call replaces the latest one of the lowest rank, if that is lower. A call that would
// wait in vain is refused at once: longer than MaxWait, or to a time at which ends
// reports that the call is over. The error is a [*Refusal] or that of ctx.
func (q *Queue) Wait(ctx context.Context, rank, tokens int, ends func(then time.Time) bool) (round int, err error) {
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	if q.limits.TokensPerMinute > 0 && tokens > q.limits.TokensPerMinute {
		return 0, &Refusal{Reason: "the request has more tokens than a minute allows"}
	}
	w := &waiter{rank: rank, tokens: tokens, turn: make(chan *Refusal, 1)}
	if refused := q.join(w, ends); refused != nil {
		return 0, refused
	}
	timer := time.NewTimer(q.limits.MaxWait)
	defer timer.Stop()
	select {
	case refused := <-w.turn:
		if refused != nil {
			return 0, refused
		}
		return w.round, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = &Refusal{Reason: "the turn did not come in time"}
	}
	q.giveUp(w)
	return 0, err
}

// join puts w into the queue, unless it would wait in vain.
func (q *Queue) join(w *waiter, ends func(then time.Time) bool) *Refusal {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	if delay := q.delay(now, w.tokens); delay >= q.limits.MaxWait || delay > 0 && ends(now.Add(delay)) {
		return &Refusal{Reason: "the rate is used up for longer than a call may wait", Until: now.Add(delay)}
	}
	if len(q.waiting) == q.limits.MaxQueue {
		last := q.waiting[len(q.waiting)-1]
		if last.rank >= w.rank {
			return &Refusal{Reason: "the queue is full"}
		}
		q.waiting = slices.Delete(q.waiting, len(q.waiting)-1, len(q.waiting))
		last.turn <- &Refusal{Reason: "the queue is full of calls of higher priority"}
	}
	at := len(q.waiting)
	for at > 0 && q.waiting[at-1].rank < w.rank {
		at--
	}
	q.waiting = slices.Insert(q.waiting, at, w)
	q.admit()
	return nil
}

// giveUp takes w out of the queue. If its turn has come in the same moment, it
// gives its place back.
func (q *Queue) giveUp(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if at := slices.Index(q.waiting, w); at >= 0 {
		q.waiting = slices.Delete(q.waiting, at, at+1)
		q.admit()
	} else if refused := <-w.turn; refused == nil {
		q.release()
	}
}

// Leave ends a call that entered in the given round. more is how many tokens it took
// beyond its estimate, negative if fewer.
//
// Exceeded halves the limits, down to a tenth. After each ten seconds without it, the
// first Kept raises them by a tenth of what is configured.
func (q *Queue) Leave(round int, f Feedback, more int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if more != 0 {
		q.tokens.Settle(time.Now(), more)
	}
	if f != Unknown && q.pace.learn(round, f) {
		q.adapt(f)
	}
	q.release()
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

// release gives a place back. As all below, it needs mu.
func (q *Queue) release() {
	q.running--
	if len(q.waiting) > 0 {
		q.admit()
	}
}

// adapt applies the pace after it has changed.
func (q *Queue) adapt(f Feedback) {
	now := time.Now()
	q.requests.Set(now, q.pace.share(), f == Exceeded)
	q.tokens.Set(now, q.pace.share(), f == Exceeded)
}

// admit lets in those whose turn it is, and sets the alarm for the next one.
// One that waits for a running call to end needs no alarm.
func (q *Queue) admit() {
	now := q.now()
	for len(q.waiting) > 0 && q.take(now, q.waiting[0].tokens) {
		w := q.waiting[0]
		q.waiting = slices.Delete(q.waiting, 0, 1)
		w.round = q.pace.round
		w.turn <- nil
	}
	if len(q.waiting) > 0 {
		if delay := q.delay(now, q.waiting[0].tokens); delay > 0 {
			q.ring(delay)
		}
	}
}

// ring sets the alarm.
func (q *Queue) ring(delay time.Duration) {
	delay += time.Nanosecond // it is rounded down
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
	if q.limits.MaxConcurrent > 0 && q.running >= max(int(q.pace.share()*float64(q.limits.MaxConcurrent)), 1) {
		return false
	}
	if q.tokens.Delay(now, tokens) > 0 || !q.requests.Take(now, 1) {
		return false
	}
	q.tokens.Take(now, tokens)
	q.running++
	return true
}

// delay returns how long the buckets need until a call may start.
func (q *Queue) delay(now time.Time, tokens int) time.Duration {
	return max(q.requests.Delay(now, 1), q.tokens.Delay(now, tokens))
}

// now reads the clock if there is a bucket.
func (q *Queue) now() time.Time {
	if q.limits.RequestsPerMinute == 0 && q.limits.TokensPerMinute == 0 {
		return time.Time{}
	}
	return time.Now()
}
