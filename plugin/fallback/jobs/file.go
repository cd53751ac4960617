package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
)

// file is a SQLite database in a file of the queue's own. If the file is deleted or
// replaced, the next use opens the file that is there then, or creates it: SQLite itself
// would go on writing to the deleted one.
type file struct {
	path, driver string
	logger       *slog.Logger
	prepare      func(ctx context.Context, db *sql.DB) error // called once for each file

	mu   sync.Mutex
	db   *sql.DB     // guarded by mu
	info fs.FileInfo // of the open file; guarded by mu
}

func (f *file) get(ctx context.Context) (*sql.DB, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.path)
	switch {
	case f.db == nil:
	case err == nil && os.SameFile(info, f.info):
		return f.db, nil
	case err == nil || errors.Is(err, fs.ErrNotExist):
		f.logger.Error("jobs: the queue's file was deleted or replaced; its jobs are gone, and a new file is used", "file", f.path)
	default:
		return nil, fmt.Errorf("jobs: %w", err)
	}
	if err := f.reopen(ctx); err != nil {
		f.close()
		return nil, err
	}
	return f.db, nil
}

// reopen needs mu.
func (f *file) reopen(ctx context.Context) (err error) {
	f.close()
	if f.info, err = private(f.path); err != nil {
		return err
	}
	if f.db, err = sql.Open(f.driver, f.path); err != nil {
		return fmt.Errorf("jobs: no driver %q; import one that registers it, or set Config.Driver: %w", f.driver, err)
	}
	if err := f.useWAL(ctx); err != nil {
		return err
	}
	return f.prepare(ctx, f.db)
}

// useWAL waits for processes that open the file at the same moment. SQLite does not: only
// one connection at a time can change the mode, and the others fail at once where waiting
// could be a deadlock. A file in WAL mode needs no lock for it. It needs mu.
func (f *file) useWAL(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, busyTimeout)
	defer cancel()
	for {
		var mode string
		// glebarez/go-sqlite reports success for a statement whose context has ended; see conn.ExecContext.
		err := f.db.QueryRowContext(context.WithoutCancel(ctx), "PRAGMA journal_mode = WAL").Scan(&mode)
		switch {
		case err == nil && mode == "wal":
			return nil
		case err == nil:
			return fmt.Errorf("jobs: %s is in journal mode %s; its file system must allow WAL mode", f.path, mode)
		case !strings.Contains(err.Error(), "database is locked"): // the words of all drivers
			return fmt.Errorf("jobs: %s cannot be used as a SQLite database in WAL mode: %w", f.path, err)
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("jobs: %s is locked by another process: %w", f.path, err)
		}
	}
}

// close needs mu.
func (f *file) close() {
	if f.db != nil {
		_ = f.db.Close()
	}
	f.db = nil
}

// private creates the file at path if there is none, and makes it readable for its
// owner alone. SQLite gives its -wal and -shm files the same mode. An existing file is
// not opened here: to close it would end the locks of this process's connections to it.
func private(path string) (fs.FileInfo, error) {
	created, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err == nil {
		err = created.Close()
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("jobs: the queue's file cannot be created: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("jobs: %s is not a regular file", path)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			if err := os.Chmod(path+suffix, info.Mode().Perm()&0o700); err != nil {
				return nil, fmt.Errorf("jobs: other users can read the queue's file: %w", err)
			}
		}
	}
	return info, nil
}
