package jobs

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// grace is how long a model may go on after its call was cut off.
const grace = 5 * time.Second

// pause is the longest time until a failing database is tried again.
const pause = time.Second

// Run works on jobs until ctx ends, with m as the model that answers: usually the tree
// that the application's agents use. It needs no restart when the database fails; it
// logs the failure and goes on when it can.
//
// When ctx ends, Run takes no more jobs and waits for the running ones, at most
// Config.Drain. Then it ends their calls with the context cause ErrShutdown and gives
// them back: another worker takes them at once, and the attempt does not count. Run
// returns when no goroutine of it is left. The error is nil, unless m is.
func (q *Queue) Run(ctx context.Context, m model.LLM) error {
	if m == nil {
		return errors.New("jobs: Run needs a model")
	}
	// Grace: a model that ignores its context must not keep a worker for ever.
	m = middleware.MustTimeout(middleware.TimeoutConfig{Total: q.config.Timeout, Grace: grace})(m)

	var listening, working sync.WaitGroup
	defer listening.Wait()
	if q.config.Wait != nil && q.store.postgres {
		listening.Go(func() { q.listen(ctx) }) // ends with ctx
	}
	jobs, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)
	free := make(chan struct{}, q.config.Workers)
	for range q.config.Workers {
		free <- struct{}{}
	}
	for q.take(ctx, free) {
		l := q.next(ctx)
		if l == nil {
			break
		}
		jobCtx, cancel := context.WithCancelCause(jobs)
		l.cancel = cancel
		working.Go(func() { // ends with the job, which jobs ends
			defer func() { free <- struct{}{} }()
			defer cancel(nil)
			q.work(jobCtx, m, l)
		})
	}
	drained := time.AfterFunc(q.config.Drain, func() { cut(ErrShutdown) })
	defer drained.Stop()
	working.Wait()
	return nil
}

// take waits for a free worker. It returns false when ctx has ended.
func (q *Queue) take(ctx context.Context, free <-chan struct{}) bool {
	select {
	case <-free:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// next waits for a job. It returns nil when ctx has ended.
func (q *Queue) next(ctx context.Context) *lease {
	failing := false
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		var l *lease
		var wait time.Duration
		err := q.sweep(ctx)
		if err == nil {
			l, wait, err = q.claim(ctx)
		}
		switch {
		case ctx.Err() != nil:
		case err != nil && !failing:
			q.config.Logger.Error("jobs: the queue cannot be read; trying again until it can", "error", err)
		case err == nil && failing:
			q.config.Logger.Info("jobs: the queue can be read again")
		}
		if l != nil {
			return l
		}
		if failing = err != nil; failing {
			wait = min(q.config.Poll, pause)
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
		case <-q.woken:
		case <-timer.C:
		}
	}
	return nil
}

// poll is the longest time between two looks at the queue. While the queue is notified of
// every job that becomes due earlier than it knows, looks are only a safeguard.
func (q *Queue) poll() time.Duration {
	if q.notified.Load() {
		return 10 * q.config.Poll
	}
	return q.config.Poll
}

// listen wakes the workers when another process notifies.
func (q *Queue) listen(ctx context.Context) {
	for ctx.Err() == nil {
		err := q.store.read(ctx, func(c *conn) error {
			if _, err := c.exec(ctx, "LISTEN "+channel); err != nil {
				return err
			}
			q.notified.Store(true)
			for {
				q.signal() // also at first: a notification may have come before LISTEN
				wait := func(conn any) error {
					return contain("Config.Wait", func() error { return q.config.Wait(ctx, conn) })
				}
				if err := c.Raw(wait); err != nil {
					return err
				}
			}
		})
		q.notified.Store(false)
		if ctx.Err() != nil {
			return
		}
		q.signal() // poll as often as without notifications
		q.config.Logger.Warn("jobs: not notified of other replicas' jobs until the connection is back", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(min(q.config.Poll, pause)):
		}
	}
}
