package redistest

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Server is a Redis server on a unix socket in a temporary directory. It keeps nothing on
// disk: a restart loses all.
type Server struct {
	t       testing.TB
	dir     string
	args    []string
	process *exec.Cmd
}

// Start starts a server, which ends with the test. args are those of redis-server, such as
// "--maxmemory", "1mb". If the machine has neither redis-server nor valkey-server, it skips
// the test.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	if binary() == "" {
		t.Skip("no redis-server in PATH; install it with: apt-get install redis-server (valkey-server will do too)")
	}
	dir, err := os.MkdirTemp("", "redistest") // short, as the path of a socket must be
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, dir: dir, args: args}
	t.Cleanup(func() {
		s.Stop()
		_ = os.RemoveAll(dir)
	})
	s.Restart()
	return s
}

func binary() string {
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

func (s *Server) socket() string { return filepath.Join(s.dir, "redis.sock") }

// URL returns the address of the server, as redis.Open takes it.
func (s *Server) URL() string { return "unix://" + s.socket() }

// Restart starts the server again, without data, and waits until it answers. If it runs, it
// is stopped first.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	args := append([]string{"--port", "0", "--unixsocket", s.socket(), "--save", "", "--appendonly", "no", "--dir", s.dir}, s.args...)
	s.process = exec.Command(binary(), args...)
	s.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		answer, err := s.ask("PING")
		if err == nil && !strings.HasPrefix(answer, "-LOADING") {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("redis-server does not answer: %q, %v", answer, err)
		}
	}
}

// Stop kills the server. Connections to it are refused from then on.
func (s *Server) Stop() {
	if s.process != nil {
		_ = s.process.Process.Kill()
		_ = s.process.Wait()
		s.process = nil
	}
	_ = os.Remove(s.socket())
}

// Freeze makes the server take connections and answer nothing, until Thaw.
func (s *Server) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw ends a freeze.
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(signal syscall.Signal) {
	s.t.Helper()
	if err := s.process.Process.Signal(signal); err != nil {
		s.t.Fatal(err)
	}
}

// Do makes the server execute a command, of words without spaces, and returns the first
// line of its answer.
func (s *Server) Do(command string) string {
	s.t.Helper()
	answer, err := s.ask(command)
	if err != nil || strings.HasPrefix(answer, "-") {
		s.t.Fatalf("%s: %s, error %v", command, answer, err)
	}
	return answer
}

func (s *Server) ask(command string) (string, error) {
	conn, err := net.Dial("unix", s.socket())
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintf(conn, "%s\r\n", command); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	return strings.TrimSpace(line), err
}
