package chaos_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// storms are the ways for the store that replicas share to be. "" is none.
var storms = []string{"", "", "", "well", "gone", "silent", "comes and goes", "one in three fails"}

// stormy is a store in memory that fails. What a failed call was to do is done or not.
type stormy struct {
	*state.Memory
	storm string

	mu     sync.Mutex
	random *rand.Rand // guarded by mu
}

func newStormy(p *plan) *stormy {
	return &stormy{Memory: state.NewMemory(), storm: p.Store, random: rand.New(rand.NewPCG(p.Seed, 53))}
}

var errGone = errors.New("dial tcp 10.0.0.1:6379: connect: connection refused")

// fate returns the error of a call, nil if it is to be done, and whether it is done anyway.
func (s *stormy) fate(ctx context.Context) (done bool, err error) {
	switch phase := time.Now().Unix() / 3 % 4; {
	case s.storm == "gone" || s.storm == "comes and goes" && phase == 1:
		return false, errGone
	case s.storm == "silent" || s.storm == "comes and goes" && phase == 3:
		<-ctx.Done()
		return false, ctx.Err()
	case s.storm == "one in three fails":
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.random.IntN(3) == 0 {
			return s.random.IntN(2) == 0, errGone
		}
	}
	return true, nil
}

// Take implements state.Store.
func (s *stormy) Take(ctx context.Context, b state.Bucket, least, most int) (t state.Tokens, err error) {
	done, failed := s.fate(ctx)
	if done {
		t, err = s.Memory.Take(ctx, b, least, most)
	}
	return t, errors.Join(failed, err)
}

// Lease implements state.Store.
func (s *stormy) Lease(ctx context.Context, a state.Account, c state.Change) (b state.Balance, err error) {
	done, failed := s.fate(ctx)
	if done {
		b, err = s.Memory.Lease(ctx, a, c)
	}
	return b, errors.Join(failed, err)
}

// Get implements state.Store.
func (s *stormy) Get(ctx context.Context, key string) ([]byte, error) {
	if _, err := s.fate(ctx); err != nil {
		return nil, err
	}
	return s.Memory.Get(ctx, key)
}

// Set implements state.Store.
func (s *stormy) Set(ctx context.Context, key string, value []byte, keep time.Duration) error {
	if _, err := s.fate(ctx); err != nil {
		return err
	}
	return s.Memory.Set(ctx, key, value, keep)
}

// Raise implements state.Store.
func (s *stormy) Raise(ctx context.Context, space string, f state.Flag) error {
	if _, err := s.fate(ctx); err != nil {
		return err
	}
	return s.Memory.Raise(ctx, space, f)
}

// Beat implements state.Store.
func (s *stormy) Beat(ctx context.Context, space, replica string, ttl time.Duration) (int, []state.Flag, error) {
	if _, err := s.fate(ctx); err != nil {
		return 0, nil, err
	}
	return s.Memory.Beat(ctx, space, replica, ttl)
}
