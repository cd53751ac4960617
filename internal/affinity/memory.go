package affinity

import (
	"sync"
	"sync/atomic"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// Memory keeps a V for each of the latest turns or conversations. Most have nothing to
// keep: while the memory is empty, a look costs one atomic load. It is safe for
// concurrent use.
type Memory[V any] struct {
	size atomic.Int64

	mu  sync.Mutex
	lru *simplelru.LRU[Key, V] // guarded by mu
}

// Key names a turn (without app, user and session) or a conversation (without the
// invocation) of an agent.
type Key struct{ app, user, session, invocation, agent, branch string }

// NewMemory returns a memory of size values, at least 1; the least recently used are
// dropped first.
func NewMemory[V any](size int) *Memory[V] {
	lru, err := simplelru.NewLRU[Key, V](size, nil)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return &Memory[V]{lru: lru}
}

// Empty reports whether nothing is kept.
func (m *Memory[V]) Empty() bool { return m.size.Load() == 0 }

// Update replaces the value of key by what f makes of it, or removes it if keep is
// false. known reports whether there was a value.
func (m *Memory[V]) Update(key Key, f func(v V, known bool) (next V, keep bool)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, known := m.lru.Get(key)
	if next, keep := f(v, known); keep {
		m.lru.Add(key, next)
	} else if known {
		m.lru.Remove(key)
	}
	m.size.Store(int64(m.lru.Len()))
}

// TurnOf returns the key of the turn of info's agent, and false outside of ADK.
func TurnOf(info *call.Info) (key Key, ok bool) {
	return Key{invocation: info.Invocation, agent: info.Agent, branch: info.Branch}, info.Invocation != ""
}

// ConversationOf returns the key of the conversation of info's agent in its session, and
// false without a session.
func ConversationOf(info *call.Info) (key Key, ok bool) {
	return Key{app: info.App, user: info.User, session: info.Session, agent: info.Agent, branch: info.Branch}, info.Session != ""
}
