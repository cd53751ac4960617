package state

import (
	"context"
	"time"
)

// space is what the replicas of one application share: see [Store.Raise].
type space struct {
	flags     expiring[Flag]
	replicas  expiring[struct{}]
	listeners map[chan Flag]bool
}

// pushed bounds the pushes that wait for a listener.
const pushed = 256

// space returns a space. It needs mu.
func (m *Memory) space(name string) *space {
	s := m.spaces[name]
	if s == nil {
		s = &space{listeners: make(map[chan Flag]bool)}
		m.spaces[name] = s
	}
	return s
}

// Raise implements [Store].
func (m *Memory) Raise(ctx context.Context, space string, f Flag) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.For = max(f.For, 0)
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.space(space)
	s.flags.set(f.Key, f, time.Now(), f.For)
	for listener := range s.listeners {
		select {
		case listener <- f:
		default:
			delete(s.listeners, listener)
			close(listener)
		}
	}
	return nil
}

// Beat implements [Store].
func (m *Memory) Beat(ctx context.Context, space, replica string, ttl time.Duration) (replicas int, flags []Flag, err error) {
	if err := ctx.Err(); err != nil {
		return 0, nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now, s := time.Now(), m.space(space)
	s.replicas.set(replica, struct{}{}, now, ttl)
	for range s.replicas.all(now) {
		replicas++
	}
	for key, f := range s.flags.all(now) {
		f.For = s.flags.left(key, now)
		flags = append(flags, f)
	}
	return replicas, flags, nil
}

// Listen implements [Store].
func (m *Memory) Listen(ctx context.Context, space string, f func(Flag)) error {
	listener := make(chan Flag, pushed)
	m.mu.Lock()
	m.space(space).listeners[listener] = true
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.space(space).listeners, listener)
	}()
	for {
		select {
		case flag, ok := <-listener:
			if !ok {
				return errBehind
			}
			f(flag)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
