package tree

import (
	"errors"
	"maps"
	"slices"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/stack"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// Kept is the state that outlives a tree. The zero value has none.
type Kept struct {
	Layers
	cache  *cache.Cache
	caches cacheSettings // of cache
	purse  *middleware.Budget
	limits *middleware.BudgetConfig // for purse; nil if the policy has none
	turns  *turns                   // for which a soft limit has decided

	sharing *sharing // nil without section state
	opened  int      // servers of section state so far
	replica string   // the name of this replica on all of them; see builder.state
}

// Layers are the layers of models and experiments that have state.
type Layers struct {
	stacks   []stack.Stack
	splits   []split
	trimmers []trimmer
}

// With returns the layers of l, and then those of others.
func (l Layers) With(others ...Layers) Layers {
	all := Layers{slices.Clone(l.stacks), slices.Clone(l.splits), slices.Clone(l.trimmers)}
	for _, other := range others {
		all.stacks = append(all.stacks, other.stacks...)
		all.splits = append(all.splits, other.splits...)
		all.trimmers = append(all.trimmers, other.trimmers...)
	}
	return all
}

// First returns the first n layers of each kind.
func (l Layers) First(n int) Layers {
	return Layers{l.stacks[:min(len(l.stacks), n)], l.splits[:min(len(l.splits), n)], l.trimmers[:min(len(l.trimmers), n)]}
}

// Replace puts next in the place of k, and closes in the background what next has not taken
// over. The purse gets the limits of next. Calls may be in progress. relimited reports whether
// the limits changed.
func (k *Kept) Replace(next Kept) (relimited bool) {
	if was, is := k.limits, next.limits; was != nil {
		relimited = is == nil || is.Limit != was.Limit || !maps.Equal(is.Limits, was.Limits)
	}
	if next.purse != nil {
		if l := next.limits; l != nil {
			_ = next.purse.SetLimits(l.Limit, l.Limits) // Build has checked them
			next.purse.SetLocation(l.Location)
		}
		next.purse.SetState(next.state())
	}
	if k.cache != nil && k.cache != next.cache {
		// Close waits for background refreshes, each of which is bounded in time; the
		// goroutine ends with the last one.
		go k.cache.Close()
	}
	if before := k.sharing; before != next.sharing {
		go before.close() // it waits for the server for a second at most
	}
	*k = next
	return relimited
}

// CloseNew closes the cache and the connection of section state, unless before has the same
// ones. Call it if the tree of k does not replace that of before.
func (k *Kept) CloseNew(before Kept) {
	if k.cache != nil && k.cache != before.cache {
		k.cache.Close()
	}
	if k.sharing != before.sharing {
		k.sharing.close()
	}
}

// Close closes the cache and the connection of section state. A later tree opens its own.
func (k *Kept) Close() error {
	cache, sharing := k.cache, k.sharing
	k.cache, k.sharing = nil, nil
	var err error
	if cache != nil {
		err = cache.Close()
	}
	return errors.Join(err, sharing.close())
}

// state returns the state that layers share; nil for none.
func (k *Kept) state() *state.Shared {
	if k.sharing == nil {
		return nil
	}
	return k.sharing.shared
}

// sharingID identifies the store through which layers share their state; 0 if they do not
// share it.
func (k *Kept) sharingID() int {
	if k.sharing == nil {
		return 0
	}
	return k.sharing.id
}
