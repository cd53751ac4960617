package jobs

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
)

const jobColumns = `id, tenant, priority, state, answer IS NOT NULL, attempts, max_attempts, owner, error, kind,
	created_at, expires_at, due_at, ended_at`

// scanned is a row of jobColumns.
type scanned struct {
	Job
	created, expires int64
	due, ended       sql.NullInt64
}

func (s *scanned) targets() []any {
	return []any{
		&s.ID, &s.Tenant, &s.Priority, &s.State, &s.Answered, &s.Attempts, &s.MaxAttempts, &s.Owner, &s.Error, &s.Kind,
		&s.created, &s.expires, &s.due, &s.ended,
	}
}

func (s *scanned) job() Job {
	s.Created, s.Expires = time.UnixMicro(s.created), time.UnixMicro(s.expires)
	if s.due.Valid {
		s.Due = time.UnixMicro(s.due.Int64)
	}
	if s.ended.Valid {
		s.Ended = time.UnixMicro(s.ended.Int64)
	}
	s.Answered = s.Answered || s.State == Done // the answer is erased then
	return s.Job
}

// Get returns a job, or ErrNotFound.
func (q *Queue) Get(ctx context.Context, id string) (Job, error) {
	var job Job
	err := q.store.read(ctx, func(c *conn) (err error) {
		job, err = c.job(ctx, id)
		return err
	})
	return job, err
}

func (c *conn) job(ctx context.Context, id string) (Job, error) {
	var s scanned
	found, err := c.row(ctx, "SELECT "+jobColumns+" FROM fallback_jobs WHERE id = ?1", []any{id}, s.targets()...)
	if err == nil && !found {
		err = fmt.Errorf("%w: %.64q", ErrNotFound, id)
	}
	return s.job(), err
}

// List returns the jobs that match, latest first.
func (q *Queue) List(ctx context.Context, f Filter) (jobs []Job, err error) {
	err = q.store.read(ctx, func(c *conn) error {
		return c.rows(ctx, "SELECT "+jobColumns+` FROM fallback_jobs
			WHERE (?1 = '' OR state = ?1) AND (?2 = '' OR tenant = ?2) ORDER BY created_at DESC, id LIMIT ?3`,
			[]any{string(f.State), f.Tenant, cmp.Or(max(f.Limit, 0), 100)}, func(rows *sql.Rows) error {
				var s scanned
				if err := rows.Scan(s.targets()...); err != nil {
					return err
				}
				jobs = append(jobs, s.job())
				return nil
			})
	})
	return jobs, err
}

// Counts returns how many jobs are in each state, for metrics and status pages. Jobs that
// have ended count until Config.Retention is over.
func (q *Queue) Counts(ctx context.Context) (n inspect.Jobs, err error) {
	err = q.store.read(ctx, func(c *conn) error {
		return c.rows(ctx, "SELECT state, COUNT(*), MIN(created_at) FROM fallback_jobs GROUP BY state", nil, func(rows *sql.Rows) error {
			var state State
			var jobs int
			var oldest int64
			if err := rows.Scan(&state, &jobs, &oldest); err != nil {
				return err
			}
			switch state {
			case Pending:
				n.Pending, n.Oldest = jobs, time.UnixMicro(oldest)
			case Running:
				n.Running = jobs
			case Done:
				n.Done = jobs
			case Failed:
				n.Failed = jobs
			case Cancelled:
				n.Cancelled = jobs
			}
			return nil
		})
	})
	return n, err
}

// Retry makes a failed or cancelled job due at once, with all its attempts and as much
// time as it had at first. It returns ErrNotFound or ErrNotRetryable for others.
func (q *Queue) Retry(ctx context.Context, id string) error {
	err := q.store.write(ctx, func(c *conn) error {
		n, err := c.exec(ctx, `UPDATE fallback_jobs SET state = 'pending', due_at = ?2, expires_at = ?2 + expires_at - created_at,
			created_at = ?2, ended_at = NULL, attempts = 0, error = '', kind = '' WHERE id = ?1 AND state IN ('failed', 'cancelled')`, id, c.now)
		if err != nil {
			return err
		}
		if n == 0 {
			job, err := c.job(ctx, id)
			return cmp.Or(err, fmt.Errorf("%w: it is %s", ErrNotRetryable, job.State))
		}
		return q.notify(ctx, c)
	})
	q.signal()
	return err
}

// Cancel ends a job. A call that runs in this process ends at once with the context cause
// ErrCancelled, in another one within a third of its lease. A delivery that has begun may
// still arrive. Cancel returns ErrNotFound or ErrEnded.
func (q *Queue) Cancel(ctx context.Context, id string) error {
	var job Job
	err := q.store.write(ctx, func(c *conn) error {
		n, err := c.exec(ctx, "UPDATE fallback_jobs SET state = 'cancelled', due_at = NULL, ended_at = ?2 WHERE id = ?1 AND due_at IS NOT NULL", id, c.now)
		if err != nil {
			return err
		}
		if job, err = c.job(ctx, id); err == nil && n == 0 {
			err = fmt.Errorf("%w: it is %s", ErrEnded, job.State)
		}
		return err
	})
	if err != nil {
		return err
	}
	q.mu.Lock()
	l := q.running[id]
	q.mu.Unlock()
	if l != nil {
		l.cancel(ErrCancelled)
	}
	q.ended(ctx, job)
	return nil
}
