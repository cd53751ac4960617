package stream

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"log/slog"
	"sync/atomic"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/capture"
	"github.com/adk-fallback/adk-fallback/internal/foreign"
	"github.com/adk-fallback/adk-fallback/internal/lesson"
	"github.com/adk-fallback/adk-fallback/internal/panics"
	"github.com/adk-fallback/adk-fallback/internal/price"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/telemetry"
	"github.com/adk-fallback/adk-fallback/internal/tokens"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// Options adapt a Source to its model. The zero value fits any.
type Options struct {
	// Name replaces the model's own name, in requests and in records.
	Name string
	// Prepare changes the attempt's copy of the request before it is made to fit
	// the model.
	Prepare func(*model.LLMRequest)
	// Target overrides the model's own description.
	Target provider.Target
	// Price is that of the model; nil means its list price, if there is one.
	Price *price.Price
	// Expect says what the provider always sends. A model with a Google backend is
	// known to send a finish reason.
	Expect failure.Expect
	// Logger gets the repairs that were learnt. Nil means slog.Default().
	Logger *slog.Logger
}

// Source is the innermost layer: it calls a model. Each call is an attempt with its own
// copy of the request, made to fit the model. It ends in a whole answer or a recorded
// error. A false success (cut off, empty, a bad finish reason) and a panic become
// errors here. A refusal of an optional part of the request is repaired; see Do.
type Source struct {
	llm     model.LLM
	name    string
	options Options
	target  provider.Target
	fits    atomic.Pointer[resolved] // the latest, which most calls use
	lessons lesson.Book
}

// NewSource returns the layer that calls m.
func NewSource(m model.LLM, options Options) *Source {
	name := options.Name
	if name == "" {
		name = m.Name()
	}
	if _, ok := m.(variant); ok {
		options.Expect.FinishReason = true
	}
	s := &Source{llm: m, name: name, options: options, target: options.Target.Over(foreign.Target(m))}
	for _, fault := range foreign.Faults(m) {
		s.logger().Warn("fallback: "+fault, "model", name)
	}
	return s
}

// Name implements model.LLM.
func (s *Source) Name() string { return s.name }

// GenerateContent implements model.LLM.
func (s *Source) GenerateContent(ctx context.Context, req *model.LLMRequest, stream bool) iter.Seq2[*model.LLMResponse, error] {
	return Serve(s, ctx, req, stream)
}

// Target implements provider.Described.
func (s *Source) Target() provider.Target { return s.target }

// Inspect returns the node of the model, or the tree of a middleware that has an Inspect.
func (s *Source) Inspect() inspect.Node {
	if i, ok := s.llm.(inspect.Inspector); ok {
		return i.Inspect()
	}
	return inspect.Node{Layer: "model", Name: s.name}
}

// Do implements Layer. It calls the model once more, at once, in two cases. If the
// server refuses an optional part of the request, the part is omitted or changed;
// later requests are repaired in advance, unless the second call shows that the part
// was not the reason. If the model ends a turn with an empty answer after its tools
// have run, a second such answer is accepted.
func (s *Source) Do(ctx context.Context, req *model.LLMRequest, stream bool, out *Sink) error {
	r := s.resolve(out.Described, out.Chosen)
	a := s.newAttempt(out)
	err := a.make(ctx, req, stream, r)
	if err == nil {
		return nil
	}
	if a.mute && ctx.Err() == nil && out.Again() {
		again := s.again(out, err)
		again.believe = true
		return again.make(ctx, req, stream, r)
	}
	repair, _ := a.repairFor(ctx, err, &r.target)
	if repair == "" {
		return err
	}
	s.learn(ctx, repair, err)
	again := s.again(out, err)
	again.repair = repair
	err = again.make(ctx, req, stream, r)
	if other, refused := again.repairFor(ctx, err, &r.target); refused && other == "" {
		s.lessons.Forget(ctx, repair) // the server meant something else
	}
	return err
}

