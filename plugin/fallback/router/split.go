package router

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/adaptive"
	"github.com/adk-fallback/adk-fallback/internal/check"
	"github.com/adk-fallback/adk-fallback/internal/group"
	"github.com/adk-fallback/adk-fallback/internal/nilcheck"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// SplitBy says which calls stay with one arm.
type SplitBy string

const (
	ByUser    SplitBy = "user"    // all sessions of a user
	BySession SplitBy = "session" // each session
)

// Defaults of a split.
const (
	// DefaultDriftWindow is how long a call counts for the comparison of arms.
	DefaultDriftWindow = 10 * time.Minute
	// DefaultDriftCalls is how many calls of an arm are needed to compare its failure
	// rate: with 100, a rate is known to about 10 percentage points (1.96 × √(¼ ÷ 100),
	// the normal approximation for a proportion).
	DefaultDriftCalls = 100
)

// maxSplitWeight keeps the sum of weights far from overflow, even with 32-bit ints.
const maxSplitWeight = 1 << 24

// Arm is one side of a split.
type Arm struct {
	// Cohort names the arm in metadata and counts. Empty means the model's name.
	Cohort string
	// Weight is the arm's share of the users or sessions, relative to the sum of
	// all weights: 95 and 5, or 1 and 1. 0 pauses the arm.
	Weight int
	// Model answers the arm's calls. Two arms may have models of the same name with
	// different configurations.
	Model model.LLM
}

// SplitConfig describes an experiment or a gradual rollout.
type SplitConfig struct {
	// Experiment names the split in metadata, and makes its choice independent of
	// other experiments with the same users. Optional.
	Experiment string
	// By says which calls stay with one arm. Empty means ByUser.
	By SplitBy
	// Arms must contain at least one arm with a weight. The first is the control,
	// which is known to be good.
	Arms []Arm

	// MaxDrift is how far an arm's failure rate may exceed the control's, in (0, 1].
	// With 0.05, an arm that fails in 8 % of its calls is taken out when the control
	// fails in less than 3 %. 0 means that no arm is taken out.
	MaxDrift float64
	// MinCalls is how many calls the arm and the control must each have in the window
	// before they are compared. 0 means [DefaultDriftCalls].
	MinCalls int
	// Window is how long a call counts; it slides in tenths. 0 means
	// [DefaultDriftWindow].
	Window time.Duration
	// OnRollback is called once for each arm that is taken out, on the goroutine of
	// the call that made it drift too far; for a rollback in another replica, on a
	// goroutine of State. A panic in it is recovered and logged. Optional.
	OnRollback func(Rollback)
	// State, if set, takes an arm out in all replicas when one of them does. Arms are the
	// same if their experiment, cohort and model have the same names. The counts remain
	// each replica's own. A rollback is kept until no replica has had calls of the
	// experiment for a day; an arm with another cohort or model starts anew. Nil means that
	// nothing is shared.
	State *state.Shared

	// Adaptive, if set, lets the share of the first of two arms move by itself, for a
	// primary that is slow or fails for a part of its calls. Its weight is the share in
	// health: {1, 0} sends all users to the primary. Nil means that shares are fixed.
	Adaptive *AdaptiveShare
}

// NewSplit returns a model that sends each user, or session, to one of several
// models. It has the name and optional methods of the first.
//
// The choice needs no memory and is the same in every replica and after every
// restart: the first 8 bytes, as a big-endian number, of the SHA-256 of
//
//	Experiment + "\x00" + user or session ID
//
// as a fraction of 2⁶⁴, fall into the arms' shares in their order. If the ID that By
// names is unknown, the other ID is used, then the invocation's. If none is known
// (outside of ADK and without [call.With]), the arm of each call is random. An
// application that gives all its users one ID should split by session.
//
// Every final response carries experiment_id and cohort, also when an enclosing
// router answered with another model. So an experiment's failures stay in its data.
// A cache belongs within the arms, or between a [SplitAhead] and the split.
//
// A call counts as failed if it ended with an error, an outer layer cut it off for
// being too slow, the arm's breaker refused it, another model than the arm's own
// answered (a fallback within the arm), or a policy's condition rejected the answer.
// Calls do not count if the caller cancelled or stopped them, if they lost a hedge,
// or if a rule, a limit or a budget refused them. An arm that exceeds MaxDrift is
// taken out for the life of the split: the control answers its users, in the
// control's cohort.
//
// With Adaptive, the share of the first arm follows its health, and the choice is not the
// same in every replica; see [AdaptiveShare]. [inspect.Of] returns the shares and the counts
// of the arms.
//
// The error names every wrong field. The model is safe for concurrent use if
// its models are.
func NewSplit(config SplitConfig) (model.LLM, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	return stream.Forward(newSplit(config), config.Arms[0].Model), nil
}

// MustSplit is NewSplit, but panics on an error.
func MustSplit(config SplitConfig) model.LLM { return check.Must(NewSplit(config)) }

