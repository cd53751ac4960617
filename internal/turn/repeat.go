package turn

import (
	"context"
	"maps"
	"strings"
	"sync"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// place is where an agent runs: the same agent may run on several branches.
type place struct{ agent, branch string }

// holds tells whether other runs inside of what runs at p: ADK runs parallel agents
// on branches below that of their parent, and all others one in the other.
func (p place) holds(other place) bool {
	return p.branch == "" || p.branch == other.branch || strings.HasPrefix(other.branch, p.branch+".")
}

// repeat is what the runs of one turn of an outer loop know of each other. It is in
// the context of each, so that the callbacks find it: agents that have answered in
// one run are skipped in the next, as often as they have answered. Its nil value
// knows nothing.
type repeat struct {
	// skipped is the content of the event with which ADK tells that an agent was
	// skipped. It is told by its address, and holds nothing.
	skipped *genai.Content

	mu         sync.Mutex              // guards what follows
	invocation string                  // of the run; runs that a tool starts have another
	closing    bool                    // the run ends: no agent and no call of a model may begin in it
	done       map[place]int           // how often agents have finished, in all runs
	skip       map[place]int           // how often they are still to be skipped in this one
	running    map[place]*execution    // in this run
	asks       map[place]call.Metadata // models to ask in the next run
}

// execution is one run of one agent.
type execution struct {
	called   bool // a model, so its answer ends it
	authored bool // an event: agents that only run others have none, and run again
	answered bool // its last event is a final answer
	failed   bool // it, or an agent inside of it, is to be repeated
}

func newRepeat() *repeat {
	return &repeat{skipped: &genai.Content{}, done: map[place]int{}}
}

// lock returns the repeat that the given invocation is a run of, locked, or nil.
// begins says that the first callback of a run may be asking.
func (o *outer) lock(invocation string, begins bool) *repeat {
	if o == nil || o.repeat == nil {
		return nil
	}
	r := o.repeat
	r.mu.Lock()
	if r.invocation == "" && begins {
		r.invocation = invocation
	}
	if r.invocation != invocation {
		r.mu.Unlock()
		return nil
	}
	return r
}

// start begins a run in the context that it returns.
func (r *repeat) start(ctx context.Context) context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.invocation, r.closing = "", false
	r.skip, r.running, r.asks = maps.Clone(r.done), map[place]*execution{}, map[place]call.Metadata{}
	next := &outer{repeat: r}
	if earlier := outerOf(ctx); earlier != nil {
		next.choices = earlier.choices
	}
	return context.WithValue(ctx, outerKey{}, next)
}

// finish ends a run that is to be repeated, and returns the models to ask in the
// next one. An agent whose answer was the last that was seen of it has finished.
func (r *repeat) finish() map[place]call.Metadata {
	r.mu.Lock()
	defer r.mu.Unlock()
	for at, e := range r.running {
		if e.called && e.answered && !e.failed {
			r.done[at]++
		}
	}
	return r.asks
}

// see notes an event that is passed on.
func (r *repeat) see(ev Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for at, e := range r.running {
		// An agent's own code may leave the branch of its events empty.
		if at.agent == ev.Author && (at.branch == ev.Branch || ev.Branch == "") {
			e.authored, e.answered = true, ev.isAnswer()
		}
	}
}

// close notes which model is to be asked in the next run, and lets no agent and no
// call begin in this one.
func (r *repeat) close(at place, md call.Metadata) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closing = true
	r.asks[at] = md
	r.fail(at)
}

// busy tells whether an agent of the application's own code is in the middle of its
// events: they would come twice.
func (r *repeat) busy() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.running {
		if e.authored && !e.called && !e.failed {
			return true
		}
	}
	return false
}

// fail notes that an agent, and with it those that it runs inside of, are to be
// repeated. It needs the lock.
func (r *repeat) fail(at place) {
	for outer, e := range r.running {
		e.failed = e.failed || outer.holds(at)
	}
}

func placeOf(ctx Context) place { return place{ctx.AgentName(), ctx.Branch()} }

// asks notes which model the agent of ctx is to be asked on in the next run.
func asks(ctx Context, md call.Metadata) {
	if r := outerOf(ctx).lock(ctx.InvocationID(), false); r != nil {
		defer r.mu.Unlock()
		r.asks[placeOf(ctx)] = md
		r.fail(placeOf(ctx))
	}
}

// isClosed tells whether a call of a model must not begin, because its run ends.
func (o *outer) isClosed(ctx Context) bool {
	r := o.lock(ctx.InvocationID(), true)
	if r == nil {
		return false
	}
	defer r.mu.Unlock()
	at := placeOf(ctx)
	if r.closing {
		r.fail(at)
	}
	if e := r.running[at]; e != nil {
		e.called = true
	}
	return r.closing
}

// hide tells whether ev says that an agent was skipped. Such an event is made a
// partial one, so that the session does not get it.
func hide(ctx context.Context, invocation string, ev Event) bool {
	if ev.Response.Content == nil || len(ev.Response.Content.Parts) > 0 {
		return false
	}
	r := outerOf(ctx).lock(invocation, false)
	if r == nil {
		return false
	}
	defer r.mu.Unlock()
	if ev.Response.Content != r.skipped {
		return false
	}
	ev.Response.Partial = true
	return true
}

// BeforeAgent returns a content, which skips the agent, if it has finished in an
// earlier run of the turn, or if its run ends.
func (p *Plugin) BeforeAgent(ctx Context) *genai.Content {
	r := outerOf(ctx).lock(ctx.InvocationID(), true)
	if r == nil {
		return nil
	}
	defer r.mu.Unlock()
	at := placeOf(ctx)
	switch {
	case r.skip[at] > 0:
		r.skip[at]--
		return r.skipped
	case r.closing:
		r.fail(at)
		return r.skipped
	}
	r.running[at] = &execution{}
	return nil
}

// AfterAgent notes that an agent has finished.
func (p *Plugin) AfterAgent(ctx Context) {
	r := outerOf(ctx).lock(ctx.InvocationID(), false)
	if r == nil {
		return
	}
	defer r.mu.Unlock()
	at := placeOf(ctx)
	if e := r.running[at]; e != nil && e.authored && !e.failed {
		r.done[at]++
	}
	delete(r.running, at)
}