// attempt is one call to a model. The model may keep the context, so no two attempts
// share it. It may also keep parts of its request, or return them in its answer, so the
// request is allocated separately.
type attempt struct {
	capture capture.Context

	source  *Source
	name    string // the model to call
	out     *Sink
	repair  provider.Repair                             // to make on top of what was learnt; "" for none
	believe bool                                        // an empty answer after tools is an answer
	req     *model.LLMRequest                           // the model's own copy; nil before it is made
	answer  func(*model.LLMResponse) *model.LLMResponse // changes a final response; nil for no change
	wait    time.Duration                               // before the attempt
	started time.Time
	err     error         // why it failed
	first   time.Duration // from the call to the first content; 0 without one

	span     telemetry.Span // nil without a trace
	streamed bool
	version  string             // of the model, as its latest response says
	finish   genai.FinishReason // of its final response

	repaired []string // the repairs that changed req

	final bool        // a final response has been passed on
	mute  bool        // its answer is empty, after tools, and well-formed
	done  bool        // the iterator has been told to stop
	ended atomic.Bool // the iterator has returned
}

// newAttempt starts an attempt.
func (s *Source) newAttempt(out *Sink) *attempt {
	a := out.spareAttempt()
	a.source, a.name, a.out, a.wait = s, cmp.Or(out.Chosen, s.name), out, out.Wait
	out.begin(a.name)
	return a
}

// again starts a second attempt, after one that failed with err.
func (s *Source) again(out *Sink, err error) *attempt {
	earlier := &Earlier{Usage: out.Usage(), Err: err}
	a := s.newAttempt(out)
	out.Earlier = earlier
	return a
}

// errOver is the error of an attempt that begins after its call has ended. It counts as the
// caller's cancellation.
var errOver = fmt.Errorf("fallback: the call is over: %w", context.Canceled)

// make makes the attempt and records its failure.
func (a *attempt) make(ctx context.Context, req *model.LLMRequest, stream bool, r *resolved) (err error) {
	if err := a.prepare(ctx, req, &r.target, a.repair); err != nil {
		return err
	}
	a.started = time.Now()
	open := a.out.began(a.started, func() telemetry.Span {
		ctx, a.span = telemetry.StartAttempt(ctx, telemetry.Start{Name: a.name, Target: &r.target, Number: a.out.begun, Wait: a.wait, Breaker: a.out.Breaker, Adapted: a.out.Notes.Adapted})
		return a.span
	}, r.price)
	if !open {
		return errOver
	}
	a.streamed = stream
	a.capture.Context = ctx // for a client whose transport is failure.Capture
	// A model that does not describe itself may pass the request on to an adapter,
	// which knows its target better than prepare does.
	_, a.capture.Fitted = a.source.llm.(provider.Described)
	if stream {
		a.out.meter.Watch() // each chunk asks for Err
	}
	a.out.Wait = 0
	err = a.pass(stream)
	if err == nil || a.final {
		if err != nil && ctx.Err() != nil {
			err = Ended(ctx)
		}
		if !a.final {
			a.out.answer = a.attempt("") // for a layer that has seen enough
		}
		return err
	}
	return a.failed(req, err)
}

// failed records that the attempt has failed with err, and returns the error of its layer.
func (a *attempt) failed(req *model.LLMRequest, err error) error {
	failed := newAttemptError(&a.capture, a.name, err)
	failed.Means.Message = request.WithoutEcho(failed.Means.Message, req)
	if a.span != nil {
		a.describe()
		telemetry.Judged(a.span, failed.Means)
	}
	failed.Record = a.out.recordFailure(failed, a.wait, time.Since(a.started), a.first)
	return failed
}

// pass lets the model's responses through and returns how the attempt ended.
func (a *attempt) pass(stream bool) error {
	a.run(stream)
	switch {
	case a.err != nil:
		return a.err // also after the answer: the caller of a bare model hears of it
	case a.final || a.out.Stopped:
		return nil
	case a.capture.Err() != nil:
		return a.capture.Err()
	case a.out.Shown:
		return fmt.Errorf("fallback: model %q: %w", a.name, failure.ErrTruncated)
	default:
		return fmt.Errorf("fallback: model %q: %w", a.name, failure.ErrEmpty)
	}
}

