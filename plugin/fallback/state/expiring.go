package state

import (
	"iter"
	"time"
)

// expiring is a map whose entries expire. The zero value is empty. It is not safe for
// concurrent use.
type expiring[V any] struct {
	entries map[string]entry[V]
	enough  int // with more entries, expired ones are removed
}

type entry[V any] struct {
	value V
	until time.Time
}

// get returns the value of a key, or the zero value.
func (m *expiring[V]) get(key string, now time.Time) (v V) {
	if e, ok := m.entries[key]; ok && now.Before(e.until) {
		return e.value
	}
	return v
}

// left returns how long the value of a key is still valid.
func (m *expiring[V]) left(key string, now time.Time) time.Duration {
	return max(m.entries[key].until.Sub(now), 0)
}

// set replaces the value of a key for a time, or removes it if the time is not above 0.
func (m *expiring[V]) set(key string, v V, now time.Time, keep time.Duration) {
	if keep <= 0 {
		delete(m.entries, key)
		return
	}
	if m.entries == nil {
		m.entries = make(map[string]entry[V])
	}
	m.entries[key] = entry[V]{v, now.Add(keep)}
	if len(m.entries) > m.enough { // costs at most as much as the sets since the last removal
		for key, e := range m.entries {
			if !now.Before(e.until) {
				delete(m.entries, key)
			}
		}
		m.enough = max(2*len(m.entries), 64)
	}
}

// all yields the entries that have not expired.
func (m *expiring[V]) all(now time.Time) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for key, e := range m.entries {
			if now.Before(e.until) && !yield(key, e.value) {
				return
			}
		}
	}
}
