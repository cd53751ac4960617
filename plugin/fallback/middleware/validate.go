package middleware

import (
	"context"
	"errors"
	"iter"
	"regexp"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/check"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/review"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// Bounds of an answer that Validate judges. A longer one is rejected, and a stream
// is cut off as soon as it is longer.
const (
	MaxValidatedBytes  = 4 << 20 // of text, without thoughts
	MaxValidatedChunks = 1 << 18 // of a stream
)

// ValidateConfig says which answers are accepted. The zero value accepts answers
// that match the request's response schema, and all answers to requests without
// a schema.
type ValidateConfig struct {
	// SkipSchema disables the check against the request's own schema, which is
	// ResponseJsonSchema or else ResponseSchema of its configuration.
	SkipSchema bool
	// Pattern must match somewhere in the text. Nil accepts any text.
	Pattern *regexp.Regexp
	// MinLength is the smallest number of characters (runes), white space at both
	// ends not counting. 0 accepts any length.
	MinLength int
	// Func returns an error if an answer is not accepted, or nil. It is called last,
	// with the request as it came to this layer, on the goroutine of the call. It must
	// not change its arguments, and must be safe for concurrent use. A panic in it
	// rejects the answer and is logged. The error's text is recorded, redacted; it
	// should not quote the answer. Nil accepts any answer.
	Func func(ctx context.Context, req *model.LLMRequest, resp *model.LLMResponse) error
}

// RejectedError says why Validate did not accept an answer. Its text never quotes
// the answer.
type RejectedError struct {
	Model  string // the target that gave the answer
	Reason string // the rule that it breaks, in a few words
	Err    error  // the error of the schema or Func, which may quote the answer; nil for other rules
}

func (e *RejectedError) Error() string {
	return "middleware: validate rejected the answer of " + e.Model + ": " + e.Reason
}

// Unwrap returns Err.
func (e *RejectedError) Unwrap() error { return e.Err }

// Verdict returns the verdict of the rejection, for package failure. Its Message is the
// text of Func's error, or "" if another rule is broken.
func (e *RejectedError) Verdict() failure.Verdict {
	v := failure.Verdict{Action: failure.Fallback, Kind: failure.KindRejected, Scope: failure.ScopeRequest, Reason: e.Reason}
	if e.Err != nil && !errors.Is(e.Err, errSchema) {
		v.Message = e.Err.Error()
	}
	return v
}

// NewValidate returns a middleware that judges whole answers by their content. A
// rejected answer becomes an error that wraps a [*RejectedError]; its verdict is
// to fall back, with kind [failure.KindRejected]. It is recorded as a failed
// attempt and charged to a Budget like any answer.
//
// A streamed answer is held back until it is whole and accepted. Then its partial
// responses are passed on, followed by the final one. If no rule applies to a
// request, nothing is held back.
//
// The rules apply to the text of the final responses, without thoughts. They do not
// apply to an answer that calls functions, because the final answer comes later,
// or to an answer of last resort ("degraded" in its metadata). A schema that is
// invalid or refers to another document is ignored, which is logged once. Formats,
// such as "date-time", are not checked.
//
// It goes around the layers that watch the stream, directly inside Retry:
//
//	Retry → Validate → Breaker → Limit → Timeout → Budget → model
//
// A Timeout outside measures the time until the whole answer is accepted. A cache
// inside keeps rejected answers. A Breaker inside counts a rejected answer as a
// success, since the target is up; a Breaker outside does not count it. Around a
// router, a rejected answer ends the call.
//
// The error names every wrong field.
func NewValidate(config ValidateConfig) (Middleware, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	return func(m model.LLM) model.LLM {
		check.Model("middleware: Validate", m)
		v := &validate{Around: stream.Around{Inner: stream.Of(m)}}
		v.config, v.model = config, m.Name()
		return stream.Forward(v, m)
	}, nil
}

func (c *ValidateConfig) check() error {
	problems := []error{check.NotNegative("middleware: ValidateConfig.MinLength", c.MinLength, "0 for any length, or more")}
	if c.SkipSchema && c.Pattern == nil && c.MinLength == 0 && c.Func == nil {
		problems = append(problems, errors.New("middleware: ValidateConfig: no rule is set; set Pattern, MinLength or Func, or do not skip the schema"))
	}
	return errors.Join(problems...)
}

// MustValidate is NewValidate, but panics on an error.
func MustValidate(config ValidateConfig) Middleware { return check.Must(NewValidate(config)) }

// NewCheck returns the rules of [NewValidate] as a function, for code that has a
// final response to req at hand. It returns a [*RejectedError], without a model, if
// resp breaks a rule, else nil. The function is safe for concurrent use.
func NewCheck(config ValidateConfig) (func(ctx context.Context, req *model.LLMRequest, resp *model.LLMResponse) error, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	r := &rules{config: config}
	return func(ctx context.Context, req *model.LLMRequest, resp *model.LLMResponse) error {
		if rejected := r.check(ctx, req, r.schema(req), resp); rejected != nil {
			return rejected
		}
		return nil
	}, nil
}

// validate is the layer around one model.
type validate struct {
	stream.Around
	rules
}

func (v *validate) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(v, ctx, req, streamed)
}

func (v *validate) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	schema := v.schema(req)
	if schema == nil && v.config.Pattern == nil && v.config.MinLength == 0 && v.config.Func == nil {
		return v.Inner.Do(ctx, req, streamed, out)
	}
	before, held := out.Notes, &holdBack{}
	held.fork = out.Fork(held.take)
	reviewed, pending := review.With(ctx)
	err := v.Inner.Do(reviewed, req, streamed, held.fork)
	held.fork.Join() // its notes also apply to later targets
	if !held.answered && !held.tooLong {
		return err
	}
	rejected := v.judge(ctx, req, schema, held)
	if rejected == nil {
		held.release()
		return err // it came after the answer
	}
	pending.Reject()
	if ctx.Err() != nil {
		return stream.Ended(ctx) // the result of Func is then not about the answer
	}
	rejected.Model = out.Model
	out.Disown(before)
	return out.Reject(rejected, rejected.Verdict())
}

// holdBack keeps the responses of a call until they are judged.
type holdBack struct {
	fork      *stream.Sink
	responses []*model.LLMResponse
	bytes     int  // of text in the partial ones
	final     int  // of text in the final ones
	answered  bool // there is a final one
	tooLong   bool // to be judged
}

// take keeps resp and reports whether more is wanted.
func (h *holdBack) take(resp *model.LLMResponse) bool {
	switch {
	case !resp.Partial:
		h.answered = true
		h.final += len(request.Text(resp.Content))
	case resp.CustomMetadata[call.KeyRestart] == true:
		*h = holdBack{fork: h.fork} // an inner router restarts; the part was not shown
		return true
	default:
		h.bytes += len(request.Text(resp.Content))
	}
	h.tooLong = max(h.bytes, h.final) > MaxValidatedBytes || len(h.responses) == MaxValidatedChunks
	if !h.tooLong {
		h.responses = append(h.responses, resp)
	}
	return !h.tooLong
}

// release passes on the held responses.
func (h *holdBack) release() {
	for _, resp := range h.responses {
		if !h.fork.Pass(resp) {
			return
		}
	}
}
