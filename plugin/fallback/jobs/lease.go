package jobs

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// lease is a job that this process has taken. Every write for the job names the number
// of its fence, which grows each time the job is taken: a worker that was frozen while
// another took the job changes nothing any more.
type lease struct {
	job             Job
	fence           int64
	payload, answer []byte
	left            time.Duration // until the job expires, by the database's clock when it was taken
	taken           time.Time
	called          bool // the tree of models was called; used by work only

	cancel context.CancelCauseFunc // of the context of the job's work
	done   chan struct{}           // closed when the work has ended
}

// claim takes the next job: of the tenant that was served least recently, the job with
// the highest priority, then the one that has been due for longest. If there is none, it
// returns nil and how long to wait for the next, at most Config.Poll.
func (q *Queue) claim(ctx context.Context) (l *lease, wait time.Duration, err error) {
	var next sql.NullInt64
	after := func(now int64) time.Duration {
		if !next.Valid {
			return q.poll()
		}
		if next.Int64 <= now {
			return q.config.Poll // jobs of newer binaries, or locked ones
		}
		return min(time.Duration(next.Int64-now)*time.Microsecond, q.poll())
	}
	due := false
	err = q.store.read(ctx, func(c *conn) error { // takes no lock while there is nothing to do
		_, err := c.row(ctx, "SELECT min(due_at) FROM fallback_jobs WHERE due_at IS NOT NULL", nil, &next)
		due, wait = next.Valid && next.Int64 <= c.now, after(c.now)
		return err
	})
	if err != nil || !due {
		return nil, wait, err
	}
	err = q.store.write(ctx, func(c *conn) error {
		tenants, err := c.strings(ctx, `SELECT tenant FROM fallback_tenants t WHERE next_at <= ?1 AND `+hasDue+`
			ORDER BY served_at, tenant LIMIT 64`, c.now, payloadVersion)
		for _, tenant := range tenants {
			if err != nil || l != nil {
				return err
			}
			l, err = q.claimOf(ctx, c, tenant)
		}
		if err != nil || l != nil {
			return err
		}
		_, err = c.row(ctx, "SELECT min(next_at) FROM fallback_tenants t WHERE next_at > ?1 AND "+hasDue, []any{c.now, payloadVersion}, &next)
		wait = after(c.now)
		return err
	})
	if err != nil {
		return nil, wait, err
	}
	return l, wait, nil
}

// hasDue is true of a tenant t with a job that is due at ?1.
const hasDue = "EXISTS (SELECT 1 FROM fallback_jobs j WHERE j.tenant = t.tenant AND j.due_at <= ?1 AND j.version <= ?2)"

func (q *Queue) claimOf(ctx context.Context, c *conn, tenant string) (*lease, error) {
	var id string
	found, err := c.row(ctx, `SELECT id FROM fallback_jobs WHERE tenant = ?1 AND due_at <= ?2 AND version <= ?3
		ORDER BY priority DESC, due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED`, []any{tenant, c.now, payloadVersion}, &id)
	if err != nil || !found {
		return nil, err
	}
	served, err := c.exec(ctx, "UPDATE fallback_tenants SET served_at = ?2, next_at = ?3 WHERE tenant = ?1 AND next_at <= ?2",
		tenant, c.now, q.config.nextStart(tenant, c.now))
	if err != nil || served == 0 {
		return nil, err
	}
	// A job that is answered and not yet delivered makes no attempt.
	if _, err := c.exec(ctx, `UPDATE fallback_jobs SET state = 'running', owner = ?2, due_at = ?3, fence = fence + 1,
		attempts = attempts + CASE WHEN answer IS NULL THEN 1 ELSE 0 END WHERE id = ?1`, id, q.owner, c.now+q.config.Lease.Microseconds()); err != nil {
		return nil, err
	}
	l := &lease{done: make(chan struct{})}
	if l.job, err = c.job(ctx, id); err != nil {
		return nil, err
	}
	l.taken, l.left = time.Now(), l.job.Expires.Sub(time.UnixMicro(c.now))
	_, err = c.row(ctx, "SELECT fence, payload, answer FROM fallback_jobs WHERE id = ?1", []any{id}, &l.fence, &l.payload, &l.answer)
	return l, err
}

// remaining returns the time until the job expires.
func (l *lease) remaining() time.Duration { return l.left - time.Since(l.taken) }

// set changes columns of the job, given as for UPDATE with parameters from ?3, and then
// calls also in the same transaction. It returns ErrLeaseLost or ErrCancelled if the job
// is not the lease's any more.
func (q *Queue) set(ctx context.Context, l *lease, columns string, args func(now int64) []any, also func(*conn) error) error {
	return q.store.write(ctx, func(c *conn) error {
		n, err := c.exec(ctx, "UPDATE fallback_jobs SET "+columns+" WHERE id = ?1 AND fence = ?2 AND state = 'running'",
			append([]any{l.job.ID, l.fence}, args(c.now)...)...)
		if err != nil {
			return err
		}
		if n == 0 {
			if job, err := c.job(ctx, l.job.ID); err != nil || job.State != Cancelled {
				return errors.Join(ErrLeaseLost, err)
			}
			return ErrCancelled
		}
		if also == nil {
			return nil
		}
		return also(c)
	})
}

// renew extends the lease by its full time from now.
func (q *Queue) renew(ctx context.Context, l *lease) error {
	return q.set(ctx, l, "due_at = ?3", func(now int64) []any { return []any{now + q.config.Lease.Microseconds()} }, nil)
}

// heartbeat renews the lease until ctx ends. If the job has been cancelled or taken by
// another worker, it ends the work. While the database fails, the work goes on: it can
// still be stored, unless another worker takes the job.
func (q *Queue) heartbeat(ctx context.Context, l *lease) {
	every := time.NewTicker(q.config.Lease / 3)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		once, stop := context.WithTimeout(ctx, q.config.Lease)
		err := q.renew(once, l)
		stop()
		if lost(err) {
			l.cancel(err)
			return
		}
	}
}

// lost reports whether err says that the job is not the lease's any more.
func lost(err error) bool { return errors.Is(err, ErrLeaseLost) || errors.Is(err, ErrCancelled) }

// sweep deletes jobs that ended longer than the retention ago, and tenants without jobs,
// once a minute.
func (q *Queue) sweep(ctx context.Context) error {
	now := time.Now().UnixMicro()
	q.mu.Lock()
	due := now-q.swept >= time.Minute.Microseconds()
	if due {
		q.swept = now
	}
	q.mu.Unlock()
	if !due {
		return nil
	}
	return q.store.write(ctx, func(c *conn) error {
		_, err := c.exec(ctx, "DELETE FROM fallback_jobs WHERE ended_at <= ?1", c.now-q.config.Retention.Microseconds())
		if err != nil {
			return err
		}
		_, err = c.exec(ctx, `DELETE FROM fallback_tenants WHERE next_at <= ?1 AND seen_at <= ?1 - ?2
			AND NOT EXISTS (SELECT 1 FROM fallback_jobs j WHERE j.tenant = fallback_tenants.tenant)`, c.now, time.Hour.Microseconds())
		return err
	})
}