// run is a range loop over the model's iterator, with the language's checks. Written
// out, it needs fewer allocations.
func (a *attempt) run(stream bool) {
	defer func() {
		a.ended.Store(true)
		if a.out.yielded {
			return // the consumer panics; do not recover
		}
		if r := recover(); r != nil && !a.done {
			a.err = fmt.Errorf("fallback: model %q panicked: %s", a.name, panics.Text(r))
		}
	}()
	a.source.llm.GenerateContent(&a.capture, a.req, stream)(a.take)
}

// take handles one item and reports whether more is wanted.
func (a *attempt) take(resp *model.LLMResponse, err error) bool {
	switch {
	case a.ended.Load():
		return false // a goroutine that the model has left behind
	case a.done:
		// This ends a model that does not stop when it is told to; run recovers.
		panic("iterator continued after it was told to stop")
	case err != nil:
		a.err = err
	case a.capture.Err() != nil:
		a.err = a.capture.Err() // the model ignores its cancelled context
		a.noteUsage(resp)
	case resp == nil:
		a.err = fmt.Errorf("fallback: model %q sent neither a response nor an error: %w", a.name, failure.ErrEmpty)
	default:
		if a.first == 0 && request.HasContent(resp.Content) {
			a.first = max(time.Since(a.started), 1)
		}
		a.accept(resp)
	}
	a.done = a.done || a.err != nil
	return !a.done
}

// describe writes what is known of the answer to the attempt's span.
func (a *attempt) describe() {
	answer := telemetry.Answer{Version: a.version, Finish: a.finish}
	if a.streamed {
		answer.First = a.first
	}
	telemetry.Answered(a.span, answer)
}

// accept judges a response and passes it on.
func (a *attempt) accept(resp *model.LLMResponse) {
	a.noteUsage(resp)
	a.version, a.finish = cmp.Or(resp.ModelVersion, a.version), cmp.Or(resp.FinishReason, a.finish)
	if !resp.Partial && !a.final {
		if resp = a.judge(resp); resp == nil {
			return
		}
	}
	a.done = !a.out.Send(resp)
}

// judge returns the answer to pass on for the model's final response. If the response is not an
// answer, it returns nil and sets a.err.
func (a *attempt) judge(resp *model.LLMResponse) *model.LLMResponse {
	if a.answer != nil {
		resp = a.answer(resp)
	}
	if verdict, bad := failure.ClassifyResponse(resp, a.source.options.Expect); bad && !a.believes(resp, verdict) {
		a.err = &BadResponse{Model: a.name, Response: resp, Means: verdict}
		return nil
	}
	a.final = true
	a.out.answer = a.attempt(call.OK)
	if a.span != nil {
		a.describe()
	}
	return resp
}

// noteUsage notes the usage of a response, which may be nil.
func (a *attempt) noteUsage(resp *model.LLMResponse) {
	if resp != nil && tokens.Counted(resp.UsageMetadata) {
		a.out.setUsage(resp.UsageMetadata)
	}
}

// attempt returns the record of a.
func (a *attempt) attempt(outcome call.Outcome) call.Attempt {
	rec := call.Attempt{Model: a.name, Outcome: outcome, Wait: a.wait, Duration: time.Since(a.started), FirstContent: a.first, Hedge: a.out.Hedge}
	a.out.count(&rec)
	return rec
}

// believes reports whether an empty response is an answer: the model has sent a second
// empty response after its tools have run.
func (a *attempt) believes(resp *model.LLMResponse, verdict failure.Verdict) bool {
	a.mute = verdict.Kind == failure.KindEmpty && resp.ErrorCode == "" && resp.FinishReason == genai.FinishReasonStop && request.EndsWithResults(a.req)
	return a.mute && a.believe
}
