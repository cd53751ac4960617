package jobs

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"
	"time"
)

// Tx is the transaction that ends a job. *sql.Tx has the same methods. It must not be
// used after Deliver has returned.
type Tx interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

var _ Tx = (*sql.Tx)(nil)

// busyTimeout is how long a connection waits for the lock of a SQLite file, at most.
const busyTimeout = 5 * time.Second

// database is what differs between SQLite and PostgreSQL. Queries are written for both,
// with ?1, ?2, … as parameters and BLOB for bytes.
type database struct {
	open     func(ctx context.Context) (*sql.DB, error) // returns the same one while it is in order
	postgres bool
	lease    time.Duration
}

// conn is a connection in use, and the Tx of a delivery. now is the time in microseconds: of the machine, whose
// processes share a SQLite file, or of the PostgreSQL server.
type conn struct {
	*sql.Conn
	d   *database
	now int64
}

// read calls fn with a connection, outside of a transaction.
func (d *database) read(ctx context.Context, fn func(*conn) error) error {
	return d.with(ctx, nil, fn)
}

// write calls fn in a transaction, which it commits if fn returns nil and ctx has not
// ended.
func (d *database) write(ctx context.Context, fn func(*conn) error) error {
	// IMMEDIATE takes the lock at once, where SQLite waits for it. A deferred
	// transaction that finds it taken later fails without waiting.
	begin := []string{"BEGIN IMMEDIATE"}
	if d.postgres {
		// The server ends the transaction of a worker that is frozen in the middle of
		// it, which would keep its locks.
		begin = []string{"BEGIN", fmt.Sprintf("SET LOCAL idle_in_transaction_session_timeout = %d", max(d.lease.Milliseconds(), 1000))}
	}
	return d.with(ctx, begin, func(c *conn) error {
		if err := fn(c); err != nil {
			return err
		}
		if ctx.Err() != nil { // see conn.ExecContext; a delivery may have used a statement of its own
			return fmt.Errorf("jobs: %w", context.Cause(ctx))
		}
		_, err := c.exec(ctx, "COMMIT")
		return err
	})
}

// with closes the connection after an error. That rolls its transaction back, and no
// later call meets a connection of a server that was restarted or a file that was
// replaced.
func (d *database) with(ctx context.Context, begin []string, fn func(*conn) error) (err error) {
	db, err := d.open(ctx)
	if err != nil {
		return err
	}
	c, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("jobs: the database cannot be reached: %w", err)
	}
	failed := true // also after a panic
	defer func() {
		if failed {
			_ = c.Raw(func(any) error { return driver.ErrBadConn })
		}
		_ = c.Close()
	}()
	cn := &conn{Conn: c, d: d, now: time.Now().UnixMicro()}
	if !d.postgres {
		begin = append([]string{fmt.Sprintf("PRAGMA busy_timeout = %d", patience(ctx).Milliseconds())}, begin...)
	}
	for _, statement := range begin {
		if _, err := cn.exec(ctx, statement); err != nil {
			return err
		}
	}
	if d.postgres {
		if _, err := cn.row(ctx, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint", nil, &cn.now); err != nil {
			return err
		}
	}
	if err := fn(cn); err != nil {
		return err
	}
	failed = false
	return nil
}

// patience is how long to wait for a lock: SQLite does not see that ctx ends meanwhile.
func patience(ctx context.Context) time.Duration {
	if end, ok := ctx.Deadline(); ok {
		return max(min(time.Until(end), busyTimeout), time.Millisecond)
	}
	return busyTimeout
}

// sql returns a query in the database's own words.
func (d *database) sql(query string) string {
	if d.postgres {
		return strings.NewReplacer("?", "$", " BLOB", " BYTEA").Replace(query)
	}
	return strings.ReplaceAll(query, "FOR UPDATE SKIP LOCKED", "") // its transactions come one after another
}

// ExecContext and the two methods below do not pass the end of ctx on to SQLite. Its
// statements are short and wait for a lock no longer than patience says; and
// glebarez/go-sqlite v1.21.2 skips a statement whose context has ended, but reports
// success, with the number of rows of the statement before.
func (c *conn) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return c.Conn.ExecContext(c.unending(ctx), query, args...)
}

// QueryContext is as of sql.Conn; see ExecContext.
func (c *conn) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return c.Conn.QueryContext(c.unending(ctx), query, args...)
}

// QueryRowContext is as of sql.Conn; see ExecContext.
func (c *conn) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return c.Conn.QueryRowContext(c.unending(ctx), query, args...)
}

func (c *conn) unending(ctx context.Context) context.Context {
	if c.d.postgres {
		return ctx
	}
	return context.WithoutCancel(ctx)
}

// exec returns the number of rows that were changed.
func (c *conn) exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := c.ExecContext(ctx, c.d.sql(query), args...)
	if err != nil {
		return 0, fmt.Errorf("jobs: the database failed: %w", err)
	}
	return result.RowsAffected()
}

// row reads one row. It returns false if there is none.
func (c *conn) row(ctx context.Context, query string, args []any, dst ...any) (bool, error) {
	switch err := c.QueryRowContext(ctx, c.d.sql(query), args...).Scan(dst...); err {
	case nil:
		return true, nil
	case sql.ErrNoRows:
		return false, nil
	default:
		return false, fmt.Errorf("jobs: the database failed: %w", err)
	}
}

// rows calls scan for each row.
func (c *conn) rows(ctx context.Context, query string, args []any, scan func(*sql.Rows) error) error {
	rows, err := c.QueryContext(ctx, c.d.sql(query), args...)
	if err != nil {
		return fmt.Errorf("jobs: the database failed: %w", err)
	}
	defer rows.Close()
	for rows.Next() && err == nil {
		err = scan(rows)
	}
	if err := cmp.Or(err, rows.Err()); err != nil {
		return fmt.Errorf("jobs: the database failed: %w", err)
	}
	return nil
}

// strings reads a column of texts.
func (c *conn) strings(ctx context.Context, query string, args ...any) (texts []string, err error) {
	err = c.rows(ctx, query, args, func(rows *sql.Rows) error {
		var text string
		err := rows.Scan(&text)
		texts = append(texts, text)
		return err
	})
	return texts, err
}

// isPostgres asks the database what it is.
func isPostgres(ctx context.Context, db *sql.DB) (bool, error) {
	var version string
	lite := db.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&version)
	if lite == nil {
		return false, nil
	}
	if err := db.QueryRowContext(ctx, "SELECT version()").Scan(&version); err != nil {
		return false, fmt.Errorf("jobs: the database cannot be reached, or is neither SQLite nor PostgreSQL: %w", lite)
	}
	if !strings.HasPrefix(version, "PostgreSQL") {
		return false, fmt.Errorf("jobs: the database is %.40q; must be SQLite or PostgreSQL", version)
	}
	return true, nil
}
