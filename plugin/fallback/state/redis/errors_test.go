package redis_test

import (
	"bufio"
	"context"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/redistest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// operations calls each method of a store that has an error but Listen and Close.
var operations = map[string]func(ctx context.Context, s state.Store) error{
	"Take": func(ctx context.Context, s state.Store) error {
		_, err := s.Take(ctx, state.Bucket{Key: "some-bucket", PerMinute: 100}, 1, 1)
		return err
	},
	"Lease": func(ctx context.Context, s state.Store) error {
		_, err := s.Lease(ctx, state.Account{Key: "some-account", Limit: 100, Ends: time.Hour}, state.Change{Replica: "some-replica", Spent: 1, Most: 10, TTL: time.Minute})
		return err
	},
	"Get": func(ctx context.Context, s state.Store) error {
		_, err := s.Get(ctx, "some-answer")
		return err
	},
	"Set": func(ctx context.Context, s state.Store) error {
		return s.Set(ctx, "some-answer", []byte("some-value"), time.Minute)
	},
	"Raise": func(ctx context.Context, s state.Store) error {
		return s.Raise(ctx, "some-space:", state.Flag{Key: "some-flag", For: time.Minute, Reason: "some-reason", From: "some-replica"})
	},
	"Beat": func(ctx context.Context, s state.Store) error {
		_, _, err := s.Beat(ctx, "some-space:", "some-replica", time.Minute)
		return err
	},
}

// A server's text can repeat what it was sent. Errors contain no word of it.
func TestErrorsRepeatNothingOfTheServer(t *testing.T) {
	secrets := []string{"hunter22", "ada", "some-", "nothing I know"}
	for _, format := range []string{
		"-ERR nothing I know: ", "-ERR unknown command, with args beginning with: ", "-NOPERM no permissions for ",
		"-WRONGPASS ", "-OOM ", "-hunter22 ", "-", "+", "nonsense ",
	} {
		listener := echo(t, format)
		store := open(t, "redis://ada:hunter22@"+listener)
		for name, operation := range operations {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			err := operation(ctx, store)
			cancel()
			if err == nil && format == "+" {
				continue // it took the text as an answer
			}
			if err == nil || !strings.HasPrefix(err.Error(), "state/redis: ") {
				t.Errorf("%q: %s: error %v", format, name, err)
				continue
			}
			if i := slices.IndexFunc(secrets, func(s string) bool { return strings.Contains(err.Error(), s) }); i >= 0 {
				t.Errorf("%q: %s: %v; contains %q", format, name, err, secrets[i])
			}
		}
	}
}

// echo is a server that answers each word that it is sent with a line of a format and that word.
func echo(t *testing.T, format string) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() { // until the listener is closed
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { // until the client closes
				defer func() { _ = conn.Close() }()
				var words []string
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					word := lines.Text()
					if strings.HasPrefix(word, "*") || strings.HasPrefix(word, "$") {
						continue
					}
					words = append(words, word)
					if _, err := conn.Write([]byte(format + strings.Join(words, " ") + "\r\n")); err != nil {
						return
					}
				}
			}()
		}
	}()
	return listener.Addr().String()
}

// An error says what to do about the server.
func TestErrorsSayWhatToDo(t *testing.T) {
	full := redistest.Start(t, "--maxmemory", "1") // one byte
	locked := redistest.Start(t, "--requirepass", "hunter22")
	for name, test := range map[string]struct{ url, want string }{
		"full":   {full.URL(), "raise maxmemory"},
		"locked": {locked.URL(), "needs a password"},
		"wrong":  {strings.Replace(locked.URL(), "unix://", "unix://:wrong@", 1), "password is wrong"},
		"gone":   {"unix:///nowhere/redis.sock", "no such file"},
	} {
		err := operations["Set"](t.Context(), open(t, test.url))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v; want %q", name, err, test.want)
		}
	}
}

// A call makes one attempt: the caller must not wait for more, and what the first has done is
// not known.
func TestOperationsAreTriedOnce(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	var commands atomic.Int64
	go func() { // until the listener is closed
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { // ends with the connection, after one command
				defer func() { _ = conn.Close() }()
				if n, _ := conn.Read(make([]byte, 4096)); n > 0 {
					commands.Add(1)
				}
			}()
		}
	}()
	store := open(t, "redis://"+listener.Addr().String())
	for name, operation := range operations {
		commands.Store(0)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		err := operation(ctx, store)
		cancel()
		if n := commands.Load(); err == nil || n != 1 {
			t.Errorf("%s: %d attempts, error %v; want one, and an error", name, n, err)
		}
	}
}
