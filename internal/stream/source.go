package stream

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"sync/atomic"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/capture"
	"github.com/adk-fallback/adk-fallback/internal/telemetry"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// Options adapt a Source to its model. The zero value fits any.
type Options struct {
	// Name replaces the model's own name, in requests and in records.
	Name string
	// Prepare changes the attempt's copy of the request before it is made to fit
	// the model.
	Prepare func(*model.LLMRequest)
	// Target is what is known of the model, over what it tells of itself.
	Target provider.Target
	// Expect says what the provider always sends. A model that tells its Google
	// backend is known to send a finish reason.
	Expect failure.Expect
	// Logger is told what was learnt of the model's requests; nil for
	// slog.Default().
	Logger *slog.Logger
}

// Source is the innermost layer: it calls a model. Each call is an attempt
// with its own copy of the request, made to fit the model, is recorded if it
// fails, and ends in a whole answer or an error: what arrives as success but is
// none (cut off, empty, a bad finish reason) becomes an error here, and so does
// a panic. A refusal of an optional part of the request is repaired: see mend.
type Source struct {
	llm     model.LLM
	name    string
	options Options
	target  provider.Target
	fits    atomic.Pointer[resolved] // the latest, which is that of most calls
	lessons lessons
	plain   atomic.Pointer[plain] // the latest, which most answers carry
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
	s := &Source{llm: m, name: name, options: options, target: options.Target.Over(targetOf(m))}
	s.warn()
	return s
}

// Name implements model.LLM.
func (s *Source) Name() string { return s.name }

// Inner returns the model that s calls.
func (s *Source) Inner() model.LLM { return s.llm }

// GenerateContent implements model.LLM.
func (s *Source) GenerateContent(ctx context.Context, req *model.LLMRequest, stream bool) iter.Seq2[*model.LLMResponse, error] {
	return Serve(s, ctx, req, stream)
}

// Target implements provider.Described.
func (s *Source) Target() provider.Target { return s.target }

// Do implements Layer. If the server refuses an optional part of the request, it
// calls the model once more with the part left out or changed. Later requests are
// repaired in advance, unless the second call shows that the part was not the
// reason.
func (s *Source) Do(ctx context.Context, req *model.LLMRequest, stream bool, out *Sink) error {
	target := s.resolve(out.Described)
	a := out.newAttempt(s)
	err := a.make(ctx, req, stream, target, "")
	if err == nil {
		return nil
	}
	repair, _ := a.repairFor(ctx, err, target)
	if repair == "" {
		return err
	}
	s.learn(ctx, repair, err)
	again := out.newAttempt(s)
	err = again.make(ctx, req, stream, target, repair)
	if other, refused := again.repairFor(ctx, err, target); refused && other == "" {
		s.lessons.forget(ctx, repair) // the server meant something else
	}
	return err
}

// attempt is one call to a model. The model may keep the context, so no two
// attempts share it; it may also keep parts of its request, or make its answer of
// them, which is why that is no part of this.
type attempt struct {
	capture capture.Context

	source *Source
	out    *Sink
	req    *model.LLMRequest                           // the model's own copy; nil before it is made
	answer func(*model.LLMResponse) *model.LLMResponse // what to make of a final response; nil for nothing
	err    error                                       // why it failed

	repaired []string // the repairs that changed req

	final bool        // a final response has been passed on
	done  bool        // the iterator has been told to stop
	ended atomic.Bool // the iterator has returned
}

// newAttempt starts an attempt at source.
func (s *Sink) newAttempt(source *Source) *attempt {
	a := &s.first
	if a.out != nil {
		a = &attempt{}
	}
	a.source, a.out, s.source = source, s, source
	return a
}

// make makes the attempt, with one more repair if repair is not "", and records
// its failure.
func (a *attempt) make(ctx context.Context, req *model.LLMRequest, stream bool, target *provider.Target, repair provider.Repair) error {
	name, out := a.source.name, a.out
	out.begin(name)
	out.source = a.source
	if err := a.prepare(ctx, req, target, repair); err != nil {
		return err
	}
	ctx, span := telemetry.StartAttempt(ctx, name)
	a.capture.Context = ctx // for a client whose transport is failure.Capture
	// A model that does not describe itself may pass the request on to an adapter,
	// which knows its target better than prepare does.
	_, a.capture.Fitted = a.source.llm.(provider.Described)
	ctx = &a.capture
	started, wait := clock(), out.Wait
	out.Wait = 0
	err := a.pass(ctx, a.req, stream)
	if err == nil {
		telemetry.EndAttempt(span, call.Attempt{Outcome: call.OK})
		return nil
	}
	failed := newAttemptError(ctx, name, err)
	telemetry.EndAttempt(span, out.recordFailure(failed, wait, clock()-started))
	return failed
}

// pass lets the model's responses through and returns how the attempt ended.
func (a *attempt) pass(ctx context.Context, req *model.LLMRequest, stream bool) error {
	a.run(ctx, req, stream)
	switch {
	case a.final || a.out.Stopped:
		return nil // what comes after the answer does not undo it
	case a.err != nil:
		return a.err
	case ctx.Err() != nil:
		return ctx.Err()
	case a.out.Shown:
		return fmt.Errorf("fallback: model %q: %w", a.source.name, failure.ErrTruncated)
	default:
		return fmt.Errorf("fallback: model %q: %w", a.source.name, failure.ErrEmpty)
	}
}

// run is a range loop over the model's iterator, with the checks that the
// language makes: written out, it takes fewer allocations.
func (a *attempt) run(ctx context.Context, req *model.LLMRequest, stream bool) {
	defer func() {
		a.ended.Store(true)
		if a.out.yielded {
			return // the consumer panics; that is not ours to stop
		}
		if r := recover(); r != nil && !a.done {
			a.err = fmt.Errorf("fallback: model %q panicked: %v", a.source.name, r)
		}
	}()
	a.source.llm.GenerateContent(ctx, req, stream)(a.take)
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
	case resp == nil:
		a.err = fmt.Errorf("fallback: model %q sent neither a response nor an error: %w", a.source.name, failure.ErrEmpty)
	case !resp.Partial:
		if a.answer != nil {
			resp = a.answer(resp)
		}
		if verdict, bad := failure.ClassifyResponse(resp, a.source.options.Expect); bad {
			a.err = &BadResponse{Model: a.source.name, Response: resp, Means: verdict}
			break
		}
		a.final = true
		a.done = !a.out.Send(resp)
	default:
		a.done = !a.out.Send(resp)
	}
	a.done = a.done || a.err != nil
	return !a.done
}
