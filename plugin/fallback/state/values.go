package state

import (
	"context"
	"errors"
	"time"
)

// maxValues bounds the values that wait to be sent.
const maxValues = 256

// maxGets bounds the calls of Get that wait for the store at once. More would wait for each
// other rather than for the store, and it would seem to be late.
const maxGets = 64

// value is an [errand].
type value struct {
	s     *Shared
	key   string
	bytes []byte
	until time.Time
}

// Ready reports whether Get would return without waiting for the store.
func (s *Shared) Ready() bool { return s == nil || s.gone() }

// Get returns the value of a key. It returns nil if there is none, if the store is gone, if the
// store does not answer within Config.Timeout, or if 64 calls already wait for values. The
// caller must not change the value.
func (s *Shared) Get(ctx context.Context, key string) []byte {
	if s == nil || s.gone() {
		return nil
	}
	defer s.gets.Add(-1)
	if s.gets.Add(1) > maxGets {
		return nil
	}
	found, _ := ask(ctx, &s.link, s.config.Timeout, func(ctx context.Context) ([]byte, error) {
		return s.store.Get(ctx, s.key("value", key))
	})
	return found
}

// Set stores a value for the time keep. It never waits: the value is sent in the background. If
// 256 values already wait to be sent, it is dropped. An empty value is not stored. The caller
// must not change the value later.
func (s *Shared) Set(key string, bytes []byte, keep time.Duration) {
	if s == nil || len(bytes) == 0 || keep <= 0 {
		return
	}
	select {
	case s.values <- &value{s, s.key("value", key), bytes, time.Now().Add(keep)}:
		s.errands.nudge()
	default:
		s.dropped.Add(1)
	}
}

// send implements errand. A value that the store refuses is dropped without marking the store
// as gone: the next value may be smaller, and other requests notice an outage.
func (v *value) send(ctx context.Context) {
	keep := time.Until(v.until)
	if keep <= 0 {
		return
	}
	var refused error
	_, err := ask(ctx, &v.s.link, v.s.background(), func(ctx context.Context) (struct{}, error) {
		refused = v.s.store.Set(ctx, v.key, v.bytes, keep)
		if errors.Is(refused, context.DeadlineExceeded) {
			return struct{}{}, refused
		}
		return struct{}{}, nil
	})
	if err != nil || refused != nil {
		v.s.dropped.Add(1)
	}
}
