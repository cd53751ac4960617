package queue

import (
	"context"
	"slices"
	"time"
)

// waiter is a call that waits.
type waiter struct {
	rank   int
	tokens int
	ends   func(then time.Time) bool
	last   time.Time     // the latest time until which it waits
	closed time.Time     // until when the gate does not let it through
	round  int           // of the pace, when its turn came
	turn   chan *Refusal // gets one value: nil to start, or to try the gate
}

// Wait is Enter for a call that has to wait. Higher ranks come first. In a full queue, a
// call replaces the latest one of the lowest rank, if that is lower. A call is refused at
// once if it would wait longer than MaxWait, or until a time at which ends reports that the
// call is over. after is the time that Enter has returned. The error is a [*Refusal] or that
// of ctx.
func (q *Queue) Wait(ctx context.Context, rank, tokens int, after time.Duration, ends func(then time.Time) bool) (round int, err error) {
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	if q.limits.TokensPerMinute > 0 && tokens > q.limits.TokensPerMinute {
		return 0, &Refusal{Reason: "the request has more tokens than a minute allows"}
	}
	w := &waiter{rank: rank, tokens: tokens, ends: ends, turn: make(chan *Refusal, 1)}
	if after > 0 {
		w.closed = time.Now().Add(after)
	}
	if refused := q.join(w); refused != nil {
		return 0, refused
	}
	timer := time.NewTimer(q.limits.MaxWait)
	defer timer.Stop()
	for {
		select {
		case refused := <-w.turn:
			switch passed, err := q.pass(ctx, w, refused); {
			case err != nil:
				return 0, err
			case passed:
				return w.round, nil
			}
			continue
		case <-ctx.Done():
			err = ctx.Err()
		case <-timer.C:
			err = &Refusal{Reason: "the turn did not come in time"}
		}
		q.giveUp(w)
		return 0, err
	}
}

// pass takes w through the gate when its turn has come. If the gate stops it, w waits again,
// unless that would be in vain.
func (q *Queue) pass(ctx context.Context, w *waiter, refused *Refusal) (passed bool, err error) {
	if refused != nil {
		return false, refused
	}
	if q.limits.Gate == nil {
		return true, nil
	}
	wait := q.limits.Gate(ctx, w.tokens)
	q.mu.Lock()
	defer q.mu.Unlock()
	defer q.admit()
	q.atGate = false
	if wait == 0 {
		return true, nil
	}
	q.putBack(w.tokens)
	w.closed = time.Now().Add(wait)
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case !w.closed.Before(w.last) || w.ends(w.closed):
		return false, &Refusal{Reason: reasonRate, Until: w.closed}
	}
	first := 0 // among those of its rank
	for first < len(q.waiting) && q.waiting[first].rank > w.rank {
		first++
	}
	q.waiting = slices.Insert(q.waiting, first, w)
	return false, nil
}

const reasonRate = "the rate is used up for longer than a call may wait"

// join puts w into the queue, unless it would wait in vain.
func (q *Queue) join(w *waiter) *Refusal {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	w.last = now.Add(q.limits.MaxWait)
	if delay := q.delay(now, w); delay >= q.limits.MaxWait || delay > 0 && w.ends(now.Add(delay)) {
		return &Refusal{Reason: reasonRate, Until: now.Add(delay)}
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
// gives its place and its tokens back.
func (q *Queue) giveUp(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if at := slices.Index(q.waiting, w); at >= 0 {
		q.waiting = slices.Delete(q.waiting, at, at+1)
		q.admit()
	} else if refused := <-w.turn; refused == nil {
		q.atGate = false
		q.putBack(w.tokens)
		q.admit()
	}
}
