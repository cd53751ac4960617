package state_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// fault is what is wrong with a store.
type fault int

const (
	healthy fault = iota
	slow          // answers after 200 ms
	frozen        // does not answer
	refused       // fails at once
	full          // fails to write
)

var errStore = errors.New("connection refused")

// faulty is a store that breaks on purpose. It counts the calls that it gets.
type faulty struct {
	store atomic.Pointer[state.Memory]
	fault atomic.Int32
	deaf  atomic.Bool // flags are not pushed
	calls atomic.Int64
	lose  atomic.Bool  // answers are lost: calls have their effect, and then do not answer
	trip  atomic.Int64 // nanoseconds that an answer takes
	late  atomic.Int64 // so many answers take 7 ms
}

// onPath is the key of the counter of calls that somebody waits for: those with a context
// from counted.
type onPath struct{}

func counted(ctx context.Context) (context.Context, *atomic.Int64) {
	n := new(atomic.Int64)
	return context.WithValue(ctx, onPath{}, n), n
}

func (s *faulty) set(f fault) { s.fault.Store(int32(f)) }

// before returns when the store has got a call, and its error.
func (s *faulty) before(ctx context.Context, writes bool) error {
	s.calls.Add(1)
	if n, ok := ctx.Value(onPath{}).(*atomic.Int64); ok {
		n.Add(1)
	}
	if trip := time.Duration(s.trip.Load()); trip > 0 {
		time.Sleep(trip)
	}
	if s.late.Add(-1) >= 0 {
		return pause(ctx, 7*time.Millisecond)
	}
	switch fault(s.fault.Load()) {
	case slow:
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	case frozen:
		<-ctx.Done()
		return ctx.Err()
	case refused:
		return errStore
	case full:
		if writes {
			return errors.New("OOM command not allowed")
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func after[T any](ctx context.Context, s *faulty, answer T, err error) (T, error) {
	if s.lose.Load() {
		<-ctx.Done()
		return *new(T), ctx.Err()
	}
	return answer, err
}

func (s *faulty) Take(ctx context.Context, b state.Bucket, least, most int) (state.Tokens, error) {
	if err := s.before(ctx, true); err != nil {
		return state.Tokens{}, err
	}
	got, err := s.store.Load().Take(ctx, b, least, most)
	return after(ctx, s, got, err)
}

func (s *faulty) Lease(ctx context.Context, a state.Account, c state.Change) (state.Balance, error) {
	if err := s.before(ctx, true); err != nil {
		return state.Balance{}, err
	}
	got, err := s.store.Load().Lease(ctx, a, c)
	return after(ctx, s, got, err)
}

func (s *faulty) Get(ctx context.Context, key string) ([]byte, error) {
	if err := s.before(ctx, false); err != nil {
		return nil, err
	}
	return s.store.Load().Get(ctx, key)
}

func (s *faulty) Set(ctx context.Context, key string, value []byte, keep time.Duration) error {
	if err := s.before(ctx, true); err != nil {
		return err
	}
	return s.store.Load().Set(ctx, key, value, keep)
}

func (s *faulty) Raise(ctx context.Context, space string, f state.Flag) error {
	if err := s.before(ctx, true); err != nil {
		return err
	}
	return s.store.Load().Raise(ctx, space, f)
}

func (s *faulty) Beat(ctx context.Context, space, replica string, ttl time.Duration) (int, []state.Flag, error) {
	if err := s.before(ctx, true); err != nil {
		return 0, nil, err
	}
	return s.store.Load().Beat(ctx, space, replica, ttl)
}

func (s *faulty) Listen(ctx context.Context, space string, f func(state.Flag)) error {
	return s.store.Load().Listen(ctx, space, func(flag state.Flag) {
		if !s.deaf.Load() && fault(s.fault.Load()) == healthy {
			f(flag)
		}
	})
}

func (s *faulty) Close() error { return nil }

// replica returns a view of a store that is closed at the end of the test.
func replica(t *testing.T, store state.Store, config state.Config) *state.Shared {
	t.Helper()
	s, err := state.New(store, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
