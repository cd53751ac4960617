package jobs

import (
	"context"
	"errors"
	"fmt"
)

// migrations lead from an empty database to the present schema. A later one may only add
// tables, indexes and columns with defaults, so that a binary that knows fewer of them
// goes on working beside newer ones.
//
// due_at is when a worker may next take the job: the next attempt of a pending job, the
// end of the lease of a running one, NULL after the end. All times are microseconds since
// 1970.
var migrations = [][]string{
	{
		`CREATE TABLE fallback_jobs (
			id           TEXT PRIMARY KEY,
			tenant       TEXT NOT NULL,
			idempotency  TEXT,
			priority     BIGINT NOT NULL,
			state        TEXT NOT NULL,
			version      BIGINT NOT NULL,
			payload BLOB,
			answer BLOB,
			attempts     BIGINT NOT NULL DEFAULT 0,
			max_attempts BIGINT NOT NULL,
			fence        BIGINT NOT NULL DEFAULT 0,
			owner        TEXT NOT NULL DEFAULT '',
			error        TEXT NOT NULL DEFAULT '',
			kind         TEXT NOT NULL DEFAULT '',
			created_at   BIGINT NOT NULL,
			expires_at   BIGINT NOT NULL,
			due_at       BIGINT,
			ended_at     BIGINT
		)`,
		`CREATE UNIQUE INDEX fallback_jobs_key ON fallback_jobs (tenant, idempotency)`,
		`CREATE INDEX fallback_jobs_due ON fallback_jobs (due_at) WHERE due_at IS NOT NULL`,
		`CREATE INDEX fallback_jobs_tenant_due ON fallback_jobs (tenant, due_at) WHERE due_at IS NOT NULL`,
		`CREATE INDEX fallback_jobs_order ON fallback_jobs (tenant, priority DESC, due_at) WHERE due_at IS NOT NULL`,
		`CREATE INDEX fallback_jobs_created ON fallback_jobs (created_at)`,
		`CREATE INDEX fallback_jobs_ended ON fallback_jobs (ended_at) WHERE ended_at IS NOT NULL`,
		// served_at is when a job of the tenant last started, next_at when the next may.
		// seen_at is when it last got a job.
		`CREATE TABLE fallback_tenants (
			tenant    TEXT PRIMARY KEY,
			served_at BIGINT NOT NULL DEFAULT 0,
			next_at   BIGINT NOT NULL DEFAULT 0,
			seen_at   BIGINT NOT NULL DEFAULT 0
		)`,
	},
}

// migrationLock is the key of PostgreSQL's advisory lock, under which one process at a
// time migrates.
const migrationLock int64 = 7_046_029_254_386

// check returns an error unless the database has the present schema or a newer one.
func (d *database) check(ctx context.Context) error {
	return d.read(ctx, func(c *conn) error {
		present := "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'fallback_schema'"
		if d.postgres {
			present = "SELECT count(to_regclass('fallback_schema'))"
		}
		var tables, version int
		if _, err := c.row(ctx, present, nil, &tables); err != nil {
			return err
		}
		if tables > 0 {
			if _, err := c.row(ctx, "SELECT version FROM fallback_schema WHERE id = 1", nil, &version); err != nil {
				return err
			}
		}
		switch {
		case version == 0:
			return errors.New("jobs: the database has no queue of deferred calls; name the one that the application opens")
		case version < len(migrations):
			return fmt.Errorf("jobs: the queue has schema %d of an older release, want %d; start an application of this release, which migrates it", version, len(migrations))
		}
		return nil
	})
}

// migrate brings the database to the present schema.
func (d *database) migrate(ctx context.Context) error {
	return d.write(ctx, func(c *conn) error {
		if d.postgres {
			if _, err := c.exec(ctx, "SELECT pg_advisory_xact_lock(?1)", migrationLock); err != nil {
				return err
			}
		}
		if _, err := c.exec(ctx, "CREATE TABLE IF NOT EXISTS fallback_schema (id BIGINT PRIMARY KEY, version BIGINT NOT NULL)"); err != nil {
			return err
		}
		var version int
		if _, err := c.row(ctx, "SELECT version FROM fallback_schema WHERE id = 1", nil, &version); err != nil {
			return err
		}
		if version >= len(migrations) {
			return nil
		}
		for _, statements := range migrations[version:] {
			for _, statement := range statements {
				if _, err := c.exec(ctx, statement); err != nil {
					return err
				}
			}
		}
		_, err := c.exec(ctx, `INSERT INTO fallback_schema (id, version) VALUES (1, ?1)
			ON CONFLICT (id) DO UPDATE SET version = ?1`, len(migrations))
		return err
	})
}
