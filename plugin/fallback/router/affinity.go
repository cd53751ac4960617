package router

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// affinity remembers which target answered a turn that fell back. Turns that
// did not, which is the rule, are not in it and cost one atomic load.
type affinity struct {
	size atomic.Int64

	mu  sync.Mutex
	lru *simplelru.LRU[turnKey, int] // guarded by mu
}

type turnKey struct{ invocation, agent, branch string }

func newAffinity(maxTurns int) *affinity {
	lru, err := simplelru.NewLRU[turnKey, int](maxTurns, nil)
	if err != nil {
		panic(err) // only for a size below 1, which Config rules out
	}
	return &affinity{lru: lru}
}

// start returns the index of the target to ask first.
func (a *affinity) start(ctx context.Context) int {
	if a.size.Load() == 0 {
		return 0
	}
	key, ok := keyOf(ctx)
	if !ok {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	i, _ := a.lru.Get(key)
	return i
}

// stay remembers that target i answered.
func (a *affinity) stay(ctx context.Context, i int) {
	key, ok := keyOf(ctx)
	if !ok {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lru.Add(key, i)
	a.size.Store(int64(a.lru.Len()))
}

// keyOf names the turn of ctx's agent; outside of ADK there is none.
func keyOf(ctx context.Context) (turnKey, bool) {
	info := call.From(ctx)
	return turnKey{info.Invocation, info.Agent, info.Branch}, info.Invocation != ""
}
