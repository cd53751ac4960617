package stream

import (
	"context"
	"sync/atomic"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/tokens"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// maxHeld bounds the chunks held back before the first content. Providers send
// one or two; of more, the oldest are dropped.
const maxHeld = 16

// Sink takes the responses of one call and passes them to its consumer. It is
// the gate that every retrying layer shares: it holds back what has no content
// until the first content arrives, so that a failure before that is invisible,
// and knows what the consumer has seen.
//
// One goroutine at a time may use a Sink.
type Sink struct {
	yield func(*model.LLMResponse, error) bool

	// Shown: content of the attempt in progress has reached the consumer.
	Shown bool
	// Final: a non-partial response has reached the consumer, who may have
	// acted on it. Nothing may be tried again.
	Final bool
	// Stopped: the consumer wants no more.
	Stopped bool
	Orders

	refused  bool // the final response is a refusal
	restart  bool // the next thing to show is the marker of a restart
	yielded  bool // in yield: a panic now is the consumer's
	apart    bool // used on another goroutine than the caller's
	detached bool // the first of that goroutine
	closed   bool // nothing is recorded any more; guarded by record.mu

	// Wait is how long the layer around waited before the attempt that comes.
	Wait time.Duration

	// Root names the model the call started at, and turns annotation on: a
	// router sets it before it asks its first target.
	Root string
	// Model names the target that answers; [Source] sets it.
	Model string
	// Notes is what layers tell of the answer. It is written on every final
	// response if Root is set.
	Notes Notes

	// Earlier is the attempt before the one in progress, if one call of a Source made
	// both; else nil.
	Earlier *Earlier

	record   *record
	spare    *spare // nil for a fork
	parent   *Sink  // of a fork
	hooks    *hooked
	limit    *limit    // the innermost one
	attempts int       // recorded through this Sink and its forks; guarded by record.mu
	open     int       // begun through them, and not recorded as failed; guarded by record.mu
	latest   *hooked   // who is told of the one that began last, or answers; guarded by record.mu
	asked    string    // the model of the one that began last; guarded by record.mu
	since    time.Time // when that began; guarded by record.mu

	answer     call.Attempt // the one whose answer is under way; without an Outcome there is none
	stragglers []*Detached  // left behind
	usage      atomic.Pointer[genai.GenerateContentResponseUsageMetadata]

	named   string // the model that the consumer was told of last
	begun   int64  // the number of the attempt in progress, of all of the call
	version string // of the model of the attempt in progress, as its partial responses tell
	held    []*model.LLMResponse
	visits  []visit       // of the layers that want to see the answer, outermost first
	beats   atomic.Uint32 // counts when control passes to the consumer and comes back
}

// Earlier is an attempt that failed, and what it told of its tokens.
type Earlier struct {
	Usage *genai.GenerateContentResponseUsageMetadata
	Err   error
}

// Orders are what the layers around ask of those within. A router has its own for
// each of its targets.
type Orders struct {
	// HasNext: a router has another target for this call, so that waiting for
	// this one can be spared.
	HasNext bool
	// Force asks breakers to let the call through: there is nothing better left.
	Force bool
	// Continuous: what was shown must not be taken back.
	Continuous bool
	// Resumes: a router around continues what was shown, so one within does too.
	Resumes bool
	// LastResorts says what a router does with its answers of last resort.
	LastResorts LastResorts
	// Chosen is the model that the caller's request names in the place of the
	// layer's own; "" for none.
	Chosen string
	// Described is what a router knows of the target that is asked, over what its
	// model tells of itself; nil for nothing.
	Described *provider.Target
	// Guard, if set, has a reason against asking a target of the given name, or
	// none. A router asks it for each of its targets, so that the guards of one
	// reach into the groups it is made of.
	Guard func(ctx context.Context, req *model.LLMRequest, target string) error
}

// LastResorts says what a router does with its answers of last resort.
type LastResorts uint8

const (
	LastResortsAllowed LastResorts = iota // they come after its other targets
	LastResortsLater                      // a router around it asks for them when nothing else is left
	LastResortsOnly                       // that is now
)

// AsksNoModel reports whether only answers of last resort are asked for, which no open
// breaker, limit or budget around them has a reason to refuse.
func (o *Orders) AsksNoModel() bool { return o.LastResorts == LastResortsOnly }

// Notes is what the layers of a call have to tell of its answer, beyond the
// attempts: the fields of [call.Metadata] of the same names. Adapted is a list,
// joined by newlines so that Notes can be compared.
type Notes struct{ CacheStatus, ExperimentID, Cohort, Degraded, Adapted string }

// NewSink returns a Sink for a call of ctx that passes responses to yield, which is
// never called with an error but by End.
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

// spare is memory for what most calls need once: one allocation for all of it.
type spare struct {
	attempt attempt
	limit   limit
	visits  [3]visit
}

func (s *Sink) spareLimit() *limit {
	if s.spare != nil && s.spare.limit.sink == nil {
		return &s.spare.limit
	}
	return &limit{}
}

func (s *Sink) spareAttempt() *attempt {
	if s.spare != nil && s.spare.attempt.out == nil {
		return &s.spare.attempt
	}
	return &attempt{}
}

// Begun returns the number of the attempt whose responses s has, of all attempts of
// the call.
func (s *Sink) Begun() int64 { return s.begun }

// Usage returns the tokens that the latest attempt has told of, nil for none.
func (s *Sink) Usage() *genai.GenerateContentResponseUsageMetadata { return s.usage.Load() }

// tell notes what the attempt in progress tells of its tokens, for the layers around
// on the same goroutine too: they may have to cut it off.
func (s *Sink) tell(usage *genai.GenerateContentResponseUsageMetadata) {
	for p := s; p != nil; p = p.parent {
		p.usage.Store(usage)
		if p.detached {
			return // what is further out belongs to another goroutine
		}
	}
}

// begin starts an attempt.
func (s *Sink) begin(model string) {
	s.Model, s.version, s.answer, s.Notes.Adapted = model, "", call.Attempt{}, ""
	s.Earlier = nil
	s.begun = s.record.begun.Add(1)
	s.tell(nil)
}

// recordFailure ends an attempt that failed: it is recorded, and what it held
// back is void.
func (s *Sink) recordFailure(failed *AttemptError, wait, took time.Duration) call.Attempt {
	v := failed.Means
	a := call.Attempt{
		Model: failed.Model, Outcome: call.Failed, Code: v.Code, Kind: string(v.Kind), HTTPStatus: v.HTTPStatus,
		Wait: wait, Duration: took, Reason: v.Reason, Message: v.Message,
	}
	a.InputTokens, a.OutputTokens = tokens.Of(s.Usage())
	clear(s.held)
	s.held = s.held[:0]
	return s.add(a, 1, s.hooks)
}

// Reject records that a layer does not accept the answer that s has let through,
// for a reason that v gives, and returns the error of that attempt.
func (s *Sink) Reject(err error, v failure.Verdict) *AttemptError {
	a := s.answer
	a.Model, a.Outcome, a.Code, a.Kind, a.HTTPStatus = s.Model, call.Failed, v.Code, string(v.Kind), v.HTTPStatus
	a.Reason, a.Message = v.Reason, v.Message
	a.InputTokens, a.OutputTokens = tokens.Of(s.Usage())
	s.answer = call.Attempt{}
	s.add(a, 1, s.hooks)
	return &AttemptError{Model: a.Model, Err: err, Means: v}
}
