package middleware

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/bucket"
	"github.com/adk-fallback/adk-fallback/internal/match"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// queue lets calls start within the limits, in order of rank and arrival.
type queue struct {
	config *LimitConfig // defaults filled in

	mu       sync.Mutex
	running  int           // calls that have entered and not left
	requests bucket.Bucket // one for each call
	tokens   bucket.Bucket // as estimated
	pace     pace          // changes only if Adaptive
	waiting  []*waiter     // the next first; it cannot start now
	alarm    *time.Timer
}

// waiter is a call that waits.
type waiter struct {
	rank   int
	tokens int
	round  int                // of the pace, when its turn came
	turn   chan *RefusedError // gets one value: nil to start
}

func newQueue(config *LimitConfig) *queue {
	return &queue{config: config, requests: bucket.New(config.RequestsPerMinute), tokens: bucket.New(config.TokensPerMinute), pace: newPace()}
}

// enter lets a call start if no call waits and the limits allow it now. Every call
// that starts must leave, with the returned round.
func (q *queue) enter(tokens int) (round int, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) > 0 || !q.take(q.now(), tokens) {
		return 0, false
	}
	return q.pace.round, true
}

// wait is enter for a call that has to wait. The error is a *RefusedError or
// the caller's own.
func (q *queue) wait(ctx context.Context, tokens int, out *stream.Sink) (round int, err error) {
	if ctx.Err() != nil {
		return 0, stream.Ended(ctx)
	}
	if tokens > q.config.TokensPerMinute {
		return 0, refusedByLimit("the request has more tokens than a minute allows", time.Time{})
	}
	w := &waiter{rank: q.config.Priorities[match.Fold(call.From(ctx).Priority)], tokens: tokens, turn: make(chan *RefusedError, 1)}
	if refused := q.join(ctx, w, out); refused != nil {
		return 0, refused
	}
	timer := time.NewTimer(q.config.MaxWait)
	defer timer.Stop()
	select {
	case refused := <-w.turn:
		if refused != nil {
			return 0, refused
		}
		return w.round, nil
	case <-ctx.Done():
		err = stream.Ended(ctx)
	case <-timer.C:
		err = refusedByLimit("the turn did not come in time", time.Time{})
	}
	q.giveUp(w)
	return 0, err
}

// join puts w into the queue, unless it would wait in vain.
func (q *queue) join(ctx context.Context, w *waiter, out *stream.Sink) *RefusedError {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	if delay := q.delay(now, w.tokens); delay >= q.config.MaxWait || delay > 0 && out.Ends(ctx, now.Add(delay)) {
		return refusedByLimit("the rate is used up for longer than a call may wait", now.Add(delay))
	}
	if len(q.waiting) == q.config.MaxQueue {
		last := q.waiting[len(q.waiting)-1]
		if last.rank >= w.rank {
			return refusedByLimit("the queue is full", time.Time{})
		}
		q.waiting = slices.Delete(q.waiting, len(q.waiting)-1, len(q.waiting))
		last.turn <- refusedByLimit("the queue is full of calls of higher priority", time.Time{})
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
func (q *queue) giveUp(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if at := slices.Index(q.waiting, w); at >= 0 {
		q.waiting = slices.Delete(q.waiting, at, at+1)
		q.admit()
	} else if refused := <-w.turn; refused == nil {
		q.release()
	}
}

// leave ends a call that entered in the given round. more is how many tokens it took
// beyond its estimate, negative if fewer.
func (q *queue) leave(round int, r result, more int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if more != 0 {
		q.tokens.Settle(time.Now(), more)
	}
	if r != neutral && q.pace.learn(round, r) {
		q.adapt(r)
	}
	q.release()
}

// release gives a place back. As all below, it needs mu.
func (q *queue) release() {
	q.running--
	if len(q.waiting) > 0 {
		q.admit()
	}
}

// adapt applies the pace after it has changed.
func (q *queue) adapt(r result) {
	now := time.Now()
	q.requests.Set(now, q.pace.share(), r == failed)
	q.tokens.Set(now, q.pace.share(), r == failed)
}

// admit lets in those whose turn it is, and sets the alarm for the next one.
// One that waits for a running call to end needs no alarm.
func (q *queue) admit() {
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
func (q *queue) ring(delay time.Duration) {
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
func (q *queue) take(now time.Time, tokens int) bool {
	if q.config.MaxConcurrent > 0 && q.running >= max(int(q.pace.share()*float64(q.config.MaxConcurrent)), 1) {
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
func (q *queue) delay(now time.Time, tokens int) time.Duration {
	return max(q.requests.Delay(now, 1), q.tokens.Delay(now, tokens))
}

// now reads the clock if there is a bucket.
func (q *queue) now() time.Time {
	if q.config.RequestsPerMinute == 0 && q.config.TokensPerMinute == 0 {
		return time.Time{}
	}
	return time.Now()
}

func refusedByLimit(reason string, until time.Time) *RefusedError {
	return &RefusedError{By: "limit", Reason: reason, Until: until}
}
