package router

import (
	"context"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/group"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/telemetry"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// race is one call of a hedge. Its models hand their responses to the caller's
// goroutine; only that goroutine uses out.
type race struct {
	hedge    *hedge
	req      *model.LLMRequest
	streamed bool
	out      *stream.Sink
	items    chan stream.Item
	first    int      // index of the first model to call
	chosen   string   // the model that the request names, for the first call; "" for none
	racers   []*racer // the models called so far, in order
	running  int      // racers that have not ended
	winner   *racer   // the first with content
	closed   bool     // no further model is called
}

// racer is one model's part in a race.
type racer struct {
	*stream.Detached
	ctx     context.Context
	cancel  context.CancelCauseFunc
	started time.Time
	ended   bool
	err     error
}

// lost is the cause of a loser's cancelled context. The loser's own layers record its
// verdict.
type lost struct{}

func (lost) Error() string { return "router: hedge: another model had content first" }

func (lost) Verdict() failure.Verdict {
	return failure.Verdict{Action: failure.Fail, Kind: KindHedgeLost, Scope: failure.ScopeRequest, Reason: "another model of the hedge had content first"}
}

// run calls the models until one has answered, or none is left.
func (r *race) run(ctx context.Context) error {
	delay := r.hedge.delay(r.streamed)
	timer := time.NewTimer(delay)
	defer timer.Stop()
	r.start(ctx, false)
	for {
		select {
		case item := <-r.items:
			switch x := r.racerOf(item); {
			case item.Response != nil:
				if !r.show(x, item.Response) {
					return nil
				}
			case x == r.winner:
				x.Sink().Join()
				return item.Err
			default:
				r.lose(ctx, x, item.Err)
				if r.winner == nil && r.running == 0 {
					if r.closed || !r.start(ctx, false) {
						return r.failed(ctx)
					}
					timer.Reset(delay)
				}
			}
		case <-timer.C:
			if !r.closed && len(r.racers) < len(r.hedge.racing) && r.hedge.budget.Take() {
				r.start(ctx, true)
				telemetry.Event(ctx, telemetry.EventHedge, func() []telemetry.Attribute {
					return []telemetry.Attribute{telemetry.EventTarget.String(telemetry.Name(r.hedge.racing[(r.first+len(r.racers)-1)%len(r.hedge.racing)].Name()))}
				})
				timer.Reset(delay)
			}
		case <-ctx.Done():
			if r.out.Final {
				return nil
			}
			return stream.Ended(ctx)
		}
	}
}

// start calls the next model, if there is one: beside a slow one, or when none is at work.
func (r *race) start(ctx context.Context, beside bool) bool {
	next, models := len(r.racers), r.hedge.racing
	if next == len(models) || ctx.Err() != nil {
		return false
	}
	x := &racer{started: time.Now()}
	x.ctx, x.cancel = context.WithCancelCause(ctx)
	outer := r.out.Orders
	r.out.HasNext, r.out.Chosen, r.out.Fallback = outer.HasNext || next+1 < len(models), r.chosen, outer.Fallback || next > 0
	r.out.Hedge = outer.Hedge || beside
	x.Detached = r.out.Detach(x.ctx, models[(r.first+next)%len(models)], r.req, r.streamed, r.items)
	r.out.Orders, r.chosen = outer, ""
	r.racers = append(r.racers, x)
	r.running++
	return true
}

func (r *race) racerOf(item stream.Item) *racer {
	for _, x := range r.racers {
		if x.Detached == item.From {
			return x
		}
	}
	panic("router: hedge: a response of nobody") // only racers have the channel
}

// show passes on a response of x if x is the winner or the first to respond.
func (r *race) show(x *racer, resp *model.LLMResponse) bool {
	if r.winner == nil {
		r.win(x)
	}
	if x != r.winner {
		x.Refuse()
		return true
	}
	if !resp.Partial {
		r.leaveLosers() // so that they are on record before the answer is
	}
	return x.Pass(resp)
}

// win makes x the winner and cancels the others.
func (r *race) win(x *racer) {
	r.winner, r.closed = x, true
	for _, other := range r.racers {
		if other != x {
			other.cancel(lost{})
		}
	}
	// A first model that lost would have taken longer than this. Without the sample
	// it would look faster the slower it gets.
	if first := r.racers[0]; r.hedge.config.Delay == 0 && r.first == 0 && !first.ended {
		r.hedge.latencies(r.streamed).Add(time.Since(first.started))
	}
}

// lose records that x has ended without an answer.
func (r *race) lose(ctx context.Context, x *racer, err error) {
	x.ended, x.err = true, err
	r.running--
	v := lost{}.Verdict()
	if r.winner == nil {
		v = stream.VerdictOf(ctx, err)
		r.closed = r.closed || v.Action == failure.Fail
	}
	x.Leave(x.Lost(v))
}

// leaveLosers leaves all racers but the winner behind.
func (r *race) leaveLosers() {
	for _, x := range r.racers {
		if x != r.winner {
			_, lost := x.Deaf(x.ctx)
			x.Leave(lost)
		}
	}
}

// end cancels all racers and leaves them behind.
func (r *race) end(ctx context.Context) {
	for _, x := range r.racers {
		x.cancel(nil)
	}
	r.leaveLosers()
	if r.winner == nil {
		return
	}
	var cut call.Attempt
	if ctx.Err() != nil && !r.out.Final {
		_, cut = r.winner.Deaf(ctx)
	}
	r.winner.Leave(cut)
}

// failed returns the error of a race without a winner.
func (r *race) failed(ctx context.Context) error {
	r.racers[0].Sink().Join() // an experiment in it has still touched the call
	causes := make([]error, len(r.racers))
	for i, x := range r.racers {
		causes[i] = x.err
	}
	return group.AllFailed(ctx, causes)
}
