package turn

import "sync"

// maxAgents bounds how many agents and branches beside its first one turn keeps
// state for, the oldest giving way: a workflow may fan out without bound.
const maxAgents = 256

// turn is one invocation. Most have one agent, which needs no list.
type turn struct {
	invocation   string
	newer, older *turn // in the order of use; see turns

	first  state
	others []*state
}

// of returns the state of an agent, or nil if it has none.
func (t *turn) of(agent, branch string) *state {
	if t.first.agent == agent && t.first.branch == branch {
		return &t.first
	}
	for _, s := range t.others {
		if s.agent == agent && s.branch == branch {
			return s
		}
	}
	return nil
}

// add returns the state of an agent that has none.
func (t *turn) add(agent, branch string) *state {
	s := &state{agent: agent, branch: branch}
	if len(t.others) == maxAgents {
		t.others = append(t.others[:0], t.others[1:]...)
	}
	t.others = append(t.others, s)
	return s
}

// turns tracks the latest invocations. When there are more than max, the least
// recently used are dropped until pruneTo are left.
//
// The links of the list are in the turns themselves: every healthy call pays for
// this, and an LRU library's entry beside each turn was a third of the price.
type turns struct {
	max, pruneTo int

	sync.Mutex // guards what follows, and every state in it
	byID       map[string]*turn
	ends       turn // a ring: ends.older is the most recently used, ends.newer the least
}

func newTurns(maxTurns, pruneTo int) *turns {
	t := &turns{max: maxTurns, pruneTo: pruneTo, byID: make(map[string]*turn)}
	t.ends.newer, t.ends.older = &t.ends, &t.ends
	return t
}

// start returns the state of an agent, new if need be. The caller holds the lock.
func (t *turns) start(invocation, agent, branch string) *state {
	current := t.lookup(invocation)
	if current == nil {
		current = &turn{invocation: invocation, first: state{agent: agent, branch: branch}}
		t.byID[invocation] = current
		t.use(current)
		t.prune()
		return &current.first
	}
	if current != t.ends.older {
		t.unlink(current)
		t.use(current)
	}
	if s := current.of(agent, branch); s != nil {
		return s
	}
	return current.add(agent, branch)
}

// find returns the state of an agent, or nil if it was never started or has
// been pruned. The caller holds the lock.
func (t *turns) find(invocation, agent, branch string) *state {
	current := t.lookup(invocation)
	if current == nil {
		return nil
	}
	return current.of(agent, branch)
}

// lookup returns a turn, or nil. Mostly it is the one that was used last, which
// needs no look into the map.
func (t *turns) lookup(invocation string) *turn {
	if latest := t.ends.older; latest.invocation == invocation && latest != &t.ends {
		return latest
	}
	return t.byID[invocation]
}

// drop forgets a turn. The caller holds the lock.
func (t *turns) drop(invocation string) {
	if current, ok := t.byID[invocation]; ok {
		t.unlink(current)
		delete(t.byID, invocation)
	}
}

func (t *turns) prune() {
	if len(t.byID) <= t.max {
		return
	}
	for len(t.byID) > t.pruneTo {
		oldest := t.ends.newer
		t.unlink(oldest)
		delete(t.byID, oldest.invocation)
	}
}

// use makes current, which is in no list, the most recently used.
func (t *turns) use(current *turn) {
	latest := t.ends.older
	current.newer, current.older = &t.ends, latest
	latest.newer, t.ends.older = current, current
}

func (t *turns) unlink(current *turn) {
	current.newer.older, current.older.newer = current.older, current.newer
}
