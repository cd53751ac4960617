package stream

import (
	"cmp"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/capture"
	"github.com/adk-fallback/adk-fallback/internal/panics"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/telemetry"
	"github.com/adk-fallback/adk-fallback/internal/tokens"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// attempt is one call to a model. The model may keep the context, so no two attempts
// share it. It may also keep parts of its request, or return them in its answer, so the
// request is allocated separately.
type attempt struct {
	capture capture.Context

	source  *Source
	name    string // the model to call
	out     *Sink
	mending mending                                     // of the attempts so far
	req     *model.LLMRequest                           // the model's own copy; nil before it is made
	answer  func(*model.LLMResponse) *model.LLMResponse // converts a response; nil for no change
	wait    time.Duration                               // before the attempt
	started time.Time
	err     error         // why it failed
	first   time.Duration // from the call to the first content; 0 without one

	span     telemetry.Span // nil without a trace
	streamed bool
	version  string             // of the model, as its latest response says
	finish   genai.FinishReason // of its final response

	repaired []string // the repairs that changed req

	carried map[string]any // in a fallback's attempt, the fields of [request.SetFields] in req

	final bool        // a final response has been passed on
	mute  bool        // its answer is empty, after tools, and well-formed
	done  bool        // the iterator has been told to stop
	ended atomic.Bool // the iterator has returned
}

// errOver is the error of an attempt that begins after its call has ended. It counts as the
// caller's cancellation.
var errOver = fmt.Errorf("fallback: the call is over: %w", context.Canceled)

// make makes the attempt and records its failure.
func (a *attempt) make(ctx context.Context, req *model.LLMRequest, stream bool, r *resolved) (err error) {
	if err := a.prepare(ctx, req, &r.target); err != nil {
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
		a.out.meter.Watch() // Err is called for each chunk
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
	if resp.Partial && resp.CustomMetadata[call.KeyRestart] == true {
		if !a.out.renew() {
			a.err = fmt.Errorf("fallback: model %q starts its answer again, but what was shown must not be discarded: %w", a.name, failure.ErrTruncated)
		}
		return
	}
	if a.answer != nil && !a.final {
		if resp = a.answer(resp); resp == nil {
			a.out.heard()
			return
		}
	}
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
	return a.mute && a.mending.believe
}
