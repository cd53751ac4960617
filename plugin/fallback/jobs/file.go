package jobs

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"
)

// file is a SQLite database in a file of the queue's own. If the file is deleted or
// replaced, the next use opens the file that is there then, or creates it: SQLite itself
// would go on writing to the deleted one.
type file struct {
	path, driver string
	existing     bool // the file is never created or changed by opening it
	logger       *slog.Logger
	prepare      func(ctx context.Context, db *sql.DB) error // called once for each file

	lock chan struct{} // has an element while it is taken: a caller stops waiting for it when its context ends
	db   *sql.DB       // guarded by lock
	info fs.FileInfo   // of the open file; guarded by lock
}

func (f *file) get(ctx context.Context) (*sql.DB, error) {
	select {
	case f.lock <- struct{}{}:
		defer func() { <-f.lock }()
	case <-ctx.Done():
		return nil, fmt.Errorf("jobs: the queue's file is being opened: %w (%s)", context.Cause(ctx), f.path)
	}
	info, err := os.Stat(f.path)
	switch {
	case f.db == nil:
	case err == nil && os.SameFile(info, f.info):
		return f.db, nil
	case err == nil || errors.Is(err, fs.ErrNotExist):
		f.logger.Error("jobs: the queue's file was deleted or replaced; its jobs are gone, and a new file is used", "file", f.path)
	default:
		return nil, fileError("cannot be used", err, f.path)
	}
	if err := f.reopen(ctx); err != nil {
		f.close()
		return nil, err
	}
	return f.db, nil
}

// reopen needs lock.
func (f *file) reopen(ctx context.Context) (err error) {
	f.close()
	if !f.existing {
		if err := create(f.path); err != nil {
			return err
		}
	}
	if f.info, err = os.Stat(f.path); err != nil {
		return fileError("cannot be used", err, f.path)
	}
	if !f.info.Mode().IsRegular() {
		return fmt.Errorf("jobs: the queue's file is not a regular file (%s)", f.path)
	}
	if f.db, err = sql.Open(f.driver, f.path); err != nil {
		return fmt.Errorf("jobs: no driver %q; import one that registers it, or set Config.Driver: %w", f.driver, err)
	}
	if !f.existing {
		if err := cmp.Or(protect(f.path), f.useWAL(ctx)); err != nil {
			return err
		}
	}
	return f.prepare(ctx, f.db)
}

// useWAL waits for processes that open the file at the same moment. SQLite does not: only
// one connection at a time can change the mode, and the others fail at once where waiting
// could be a deadlock. A file in WAL mode needs no lock for it. It needs lock.
func (f *file) useWAL(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, busyTimeout)
	defer cancel()
	for {
		var mode string
		err := f.setWAL(ctx, &mode)
		switch {
		case err == nil && mode == "wal":
			return nil
		case err == nil:
			return fmt.Errorf("jobs: the queue's file is in journal mode %s; its file system must allow WAL mode (%s)", mode, f.path)
		case !strings.Contains(err.Error(), "database is locked"): // the words of all drivers
			return fileError("cannot be used as a SQLite database in WAL mode", err, f.path)
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return fileError("is locked by another process", err, f.path)
		}
	}
}

// setWAL tries to change the journal mode, and reads which one it is then.
func (f *file) setWAL(ctx context.Context, mode *string) error {
	// glebarez/go-sqlite reports success for a statement whose context has ended (see conn.ExecContext),
	// and by default waits 5s for a lock, whatever the context says.
	unending := context.WithoutCancel(ctx)
	c, err := f.db.Conn(unending)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.ExecContext(unending, fmt.Sprintf("PRAGMA busy_timeout = %d", patience(ctx).Milliseconds())); err != nil {
		return err
	}
	return c.QueryRowContext(unending, "PRAGMA journal_mode = WAL").Scan(mode)
}

// close needs lock.
func (f *file) close() {
	if f.db != nil {
		_ = f.db.Close()
	}
	f.db = nil
}

// create creates the file at path if there is none, readable for its owner alone. An
// existing file is not opened here: to close it would end the locks of this process's
// connections to it.
func create(path string) error {
	created, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err == nil {
		err = created.Close()
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fileError("cannot be created", err, path)
	}
	return nil
}

// protect makes the file at path readable for its owner alone. SQLite gives the -wal and
// -shm files that it creates the same mode; there may be some already.
func protect(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			if err := os.Chmod(path+suffix, info.Mode().Perm()&0o700); err != nil {
				return fileError("can be read by other users", err, path)
			}
		}
	}
	return nil
}

// fileError says what is wrong with the file at path. The path comes last: the record of a
// deferred call, which has this as its reason, is cut after some words.
func fileError(what string, err error, path string) error {
	if of, ok := errors.AsType[*fs.PathError](err); ok {
		err = of.Err
	}
	return fmt.Errorf("jobs: the queue's file %s: %w (%s)", what, err, path)
}
