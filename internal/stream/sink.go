package stream

import (
	"context"
	"sync/atomic"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/deadline"
	"github.com/adk-fallback/adk-fallback/internal/price"
	"github.com/adk-fallback/adk-fallback/internal/telemetry"
	"github.com/adk-fallback/adk-fallback/internal/tokens"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// maxHeld bounds the chunks held back before the first content. Providers send
// one or two; of more, the oldest are dropped.
const maxHeld = 16

// Sink takes the responses of one call and passes them to its consumer. All retrying
// layers share it. It holds back responses without content until the first content
// arrives, so that an earlier failure is invisible, and tracks what the consumer has
// seen.
//
// One goroutine at a time may use a Sink.
type Sink struct {
	yield func(*model.LLMResponse, error) bool

	// Shown: content of the attempt in progress has reached the consumer.
	Shown bool
	// Final: a non-partial response has reached the consumer, which may have acted on
	// it. Nothing may be tried again.
	Final bool
	// Stopped: the consumer wants no more.
	Stopped bool
	Orders

	stands   bool      // what was shown last, also through a fork, must not be discarded
	restart  bool      // the marker of a restart must be shown next
	yielded  bool      // in yield: a panic now is the consumer's
	apart    bool      // used on another goroutine than the caller's
	closed   bool      // nothing is recorded any more; guarded by record.mu
	isOver   bool      // the hooks of the call's end have been called
	detached *Detached // whose outermost Sink it is; nil for none

	// Breaker is the state of the breaker around the next attempt; "" without one.
	Breaker string
	// Wait is how long the outer layer waited before the next attempt.
	Wait time.Duration

	// Root names the model that the call started at, and enables annotation: a router
	// sets it before it calls its first target.
	Root string
	// Model names the target that answers; [Source] sets it.
	Model    string
	fallback bool // Orders.Fallback of that target
	// Notes are the layers' notes on the answer. They are written to every final
	// response if Root is set.
	Notes Notes

	// Preview: what s receives is shown until the answer comes. Attempts that fail are
	// recorded with KindPreview.
	Preview bool
	// Warm is set by the outermost router that knows the conversation; else nil.
	Warm *Warm

	// Notice is what the consumer is told when a fallback answers; nil for nothing. A
	// router sets it.
	Notice *Notice
	told   bool // the notice about the answer in progress has been shown
	spoken bool // a text of the answer in progress has been shown
	parts  bool // the consumer expects partial responses

	// Earlier are the attempts that the current call of a Source made before the one in
	// progress.
	Earlier []Earlier

	record   *record
	ahead    *ahead // nil if no layer has gone ahead; see Ahead
	spare    *spare // nil for a fork
	parent   *Sink  // of a fork
	hooks    *hooked
	attempts int       // recorded through this Sink and its forks; guarded by record.mu
	open     int       // begun through them, and not recorded as failed; guarded by record.mu
	latest   *hooked   // who is told of the one that began last, or answers; guarded by record.mu
	asked    string    // the model of the one that began last; guarded by record.mu
	since    time.Time // when that began; guarded by record.mu

	price *price.Price   // of that; nil if it is not known; guarded by record.mu
	span  telemetry.Span // of that, or of the answer under way; nil without a trace; guarded by record.mu

	// Of the attempt that began last, also on another goroutine; guarded by record.mu.
	deep   telemetry.Span
	beside bool // its Orders.Hedge; before the first, that of the Sink

	answer     call.Attempt // the one whose answer is under way; without an Outcome there is none
	stragglers []*Detached  // left behind
	usage      atomic.Pointer[genai.GenerateContentResponseUsageMetadata]

	named   string // the latest model name that was shown
	begun   int64  // the number of the attempt in progress, counted over the call
	version string // the model version in the partial responses of the attempt in progress
	held    []*model.LLMResponse
	visits  []visit        // of the taps, outermost first
	meter   deadline.Meter // of the consumer's time, with the limits in force
}

// Earlier is an attempt that failed, and its usage.
type Earlier struct {
	Usage *genai.GenerateContentResponseUsageMetadata
	Err   error
}

// Orders are instructions of outer layers to inner ones. A router sets them for each of
// its targets.
type Orders struct {
	// HasNext: a router has another target for this call, so a layer need not wait
	// for this one.
	HasNext bool
	// Force makes breakers let the call through: no better target is left.
	Force bool
	// Continuous: the text shown must not be discarded.
	Continuous bool
	// Resumes: a router continues the text shown, whatever its own configuration says.
	Resumes bool
	// Compared: an outer router compares the text shown with what follows a restart, so
	// a layer that may reject a whole answer holds it back.
	Compared bool
	// LastResorts says whether a router calls its last resorts.
	LastResorts LastResorts
	// Chosen is the model that the caller's request names instead of the layer's own;
	// "" for none.
	Chosen string
	// Times are the time limits of the target, for the layer in front of its model that
	// applies them; nil for that layer's own.
	Times *deadline.Times
	// Described overrides the model's own description of the target; nil for none.
	Described *provider.Target
	// Hedge: the target is called beside another one that is slow. Attempts are recorded
	// as such.
	Hedge bool
	// Fallback: the target is not the one that the turn began with.
	Fallback bool
	// Guard, if set, returns the request that a target may see, or an error if it must
	// not be called. Each router calls it for its own targets, so that the guards of an
	// outer router apply to the members of its groups.
	Guard func(ctx context.Context, req *model.LLMRequest, target Layer, fallback bool) (*model.LLMRequest, error)
	// Check, if set, returns why an answer of a fallback must be rejected, or nil. Each
	// router calls it for its own targets.
	Check func(ctx context.Context, resp *model.LLMResponse, target Layer) error
	// Rules is what the rules of the enclosing router know of the call; nil without
	// rules.
	Rules any
}

// LastResorts says whether a router calls its last resorts.
type LastResorts uint8

const (
	LastResortsAllowed LastResorts = iota // after its other targets
	LastResortsLater                      // no: an outer router calls for them when nothing else is left
	LastResortsOnly                       // only them: nothing else is left
)

// AsksNoModel reports whether only answers of last resort are asked for, which no open
// breaker, limit or budget around them has a reason to refuse.
func (o *Orders) AsksNoModel() bool { return o.LastResorts == LastResortsOnly }

// Notes are the layers' notes on the answer of a call: the fields of [call.Metadata] of
// the same names. Adapted is a list, joined by newlines so that Notes can be compared.
type Notes struct{ CacheStatus, ExperimentID, Cohort, Degraded, Adapted string }

// NewSink returns a Sink for a call of ctx that passes responses to yield. Only End
// calls yield with an error.
func NewSink(ctx context.Context, yield func(*model.LLMResponse, error) bool) *Sink {
	s := &struct {
		Sink
		record record
		spare  spare
	}{}
	s.yield = yield
	s.Sink.record, s.Sink.spare = &s.record, &s.spare
	s.visits = s.spare.visits[:0]
	s.record.ctx = ctx
	return &s.Sink
}

// spare is memory for values that most calls need once, in one allocation.
type spare struct {
	attempt attempt
	limit   deadline.Context
	visits  [3]visit
	hooked  hooked
}

func (s *Sink) spareLimit() *deadline.Context {
	if s.spare != nil && s.spare.limit.Context == nil {
		return &s.spare.limit
	}
	return &deadline.Context{}
}

func (s *Sink) spareHooked() *hooked {
	if s.spare != nil && s.spare.hooked.Hooks == nil {
		return &s.spare.hooked
	}
	return &hooked{}
}

func (s *Sink) spareAttempt() *attempt {
	if s.spare != nil && s.spare.attempt.out == nil {
		return &s.spare.attempt
	}
	return &attempt{}
}

// Limit starts an attempt that is cancelled, with a cause, when it takes too long. The
// returned function must be called when the attempt is over.
func (s *Sink) Limit(ctx context.Context, limits deadline.Limits) (context.Context, func()) {
	return s.meter.Limit(ctx, limits, s.spareLimit())
}

// Ends reports whether a limit of an outer layer or of the caller would end the
// attempt by the given time, if it stays silent.
func (s *Sink) Ends(ctx context.Context, then time.Time) bool { return s.meter.Ends(ctx, then) }

// Begun returns the number of the attempt in progress, counted over the call.
func (s *Sink) Begun() int64 { return s.begun }

// Usage returns the latest attempt's usage, nil for none.
func (s *Sink) Usage() *genai.GenerateContentResponseUsageMetadata { return s.usage.Load() }

// setUsage notes the usage of the attempt in progress, also for outer layers on the same
// goroutine: they may have to cut the attempt off.
func (s *Sink) setUsage(usage *genai.GenerateContentResponseUsageMetadata) {
	for p := s; p != nil; p = p.parent {
		p.usage.Store(usage)
		if p.detached != nil {
			return // what is further out belongs to another goroutine
		}
	}
}

// begin starts an attempt.
func (s *Sink) begin(model string) {
	s.DropAhead()
	s.Model, s.fallback, s.version, s.answer, s.Notes.Adapted = model, s.Fallback, "", call.Attempt{}, ""
	s.Earlier = nil
	s.begun = s.record.begun.Add(1)
	s.setUsage(nil)
}

// recordFailure records an attempt that failed, and drops its held responses.
func (s *Sink) recordFailure(failed *AttemptError, wait, took, first time.Duration) call.Attempt {
	a := FailedAttempt(failed.Model, failed.Means)
	a.Wait, a.Duration, a.FirstContent, a.Hedge = wait, took, first, s.Hedge
	s.count(&a)
	s.dropHeld()
	return s.add(a, 1, s.hooks, s)
}

func (s *Sink) dropHeld() {
	clear(s.held)
	s.held = s.held[:0]
}

// count writes the tokens of the latest attempt, and their price, to a.
func (s *Sink) count(a *call.Attempt) {
	usage := s.Usage()
	if usage == nil {
		return
	}
	a.InputTokens, a.OutputTokens = tokens.Of(usage)
	a.CachedTokens = tokens.Cached(usage)
	s.record.mu.Lock()
	defer s.record.mu.Unlock()
	if s.price != nil {
		a.Cost = s.price.CostOf(usage)
	}
}

// Disown removes from the notes where a rejected answer came from: it restores these fields from
// before, the notes before its call. The others, such as an experiment, also apply to later
// targets.
func (s *Sink) Disown(before Notes) {
	s.Notes.CacheStatus, s.Notes.Degraded = before.CacheStatus, before.Degraded
}

// Reject records that a layer rejects the answer that s has passed on, with the verdict
// v, and returns the attempt's error.
func (s *Sink) Reject(err error, v failure.Verdict) *AttemptError {
	a := FailedAttempt(s.Model, v)
	a.Wait, a.Duration, a.FirstContent, a.Hedge = s.answer.Wait, s.answer.Duration, s.answer.FirstContent, s.answer.Hedge
	s.count(&a)
	s.answer = call.Attempt{}
	s.add(a, 1, s.hooks, s)
	return &AttemptError{Model: a.Model, Err: err, Means: v}
}
