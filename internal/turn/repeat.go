package turn

import (
	"cmp"
	"context"
	"maps"
	"strings"
	"sync"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// place is where an agent runs: the same agent may run on several branches.
type place struct{ agent, branch string }

// holds reports whether other runs inside p: ADK runs parallel agents on branches below
// their parent's, and all others nested.
func (p place) holds(other place) bool {
	return p.branch == "" || p.branch == other.branch || strings.HasPrefix(other.branch, p.branch+".")
}

// repeat is the state of one run of an outer loop's turn, in the context of the run. An
// agent that has finished in one run is skipped in the next, as often as it has finished.
// A group that has finished is skipped as a whole: a loop may have ended by itself, and no
// event of a skipped member would end it again. Each run has a repeat of its own, because an
// agent of the application's own code may leave goroutines behind when its run ends.
type repeat struct {
	// skipped is the content of ADK's event for a skipped agent, in all runs of the turn. It
	// is empty and recognized by its address.
	skipped *genai.Content

	mu         sync.Mutex              // guards what follows
	invocation string                  // of the run; runs that a tool starts have another
	closing    bool                    // the run ends: no agent and no call of a model may begin in it
	skip       map[place]int           // how often agents are still to be skipped in this run
	passed     map[place]int           // how often they have finished or were skipped in this run, see pass
	running    map[place]*execution    // in this run, the innermost of each agent
	asks       map[place]call.Metadata // models to call in the next run
}

// execution is one run of one agent.
type execution struct {
	outer    *execution    // of the same agent, around this one, as after two transfers; usually nil
	before   map[place]int // what had passed when it began
	called   bool          // it has called a model, so its answer ends it
	authored bool          // it has an event; agents that only run others have none
	answered bool          // its last event is a final answer
	failed   bool          // it, or an agent inside it, must be repeated
}

func newRepeat(skipped *genai.Content) *repeat {
	return &repeat{
		skipped: skipped, skip: map[place]int{}, passed: map[place]int{},
		running: map[place]*execution{}, asks: map[place]call.Metadata{},
	}
}

// lock locks and returns the repeat of o's run if the invocation is that of the run, and
// otherwise returns nil. The first callback of a run sets the invocation.
func (o *outer) lock(invocation string) *repeat {
	if o == nil || o.repeat == nil {
		return nil
	}
	r := o.repeat
	r.mu.Lock()
	r.invocation = cmp.Or(r.invocation, invocation)
	if r.invocation != invocation {
		r.mu.Unlock()
		return nil
	}
	return r
}

// in returns the context of the run.
func (r *repeat) in(ctx context.Context) context.Context {
	next := &outer{repeat: r}
	if earlier := outerOf(ctx); earlier != nil {
		next.choices = earlier.choices
	}
	return context.WithValue(ctx, outerKey{}, next)
}

// finish ends a run that must be repeated. It returns the state of the next one, and ctx with
// the models to call in it. An agent whose last event is its answer has finished.
func (r *repeat) finish(ctx context.Context) (*repeat, context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for at, e := range r.running {
		if e.answered && !e.failed {
			r.pass(at, e)
		}
	}
	next := newRepeat(r.skipped)
	for _, counts := range []map[place]int{r.skip, r.passed} {
		for at, n := range counts {
			next.skip[at] += n
		}
	}
	for at, md := range r.asks {
		ctx = Choose(ctx, at.agent, at.branch, md)
	}
	return next, ctx
}

// pass counts an agent that has finished. What finished inside it is skipped with it,
// so it is not counted by itself. It needs the lock.
func (r *repeat) pass(at place, e *execution) {
	r.forgetInside(at, e)
	r.passed[at]++
}

// forgetInside forgets what has finished inside an agent since it began. It needs the
// lock.
func (r *repeat) forgetInside(at place, e *execution) {
	for inside := range r.passed {
		if at.holds(inside) {
			r.passed[inside] = e.before[inside]
		}
	}
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

// close records the model to call in the next run. In this run, no further agent or
// call may begin.
func (r *repeat) close(at place, md call.Metadata) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closing = true
	r.asks[at] = md
	r.fail(at)
}

// busy reports whether an agent of the application's own code is in the middle of its
// events, which would be repeated.
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

// fail records that an agent, and the agents that it runs inside, must be repeated. The
// results of agents that it has called are in its history, so those are not skipped if it
// calls them again. It needs the lock.
func (r *repeat) fail(at place) {
	if e := r.running[at]; e != nil {
		r.forgetInside(at, e)
	}
	for outer, e := range r.running {
		for ; e != nil && outer.holds(at); e = e.outer {
			e.failed = true
		}
	}
}

func placeOf(ctx Context) place { return place{ctx.AgentName(), ctx.Branch()} }

// asks records the model to call for the agent of ctx in the next run.
func asks(ctx Context, md call.Metadata) {
	if r := outerOf(ctx).lock(ctx.InvocationID()); r != nil {
		defer r.mu.Unlock()
		r.asks[placeOf(ctx)] = md
		r.fail(placeOf(ctx))
	}
}

// isClosed reports whether no call of a model may begin, because its run ends.
func (o *outer) isClosed(ctx Context) bool {
	r := o.lock(ctx.InvocationID())
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

// isSkipped reports whether ev is the event of a skipped agent.
func isSkipped(ctx context.Context, ev Event) bool {
	o := outerOf(ctx)
	return o != nil && o.repeat != nil && ev.Response.Content == o.repeat.skipped
}

// BeforeAgent returns a content, which skips the agent, if it has finished in an
// earlier run of the turn, or if its run ends.
func (p *Plugin) BeforeAgent(ctx Context) *genai.Content {
	r := outerOf(ctx).lock(ctx.InvocationID())
	if r == nil {
		return nil
	}
	defer r.mu.Unlock()
	at := placeOf(ctx)
	switch {
	case r.skip[at] > 0:
		r.skip[at]--
		r.passed[at]++
		return r.skipped
	case r.closing:
		r.fail(at)
		return r.skipped
	}
	r.running[at] = &execution{outer: r.running[at], before: maps.Clone(r.passed)}
	return nil
}

// AfterAgent notes that an agent has finished.
func (p *Plugin) AfterAgent(ctx Context) {
	r := outerOf(ctx).lock(ctx.InvocationID())
	if r == nil {
		return
	}
	defer r.mu.Unlock()
	at := placeOf(ctx)
	e := r.running[at]
	if e == nil {
		return
	}
	if (e.authored || !e.called) && !e.failed {
		r.pass(at, e)
	}
	if r.running[at] = e.outer; e.outer == nil {
		delete(r.running, at)
	}
}
