package jobs

import (
	"context"

	"google.golang.org/adk/v2/model"
)

// Step runs the next job to its end or its next attempt on the caller's goroutine. It
// reports false if none is due.
func (q *Queue) Step(ctx context.Context, m model.LLM) (bool, error) {
	l, _, err := q.claim(ctx)
	if l == nil {
		return false, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	l.cancel = cancel
	q.work(ctx, m, l)
	return true, nil
}

// Abandon takes the next job as a worker does that freezes when it has the answer. The
// function that it returns is that worker come back: it delivers.
func (q *Queue) Abandon(ctx context.Context, m model.LLM) (id string, comeBack func() error, err error) {
	l, _, err := q.claim(ctx)
	if l == nil {
		return "", nil, err
	}
	if err := q.attempt(ctx, m, l); err != nil {
		return "", nil, err
	}
	return l.job.ID, func() error { return q.deliver(ctx, l) }, nil
}

// Sweep deletes what is older than the retention.
func (q *Queue) Sweep(ctx context.Context) error {
	q.mu.Lock()
	q.swept = 0
	q.mu.Unlock()
	return q.sweep(ctx)
}
