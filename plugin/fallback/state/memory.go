package state

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"
)

// Memory is a [Store] in memory, for tests and for several call trees in one process. Expired
// entries are removed, so its size is bounded by the entries in use.
type Memory struct {
	mu       sync.Mutex
	buckets  expiring[gcra]     // guarded by mu
	accounts expiring[*account] // guarded by mu
	values   expiring[[]byte]   // guarded by mu
	spaces   map[string]*space  // guarded by mu
}

// account is what the store knows of an [Account].
type account struct {
	spent  int64
	by     map[string]int64 // spent by each replica
	leases expiring[int64]  // by replica
}

// NewMemory returns an empty store.
func NewMemory() *Memory { return &Memory{spaces: make(map[string]*space)} }

var _ Store = (*Memory)(nil)

// Take implements [Store].
func (m *Memory) Take(ctx context.Context, b Bucket, least, most int) (Tokens, error) {
	if err := ctx.Err(); err != nil {
		return Tokens{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now, size := time.Now(), float64(b.PerMinute)
	level := m.buckets.get(b.Key, now)
	var t Tokens
	if most < 0 {
		level.take(now, size, float64(most))
	} else if t.Wait = level.wait(now, size, size, least); t.Wait == 0 {
		t.Taken = min(most, whole(level.tokens(now, size, size)))
		level.take(now, size, float64(t.Taken))
	}
	t.Left = whole(level.tokens(now, size, size))
	m.buckets.set(b.Key, level, now, level.full.Sub(now)) // a full one is one that is not known
	return t, nil
}

// whole returns the whole tokens in a bucket that holds n.
func whole(n float64) int { return max(int(math.Floor(n+rounding)), 0) }

// Lease implements [Store].
func (m *Memory) Lease(ctx context.Context, a Account, c Change) (Balance, error) {
	if err := ctx.Err(); err != nil {
		return Balance{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	known := m.accounts.get(a.Key, now)
	if known == nil {
		known = &account{by: make(map[string]int64)}
	}
	m.accounts.set(a.Key, known, now, a.Ends)
	return known.change(a.Limit, c, now), nil
}

func (a *account) change(limit int64, c Change, now time.Time) Balance {
	charged := max(c.Spent-a.by[c.Replica], 0)
	a.by[c.Replica] += charged
	a.spent += charged
	lease := max(a.leases.get(c.Replica, now)-charged, 0)
	a.leases.set(c.Replica, 0, now, 0)
	var others int64
	for _, leased := range a.leases.all(now) {
		others += leased
	}
	free := max(limit-a.spent-others, 0)
	if free >= c.Least {
		lease = min(free, c.Most)
	} else {
		lease = min(lease, free, c.Most)
	}
	if lease > 0 {
		a.leases.set(c.Replica, lease, now, c.TTL)
	}
	return Balance{Leased: lease, Others: others, Spent: a.spent}
}

// Get implements [Store].
func (m *Memory) Get(ctx context.Context, key string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.values.get(key, time.Now()), nil
}

// Set implements [Store].
func (m *Memory) Set(ctx context.Context, key string, value []byte, keep time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.values.set(key, value, time.Now(), keep)
	return nil
}

// Close implements [Store]. It does nothing.
func (m *Memory) Close() error { return nil }

var errBehind = errors.New("state: pushes were lost: the listener is too slow")
