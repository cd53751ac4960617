package stream

import (
	"context"
	"fmt"
	"iter"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

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
	attempt := request.Clone(req)
	attempt.Model = s.name
	request.Adapt(attempt.Contents, s.name, out.Root != "" && out.Root != s.name)
	ctx, span := telemetry.StartAttempt(ctx, s.name)
	ctx = failure.WithCapture(ctx) // for a client whose transport is failure.Capture
	started, wait := time.Now(), out.Wait
	out.Wait = 0
	err := s.pass(ctx, attempt, stream, out)
	if err == nil {
		telemetry.EndAttempt(span, call.Attempt{Outcome: call.OK})
		return nil
	}
	failed := newAttemptError(ctx, s.name, err)
	telemetry.EndAttempt(span, out.recordFailure(failed, wait, time.Since(started)))
	return failed
}

// pass lets the model's responses through and returns how the attempt ended.
func (s *Source) pass(ctx context.Context, req *model.LLMRequest, stream bool, out *Sink) error {
	p := &out.passage
	*p = passage{source: s, out: out}
	if out.take == nil {
		out.take = p.take
	}
	p.run(s.llm, ctx, req, stream)
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
// is a struct with a method, not a range loop, to save allocations; the checks
// of a range loop on the iterator are made here.
type passage struct {
	source *Source
	out    *Sink
	err    error // why the attempt failed
	final  bool  // a final response has been passed on
	done   bool  // the iterator has been told to stop
}

func (p *passage) run(m model.LLM, ctx context.Context, req *model.LLMRequest, stream bool) {
	defer func() {
		if p.out.yielded {
			return // the consumer panics; that is not ours to stop
		}
		if r := recover(); r != nil && !p.done {
			p.err = fmt.Errorf("fallback: model %q panicked: %v", p.source.name, r)
		}
	}()
	if prepare := p.source.options.Prepare; prepare != nil {
		prepare(req)
	}
	m.GenerateContent(ctx, req, stream)(p.out.take)
}

// take handles one item and reports whether more is wanted.
func (p *passage) take(resp *model.LLMResponse, err error) bool {
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
		p.done = !p.out.Send(resp)
	default:
		p.done = !p.out.Send(resp)
	}
	p.done = p.done || p.err != nil
	return !p.done
}
