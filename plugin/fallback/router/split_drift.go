package router

import (
	"context"
	"fmt"
	"log/slog"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/group"
	"github.com/adk-fallback/adk-fallback/internal/panics"
	"github.com/adk-fallback/adk-fallback/internal/review"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/window"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// Counts are the calls of an arm within the window.
type Counts struct {
	Calls     int // calls that count for the arm; see [NewSplit]
	Errors    int // calls that ended with an error or whose answer was rejected
	Fallbacks int // calls that another model than the arm's own answered
}

func (c *Counts) add(more Counts) {
	c.Calls += more.Calls
	c.Errors += more.Errors
	c.Fallbacks += more.Fallbacks
}

// FailureRate returns the share of calls that the arm's own model did not answer, or
// 0 without calls.
func (c Counts) FailureRate() float64 {
	if c.Calls == 0 {
		return 0
	}
	return float64(c.Errors+c.Fallbacks) / float64(c.Calls)
}

// Rollback describes an arm that was taken out, and the counts that caused it.
type Rollback struct {
	Experiment, Cohort string
	Arm, Control       Counts // zero if another replica has taken it out
	// Replica is the one that has taken the arm out; "" for this one. See SplitConfig.State.
	Replica string
}

// arm is one side of a split at work.
type arm struct {
	layer  stream.Layer
	cohort string
	weight uint64
	tally  *tally
	out    atomic.Bool // taken out, for good

	flag    *state.Switch // up while the arm is out in any replica; nil if not shared
	renewed atomic.Int64  // when flag was raised, in Unix nanoseconds

	lastResort, holdsLastResort bool // it is a last resort; it is a router that has one
}

// pick returns the arm whose share of total contains a point of [0, 2⁶⁴).
func pick(point, total uint64, arms []*arm) int {
	at, _ := bits.Mul64(point, total) // ⌊point ÷ 2⁶⁴ × total⌋
	for i, a := range arms {
		if at < a.weight {
			return i
		}
		at -= a.weight
	}
	return 0 // not reached: at is less than the sum of weights
}

// shares returns the present part of the users of each arm.
func (s *split) shares() []float64 {
	if s.share != nil {
		primary := s.share.Value()
		return []float64{primary, 1 - primary}
	}
	shares := make([]float64, len(s.arms))
	for i, a := range s.arms {
		at := i
		if a.out.Load() {
			at = 0
		}
		shares[at] += float64(a.weight) / float64(s.total)
	}
	return shares
}

// judge counts the end of a call for arm a.
func (s *split) judge(ctx context.Context, a *arm, err error, out *stream.Sink, w *watch) {
	count := func(what Counts) {
		s.count(a, what)
		w.ended(what)
	}
	switch {
	case isNobodys(ctx, err) || err == nil && !out.Final:
	case err != nil:
		count(Counts{Calls: 1, Errors: 1})
	case out.Model != "" && out.Model != a.layer.Name():
		count(Counts{Calls: 1, Fallbacks: 1})
	default:
		count(Counts{Calls: 1})
		if pending := review.Of(ctx); pending != nil {
			pending.OnReject(func() { count(Counts{Errors: 1}) })
		}
	}
}

// isNobodys reports whether a call does not count for its arm: the caller cancelled
// it, another model of a hedge was faster, or no model was called. A refusal by a
// breaker does count: the arm's earlier calls have failed.
func isNobodys(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return stream.Ended(ctx) == ctx.Err() || context.Cause(ctx) == lost{}
	}
	refused := group.Refusal(err)
	return refused != nil && refused.By != "breaker"
}

// count adds to the counts of a, and takes a out if it has drifted too far.
func (s *split) count(a *arm, what Counts) {
	now := time.Now()
	a.tally.add(now, what)
	if s.config.MaxDrift == 0 || what.Errors+what.Fallbacks == 0 || a.out.Load() {
		return
	}
	r := Rollback{Experiment: s.config.Experiment, Cohort: a.cohort, Arm: a.tally.sum(now), Control: s.arms[0].tally.sum(now)}
	if min(r.Arm.Calls, r.Control.Calls) < s.config.MinCalls || r.Arm.FailureRate()-r.Control.FailureRate() <= s.config.MaxDrift {
		return
	}
	if a.out.CompareAndSwap(false, true) {
		a.renew()
		s.tell(r)
	}
}

// tell calls the hook.
func (s *split) tell(r Rollback) {
	if s.config.OnRollback == nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			slog.Error("router: SplitConfig.OnRollback panicked", "experiment", r.Experiment, "cohort", r.Cohort, "panic", panics.Text(p))
		}
	}()
	s.config.OnRollback(r)
}

// How long a rollback holds in other replicas, and the time after which it is renewed while the
// arm has calls.
const (
	rollbackFor   = 24 * time.Hour
	rollbackAgain = time.Hour
)

// follow takes an arm out when another replica has rolled it back.
func (s *split) follow() {
	if s.config.State == nil || s.config.MaxDrift == 0 {
		return
	}
	for _, a := range s.arms[1:] { // the control stays
		key := fmt.Sprintf("rollback:%q %q %q", s.config.Experiment, a.cohort, a.layer.Name())
		a.flag = s.config.State.Flag(key, func(f state.Flag) {
			if f.For > 0 && a.out.CompareAndSwap(false, true) {
				s.tell(Rollback{Experiment: s.config.Experiment, Cohort: a.cohort, Replica: f.From})
			}
		})
	}
}

// renew tells other replicas that the arm is removed, unless it has told them lately.
func (a *arm) renew() {
	if a.flag == nil {
		return
	}
	now, before := time.Now().UnixNano(), a.renewed.Load()
	if before == 0 || now-before >= int64(rollbackAgain) {
		if a.renewed.CompareAndSwap(before, now) {
			a.flag.Raise(rollbackFor, "an arm of an experiment was taken out")
		}
	}
}

// tally counts calls in a sliding window.
type tally struct {
	mu     sync.Mutex
	counts window.Window[Counts] // guarded by mu
}

func newTally(length time.Duration) *tally { return &tally{counts: window.New[Counts](length)} }

func (t *tally) add(now time.Time, what Counts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts.At(now).add(what)
}

func (t *tally) sum(now time.Time) (sum Counts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for counts := range t.counts.All(now) {
		sum.add(counts)
	}
	return sum
}
