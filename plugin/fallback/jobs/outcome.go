package jobs

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/panics"
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

// modelCalled reports whether err, of an attempt, means that a model was called. Calls
// that a breaker, a limit or a budget refused cost nothing and do not count.
func modelCalled(err error) bool {
	if degraded, ok := errors.AsType[*degradedError](err); ok {
		return degraded.called
	}
	if _, failed := errors.AsType[*stream.AttemptError](err); failed {
		return true
	}
	_, refused := errors.AsType[*stream.RefusedError](err)
	return !refused
}

// undeliveredError is a failure after the answer.
type undeliveredError struct{ err error }

func (e *undeliveredError) Error() string {
	return "jobs: the answer was not delivered: " + e.err.Error()
}
func (e *undeliveredError) Unwrap() error { return e.err }

// giveBack ends the job of a failed attempt, or makes it pending again.
func (q *Queue) giveBack(ctx context.Context, l *lease, failed error) error {
	message := call.Attempt{Message: failed.Error()}.Bounded().Message
	v := failure.Classify(failed)
	uncounted := 0
	if l.answer == nil && (errors.Is(failed, ErrShutdown) || !modelCalled(failed)) {
		uncounted = 1
	}
	attempts := l.job.Attempts - uncounted
	expired := errors.Is(failed, ErrExpired) || l.remaining() <= 0
	hopeless := l.answer == nil && (attempts >= l.job.MaxAttempts || v.Action == failure.Fail && v.Kind == failure.KindInvalid)
	l.job.Attempts, l.job.Error = attempts, message
	q.config.Logger.Debug("jobs: an attempt failed", "job", l.job.ID, "attempts", attempts, "error", message)
	if !errors.Is(failed, ErrShutdown) && (expired || hopeless) {
		err := q.endure(ctx, q.config.Lease, func(ctx context.Context) error {
			return q.set(ctx, l, "state = 'failed', due_at = NULL, ended_at = ?3, attempts = ?4, error = ?5", func(now int64) []any {
				return []any{now, attempts, message}
			}, nil)
		})
		if err == nil {
			l.job.State = Failed
			q.ended(ctx, l.job)
		}
		return err
	}
	delay := q.delay(attempts, failed, v)
	return q.endure(ctx, q.config.Lease, func(ctx context.Context) error {
		return q.set(ctx, l, "state = 'pending', due_at = ?3, attempts = ?4, error = ?5", func(now int64) []any {
			return []any{min(now+delay.Microseconds(), l.job.Expires.UnixMicro()), attempts, message}
		}, nil)
	})
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
	defer func() {
		if r := recover(); r != nil {
			q.config.Logger.Error("jobs: Config.OnEnd panicked", "job", job.ID, "panic", panics.Text(r))
		}
	}()
	q.config.OnEnd(context.WithoutCancel(ctx), job)
}
