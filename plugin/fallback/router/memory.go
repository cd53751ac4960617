package router

import (
	"sync"
	"sync/atomic"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// memory keeps a V for each of the latest turns or conversations. Most have nothing to
// keep: while the memory is empty, a look costs one atomic load. It is safe for
// concurrent use.
type memory[V any] struct {
	size atomic.Int64

	mu  sync.Mutex
	lru *simplelru.LRU[memoryKey, V] // guarded by mu
}

// memoryKey names a turn (without app, user and session) or a conversation (without the
// invocation) of an agent.
type memoryKey struct{ app, user, session, invocation, agent, branch string }

func newMemory[V any](size int) *memory[V] {
	lru, err := simplelru.NewLRU[memoryKey, V](size, nil)
	if err != nil {
		panic(err) // only for a size below 1, which Config rules out
	}
	return &memory[V]{lru: lru}
}

func (m *memory[V]) empty() bool { return m.size.Load() == 0 }

// update replaces the value of key by what f makes of it, or removes it if keep is
// false. known reports whether there was a value.
func (m *memory[V]) update(key memoryKey, f func(v V, known bool) (next V, keep bool)) {
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

// turnOf returns the key of the turn of info's agent, and false outside of ADK.
func turnOf(info *call.Info) (key memoryKey, ok bool) {
	return memoryKey{invocation: info.Invocation, agent: info.Agent, branch: info.Branch}, info.Invocation != ""
}

// conversationOf returns the key of the conversation of info's agent in its session, and
// false without a session.
func conversationOf(info *call.Info) (key memoryKey, ok bool) {
	return memoryKey{app: info.App, user: info.User, session: info.Session, agent: info.Agent, branch: info.Branch}, info.Session != ""
}
