package cascade

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strconv"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/clip"
	"github.com/adk-fallback/adk-fallback/internal/confidence"
	"github.com/adk-fallback/adk-fallback/internal/nilcheck"
	"github.com/adk-fallback/adk-fallback/internal/panics"
	"github.com/adk-fallback/adk-fallback/internal/redact"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// Judge says how much confidence the answer of a cascade's cheap model deserves, from
// 0 to 1. The Judge functions make one:
//
//	cascade.JudgeLogProbs(true)
//	cascade.JudgeStated(cascade.AskConfidence)
//	cascade.JudgeChecks(middleware.ValidateConfig{MinLength: 20})
//	cascade.JudgeFunc(func(ctx context.Context, req *model.LLMRequest, resp *model.LLMResponse) (float64, error) { … })
//	cascade.JudgeModel(grader, "")
//
// A judge that fails, panics, takes longer than [Config.JudgeTimeout] or returns
// what is no number from 0 to 1 rejects the answer: the strong model is called, and the
// record says why.
//
// A Judge is immutable. Mistakes in its arguments are errors of [New].
type Judge struct {
	score func(ctx context.Context, a *judged, out *stream.Sink) (confidence float64, err error)
	// apart: score is not ours, so it may hang. It gets a goroutine of its own.
	apart bool
	model string       // the name of the model that score calls; "" for none
	layer stream.Layer // that model; nil for none
	// ask changes a request to the cheap model, a copy with a configuration of its own;
	// nil for no change.
	ask    func(req *model.LLMRequest)
	stated bool // a stated confidence is removed from answers
	lower  []lower
	err    error // of the arguments
}

// lower is where answers with a confidence below a limit go.
type lower struct {
	below float64
	to    model.LLM
}

// judged is what a judge is asked about.
type judged struct {
	req    *model.LLMRequest  // as it came to the cascade
	resp   *model.LLMResponse // the whole answer, without a stated confidence
	stated float64            // NaN if unknown
}

// DegradeBelow returns j, with the addition that an answer with a confidence below the
// limit is replaced by that of another model, such as retrieval or a template of
// package degrade, instead of the strong model's. If that model fails, the strong one
// is called. The limit must be above 0 and at most 1, and is meant to be below the
// threshold. Of several limits, the lowest that applies counts.
//
// It makes any judge a classifier of risk: the confidence is 1 minus the risk that the
// answer is made up.
func (j Judge) DegradeBelow(limit float64, to model.LLM) Judge {
	switch {
	case !(limit > 0 && limit <= 1):
		j.err = errors.Join(j.err, fmt.Errorf("DegradeBelow: the limit is %v; must be above 0, up to 1", limit))
	case nilcheck.Model(to):
		j.err = errors.Join(j.err, errors.New("DegradeBelow: the model is nil; must be a model"))
	default:
		j.lower = append(j.lower[:len(j.lower):len(j.lower)], lower{limit, to})
	}
	return j
}

// JudgeLogProbs returns a judge by the log-probabilities of the answer's tokens: the
// confidence is the geometric mean of their probabilities. An answer without them is
// rejected. ask requests them from the cheap model; a target that does not accept the
// setting gets the request without it. If only the cascade has asked for them, they are
// removed from the answer.
func JudgeLogProbs(ask bool) Judge {
	j := Judge{score: func(_ context.Context, a *judged, _ *stream.Sink) (float64, error) {
		value := confidence.Of(a.resp)
		if math.IsNaN(value) {
			return value, unknown("the answer has no log-probabilities")
		}
		return value, nil
	}}
	if ask {
		j.ask = func(req *model.LLMRequest) { req.Config.ResponseLogprobs = true }
	}
	return j
}

// AskConfidence is an instruction for [JudgeStated].
const AskConfidence = `After your answer, write one more line: the word "CONFIDENCE:" and the probability that your answer is correct and complete, from 0 to 1. For example: CONFIDENCE: 0.62`

// JudgeStated returns a judge by the confidence that the cheap model states at the end
// of its answer, such as
//
//	CONFIDENCE: 0.62
//
// on a line of its own. "62%" and "6/10" are understood too. The statement is removed
// from the answer before the user sees it, also from a stream, and so is never stored.
// An answer without one is rejected.
//
// instruction is added to the system instruction of requests to the cheap model, such
// as [AskConfidence]; empty adds nothing. It is not added to requests for JSON or for a
// value of an enum (text/x.enum), whose answers cannot state anything.
func JudgeStated(instruction string) Judge {
	j := Judge{stated: true, score: func(_ context.Context, a *judged, _ *stream.Sink) (float64, error) {
		if math.IsNaN(a.stated) {
			return a.stated, unknown("the answer states no confidence")
		}
		return a.stated, nil
	}}
	if instruction != "" {
		j.ask = func(req *model.LLMRequest) { instruct(req, instruction) }
	}
	return j
}

