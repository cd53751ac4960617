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

	"github.com/adk-fallback/adk-fallback/internal/nilcheck"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// SplitBy says whose calls stay with one arm.
type SplitBy string

const (
	ByUser    SplitBy = "user"    // all sessions of a user
	BySession SplitBy = "session" // each session
)

// Defaults of a split.
const (
	// DefaultDriftWindow is how long a call counts for the comparison of arms.
	DefaultDriftWindow = 10 * time.Minute
	// DefaultDriftCalls is how many calls of an arm make its rate of failures
	// worth comparing: with 100, a rate is known to about 10 percentage points
	// (1.96 × √(¼ ÷ 100), the normal approximation for a proportion).
	DefaultDriftCalls = 100
)

// maxSplitWeight keeps the sum of weights far from overflow, where an int has 32
// bits too.
const maxSplitWeight = 1 << 24

// Arm is one side of a split.
type Arm struct {
	// Cohort names the arm in metadata and counts. Empty means the model's name.
	Cohort string
	// Weight is the arm's share of the users or sessions, relative to the sum of
	// all: 95 and 5, or 1 and 1. 0 means none, which pauses an arm.
	Weight int
	// Model answers. Two arms may have models of one name, which differ in their
	// configuration.
	Model model.LLM
}

// SplitConfig describes an experiment or a gradual rollout.
type SplitConfig struct {
	// Experiment names the split in metadata, and makes its choice independent
	// of other experiments' with the same users. It may be empty.
	Experiment string
	// By is whose calls stay with one arm. Empty means ByUser.
	By SplitBy
	// Arms are the sides, at least one with a weight. The first is the control:
	// the one that is known to be good.
	Arms []Arm

	// MaxDrift is how much larger than the control's an arm's rate of failed
	// calls may be, in (0, 1]: with 0.05, an arm that fails in 8 % of its calls is
	// taken out when the control fails in less than 3 %. 0 means that no arm is
	// taken out.
	MaxDrift float64
	// MinCalls is how many calls of the arm, and of the control, must lie in the
	// window before they are compared. 0 means [DefaultDriftCalls].
	MinCalls int
	// Window is how long a call counts; it slides in tenths. 0 means
	// [DefaultDriftWindow].
	Window time.Duration
	// OnRollback is told when an arm is taken out, once for each, on the
	// goroutine of the call that made it drift too far. A panic in it is logged
	// and goes no further. Nil means that nobody is told.
	OnRollback func(Rollback)

	// Stats, if set, can be asked for the counts of every arm. It serves one
	// split.
	Stats *SplitStats
}

// NewSplit returns a model that sends each user, or session, to one of several
// models. It has the name and the optional methods of the first.
//
// The choice needs no memory and is the same in every replica and after every
// restart: the first 8 bytes, as a big-endian number, of the SHA-256 of
//
//	Experiment + "\x00" + user or session ID
//
// as a fraction of 2⁶⁴, fall into the arms' shares in their order. When By's ID is
// not known, the other one is used, then the invocation's; when none is, outside
// of ADK and without [call.With], each call is a random draw. An application that
// gives all its users one ID should split by session.
//
// Every final response carries experiment_id and cohort, also when a router
// around the split had to answer with another model: so an experiment is judged
// by all whom it touched, not only by those for whom it worked. A cache belongs
// within the arms, or between a [SplitAhead] and the split.
//
// A failed call is one that ended with an error, was cut off by a layer around
// for being too slow, was refused by the arm's breaker, was answered by another
// than the arm's own model (a fallback within the arm), or has an answer that a
// condition of a policy has rejected. Calls that the caller cancelled or stopped,
// that lost a hedge, or that a rule, a limit or a budget kept from the arm's
// models do not count. An arm that drifts beyond MaxDrift is taken out for the
// life of the split: the control answers its users, in the control's cohort.
//
// The error names every wrong field. The model is safe for concurrent use if
// its models are.
func NewSplit(config SplitConfig) (model.LLM, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	s := newSplit(config)
	if config.Stats != nil && !config.Stats.arms.CompareAndSwap(nil, &s.arms) {
		return nil, errors.New("router: SplitConfig.Stats serves another split; allowed: one of its own")
	}
	return stream.Forward(s, config.Arms[0].Model), nil
}

