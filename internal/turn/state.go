package turn

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// maxAgents bounds how many agents and branches one turn keeps state for, the
// oldest giving way: a workflow may fan out without bound.
const maxAgents = 256

// state is what a turn knows of one agent on one branch. ADK runs these one
// after the other; the lock is for callers that do not.
type state struct {
	agent, branch string

	mu    sync.Mutex         // guards what follows
	root  string             // the model this agent's turn started at
	asked string             // the model of the call in flight
	req   *model.LLMRequest  // the call in flight, for Recover
	ours  *model.LLMResponse // the answer the error callback gave, which ADK passes to the after-model callback

	failed int      // models that failed since the last success
	code   string   // of the latest failure
	reason string   // of the latest failure
	log    call.Log // what was tried since the last success
}

// reset forgets the failures and keeps who asks. The caller holds s.mu.
func (s *state) reset() {
	s.asked, s.req, s.ours = "", nil, nil
	if s.failed > 0 {
		s.failed, s.code, s.reason = 0, "", ""
		s.log.Restore(nil, 0)
	}
}

// restore takes over what an outer loop knows. The caller holds s.mu.
func (s *state) restore(md call.Metadata) {
	s.root, s.failed, s.code, s.reason = md.OriginalModel, md.Attempt, md.ErrorCode, md.Reason
	s.log.Restore(md.Attempts, md.AttemptsDropped)
}

// turn is one invocation. Most have one agent, which needs no list.
type turn struct {
	first  state
	others []*state
}

func (t *turn) find(agent, branch string) *state {
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

// turns tracks the latest invocations. When there are more than max, the least
// recently used are dropped until pruneTo are left.
type turns struct {
	max, pruneTo int

	mu  sync.Mutex
	lru *simplelru.LRU[string, *turn] // guarded by mu
}

func newTurns(maxTurns, pruneTo int) *turns {
	// One more than max: pruning happens here, in one go.
	lru, err := simplelru.NewLRU[string, *turn](maxTurns+1, nil)
	if err != nil {
		panic(err) // only for a size below 1, which Config rules out
	}
	return &turns{max: maxTurns, pruneTo: pruneTo, lru: lru}
}

// start returns the state of the agent that ctx belongs to, new if need be.
func (t *turns) start(ctx Context) *state {
	invocation, agent, branch := ctx.InvocationID(), ctx.AgentName(), ctx.Branch()
	t.mu.Lock()
	defer t.mu.Unlock()
	current, ok := t.lru.Get(invocation)
	if !ok {
		current = &turn{first: state{agent: agent, branch: branch}}
		t.lru.Add(invocation, current)
		if t.lru.Len() > t.max {
			for t.lru.Len() > t.pruneTo {
				t.lru.RemoveOldest()
			}
		}
		return &current.first
	}
	if s := current.find(agent, branch); s != nil {
		return s
	}
	s := &state{agent: agent, branch: branch}
	if len(current.others) == maxAgents {
		current.others = append(current.others[:0], current.others[1:]...)
	}
	current.others = append(current.others, s)
	return s
}

// find returns the state of the agent that ctx belongs to, or nil if it was
// never started or has been pruned.
func (t *turns) find(ctx Context) *state {
	invocation, agent, branch := ctx.InvocationID(), ctx.AgentName(), ctx.Branch()
	t.mu.Lock()
	defer t.mu.Unlock()
	if current, ok := t.lru.Peek(invocation); ok {
		return current.find(agent, branch)
	}
	return nil
}

// end forgets a turn.
func (t *turns) end(invocation string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lru.Remove(invocation)
}

// len tells how many turns are tracked.
func (t *turns) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lru.Len()
}
