package jobs_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
)

// server is a PostgreSQL server of the tests' own, on a unix socket in a temporary
// directory. It starts with the first test that needs it.
type server struct {
	once    sync.Once
	skip    string // why there is none
	bin     string
	dir     string
	as      *syscall.Credential // PostgreSQL does not run as root
	process *exec.Cmd
	schemas int
}

var postgres server

// dsn returns the address of a new, empty schema, or skips the test.
func (s *server) dsn(t testing.TB) string {
	t.Helper()
	s.once.Do(func() {
		if err := s.create(); err != nil {
			s.skip = fmt.Sprintf("no PostgreSQL: %v; install it with: apt-get install postgresql", err)
		}
	})
	if s.skip != "" {
		t.Skip(s.skip)
	}
	s.schemas++
	name := fmt.Sprintf("test%d", s.schemas)
	db, err := sql.Open("pgx", s.address())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "CREATE SCHEMA "+name); err != nil {
		t.Fatal(err)
	}
	return s.address() + " search_path=" + name
}

func (s *server) address() string { return "host=" + s.dir + " user=postgres dbname=postgres" }

func (s *server) create() error {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if path, err := exec.LookPath("initdb"); err == nil {
		found = append(found, path)
	}
	if len(found) == 0 {
		return fmt.Errorf("initdb is neither in PATH nor in /usr/lib/postgresql")
	}
	s.bin = filepath.Dir(found[len(found)-1])
	dir, err := os.MkdirTemp("", "jobs-postgres")
	if err != nil {
		return err
	}
	s.dir = dir
	if os.Getuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			return fmt.Errorf("it does not run as root: %w", err)
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		s.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, uid, gid); err != nil {
			return err
		}
	}
	initdb := s.command("initdb", "-D", filepath.Join(dir, "data"), "-U", "postgres", "-A", "trust", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	return s.start()
}

func (s *server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// start starts the server and waits until it takes connections.
func (s *server) start() error {
	s.process = s.command("postgres", "-D", filepath.Join(s.dir, "data"), "-k", s.dir, "-c", "listen_addresses=", "-c", "fsync=off")
	if err := s.process.Start(); err != nil {
		return err
	}
	db, err := sql.Open("pgx", s.address())
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		if err = db.PingContext(ctx); err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// stop ends all connections and the server.
func (s *server) stop() {
	if s.process != nil {
		_ = s.process.Process.Signal(syscall.SIGINT)
		_ = s.process.Wait()
		s.process = nil
	}
}

func (s *server) remove() {
	s.stop()
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}

// wait is Config.Wait for pgx.
func wait(ctx context.Context, conn any) error {
	_, err := conn.(*stdlib.Conn).Conn().WaitForNotification(ctx)
	return err
}
