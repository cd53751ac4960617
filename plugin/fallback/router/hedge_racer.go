package router

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// racer is one model's part in a race.
type racer struct {
	race    *race
	layer   stream.Layer
	req     *model.LLMRequest
	inline  bool // on the caller's goroutine
	ctx     context.Context
	cancel  context.CancelCauseFunc
	sink    *stream.Sink
	started time.Time
	won     bool // written once, by the racer's own goroutine

	ended bool  // guarded by race.mu
	err   error // guarded by race.mu until ended
	told  int   // the caller's; how many attempts of sink out has on record, or all
}

// all marks a racer whose record is complete.
const all = -1

// lost is why a loser's context is cancelled. Its verdict is what the loser's
// own layers put on record.
type lost struct{}

func (lost) Error() string { return "router: hedge: another model had content first" }

func (lost) Verdict() failure.Verdict {
	return failure.Verdict{Action: failure.Fail, Kind: KindHedgeLost, Scope: failure.ScopeRequest, Reason: "another model of the hedge had content first"}
}

// do makes x's call and returns who is to be asked next, if anybody.
func (x *racer) do() (next *racer) {
	var err error
	defer func() {
		// A panic of the consumer's own is not ours to stop.
		if !x.inline || !x.race.showing {
			if p := recover(); p != nil {
				err = fmt.Errorf("router: hedge: model %q panicked: %v", x.layer.Name(), p)
			}
		}
		next = x.race.leave(x, err)
	}()
	err = ask(x.ctx, x.layer, x.req, x.race.stream, x.sink)
	return nil
}

// yield takes what x's sink lets through, which starts with the first content.
func (x *racer) yield(resp *model.LLMResponse, _ error) bool {
	if !x.won && !x.race.claim(x) {
		return false
	}
	if x.inline {
		return x.race.pass(x, resp)
	}
	return x.hand(resp)
}

// hand passes resp to the caller's goroutine and waits until it is done with it.
// Between the two x stands still, and the caller may look at x.sink.
func (x *racer) hand(resp *model.LLMResponse) bool {
	select {
	case x.race.handover <- handover{x, resp}:
		return resp != nil && <-x.race.resume
	case <-x.ctx.Done():
		return false
	}
}
