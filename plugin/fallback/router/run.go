package router

import (
	"context"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/group"
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
	outer    stream.Orders // of the enclosing routers
	course   *course       // nil without rules

	warm stream.Warm // the target that has the conversation in its prompt cache

	start   int       // index of the first target to call
	stays   bool      // a session stays with it
	began   int       // index of the target that the turn began with
	chosen  string    // the model that the request names, for the first call; "" for none
	seen    []visit   // by target
	few     [16]visit // memory for seen
	causes  []error   // of the targets called or skipped so far, in order
	avoid   avoid
	midway  MidStream
	resumed *resumed // nil unless midway is Resume

	asked     int // targets that were called
	refused   int // targets that an open breaker refused
	soonest   int // of the refused, the one that recovers first
	recovered time.Time
}

// visit says whether a target has been tried.
type visit uint8

const (
	unseen  visit = iota
	visited       // its last resorts have not been tried
	spent
)

// do calls the targets in turn until one answers or none is left.
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
				r.turns.Stay(r.ctx, i, r.out.Cause())
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
	if i, ok := group.Choose(r.layers, r.out, &r.warned); ok {
		r.start, r.began, r.chosen = i, i, r.out.Chosen
	} else if place, ok := r.turns.Start(r.ctx); ok && r.outer.LastResorts != stream.LastResortsOnly {
		r.start, r.stays = place.Target, r.config.Sticky == StickySession
		r.out.SetCause(place.Cause)
		if r.targets[r.start].Name() != r.name {
			r.out.Record(call.Attempt{Model: r.name, Outcome: call.Skipped, Reason: "the " + r.config.Sticky.what() + " stays with the model that answered before"})
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

// The order in which targets are tried; see rank.
const (
	continues   = iota // it can continue the text that was shown
	ordinary           //
	unreachable        // its endpoint could not be reached in this call
	lastResort         //
	none               // not tried, or not again, in this call
)

// rank returns when target i is tried.
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
	case r.avoid.unreachable(&t.traits):
		return unreachable
	case r.resumed != nil && t.traits.Prefill && r.resumed.given() != "":
		return continues
	}
	return ordinary
}

// next returns the target to try next; ok is false if none is left. Targets of equal
// rank are tried in order from start, wrapping around; see also prefer.
func (r *run) next() (i int, ok bool) {
	best := none
	for n := range r.targets {
		at := r.inOrder(n)
		if rank := r.rank(at); rank < best {
			i, best = at, rank
		}
	}
	if best < none && len(r.causes) > 0 {
		i = r.prefer(i, best)
	}
	return i, best < none
}

// inOrder returns the n-th target in order. After the fallback that a session stays
// with, the first target is next.
func (r *run) inOrder(n int) int {
	switch {
	case !r.stays:
		return (r.start + n) % len(r.targets)
	case n == 0:
		return r.start
	case n <= r.start:
		return n - 1
	}
	return n
}

// visit calls target i, unless it would fail for the same reason as an earlier one.
func (r *run) visit(i int) error {
	t, first := &r.targets[i], len(r.causes) == 0
	resort := t.lastResort || r.seen[i] == visited || r.outer.LastResorts == stream.LastResortsOnly
	r.seen[i] = visited
	if resort {
		r.seen[i] = spent
	}
	if reason := r.avoid.reason(&t.traits); reason != "" {
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

// orders returns the orders for a target, or for its last resorts.
func (r *run) orders(resort bool) stream.Orders {
	orders := r.outer
	orders.Force, orders.Chosen, orders.Rules = false, "", nil
	if r.course != nil {
		orders.Rules = r.course
	}
	orders.Guard = withGuard(r.outer.Guard, r.guard)
	if r.gated {
		orders.Check = withCheck(r.outer.Check, &r.config.Gate)
	}
	orders.Continuous = r.midway != Restart
	orders.LastResorts = stream.LastResortsLater
	if resort {
		orders.LastResorts = stream.LastResortsOnly
	}
	return orders
}

// ask calls target i with orders.
func (r *run) ask(i int, orders stream.Orders) error {
	orders.Fallback = r.outer.Fallback || r.targets[i].Name() != r.targets[r.began].Name()
	r.out.Orders = orders
	if r.resumed != nil {
		return r.resumed.ask(i)
	}
	r.out.Restart()
	return r.targets[i].Do(r.ctx, r.req, r.streamed, r.out)
}

// judge records how target i failed. done reports whether the call ends, with result.
func (r *run) judge(i int, err error) (done bool, result error) {
	if r.ctx.Err() != nil {
		return true, stream.Ended(r.ctx)
	}
	r.causes = append(r.causes, err)
	if r.out.Stopped || r.out.Final {
		return true, err
	}
	if refused := group.Refusal(err); refused == nil {
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
		return true, group.AllFailed(r.ctx, r.causes)
	}
	r.avoid.add(verdict, &r.targets[i].traits)
	return false, nil
}

// last runs when no target has answered. With Resume, the target that was cut off
// first may continue its text. If no target was called, and an open breaker refused
// one, the target that recovers first is called anyway, unless an outer router has
// another target.
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
		return group.AllFailed(r.ctx, r.causes)
	}
	err := r.ask(i, orders)
	if err == nil {
		return nil
	}
	if done, result := r.judge(i, err); done {
		return result
	}
	return group.AllFailed(r.ctx, r.causes)
}
