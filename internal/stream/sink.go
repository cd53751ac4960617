package stream

import (
	"context"
	"sync/atomic"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
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
	limit    *limit  // the innermost one
	attempts int     // recorded through this Sink and its forks; guarded by record.mu
	open     int     // begun through them, and not recorded as failed; guarded by record.mu
	latest   *hooked // who is told of the one that began last, or answers; guarded by record.mu

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

// begin starts an attempt.
func (s *Sink) begin(model string) {
	s.Model, s.version, s.answer, s.Notes.Adapted = model, "", call.Attempt{}, ""
	s.Earlier = nil
	s.begun = s.record.begun.Add(1)
	s.usage.Store(nil)
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

// Send passes resp on and reports whether more is wanted.
func (s *Sink) Send(resp *model.LLMResponse) bool {
	if s.Stopped {
		return false
	}
	if resp.Partial {
		if len(resp.CustomMetadata) > 0 && resp.CustomMetadata[call.KeyRestart] == true {
			// A router further in begins again. The marker that the consumer gets is
			// this Sink's, if it has shown anything.
			s.Restart()
			return true
		}
		if resp.ModelVersion != "" {
			s.version = resp.ModelVersion
		}
		if !s.Shown && !request.HasContent(resp.Content) {
			if len(s.held) == maxHeld {
				s.held = append(s.held[:0], s.held[1:]...)
			}
			s.held = append(s.held, resp)
			return true
		}
		if !s.Shown && !s.flush() {
			return false
		}
		return s.showPart(resp)
	}
	return s.finish(resp)
}

// Answer passes on resp, a whole answer that is at hand without a call to a model.
// When streamed, it comes as one partial response first, which is what user
// interfaces show. It is recorded as the attempt a, unless that has no Outcome.
func (s *Sink) Answer(a call.Attempt, resp *model.LLMResponse, streamed bool) {
	s.begin(a.Model)
	s.began()
	s.answer = a
	if !streamed || s.Send(asPartial(resp)) {
		s.Send(resp)
	}
}

func asPartial(resp *model.LLMResponse) *model.LLMResponse {
	return &model.LLMResponse{
		Content: request.CloneContents([]*genai.Content{resp.Content})[0], ModelVersion: resp.ModelVersion, Partial: true,
	}
}

// flush passes on what was held back, after the marker of a restart.
func (s *Sink) flush() bool {
	s.Shown = true
	if s.restart {
		s.restart = false
		if !s.show(restartMarker()) {
			return false
		}
	}
	if len(s.held) == 0 {
		return true
	}
	held := s.held
	s.held = nil
	for _, resp := range held {
		if !s.showPart(resp) {
			return false
		}
	}
	return true
}

// showPart passes on a partial response. The first of an answer says who gives it.
func (s *Sink) showPart(resp *model.LLMResponse) bool {
	if s.named != s.Model && s.Root != "" && s.parent == nil {
		resp = s.introduced(resp)
	}
	return s.show(resp)
}

// restartMarker has content, though an empty one: ADK's flow drops a response
// that has none.
func restartMarker() *model.LLMResponse {
	return &model.LLMResponse{
		Content: &genai.Content{Role: genai.RoleModel}, Partial: true, CustomMetadata: map[string]any{call.KeyRestart: true},
	}
}

// finish passes on a final response.
func (s *Sink) finish(resp *model.LLMResponse) bool {
	s.answered(resp)
	if s.parent == nil {
		if s.answer.Outcome != "" && !s.Final {
			s.add(s.answer, 0, s.latest)
		}
		resp = s.annotated(resp)
	}
	if !s.flush() {
		return false
	}
	s.Final = true
	return s.show(resp)
}

func (s *Sink) show(resp *model.LLMResponse) bool {
	s.yielded = true
	s.beats.Add(1)
	if !s.yield(resp, nil) {
		s.Stopped = true
	}
	s.beats.Add(1)
	s.yielded = false
	return !s.Stopped
}

// Restart gets ready for another attempt after part of an answer was shown: the
// consumer is told to discard that part before it is shown anything else.
func (s *Sink) Restart() {
	if !s.Shown || s.Final {
		return
	}
	s.Shown, s.restart, s.named = false, true, ""
}

// Again reports whether another attempt may be made, and gets ready for it.
func (s *Sink) Again() bool {
	if s.Stopped || s.Final || s.Shown && s.Continuous {
		return false
	}
	s.Restart()
	return true
}

// End ends the call: it passes on how, and closes its record. A refusal that came as
// a response is passed on as one: the provider's reason is the user's to see.
func (s *Sink) End(err error) {
	if bad := refusal(err); bad != nil && !s.Stopped && !s.Final {
		s.Model, s.refused, s.answer = bad.Model, true, call.Attempt{}
		s.finish(bad.Response)
		err = nil
	}
	s.record.mu.Lock()
	s.closed = true
	s.record.mu.Unlock()
	s.tellEnd()
	s.record.log.Close()
	if err != nil && !s.Stopped {
		s.yield(nil, err)
	}
}
