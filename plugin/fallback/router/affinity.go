package router

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// affinity remembers, for each turn that fell back, the target that answered and why
// the turn left the first one. Most turns do not fall back: they have no entry and
// cost one atomic load.
type affinity struct {
	lasts time.Duration
	size  atomic.Int64

	mu  sync.Mutex
	lru *simplelru.LRU[turnKey, place] // guarded by mu
}

type turnKey struct{ invocation, agent, branch string }

// place is where a turn stays.
type place struct {
	target int
	cause  stream.Cause
	used   time.Time // latest
}

func newAffinity(maxTurns int, lasts time.Duration) *affinity {
	lru, err := simplelru.NewLRU[turnKey, place](maxTurns, nil)
	if err != nil {
		panic(err) // only for a size below 1, which Config rules out
	}
	return &affinity{lru: lru, lasts: lasts}
}

// start returns where the calls of ctx's turn begin. ok is false if they begin at
// the first target.
func (a *affinity) start(ctx context.Context) (p place, ok bool) {
	if a.size.Load() == 0 {
		return place{}, false
	}
	key, ok := keyOf(ctx)
	if !ok {
		return place{}, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if p, ok = a.lru.Get(key); !ok {
		return place{}, false
	}
	now := time.Now()
	if now.Sub(p.used) >= a.lasts {
		a.lru.Remove(key)
		a.size.Store(int64(a.lru.Len()))
		return place{}, false
	}
	p.used = now
	a.lru.Add(key, p)
	return p, p.target > 0
}

// stay remembers that target i answered.
func (a *affinity) stay(ctx context.Context, i int, cause stream.Cause) {
	key, ok := keyOf(ctx)
	if !ok {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lru.Add(key, place{i, cause, time.Now()})
	a.size.Store(int64(a.lru.Len()))
}

// keyOf returns the key of the turn of ctx's agent, and false outside of ADK.
func keyOf(ctx context.Context) (turnKey, bool) {
	info := call.From(ctx)
	return turnKey{info.Invocation, info.Agent, info.Branch}, info.Invocation != ""
}
