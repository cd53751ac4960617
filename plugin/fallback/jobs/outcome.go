package jobs

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// degradedError says that the tree only had an answer of last resort. The user has one
// of these already.
type degradedError struct {
	name   string
	called bool // a model was called before
}

func (e *degradedError) Error() string {
	return "jobs: no model answered; only the last resort " + e.name + " did"
}

// modelCalled reports whether err, the error of a call of the tree, means that a model was called.
// Calls that a breaker, a limit or a budget refused cost nothing and do not count.
func modelCalled(err error) bool {
	if degraded, ok := errors.AsType[*degradedError](err); ok {
		return degraded.called
	}
	return is[*stream.AttemptError](err) || !is[*stream.RefusedError](err)
}

// undeliveredError is a failure after the answer.
type undeliveredError struct{ err error }

func (e *undeliveredError) Error() string {
	return "jobs: the answer was not delivered: " + e.err.Error()
}
func (e *undeliveredError) Unwrap() error { return e.err }

// Kinds of this package's own failures, beside those of package failure.
const (
	kindExpired     = "expired"
	kindShutdown    = "shutdown"
	kindDegraded    = "degraded"    // the tree only had an answer of last resort
	kindUnreadable  = "unreadable"  // the worker cannot read what is stored
	kindUndelivered = "undelivered" // there is an answer
)

// kindOf returns the kind of an attempt's failure, which has the verdict v.
func kindOf(err error, v failure.Verdict) string {
	switch {
	case errors.Is(err, ErrExpired):
		return kindExpired
	case errors.Is(err, ErrShutdown):
		return kindShutdown
	case is[*undeliveredError](err):
		return kindUndelivered
	case is[*unreadableError](err):
		return kindUnreadable
	case is[*degradedError](err):
		return kindDegraded
	}
	return string(v.Kind)
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// giveBack ends the job of a failed attempt, or makes it pending again.
func (q *Queue) giveBack(ctx context.Context, l *lease, failed error) error {
	v := failure.Classify(failed)
	message, kind := call.Attempt{Message: failed.Error()}.Bounded().Message, kindOf(failed, v)
	uncounted := 0
	if l.answer == nil && (!l.called || errors.Is(failed, ErrShutdown) || !modelCalled(failed)) {
		uncounted = 1
	}
	attempts := l.job.Attempts - uncounted
	expired := errors.Is(failed, ErrExpired) || l.remaining() <= 0
	hopeless := l.answer == nil && (attempts >= l.job.MaxAttempts || v.Action == failure.Fail && v.Kind == failure.KindInvalid)
	l.job.Attempts, l.job.Error, l.job.Kind = attempts, message, kind
	q.config.Logger.Debug("jobs: an attempt failed", "job", l.job.ID, "attempts", attempts, "error", message)
	if !errors.Is(failed, ErrShutdown) && (expired || hopeless) {
		err := q.endure(ctx, q.config.Lease, func(ctx context.Context) error {
			return q.set(ctx, l, "state = 'failed', due_at = NULL, ended_at = ?3, attempts = ?4, error = ?5, kind = ?6", func(now int64) []any {
				return []any{now, attempts, message, kind}
			}, nil)
		})
		if err == nil {
			l.job.State = Failed
			q.ended(ctx, l.job)
		}
		return err
	}
	delay := q.delay(attempts, failed, v)
	err := q.endure(ctx, q.config.Lease, func(ctx context.Context) error {
		return q.set(ctx, l, "state = 'pending', due_at = ?3, attempts = ?4, error = ?5, kind = ?6", func(now int64) []any {
			return []any{min(now+delay.Microseconds(), l.job.Expires.UnixMicro()), attempts, message, kind}
		}, func(c *conn) error { return q.notify(ctx, c) })
	})
	q.signal() // the job is due before the end of its lease, which the workers wait for
	return err
}

// delay returns the time until the next attempt.
func (q *Queue) delay(attempts int, failed error, v failure.Verdict) time.Duration {
	switch {
	case errors.Is(failed, ErrShutdown):
		return 0
	case errors.Is(failed, errBusy):
		return min(q.config.Backoff, time.Second)
	}
	delay := q.config.Backoff
	for range attempts - 1 {
		delay = min(2*delay, q.config.MaxBackoff)
	}
	delay -= rand.N(delay/2 + 1)
	if refused, ok := errors.AsType[*stream.RefusedError](failed); ok && !refused.Until.IsZero() {
		delay = max(delay, time.Until(refused.Until))
	}
	return max(delay, v.RetryAfter, v.Cooldown)
}

// endure repeats a write that fails, until the job is lost or the time is over: an answer
// that was paid for outlives a full disk or a restart of the server.
func (q *Queue) endure(ctx context.Context, limit time.Duration, write func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := write(ctx)
		if err == nil || lost(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(min(q.config.Poll, pause)):
		}
	}
}

// ended calls OnEnd.
func (q *Queue) ended(ctx context.Context, job Job) {
	job.Due, job.Ended = time.Time{}, time.Now()
	if q.config.OnEnd == nil {
		return
	}
	err := contain("Config.OnEnd", func() error { q.config.OnEnd(context.WithoutCancel(ctx), job); return nil })
	if err != nil {
		q.config.Logger.Error("jobs: the end of a job was not reported", "job", job.ID, "error", err)
	}
}
