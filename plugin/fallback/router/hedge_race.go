package router

import (
	"context"
	"sync"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// race is one call of a hedge. The caller's goroutine runs the first model and
// is the only one to touch out: while it is inside the first model nothing of
// another can be shown, so a hedge that has content first cancels the first
// model and hands its responses over one by one, each side waiting for the
// other. No channel and no goroutine exists before the delay has passed.
type race struct {
	hedge  *hedge
	ctx    context.Context // the caller's
	stream bool
	out    *stream.Sink
	delay  time.Duration

	showing bool // the caller's; the consumer has control

	mu      sync.Mutex
	timer   *time.Timer // guarded by mu; asks the next model
	racers  []*racer    // guarded by mu; those asked so far, in order
	running int         // guarded by mu; of racers, those that have not ended
	closed  bool        // guarded by mu; nobody is asked any more
	winner  *racer      // guarded by mu; who had content first

	// Both are made with the first hedge, and used by no more than one hedge at
	// a time: the winner, or the last to fail.
	handover chan handover
	resume   chan bool // the answer to a handover: more is wanted
}

// handover is what a hedge passes to the caller's goroutine: a response, or nil
// at its end.
type handover struct {
	from *racer
	resp *model.LLMResponse
}

// start asks the first model.
func (r *race) start(req *model.LLMRequest) *racer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.enter(req, true)
}

// enter asks the next model and lets the one after it follow after the delay.
// It returns nil when there is none left. The caller holds mu.
func (r *race) enter(req *model.LLMRequest, inline bool) *racer {
	next, layers := len(r.racers), r.hedge.layers
	if r.closed || next == len(layers) {
		return nil
	}
	x := &racer{race: r, layer: layers[next], req: req, inline: inline, started: time.Now()}
	x.ctx, x.cancel = context.WithCancelCause(r.ctx)
	x.sink = stream.NewSink(x.yield)
	x.sink.Notes, x.sink.Force, x.sink.Guard = r.out.Notes, r.out.Force, r.out.Guard
	x.sink.HasNext = r.out.HasNext || next+1 < len(layers)
	if next == 0 {
		x.sink.Wait, r.out.Wait = r.out.Wait, 0
	}
	// Root makes a sink annotate, which out does anyhow. The root model itself
	// can do without: nothing in the request is foreign to it.
	if next > 0 || r.out.Root != r.hedge.name {
		x.sink.Root = r.out.Root
	}
	r.racers = append(r.racers, x)
	r.running++
	switch {
	case r.timer == nil:
		r.timer = time.AfterFunc(r.delay, r.startHedge)
	case next+1 < len(layers):
		r.timer.Reset(r.delay)
	default:
		r.timer.Stop()
	}
	return x
}

// startHedge runs on a goroutine of the timer's, which is the hedge's from then
// on. It ends when the model of the hedge returns; that the race's end cancels.
func (r *race) startHedge() {
	r.mu.Lock()
	if r.closed || len(r.racers) == len(r.hedge.layers) || !r.hedge.budget.take() {
		r.mu.Unlock()
		return
	}
	if r.handover == nil {
		r.handover, r.resume = make(chan handover), make(chan bool)
	}
	// A copy, made under the lock that end takes: the request is the caller's
	// again when the call has returned.
	x := r.enter(request.Clone(r.racers[0].req), false)
	r.mu.Unlock()

	x = r.run(x)
	if x.won || r.allFailed() {
		x.hand(nil)
	}
}

// run asks x and, as long as all that were asked have failed, the next one. It
// returns the last it asked.
func (r *race) run(x *racer) *racer {
	for {
		next := x.do()
		if next == nil {
			return x
		}
		x = next
	}
}

// leave notes how x ended and asks the next model if it is time to.
func (r *race) leave(x *racer, err error) *racer {
	fatal := err != nil && stream.VerdictOf(r.ctx, err).Action == failure.Fail
	r.mu.Lock()
	defer r.mu.Unlock()
	x.ended, x.err = true, err
	r.running--
	if fatal {
		r.closed = true
	}
	if r.winner != nil || r.running > 0 {
		return nil
	}
	return r.enter(x.req, x.inline)
}

// claim makes x the winner if there is none, and cancels the others.
func (r *race) claim(x *racer) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.winner != nil {
		return false
	}
	r.winner, r.closed, x.won = x, true, true
	if r.timer != nil {
		r.timer.Stop()
	}
	for _, other := range r.racers {
		if !other.ended && other != x {
			other.cancel(lost{})
		}
	}
	// Of a first model that lost it is only known that it would have taken
	// longer. To leave that out would make it look faster the slower it gets.
	if first := r.racers[0]; r.hedge.config.Delay == 0 && !first.ended {
		r.hedge.latencies(r.stream).add(time.Since(first.started))
	}
	return true
}

// follow waits for the hedges and passes on what the winner hands over.
func (r *race) follow() error {
	if r.allFailed() {
		return r.failed()
	}
	for {
		select {
		case h := <-r.handover:
			switch {
			case h.resp == nil && h.from.won:
				return h.from.err
			case h.resp == nil:
				return r.failed()
			case !r.pass(h.from, h.resp):
				return nil
			}
			r.resume <- true
		case <-r.ctx.Done():
			if r.out.Final {
				return nil
			}
			return stream.Ended(r.ctx)
		}
	}
}

// pass shows resp, of x, to the consumer.
func (r *race) pass(x *racer, resp *model.LLMResponse) bool {
	switch {
	case !resp.Partial:
		r.out.Model, r.out.Notes = x.sink.Model, x.sink.Notes
		r.report(x)
	case resp.CustomMetadata[call.KeyRestart] == true:
		r.out.Restart() // it puts the marker before what comes next
		return true
	}
	r.showing = true
	more := r.out.Send(resp)
	r.showing = false
	return more
}

// end leaves nothing behind: no timer, no context, no hedge that waits.
func (r *race) end() {
	r.mu.Lock()
	r.closed = true
	if r.timer != nil {
		r.timer.Stop()
	}
	for _, x := range r.racers {
		x.cancel(nil)
	}
	if r.resume != nil {
		close(r.resume)
	}
	r.mu.Unlock()
	r.report(nil)
}

func (r *race) allFailed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.winner == nil && r.running == 0
}

// failed is the error of a race that nobody won.
func (r *race) failed() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.racers) == 1 {
		return r.racers[0].err
	}
	all := &AllFailedError{}
	for _, x := range r.racers {
		all.Causes = append(all.Causes, x.err)
	}
	return all
}
