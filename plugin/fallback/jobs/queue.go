package jobs

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// channel is the name that PostgreSQL's notifications go by.
const channel = "fallback_jobs"

// Queue is a durable queue of deferred calls. It is safe for concurrent use, by any
// number of processes on one database.
type Queue struct {
	config Config
	store  *database
	file   *file  // nil for Config.DB
	owner  string // of the jobs that this process runs; new for each Queue

	woken    chan struct{} // holds one signal that there may be work
	notified atomic.Bool   // of other processes' jobs

	mu      sync.Mutex
	running map[string]*lease // by job id; guarded by mu
	swept   int64             // when ended jobs were last deleted; guarded by mu
}

// Open opens the queue and creates or migrates its tables, fallback_jobs,
// fallback_tenants and fallback_schema, unless Config.Existing is set. Several processes
// may do so at once. The error names every wrong field, or says what is wrong with the
// database.
func Open(ctx context.Context, config Config) (*Queue, error) {
	config, err := config.prepared()
	if err != nil {
		return nil, err
	}
	q := &Queue{
		config: config, owner: newID(), woken: make(chan struct{}, 1), running: map[string]*lease{},
		store: &database{lease: config.Lease},
	}
	if config.File != "" {
		q.file = &file{
			path: config.File, driver: config.Driver, existing: config.Existing, logger: config.Logger,
			prepare: q.prepare, lock: make(chan struct{}, 1),
		}
		q.store.open = q.file.get
		_, err := q.file.get(ctx)
		return q, err
	}
	if q.store.postgres, err = isPostgres(ctx, config.DB); err != nil {
		return nil, err
	}
	q.store.open = func(context.Context) (*sql.DB, error) { return config.DB, nil }
	return q, q.prepare(ctx, config.DB)
}

// prepare makes sure that db has the tables.
func (q *Queue) prepare(ctx context.Context, db *sql.DB) error {
	store := *q.store // the queue's own is not open yet
	store.open = func(context.Context) (*sql.DB, error) { return db, nil }
	if q.config.Existing {
		return store.check(ctx)
	}
	return store.migrate(ctx)
}

// Close closes Config.File. Call it after Run has returned.
func (q *Queue) Close() error {
	if q.file == nil {
		return nil
	}
	q.file.lock <- struct{}{}
	defer func() { <-q.file.lock }()
	q.file.close()
	return nil
}

func newID() string { return strings.ToLower(rand.Text()) }

// Enqueue stores a request and returns the id of its job. The caller's Info (package
// call) is stored with it: the call is made in its name, so budgets and guards hold. When
// Enqueue returns nil, the job survives a crash. An error may also mean that the database
// could not say whether it did; then a second Enqueue with the same Key is safe.
func (q *Queue) Enqueue(ctx context.Context, r Request) (id string, err error) {
	if r.LLM == nil || len(r.LLM.Contents) == 0 {
		return "", errors.New("jobs: Request.LLM has no contents")
	}
	if r.Delay < 0 || r.Expiry < 0 || r.MaxAttempts < 0 {
		return "", fmt.Errorf("jobs: Request has a negative Delay (%v), Expiry (%v) or MaxAttempts (%d)", r.Delay, r.Expiry, r.MaxAttempts)
	}
	caller := call.From(ctx)
	stored, err := q.seal(newPayload(r.LLM, caller))
	if err != nil {
		return "", err
	}
	id = newID()
	err = q.store.write(ctx, func(c *conn) error {
		// seen_at keeps sweep from deleting the tenant before this commits.
		if _, err := c.exec(ctx, `INSERT INTO fallback_tenants (tenant, seen_at) VALUES (?1, ?2)
			ON CONFLICT (tenant) DO UPDATE SET seen_at = ?2`, caller.Tenant, c.now); err != nil {
			return err
		}
		if r.Key != "" { // a job that is over gives its key up
			over := "'failed', 'cancelled'"
			if r.KeyUntilDone {
				over += ", 'done'"
			}
			if _, err := c.exec(ctx, "UPDATE fallback_jobs SET idempotency = NULL WHERE tenant = ?1 AND idempotency = ?2 AND state IN ("+over+")", caller.Tenant, r.Key); err != nil {
				return err
			}
		}
		expires := c.now + cmp.Or(r.Expiry, q.config.Expiry).Microseconds()
		added, err := c.exec(ctx, `INSERT INTO fallback_jobs
			(id, tenant, idempotency, priority, state, version, payload, max_attempts, created_at, expires_at, due_at)
			VALUES (?1, ?2, ?3, ?4, 'pending', ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (tenant, idempotency) DO NOTHING`,
			id, caller.Tenant, sql.NullString{String: r.Key, Valid: r.Key != ""}, r.Priority, payloadVersion, stored,
			cmp.Or(r.MaxAttempts, q.config.MaxAttempts), c.now, expires, min(c.now+r.Delay.Microseconds(), expires))
		if err != nil {
			return err
		}
		if added == 0 {
			_, err := c.row(ctx, "SELECT id FROM fallback_jobs WHERE tenant = ?1 AND idempotency = ?2", []any{caller.Tenant, r.Key}, &id)
			return err
		}
		return q.notify(ctx, c)
	})
	if err != nil {
		return "", err
	}
	q.signal()
	return id, nil
}

// Wake makes all pending jobs due at once, in all processes. Call it when a breaker
// closes or a quota returns:
//
//	middleware.BreakerConfig{OnStateChange: func(_ string, _, to middleware.BreakerState) {
//		if to == middleware.BreakerClosed {
//			go queue.Wake(context.Background())
//		}
//	}}
func (q *Queue) Wake(ctx context.Context) error {
	err := q.store.write(ctx, func(c *conn) error {
		n, err := c.exec(ctx, "UPDATE fallback_jobs SET due_at = ?1 WHERE state = 'pending' AND due_at > ?1", c.now)
		if err != nil || n == 0 {
			return err
		}
		return q.notify(ctx, c)
	})
	q.signal()
	return err
}

// signal wakes the workers of this process.
func (q *Queue) signal() {
	select {
	case q.woken <- struct{}{}:
	default: // a signal is waiting
	}
}

// notify wakes those of other processes when the transaction is committed.
func (q *Queue) notify(ctx context.Context, c *conn) error {
	if !q.store.postgres {
		return nil // they poll
	}
	_, err := c.exec(ctx, "SELECT pg_notify(?1, '')", channel)
	return err
}