func (c *SplitConfig) check() error {
	var problems []error
	wrong := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("router: SplitConfig."+format, args...))
	}
	if c.By != "" && c.By != ByUser && c.By != BySession {
		wrong("By: %q is unknown; must be %q or %q", c.By, ByUser, BySession)
	}
	sum := 0
	cohorts := make(map[string]int)
	for i, arm := range c.Arms {
		if arm.Weight < 0 || arm.Weight > maxSplitWeight {
			wrong("Arms[%d].Weight: %d is out of range; must be 0 to %d", i, arm.Weight, maxSplitWeight)
		}
		sum += min(max(arm.Weight, 0), maxSplitWeight)
		if nilcheck.Model(arm.Model) {
			wrong("Arms[%d].Model is nil; must be a model", i)
			continue
		}
		cohort := cmp.Or(arm.Cohort, arm.Model.Name())
		if first, taken := cohorts[cohort]; taken {
			wrong("Arms[%d].Cohort: %q is the cohort of Arms[%d]; must be unique", i, cohort, first)
		} else {
			cohorts[cohort] = i
		}
	}
	if sum == 0 {
		wrong("Arms: %d with a sum of weights of 0; must be 1 or more", len(c.Arms))
	}
	if !(c.MaxDrift >= 0 && c.MaxDrift <= 1) { // also NaN
		wrong("MaxDrift: %v is out of range; must be 0 (no rollback) to 1", c.MaxDrift)
	}
	if c.MinCalls < 0 {
		wrong("MinCalls: %d is negative; must be 0 (default: %d) or more", c.MinCalls, DefaultDriftCalls)
	}
	if c.Window < 0 {
		wrong("Window: %v is negative; must be 0 (default: %v) or more", c.Window, DefaultDriftWindow)
	}
	if c.Adaptive != nil {
		problems = append(problems, c.Adaptive.check(c))
	}
	return errors.Join(problems...)
}

// split is the layer.
type split struct {
	config SplitConfig
	arms   []*arm
	total  uint64          // the sum of weights
	share  *adaptive.Share // nil without SplitConfig.Adaptive
	warned atomic.Bool     // of a model name that no target has
}

func newSplit(config SplitConfig) *split {
	config.By = cmp.Or(config.By, ByUser)
	config.MinCalls = cmp.Or(config.MinCalls, DefaultDriftCalls)
	config.Window = cmp.Or(config.Window, DefaultDriftWindow)
	s := &split{config: config}
	for _, a := range config.Arms {
		layer := stream.Of(a.Model)
		s.arms = append(s.arms, &arm{
			layer: layer, cohort: cmp.Or(a.Cohort, layer.Name()), weight: uint64(a.Weight), tally: newTally(config.Window),
			lastResort: group.IsLastResort(layer), holdsLastResort: group.HasLastResort(layer),
		})
		s.total += uint64(a.Weight)
	}
	if config.Adaptive != nil {
		s.share = newShare(*config.Adaptive, fullShare(config.Arms))
	}
	s.follow()
	return s
}

// Name implements model.LLM.
func (s *split) Name() string { return s.arms[0].layer.Name() }

// GenerateContent implements model.LLM.
func (s *split) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(s, ctx, req, streamed)
}

// Members implements group.Group.
func (s *split) Members() (layers []stream.Layer) {
	for _, a := range s.arms {
		layers = append(layers, a.layer)
	}
	return layers
}

// First implements stream.Leader.
func (s *split) First(ctx context.Context) (context.Context, stream.Layer) {
	return ctx, s.arms[s.choose(ctx)].layer
}

// Do implements stream.Layer.
func (s *split) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	i := s.choose(ctx)
	if named, ok := group.Choose(s.Members(), out, &s.warned); ok {
		i = named
	}
	s.note(i, out)
	a := s.arms[i]
	if a.lastResort && out.LastResorts == stream.LastResortsLater || !a.lastResort && !a.holdsLastResort && out.LastResorts == stream.LastResortsOnly {
		return &middleware.RefusedError{By: "router", Model: a.layer.Name(), Reason: "models have their turn before answers of last resort"}
	}
	w := newWatch(s.share, i, streamed)
	err := w.ask(ctx, a.layer, req, streamed, out)
	s.judge(ctx, a, err, out, w)
	return err
}

// note records arm i in out.
func (s *split) note(i int, out *stream.Sink) {
	a := s.arms[i]
	if out.Root == "" || out.Root == s.Name() {
		out.Root = a.layer.Name() // the choice of an arm is no fallback, also in a router's first target
	}
	out.Notes.ExperimentID, out.Notes.Cohort = s.config.Experiment, a.cohort
}

// choose returns the arm for the caller of ctx: the choice of an enclosing
// SplitAhead, if there is one.
func (s *split) choose(ctx context.Context) int {
	if i, chosen := ctx.Value(s).(int); chosen {
		return i
	}
	point := s.point(ctx)
	if s.share != nil {
		if s.share.Takes(point) {
			return 0
		}
		return 1
	}
	i := pick(point, s.total, s.arms)
	if a := s.arms[i]; a.out.Load() {
		a.renew()
		return 0
	}
	return i
}

// point returns the point in [0, 2⁶⁴) of the caller of ctx.
func (s *split) point(ctx context.Context) uint64 {
	info := call.From(ctx)
	id := cmp.Or(info.User, info.Session, info.Invocation)
	if s.config.By == BySession {
		id = cmp.Or(info.Session, info.User, info.Invocation)
	}
	if id == "" {
		return rand.Uint64()
	}
	buffer := make([]byte, 0, 128) // on the stack, for most
	buffer = append(buffer, s.config.Experiment...)
	buffer = append(buffer, 0)
	buffer = append(buffer, id...)
	sum := sha256.Sum256(buffer)
	return binary.BigEndian.Uint64(sum[:])
}
