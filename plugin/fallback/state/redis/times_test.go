package redis_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	client "github.com/redis/go-redis/v9"

	"github.com/adk-fallback/adk-fallback/internal/redistest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state/redis"
)

// patience is far more than a context of 5 ms, for a busy machine, and less than any of the
// client's own times.
const patience = 500 * time.Millisecond

// B96: each operation ends with its context, whatever the server does: before and after the
// store has connections.
func TestOperationsEndWithTheirContext(t *testing.T) {
	for name, fail := range map[string]func(t *testing.T) (url string, fail func()){
		"silent": func(t *testing.T) (string, func()) { return silent(t), func() {} },
		"frozen": func(t *testing.T) (string, func()) {
			server := redistest.Start(t)
			return server.URL(), server.Freeze
		},
		"stopped": func(t *testing.T) (string, func()) {
			server := redistest.Start(t)
			return server.URL(), server.Stop
		},
		"cut": func(t *testing.T) (string, func()) {
			link := redistest.NewLink(t, redistest.Start(t))
			return link.URL(), link.Cut
		},
		"slow": func(t *testing.T) (string, func()) {
			link := redistest.NewLink(t, redistest.Start(t))
			return link.URL(), func() { link.Slow(2 * patience) }
		},
		"refused": func(t *testing.T) (string, func()) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			return "redis://" + listener.Addr().String(), func() { _ = listener.Close() }
		},
	} {
		t.Run(name, func(t *testing.T) {
			url, fail := fail(t)
			used, unused := open(t, url), open(t, url)
			if name != "silent" && name != "refused" {
				if err := operations["Set"](t.Context(), used); err != nil {
					t.Fatal(err)
				}
			}
			fail()
			var longest time.Duration
			for _, store := range []state.Store{used, unused} {
				for operation, do := range operations {
					longest = max(longest, inTime(t, operation, do, store))
				}
			}
			t.Logf("with a context of 5 ms, the slowest operation took %v", longest)
		})
	}
}

// inTime calls an operation with a context that ends, by time and by hand, and returns how
// long the former took.
func inTime(t *testing.T, name string, do func(context.Context, state.Store) error, store state.Store) time.Duration {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	began := time.Now()
	err := do(ctx, store)
	took := time.Since(began)
	if err == nil || took > patience {
		t.Errorf("%s: error %v after %v; want one within 5 ms", name, err, took)
	}
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(5*time.Millisecond, cancel)
	began = time.Now()
	if err := do(ctx, store); err == nil || time.Since(began) > patience {
		t.Errorf("%s: error %v %v after its start, want one when its context is cancelled after 5 ms", name, err, time.Since(began))
	}
	return took
}

// silent is a server that takes connections and never answers.
func silent(t *testing.T) (url string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return "redis://" + listener.Addr().String()
}

// B96: a client with go-redis's own settings, which wait for seconds, does not make an
// operation outlast its context.
func TestForeignClientsEndWithTheContext(t *testing.T) {
	address := silent(t)[len("redis://"):]
	c := client.NewClient(&client.Options{Addr: address})
	defer func() { _ = c.Close() }()
	for name, do := range operations {
		inTime(t, name, do, redis.New(c))
	}
}

// Listen ends with its context, on a server that answers and on one that does not, and by
// itself when pushes are lost.
func TestListenEnds(t *testing.T) {
	server := redistest.Start(t)
	store := open(t, server.URL())
	ctx, cancel := context.WithCancel(t.Context())
	ended := listening(ctx, t, store)
	cancel()
	if err := await(t, ended); !errors.Is(err, context.Canceled) {
		t.Errorf("Listen of a context that was cancelled: %v", err)
	}

	ended = listening(t.Context(), t, store)
	server.Do("CLIENT KILL TYPE pubsub")
	if err := await(t, ended); err == nil {
		t.Error("Listen whose connection was killed: no error")
	}

	ended = listening(t.Context(), t, store)
	server.Freeze()
	if err := await(t, ended); err == nil {
		t.Error("Listen on a frozen server: no error")
	}

	ctx, cancel = context.WithCancel(t.Context())
	go func() { ended <- store.Listen(ctx, "space:", func(state.Flag) {}) }()
	time.AfterFunc(5*time.Millisecond, cancel)
	if err := await(t, ended); !errors.Is(err, context.Canceled) {
		t.Errorf("Listen on a frozen server, of a context that was cancelled: %v", err)
	}
}

// listening starts Listen and waits until it hears of a flag.
func listening(ctx context.Context, t *testing.T, store state.Store) (ended chan error) {
	t.Helper()
	heard := make(chan struct{}, 100)
	ended = make(chan error, 1)
	go func() { ended <- store.Listen(ctx, "space:", func(state.Flag) { heard <- struct{}{} }) }()
	for {
		if err := store.Raise(ctx, "space:", state.Flag{Key: "flag", For: time.Minute}); err != nil {
			t.Fatal(err)
		}
		select {
		case <-heard:
			return ended
		case err := <-ended:
			t.Fatalf("Listen: %v", err)
		case <-time.After(5 * time.Millisecond): // it has not subscribed yet
		}
	}
}

func await(t *testing.T, ended <-chan error) error {
	t.Helper()
	select {
	case err := <-ended:
		return err
	case <-time.After(10 * time.Second):
		t.Fatal("Listen has not ended")
		return nil
	}
}

// B96: a server that answers slowly can be used by operations that wait for long enough, even
// if a new connection takes longer: it is completed for the next operation.
func TestSlowConnectionsAreCompleted(t *testing.T) {
	link := redistest.NewLink(t, redistest.Start(t))
	link.Slow(200 * time.Millisecond) // a connection is usable after two answers
	store := open(t, link.URL())
	for began := time.Now(); ; {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		err := operations["Get"](ctx, store)
		cancel()
		if err == nil {
			return
		}
		if time.Since(began) > 20*time.Second {
			t.Fatal(err)
		}
	}
}

// B96: a thousand calls at once of a server that does not answer end in time, and what goes on
// for them ends too.
func TestFrozenServerHoldsNothing(t *testing.T) {
	server := redistest.Start(t)
	store := open(t, server.URL())
	shared, err := state.New(store, state.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer shared.Close()
	shared.Get(t.Context(), "key")
	before := runtime.NumGoroutine()
	server.Freeze()
	var calls sync.WaitGroup
	for i := range 1000 {
		calls.Go(func() {
			shared.Get(t.Context(), "key")
			shared.Bucket(strconv.Itoa(i), 100).Take(t.Context(), 1)
			_ = shared.Account(strconv.Itoa(i), 100, time.Now().Add(time.Hour)).Reserve(t.Context(), 1)
		})
	}
	calls.Wait()
	if shared.Inspect().Shared.Reachable {
		t.Error("the frozen server is reachable")
	}
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		now := runtime.NumGoroutine()
		if now <= before+8 { // a probe, and connections
			return
		}
		if time.Since(began) > 10*time.Second {
			t.Fatalf("%d goroutines, %d before", now, before)
		}
	}
}
