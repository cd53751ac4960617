package stream

import (
	"context"
	"fmt"
	"iter"
	"sync/atomic"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/capture"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/telemetry"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// Options adapt a Source to its model. The zero value fits any.
type Options struct {
	// Name replaces the model's own name, in requests and in records.
	Name string
	// Prepare changes the attempt's copy of the request before the call.
	Prepare func(*model.LLMRequest)
	// Expect says what the provider always sends. A model that tells its Google
	// backend is known to send a finish reason.
	Expect failure.Expect
}

// Source is the innermost layer: it calls a model. Each call is an attempt
// with its own copy of the request, is recorded if it fails, and ends in a
// whole answer or an error: what arrives as success but is none (cut off,
// empty, a bad finish reason) becomes an error here, and so does a panic.
type Source struct {
	llm     model.LLM
	name    string
	options Options
	plain   atomic.Pointer[plain] // the latest, which most answers carry
}

// NewSource returns the layer that calls m.
func NewSource(m model.LLM, options Options) *Source {
	name := options.Name
	if name == "" {
		name = m.Name()
	}
	if _, ok := m.(interface{ GetGoogleLLMVariant() genai.Backend }); ok {
		options.Expect.FinishReason = true
	}
	return &Source{llm: m, name: name, options: options}
}

// Name implements model.LLM.
func (s *Source) Name() string { return s.name }

// Inner returns the model that s calls.
func (s *Source) Inner() model.LLM { return s.llm }

// GenerateContent implements model.LLM.
func (s *Source) GenerateContent(ctx context.Context, req *model.LLMRequest, stream bool) iter.Seq2[*model.LLMResponse, error] {
	return Serve(s, ctx, req, stream)
}

// Do implements Layer.
func (s *Source) Do(ctx context.Context, req *model.LLMRequest, stream bool, out *Sink) error {
	out.begin(s.name)
	a := out.newAttempt()
	req = a.request.Clone(req)
	req.Model = s.name
	request.Adapt(req.Contents, s.name, out.Root != "" && out.Root != s.name)
	ctx, span := telemetry.StartAttempt(ctx, s.name)
	a.capture.Context = ctx // for a client whose transport is failure.Capture
	ctx = &a.capture
	started, wait := clock(), out.Wait
	out.Wait = 0
	err := s.pass(ctx, req, stream, out)
	if err == nil {
		telemetry.EndAttempt(span, call.Attempt{Outcome: call.OK})
		return nil
	}
	failed := newAttemptError(ctx, s.name, err)
	telemetry.EndAttempt(span, out.recordFailure(failed, wait, clock()-started))
	return failed
}

// attempt is memory that an attempt may keep beyond its end, so each has its own.
type attempt struct {
	request request.Memory
	capture capture.Context
}

// newAttempt returns memory that no attempt has used.
func (s *Sink) newAttempt() *attempt {
	if s.first.capture.Context != nil {
		return &attempt{}
	}
	return &s.first
}

// pass lets the model's responses through and returns how the attempt ended.
func (s *Source) pass(ctx context.Context, req *model.LLMRequest, stream bool, out *Sink) error {
	p := &out.passage
	*p = passage{source: s}
	out.run(ctx, req, stream)
	switch {
	case p.final || out.Stopped:
		return nil // what comes after the answer does not undo it
	case p.err != nil:
		return p.err
	case ctx.Err() != nil:
		return ctx.Err()
	case out.Shown:
		return fmt.Errorf("fallback: model %q: %w", s.name, failure.ErrTruncated)
	default:
		return fmt.Errorf("fallback: model %q: %w", s.name, failure.ErrEmpty)
	}
}

// passage is one iteration over a model's responses, one at a time in a Sink. It
// is a struct, not a range loop, to save allocations; the checks of a range loop
// on the iterator are made here.
type passage struct {
	source *Source
	err    error // why the attempt failed
	final  bool  // a final response has been passed on
	done   bool  // the iterator has been told to stop
}

// run makes the passage.
func (s *Sink) run(ctx context.Context, req *model.LLMRequest, stream bool) {
	p := &s.passage
	defer func() {
		if s.yielded {
			return // the consumer panics; that is not ours to stop
		}
		if r := recover(); r != nil && !p.done {
			p.err = fmt.Errorf("fallback: model %q panicked: %v", p.source.name, r)
		}
	}()
	if prepare := p.source.options.Prepare; prepare != nil {
		prepare(req)
	}
	p.source.llm.GenerateContent(ctx, req, stream)(s.take)
}

// take handles one item and reports whether more is wanted.
func (s *Sink) take(resp *model.LLMResponse, err error) bool {
	p := &s.passage
	if p.done {
		// This ends a model that does not stop when it is told to; run recovers.
		panic("iterator continued after it was told to stop")
	}
	switch {
	case err != nil:
		p.err = err
	case resp == nil:
		p.err = fmt.Errorf("fallback: model %q sent neither a response nor an error: %w", p.source.name, failure.ErrEmpty)
	case !resp.Partial:
		if verdict, bad := failure.ClassifyResponse(resp, p.source.options.Expect); bad {
			p.err = &BadResponse{Model: p.source.name, Response: resp, Means: verdict}
			break
		}
		p.final = true
		p.done = !s.Send(resp)
	default:
		p.done = !s.Send(resp)
	}
	p.done = p.done || p.err != nil
	return !p.done
}