// instruct adds an instruction to req, a shallow copy with a configuration of its own.
func instruct(req *model.LLMRequest, text string) {
	c := req.Config
	if !request.IsForText(req) {
		return
	}
	part := &genai.Part{Text: text}
	if last := len(req.Contents) - 1; c.CachedContent != "" && last >= 0 { // it excludes a system instruction
		req.Contents = slices.Clone(req.Contents)
		req.Contents[last] = withPart(req.Contents[last], part)
		return
	}
	c.SystemInstruction = withPart(c.SystemInstruction, part)
}

// withPart returns a copy of content, which may be nil, with one more part.
func withPart(content *genai.Content, part *genai.Part) *genai.Content {
	if content == nil {
		content = &genai.Content{Role: genai.RoleUser}
	}
	return &genai.Content{Role: content.Role, Parts: append(slices.Clone(content.Parts), part)}
}

// JudgeChecks returns a judge by the rules of [middleware.NewValidate]: the request's
// response schema, a pattern, a length, a function. Its confidence is 1 for an answer
// that keeps them all, else 0. The text of the function's error is part of the recorded
// reason, redacted and clipped; it should not quote the answer.
func JudgeChecks(config middleware.ValidateConfig) Judge {
	check, err := middleware.NewCheck(config)
	return Judge{err: err, apart: config.Func != nil, score: func(ctx context.Context, a *judged, _ *stream.Sink) (float64, error) {
		rejected, ok := errors.AsType[*middleware.RejectedError](check(ctx, a.req, a.resp))
		if !ok {
			return 1, nil
		}
		if said := rejected.Verdict().Message; said != "" {
			return 0, unknown(rejected.Reason + ": " + clip.Words(redact.Text(said, call.MaxMessageBytes), call.MaxNameBytes))
		}
		return 0, unknown(rejected.Reason)
	}}
}

// JudgeFunc returns a judge of your own. f gets the request as it came to the cascade
// and the cheap model's final response. It must not change them, must be safe for
// concurrent use, and must return soon after its context has ended: until then its
// goroutine lives on. An error rejects the answer; its text is recorded, redacted, and
// should not quote the answer.
func JudgeFunc(f func(ctx context.Context, req *model.LLMRequest, resp *model.LLMResponse) (confidence float64, err error)) Judge {
	if f == nil {
		return Judge{err: errors.New("JudgeFunc: the function is nil; must be a function")}
	}
	return Judge{apart: true, score: func(ctx context.Context, a *judged, _ *stream.Sink) (float64, error) {
		return f(ctx, a.req, a.resp)
	}}
}

// unknown is why a judge of ours has no confidence in an answer.
type unknown string

func (u unknown) Error() string { return string(u) }

// ruling is what becomes of an answer. The zero value accepts it.
type ruling struct {
	reason string // why it is rejected
	err    error  // the judge's own; nil if it has judged
	to     string // the model to call instead of the strong one; "" for none
}

// rule returns what becomes of an answer in which j has that confidence.
func (j *Judge) rule(value float64, err error, threshold float64) (r ruling) {
	limit := threshold
	if l := j.lowest(value); l != nil {
		r.to, limit = l.to.Name(), l.below
	}
	why, ours := err.(unknown)
	switch {
	case ours:
		r.reason = "judge: " + string(why)
	case err != nil:
		return ruling{reason: "judge: it failed", err: err}
	case !(value >= 0 && value <= 1): // also NaN
		return ruling{reason: fmt.Sprintf("judge: confidence %v is not from 0 to 1", value)}
	case value < limit:
		r.reason = fmt.Sprintf("judge: confidence %s below %v", short(value), limit)
	}
	return r
}

// lowest returns the lowest limit above a confidence, nil for none.
func (j *Judge) lowest(value float64) *lower {
	var lowest *lower
	for i := range j.lower {
		if l := &j.lower[i]; value < l.below && (lowest == nil || l.below < lowest.below) {
			lowest = l
		}
	}
	return lowest
}

// short formats a confidence, rounded down: 0.7999 is below 0.8 in print, too.
func short(value float64) string {
	return strconv.FormatFloat(math.Floor(value*1000)/1000, 'g', -1, 64)
}

// verdict returns the verdict of a rejected answer.
func (r *ruling) verdict() failure.Verdict {
	v := failure.Verdict{Action: failure.Fallback, Kind: failure.KindRejected, Scope: failure.ScopeRequest, Reason: r.reason}
	if r.err != nil {
		v.Message = r.err.Error()
	}
	return v
}

// failed is the text of an error that is not ours.
type failed string

func (f failed) Error() string { return string(f) }

// contained calls j.score, which may panic. The error is ours: the methods of another
// may panic too.
func (j *Judge) contained(ctx context.Context, a *judged, out *stream.Sink) (value float64, err error) {
	defer func() {
		if p := recover(); p != nil {
			slog.Error("cascade: a judge panicked", "panic", panics.Text(p))
			value, err = math.NaN(), unknown("it panicked")
		}
	}()
	value, err = j.score(ctx, a, out)
	if _, ours := err.(unknown); err != nil && !ours {
		err = failed(err.Error())
	}
	return value, err
}
