package router

import (
	"context"
	"errors"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// report brings the record of out up to date with the racers' own, which they
// have because a loser may write to its record when the call has returned.
// still is the racer, if any, that stands still while the caller looks at it.
func (r *race) report(still *racer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, x := range r.racers {
		switch {
		case x.told == all:
		case x == still:
			x.tell()
		case x.ended:
			x.tell()
			x.tellEnd()
			x.told = all
		case x != r.winner:
			// It runs on, cancelled. What it has tried is its own to know.
			x.race.out.Record(x.cancelled())
			x.told = all
		}
	}
}

// tell records what x's layers recorded since it was last called.
func (x *racer) tell() {
	attempts, _ := x.sink.Attempts()
	for _, a := range attempts[min(x.told, len(attempts)):] {
		x.race.out.Record(a)
	}
	x.told = len(attempts)
}

// tellEnd records how x ended if it did not answer and its layers did not say.
func (x *racer) tellEnd() {
	attempts, _ := x.sink.Attempts()
	n := len(attempts)
	switch {
	case x.won:
	case context.Cause(x.ctx) == lost{}:
		if n == 0 || attempts[n-1].Kind != string(KindHedgeLost) {
			x.race.out.Record(x.cancelled())
		}
	case n == 0:
		x.race.out.Record(x.failure())
	}
}

// failure is the record of a racer that failed without calling a model.
func (x *racer) failure() call.Attempt {
	if refused := (*middleware.RefusedError)(nil); errors.As(x.err, &refused) {
		return skipped(x.layer, refused)
	}
	v := stream.VerdictOf(x.race.ctx, x.err)
	return call.Attempt{
		Model: x.layer.Name(), Outcome: call.Failed, Code: v.Code, Kind: string(v.Kind),
		HTTPStatus: v.HTTPStatus, Reason: v.Reason, Message: v.Message,
	}
}

// cancelled is the record of a racer that the race's end has stopped.
func (x *racer) cancelled() call.Attempt {
	kind, reason := failure.KindCanceled, "the call ended first"
	if x.race.winner != nil {
		kind, reason = KindHedgeLost, lost{}.Verdict().Reason
	}
	return call.Attempt{Model: x.layer.Name(), Outcome: call.Failed, Kind: string(kind), Reason: reason, Duration: time.Since(x.started)}
}
