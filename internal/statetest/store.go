// Package statetest has a store of shared state for tests of several replicas: a store in memory
// that can fail, freeze, be slow or lose messages, and that counts the calls that somebody waits for.
package statetest

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// Store is a store of shared state in memory. It works until a method makes it fail. It is safe
// for concurrent use.
type Store struct {
	state.Store
	gone   atomic.Bool
	frozen atomic.Bool
	deaf   atomic.Bool
	trip   atomic.Int64 // nanoseconds
}

// NewStore returns a store without content.
func NewStore() *Store { return &Store{Store: state.NewMemory()} }

// Gone makes the store refuse all calls, or not.
func (s *Store) Gone(gone bool) { s.gone.Store(gone) }

// Frozen makes the store answer no call, or not.
func (s *Store) Frozen(frozen bool) { s.frozen.Store(frozen) }

// Trip makes each answer of the store take d.
func (s *Store) Trip(d time.Duration) { s.trip.Store(int64(d)) }

// Deaf makes the store lose what it pushes. It holds for replicas that are made later.
func (s *Store) Deaf() { s.deaf.Store(true) }

// Replica returns the view of one more replica, which the end of the test closes.
func (s *Store) Replica(t testing.TB) *state.Shared {
	t.Helper()
	return s.ReplicaWith(t, state.Config{})
}

// ReplicaWith is Replica with a configuration.
func (s *Store) ReplicaWith(t testing.TB, config state.Config) *state.Shared {
	t.Helper()
	config.Logger = slog.New(slog.DiscardHandler)
	shared, err := state.New(s, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shared.Close() })
	return shared
}

type tripsKey struct{}

// CountTrips returns a context for calls, and the number of answers of the store for which
// they have waited.
func CountTrips(ctx context.Context) (context.Context, *atomic.Int64) {
	trips := new(atomic.Int64)
	return context.WithValue(ctx, tripsKey{}, trips), trips
}

// reach returns when the store has got a call.
func (s *Store) reach(ctx context.Context) error {
	if trips, ok := ctx.Value(tripsKey{}).(*atomic.Int64); ok {
		trips.Add(1)
	}
	if trip := time.Duration(s.trip.Load()); trip > 0 {
		select {
		case <-time.After(trip):
		case <-ctx.Done():
		}
	}
	if s.frozen.Load() {
		<-ctx.Done()
	}
	if s.gone.Load() {
		return errors.New("connection refused")
	}
	return ctx.Err()
}

// Take implements state.Store.
func (s *Store) Take(ctx context.Context, b state.Bucket, least, most int) (state.Tokens, error) {
	if err := s.reach(ctx); err != nil {
		return state.Tokens{}, err
	}
	return s.Store.Take(ctx, b, least, most)
}

// Lease implements state.Store.
func (s *Store) Lease(ctx context.Context, a state.Account, c state.Change) (state.Balance, error) {
	if err := s.reach(ctx); err != nil {
		return state.Balance{}, err
	}
	return s.Store.Lease(ctx, a, c)
}

// Get implements state.Store.
func (s *Store) Get(ctx context.Context, key string) ([]byte, error) {
	if err := s.reach(ctx); err != nil {
		return nil, err
	}
	return s.Store.Get(ctx, key)
}

// Set implements state.Store.
func (s *Store) Set(ctx context.Context, key string, value []byte, keep time.Duration) error {
	if err := s.reach(ctx); err != nil {
		return err
	}
	return s.Store.Set(ctx, key, value, keep)
}

// Raise implements state.Store.
func (s *Store) Raise(ctx context.Context, space string, f state.Flag) error {
	if err := s.reach(ctx); err != nil {
		return err
	}
	return s.Store.Raise(ctx, space, f)
}

// Beat implements state.Store.
func (s *Store) Beat(ctx context.Context, space, replica string, ttl time.Duration) (int, []state.Flag, error) {
	if err := s.reach(ctx); err != nil {
		return 0, nil, err
	}
	return s.Store.Beat(ctx, space, replica, ttl)
}

// Listen implements state.Store.
func (s *Store) Listen(ctx context.Context, space string, f func(state.Flag)) error {
	if s.deaf.Load() || s.gone.Load() {
		return errors.New("connection refused")
	}
	return s.Store.Listen(ctx, space, f)
}
