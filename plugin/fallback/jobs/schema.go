package jobs

import (
	"context"
	"database/sql"
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

// migrate brings db to the present schema.
func (d *database) migrate(ctx context.Context, db *sql.DB) error {
	opened := *d
	opened.open = func(context.Context) (*sql.DB, error) { return db, nil }
	return opened.write(ctx, func(c *conn) error {
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
