package cascade

import (
	"cmp"
	"math"
	"slices"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/confidence"
	"github.com/adk-fallback/adk-fallback/internal/group"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/review"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// cheap calls the cheap model and has its answer judged.
func (r *run) cheap() error {
	before := r.out.Notes
	a := r.newCheapAnswer()
	reviewed, pending := review.With(r.ctx)
	err := group.Ask(reviewed, r.layers[cheapLayer], a.request(), r.streamed, a.fork)
	a.fork.Join() // its notes also apply to later targets
	if len(a.finals) == 0 && !a.tooLong {
		return err
	}
	verdict := r.judge(a)
	if r.ctx.Err() != nil {
		ended := stream.Ended(r.ctx)
		a.fork.Reject(ended, stream.VerdictOf(r.ctx, ended))
		return ended
	}
	if verdict.reason == "" {
		a.release()
		return err // it came after the answer
	}
	pending.Reject()
	rejected := a.fork.Reject(&rejectedError{a.fork.Model, verdict.reason}, verdict.verdict())
	a.fork.Join()
	r.out.Disown(before)
	r.to = verdict.to
	if !a.tooLong {
		r.rejected = a
	}
	return rejected
}

// rejectedError says that the judges do not accept an answer.
type rejectedError struct{ model, reason string }

func (e *rejectedError) Error() string {
	return "cascade: the answer of " + e.model + " is rejected: " + e.reason
}

// cheapAnswer is the cheap model's answer on its way to the judges.
type cheapAnswer struct {
	run      *run
	fork     *stream.Sink
	degraded string // of the notes before the call
	hold     bool   // the partial responses are held back
	hideLog  bool   // the caller has not asked for log-probabilities

	held     []*model.LLMResponse // partial ones
	bytes    int                  // of text in them
	tooLong  bool                 // more than is held back
	finals   []*model.LLMResponse // with log-probabilities, without a stated confidence
	logprobs confidence.Mean      // of the partial responses
	stated   *confidence.Stated   // of the partial responses; nil if it is not removed
	found    bool                 // a final response states a confidence
	value    float64              // the stated confidence, or NaN
}

func (r *run) newCheapAnswer() *cheapAnswer {
	a := &cheapAnswer{run: r, degraded: r.out.Notes.Degraded, hold: r.config.Hold || r.out.Continuous || r.out.Compared}
	a.fork = r.out.Fork(a.take)
	a.reset()
	return a
}

// reset prepares for an answer.
func (a *cheapAnswer) reset() {
	*a = cheapAnswer{run: a.run, fork: a.fork, degraded: a.degraded, hold: a.hold, hideLog: a.hideLog}
	if a.run.strips {
		a.stated = &confidence.Stated{}
	}
}

// request returns the request to the cheap model.
func (a *cheapAnswer) request() *model.LLMRequest {
	req := a.run.req
	if a.run.settings.Use == UseCheap || !slices.ContainsFunc(a.run.config.Judges, func(j Judge) bool { return j.ask != nil }) {
		return req
	}
	own, config := *req, genai.GenerateContentConfig{}
	if req.Config != nil {
		config = *req.Config
	}
	own.Config = &config
	for _, j := range a.run.config.Judges {
		if j.ask != nil {
			j.ask(&own)
		}
	}
	a.hideLog = config.ResponseLogprobs && (req.Config == nil || !req.Config.ResponseLogprobs)
	return &own
}

// take takes a response and reports whether more is wanted.
func (a *cheapAnswer) take(resp *model.LLMResponse) bool {
	if !resp.Partial {
		return a.takeFinal(resp)
	}
	if resp.CustomMetadata[call.KeyRestart] == true {
		a.reset() // an inner router restarts
		return a.hold || a.fork.Pass(resp)
	}
	a.logprobs.Add(resp.LogprobsResult)
	if a.stated != nil {
		stripped := replaceText(resp, func(text string, _ bool) string { return a.stated.Add(text) })
		if stripped != resp && !request.HasContent(stripped.Content) {
			return true // all of it is held back
		}
		resp = stripped
	}
	return a.show(resp)
}

// show passes a partial response on, or holds it back.
func (a *cheapAnswer) show(resp *model.LLMResponse) bool {
	resp = a.clean(resp)
	if !a.hold {
		return a.fork.Pass(resp)
	}
	a.bytes += len(request.Text(resp.Content))
	if a.tooLong = a.bytes > middleware.MaxValidatedBytes || len(a.held) == middleware.MaxValidatedChunks; a.tooLong {
		a.held = nil
		return false
	}
	a.held = append(a.held, resp)
	return true
}

// takeFinal keeps the final response for the judges.
func (a *cheapAnswer) takeFinal(resp *model.LLMResponse) bool {
	if a.stated != nil {
		if rest := a.stated.End(); rest != "" {
			tail := &model.LLMResponse{Content: genai.NewContentFromText(rest, genai.RoleModel), Partial: true}
			if !a.show(tail) {
				return false
			}
		}
		var whole confidence.Stated
		resp = replaceText(resp, func(text string, last bool) string {
			if text = whole.Add(text); last {
				text += whole.End()
			}
			return text
		})
		if whole.Found() || len(a.finals) == 0 {
			a.found, a.value = whole.Found(), whole.Value()
		}
	}
	if mean := a.logprobs.Logprob(); resp.AvgLogprobs == 0 && resp.LogprobsResult == nil && !math.IsNaN(mean) {
		own := *resp
		own.AvgLogprobs = mean // ADK's Gemini model omits it from the final response of a stream
		resp = &own
	}
	if a.tooLong = len(a.finals) == middleware.MaxValidatedChunks; a.tooLong {
		return false
	}
	a.finals = append(a.finals, resp)
	return true
}

// clean returns resp without log-probabilities that only the cascade has asked for:
// they would be stored in the session.
func (a *cheapAnswer) clean(resp *model.LLMResponse) *model.LLMResponse {
	if !a.hideLog || resp.LogprobsResult == nil && resp.AvgLogprobs == 0 {
		return resp
	}
	own := *resp
	own.LogprobsResult, own.AvgLogprobs = nil, 0
	return &own
}

// release passes on what was kept.
func (a *cheapAnswer) release() {
	for _, resp := range a.held {
		if !a.fork.Pass(resp) {
			return
		}
	}
	for _, resp := range a.finals {
		if !a.fork.Pass(a.clean(resp)) {
			return
		}
	}
}

// stand passes on a rejected answer, marked as such.
func (a *cheapAnswer) stand() {
	a.fork.Notes.Degraded = cmp.Or(a.fork.Notes.Degraded, a.run.name)
	a.release()
}

// replaceText returns resp with its texts replaced, in order, or resp itself if nothing
// changes. Parts without text left are omitted. last is true for the last text.
func replaceText(resp *model.LLMResponse, replace func(text string, last bool) string) *model.LLMResponse {
	if resp.Content == nil {
		return resp
	}
	isText := func(p *genai.Part) bool { return p != nil && !p.Thought && p.Text != "" }
	changed := false
	parts := make([]*genai.Part, 0, len(resp.Content.Parts))
	for i, p := range resp.Content.Parts {
		if isText(p) {
			last := !slices.ContainsFunc(resp.Content.Parts[i+1:], isText)
			if text := replace(p.Text, last); text != p.Text {
				changed = true
				own := *p
				own.Text = text
				if p = &own; text == "" && len(p.ThoughtSignature) == 0 {
					continue
				}
			}
		}
		parts = append(parts, p)
	}
	if !changed {
		return resp
	}
	own := *resp
	own.Content = &genai.Content{Role: resp.Content.Role, Parts: parts}
	return &own
}