// MustSplit is NewSplit for a configuration that is known to be right.
func MustSplit(config SplitConfig) model.LLM {
	m, err := NewSplit(config)
	if err != nil {
		panic(err)
	}
	return m
}

func (c *SplitConfig) check() error {
	var problems []error
	wrong := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("router: SplitConfig."+format, args...))
	}
	if c.By != "" && c.By != ByUser && c.By != BySession {
		wrong("By: %q is unknown; allowed: %q, %q", c.By, ByUser, BySession)
	}
	sum := 0
	cohorts := make(map[string]int)
	for i, arm := range c.Arms {
		if arm.Weight < 0 || arm.Weight > maxSplitWeight {
			wrong("Arms[%d].Weight: %d; allowed: 0 for none, up to %d", i, arm.Weight, maxSplitWeight)
		}
		sum += min(max(arm.Weight, 0), maxSplitWeight)
		if nilcheck.Model(arm.Model) {
			wrong("Arms[%d].Model is nil; allowed: a model", i)
			continue
		}
		cohort := cmp.Or(arm.Cohort, arm.Model.Name())
		if first, taken := cohorts[cohort]; taken {
			wrong("Arms[%d].Cohort: %q is the cohort of Arms[%d]; allowed: a name of its own", i, cohort, first)
		} else {
			cohorts[cohort] = i
		}
	}
	if sum == 0 {
		wrong("Arms: %d with a sum of weights of 0; allowed: 1 or more", len(c.Arms))
	}
	if !(c.MaxDrift >= 0 && c.MaxDrift <= 1) { // also NaN
		wrong("MaxDrift: %v; allowed: 0 for no rollback, or up to 1", c.MaxDrift)
	}
	if c.MinCalls < 0 {
		wrong("MinCalls: %d is negative; allowed: 0 for %d, or more", c.MinCalls, DefaultDriftCalls)
	}
	if c.Window < 0 {
		wrong("Window: %v is negative; allowed: 0 for %v, or more", c.Window, DefaultDriftWindow)
	}
	return errors.Join(problems...)
}

// split is the layer.
type split struct {
	config SplitConfig
	arms   []*arm
	total  uint64      // the sum of weights
	warned atomic.Bool // of a model that is no target
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
			lastResort: isLastResort(layer), holdsLastResort: hasLastResort(layer),
		})
		s.total += uint64(a.Weight)
	}
	return s
}

// Name implements model.LLM.
func (s *split) Name() string { return s.arms[0].layer.Name() }

// GenerateContent implements model.LLM.
func (s *split) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(s, ctx, req, streamed)
}

// members implements group.
func (s *split) members() (layers []stream.Layer) {
	for _, a := range s.arms {
		layers = append(layers, a.layer)
	}
	return layers
}

// Do implements stream.Layer.
func (s *split) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	i := s.choose(ctx)
	if named, ok := choose(s.members(), out, &s.warned); ok {
		i = named
	}
	s.note(i, out)
	a := s.arms[i]
	if a.lastResort && out.LastResorts == stream.LastResortsLater || !a.lastResort && !a.holdsLastResort && out.LastResorts == stream.LastResortsOnly {
		return &middleware.RefusedError{By: "router", Model: a.layer.Name(), Reason: "models have their turn before answers of last resort"}
	}
	err := ask(ctx, a.layer, req, streamed, out)
	s.judge(ctx, a, err, out)
	return err
}

// note tells out that a call is arm i's.
func (s *split) note(i int, out *stream.Sink) {
	a := s.arms[i]
	if out.Root == "" || out.Root == s.Name() {
		out.Root = a.layer.Name() // to be given to an arm is no fallback, also as the first target of a router
	}
	out.Notes.ExperimentID, out.Notes.Cohort = s.config.Experiment, a.cohort
}

// choose returns the arm for the caller of ctx, which a SplitAhead may have
// chosen already.
func (s *split) choose(ctx context.Context) int {
	if i, chosen := ctx.Value(s).(int); chosen {
		return i
	}
	i := pick(s.point(ctx), s.total, s.arms)
	if s.arms[i].out.Load() {
		return 0
	}
	return i
}

// point returns where in [0, 2⁶⁴) the caller of ctx stands.
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
