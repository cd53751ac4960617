package cascade

import (
	"context"
	"fmt"
	"log/slog"
	"math"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/group"
	"github.com/adk-fallback/adk-fallback/internal/panics"
	"github.com/adk-fallback/adk-fallback/internal/price"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// run is one call on its way through a cascade.
type run struct {
	*cascade
	ctx      context.Context
	req      *model.LLMRequest
	streamed bool
	out      *stream.Sink
	outer    stream.Orders // of the enclosing routers
	settings Settings

	chosen string // the model that the request names, for the first call; "" for none
	tried  []bool // by layer
	causes []error

	rejected *cheapAnswer // nil if there is none
	to       string       // the model to call instead of the strong one, "" for none
	known    bool         // barred is set
	barred   string       // see bar
}

// do calls the models in turn until one answers or none is left.
func (r *run) do() error {
	var err error = &middleware.RefusedError{By: "router", Model: r.name, Reason: "none of its models may answer now"}
	if r.outer.LastResorts != stream.LastResortsOnly {
		for i := r.begin(); i >= 0; i = r.next() {
			if err = r.try(i); err == nil {
				if i == strongLayer && len(r.causes) > 0 {
					r.turns.Stay(r.ctx, i, r.out.Cause())
				}
				return nil
			}
			if done, result := r.failed(err); done {
				return result
			}
		}
		if r.stands() {
			return nil
		}
		err = group.AllFailed(r.ctx, r.causes)
	}
	if r.outer.LastResorts == stream.LastResortsLater {
		return err
	}
	r.out.Orders = r.outer
	return group.AskLastResorts(r.ctx, r.resorts, r.out, err, func(l stream.Layer) error { return group.Ask(r.ctx, l, r.req, r.streamed, r.out) })
}

// begin returns the layer to call first.
func (r *run) begin() int {
	if i, ok := group.Choose(r.layers, r.out, &r.warned); ok {
		r.chosen = r.out.Chosen
		return i
	}
	if r.settings.Use == UseStrong {
		if r.out.Root == r.name {
			r.out.Root = r.layers[strongLayer].Name() // it is no fallback
		}
		return strongLayer
	}
	if place, ok := r.turns.Start(r.ctx); ok && r.bar() == "" {
		r.out.SetCause(place.Cause)
		r.out.Record(call.Attempt{Model: r.name, Outcome: call.Skipped, Reason: "the turn stays with the model that answered before"})
		return place.Target
	}
	return cheapLayer
}

// next returns the layer to call after one has failed, or -1 if none is left.
func (r *run) next() int {
	for i := strongLayer + 1; i < len(r.layers); i++ {
		if r.layers[i].Name() == r.to && !r.tried[i] {
			return i
		}
	}
	switch {
	case !r.tried[strongLayer]:
		return strongLayer
	case !r.tried[cheapLayer]:
		return cheapLayer
	}
	return -1
}

// try calls layer i.
func (r *run) try(i int) error {
	r.tried[i] = true
	r.out.Orders = r.outer
	r.out.Chosen, r.chosen = r.chosen, ""
	r.out.LastResorts = stream.LastResortsLater
	r.out.Fallback = r.outer.Fallback || i == cheapLayer && r.tried[strongLayer]
	r.out.HasNext = r.outer.HasNext || !r.tried[cheapLayer] || !r.tried[strongLayer] && r.bar() == ""
	r.out.Restart()
	switch i {
	case cheapLayer:
		return r.cheap()
	case strongLayer:
		if reason := r.bar(); reason != "" {
			refused := &middleware.RefusedError{By: "router", Model: r.layers[i].Name(), Reason: reason}
			r.out.Skip(refused)
			return refused
		}
		return group.Ask(r.ctx, r.layers[i], r.req, r.streamed, r.out)
	}
	notes := r.out.Notes
	r.out.Notes.Degraded = r.layers[i].Name()
	r.out.LastResorts = stream.LastResortsAllowed // a verdict has sent the call to them
	err := group.Ask(r.ctx, r.layers[i], r.req, r.streamed, r.out)
	if err != nil {
		r.out.Notes = notes
	}
	return err
}

// failed records how a layer failed. done reports whether the call ends, with result.
func (r *run) failed(err error) (done bool, result error) {
	if r.ctx.Err() != nil {
		return true, stream.Ended(r.ctx)
	}
	r.causes = append(r.causes, err)
	switch {
	case r.out.Stopped || r.out.Final:
		return true, err
	case stream.VerdictOf(r.ctx, err).Action == failure.Fail, r.out.Shown && r.out.Continuous:
		return true, group.AllFailed(r.ctx, r.causes)
	}
	return false, nil
}

// stands passes on the rejected answer, if there is one and no other model may be
// called. It reports whether it has.
func (r *run) stands() bool {
	mayFail := r.outer.HasNext && r.bar() == "" // then the enclosing router goes on
	if r.rejected == nil || mayFail || !r.out.Again() {
		return false
	}
	r.rejected.stand()
	return true
}

// bar returns why the strong model may not be called, "" if it may.
func (r *run) bar() string {
	if !r.known {
		r.known, r.barred = true, r.findBar()
	}
	return r.barred
}

func (r *run) findBar() string {
	ceiling := r.settings.MaxCost
	if r.settings.Use == UseCheap {
		return "the tenant uses the cheap model alone"
	}
	if math.IsInf(ceiling, 1) {
		return ""
	}
	cost, ok := r.price(r.layers[strongLayer])
	switch {
	case !ok:
		return fmt.Sprintf("its cost is not known, and the ceiling is %.4f USD", ceiling)
	case cost > ceiling:
		return fmt.Sprintf("%.4f USD is over the ceiling of %.4f USD", cost, ceiling)
	}
	return ""
}

// price projects the cost of a call of target. ok is false if it is unknown.
func (r *run) price(target stream.Layer) (cost float64, ok bool) {
	if r.config.Price == nil {
		p, ok := price.Of(priced(target))
		if !ok {
			return 0, false
		}
		return price.Project(p, r.req, price.DefaultOutput), true
	}
	defer func() {
		if p := recover(); p != nil {
			slog.Error("cascade: Config.Price panicked", "model", target.Name(), "panic", panics.Text(p))
			cost, ok = 0, false
		}
	}()
	cost, ok = r.config.Price(target.Name(), r.req)
	return cost, ok && cost >= 0 && !math.IsInf(cost, 1)
}
