package pgtest

import (
	"bytes"
	"context"
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

	"github.com/jackc/pgx/v5"
)

// Server is a PostgreSQL server on a unix socket in a temporary directory. It starts with the first
// test that needs it. The zero value is ready to use. It is not safe for concurrent use.
type Server struct {
	once    sync.Once
	skip    string // why there is none
	bin     string
	dir     string
	as      *syscall.Credential // PostgreSQL does not run as root
	process *exec.Cmd
	schemas int
}

// DSN returns the address of a new, empty schema, in the form of keywords and values. If the machine has
// no PostgreSQL, it skips the test.
func (s *Server) DSN(t testing.TB) string {
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
	c, err := pgx.Connect(t.Context(), s.address())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.WithoutCancel(t.Context())) }()
	if _, err := c.Exec(t.Context(), "CREATE SCHEMA "+name); err != nil {
		t.Fatal(err)
	}
	return s.address() + " search_path=" + name
}

func (s *Server) address() string { return "host=" + s.dir + " user=postgres dbname=postgres" }

func (s *Server) create() error {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if path, err := exec.LookPath("initdb"); err == nil {
		found = append(found, path)
	}
	if len(found) == 0 {
		return fmt.Errorf("initdb is neither in PATH nor in /usr/lib/postgresql")
	}
	s.bin = filepath.Dir(found[len(found)-1])
	dir, err := os.MkdirTemp("", "pgtest")
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
	return s.Start()
}

func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// Start starts the server and waits until it takes connections.
func (s *Server) Start() error {
	s.process = s.command("postgres", "-D", filepath.Join(s.dir, "data"), "-k", s.dir, "-c", "listen_addresses=", "-c", "fsync=off")
	if err := s.process.Start(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		c, err := pgx.Connect(ctx, s.address())
		if err == nil {
			return c.Close(ctx)
		}
		if ctx.Err() != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Stop ends all connections and the server.
func (s *Server) Stop() {
	if s.process != nil {
		_ = s.process.Process.Signal(syscall.SIGINT)
		_ = s.process.Wait()
		s.process = nil
	}
}

// Remove stops the server and deletes its files.
func (s *Server) Remove() {
	s.Stop()
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}
