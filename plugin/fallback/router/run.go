package router

import (
	"context"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// run is one call on its way through the targets.
type run struct {
	*fallback
	ctx      context.Context
	req      *model.LLMRequest
	streamed bool
	out      *stream.Sink
	outer    stream.Orders // of the routers around

	start   int       // the target to begin with
	chosen  string    // the member of it to begin with, "" for its own choice
	seen    []visit   // by target
	few     [16]visit // memory for it
	causes  []error   // of the targets asked so far, in order
	avoid   avoid
	midway  MidStream
	resumed *resumed // what was shown, if that is to be continued; else nil

	asked     int // how many targets were asked
	refused   int // how many an open breaker refused
	soonest   int // of those, the one that recovers first
	recovered time.Time
}

// visit is how far a target has had its turn.
type visit uint8

const (
	unseen  visit = iota
	visited       // but for its answers of last resort
	spent
)

// do asks the targets in turn until one answers or none is left.
func (r *run) do() error {
	r.begin()
	for {
		i, ok := r.next()
		if !ok {
			return r.last()
		}
		err := r.visit(i)
		if err == nil {
			if r.out.Notes.Degraded == "" && len(r.causes) > 0 {
				r.turns.stay(r.ctx, i, r.out.Cause())
			}
			return nil
		}
		if done, result := r.judge(i, err); done {
			return result
		}
	}
}

// begin finds out where to start.
func (r *run) begin() {
	if i, ok := choose(r.layers, r.out, &r.warned); ok {
		r.start, r.chosen = i, r.out.Chosen
	} else if place, ok := r.turns.start(r.ctx); ok && r.outer.LastResorts != stream.LastResortsOnly {
		r.start = place.target
		r.out.SetCause(place.cause)
		if r.targets[r.start].Name() != r.name {
			r.out.Record(call.Attempt{Model: r.name, Outcome: call.Skipped, Reason: "the turn stays with the model that answered before"})
		}
	}
	r.midway = r.config.MidStream
	switch {
	case r.outer.Resumes:
		r.midway = Resume
	case r.outer.Continuous:
		r.midway = FailMidStream
	}
	if r.midway == Resume {
		r.resumed = &resumed{run: r}
	}
}

// The order in which targets have their turn; see rank.
const (
	continues   = iota // it can continue the text that was shown
	ordinary           //
	unreachable        // its endpoint could not be reached in this call
	lastResort         //
	none               // not in this call any more
)

// rank tells when target i has its turn.
func (r *run) rank(i int) int {
	t := &r.targets[i]
	switch {
	case t.optional != nil && t.optional.Absent(r.ctx):
		return none
	case t.lastResort && r.seen[i] == unseen, t.holdsLastResort && (r.seen[i] == visited || r.seen[i] == unseen && r.outer.LastResorts == stream.LastResortsOnly):
		if r.outer.LastResorts == stream.LastResortsLater {
			return none
		}
		return lastResort
	case r.seen[i] != unseen || r.outer.LastResorts == stream.LastResortsOnly:
		return none
	case r.avoid.unreachable(t.traits):
		return unreachable
	case r.resumed != nil && t.traits.Prefill && r.resumed.canPrefill(r.req):
		return continues
	}
	return ordinary
}

// next returns the target to try next; ok is false if none is left. Of equal
// targets, those after start come before those ahead of it.
func (r *run) next() (i int, ok bool) {
	best := none
	for n := range r.targets {
		at := (r.start + n) % len(r.targets)
		if rank := r.rank(at); rank < best {
			i, best = at, rank
		}
	}
	return i, best < none
}

// visit asks target i, unless it would fail as others have.
func (r *run) visit(i int) error {
	t, first := &r.targets[i], len(r.causes) == 0
	resort := t.lastResort || r.seen[i] == visited || r.outer.LastResorts == stream.LastResortsOnly
	r.seen[i] = spent
	if t.holdsLastResort && !resort {
		r.seen[i] = visited
	}
	if reason := r.avoid.reason(t.traits); reason != "" {
		refused := &middleware.RefusedError{By: "router", Model: t.Name(), Reason: reason}
		r.out.Skip(refused)
		return refused
	}
	_, another := r.next()
	orders := r.orders(resort)
	orders.HasNext = r.outer.HasNext || another
	if first {
		orders.Chosen = r.chosen
	}
	return r.ask(i, orders)
}

// orders are those for a target, or for its answers of last resort.
func (r *run) orders(resort bool) stream.Orders {
	orders := r.outer
	orders.Force, orders.Chosen = false, ""
	orders.Guard = withGuards(r.outer.Guard, r.config.Guards)
	orders.Continuous, orders.Resumes = r.midway != Restart, r.midway == Resume
	orders.LastResorts = stream.LastResortsLater
	if resort {
		orders.LastResorts = stream.LastResortsOnly
	}
	return orders
}

// ask asks target i under orders.
func (r *run) ask(i int, orders stream.Orders) error {
	r.out.Orders = orders
	if r.resumed != nil {
		return r.resumed.ask(i)
	}
	r.out.Restart()
	return ask(r.ctx, r.targets[i].Layer, r.req, r.streamed, r.out)
}

// judge notes how target i failed and tells whether the call ends with it.
func (r *run) judge(i int, err error) (done bool, result error) {
	if r.ctx.Err() != nil {
		return true, stream.Ended(r.ctx)
	}
	r.causes = append(r.causes, err)
	if r.out.Stopped || r.out.Final {
		return true, err
	}
	if refused := refusal(err); refused == nil {
		r.asked++
	} else if refused.By == "breaker" {
		if r.refused == 0 || refused.Until.Before(r.recovered) {
			r.soonest, r.recovered = i, refused.Until
		}
		r.refused++
	}
	verdict := stream.VerdictOf(r.ctx, err)
	switch {
	case r.out.Shown && r.midway == FailMidStream, r.resumed != nil && r.resumed.over,
		verdict.Action == failure.Fail && !(verdict.Kind == failure.KindContent && r.config.FallbackOnContentPolicy):
		return true, allFailed(r.ctx, r.causes)
	}
	r.avoid.add(verdict, r.targets[i].traits)
	return false, nil
}

// last is what remains when no target has answered. One that was cut off in the
// middle of a text may continue it. And if none could even be asked, and open
// breakers are part of the reason, the target that recovers first is better than
// nothing, unless an outer router has another one.
func (r *run) last() error {
	i, orders := r.soonest, r.orders(r.outer.LastResorts == stream.LastResortsOnly)
	mayForce := !r.outer.HasNext || r.outer.Force
	switch {
	case len(r.causes) == 0:
		return &middleware.RefusedError{By: "router", Model: r.name, Reason: "none of its targets may answer now"}
	case r.resumed != nil && r.out.Shown && r.resumed.again(&i):
	case r.asked == 0 && r.refused > 0 && mayForce && !r.out.Shown:
		orders.Force = true
	default:
		return allFailed(r.ctx, r.causes)
	}
	err := r.ask(i, orders)
	if err == nil {
		return nil
	}
	if done, result := r.judge(i, err); done {
		return result
	}
	return allFailed(r.ctx, r.causes)
}
