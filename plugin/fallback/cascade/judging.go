package cascade

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/clone"
	"github.com/adk-fallback/adk-fallback/internal/deadline"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// judge asks the judges about an answer, until one rejects it.
func (r *run) judge(a *cheapAnswer) ruling {
	whole := request.Whole(a.finals)
	switch {
	case a.tooLong:
		return ruling{reason: fmt.Sprintf("judge: it is longer than %d MiB or %d chunks", middleware.MaxValidatedBytes>>20, middleware.MaxValidatedChunks)}
	case r.settings.Use == UseCheap, a.fork.Notes.Degraded != a.degraded:
		return ruling{}
	case request.CallsFunction(whole.Content):
		return ruling{} // the answer to its results is judged
	case !answers(whole.Content):
		if a.found {
			return ruling{reason: "judge: it states a confidence and nothing else"}
		}
		return ruling{} // Source has made sure that it ends a tool loop
	}
	for i := range r.config.Judges {
		j := &r.config.Judges[i]
		value, err := r.score(j, &judged{req: r.req, resp: whole, stated: a.value})
		if r.ctx.Err() != nil {
			return ruling{}
		}
		if verdict := j.rule(value, err, r.settings.Threshold); verdict.reason != "" {
			return verdict
		}
	}
	return ruling{}
}

// answers reports whether content has more than thoughts.
func answers(content *genai.Content) bool {
	if content == nil {
		return false
	}
	return slices.ContainsFunc(content.Parts, func(p *genai.Part) bool {
		return p != nil && !p.Thought && request.HasContent(&genai.Content{Parts: []*genai.Part{p}})
	})
}

// score asks one judge. A judge that may hang is called on a goroutine of its own, which
// ends when the judge returns.
func (r *run) score(j *Judge, a *judged) (value float64, err error) {
	if !j.apart {
		return j.contained(r.ctx, a, r.out)
	}
	limited, end := r.out.Limit(r.ctx, deadline.Limits{Total: r.config.JudgeTimeout, Why: func(_ string, limit time.Duration) error {
		return judgeTimeout(limit)
	}})
	defer end()
	layer := &judging{judge: j, name: cmp.Or(j.model, r.name), about: a.own(), result: make(chan scored, 1)}
	items := make(chan stream.Item)
	d := r.out.Detach(limited, layer, r.req, false, items)
	select {
	case item := <-items:
		d.Leave(call.Attempt{})
		select {
		case s := <-layer.result:
			return s.value, s.err
		default:
			return math.NaN(), item.Err // it has ended its goroutine
		}
	case <-limited.Done():
		late := stream.Ended(limited)
		var cut call.Attempt
		if j.model != "" {
			cut = d.Lost(stream.VerdictOf(limited, late))
		}
		d.Leave(cut)
		return math.NaN(), unknown(late.Error())
	}
}

// own returns a with a response that nothing else uses.
func (a *judged) own() *judged {
	resp := *a.resp
	resp.Content = clone.Contents([]*genai.Content{resp.Content})[0]
	resp.CustomMetadata = maps.Clone(resp.CustomMetadata)
	return &judged{resp: &resp, stated: a.stated}
}

// judgeTimeout ends a judge.
type judgeTimeout time.Duration

func (e judgeTimeout) Error() string { return fmt.Sprintf("no verdict within %v", time.Duration(e)) }

func (e judgeTimeout) Verdict() failure.Verdict {
	return failure.Verdict{Action: failure.Fallback, Kind: failure.KindTimeout, Scope: failure.ScopeRequest, Reason: "judge: " + e.Error()}
}

// judging is the layer that asks a judge.
type judging struct {
	judge  *Judge
	name   string
	about  *judged
	result chan scored // with room for one
}

// scored is what a judge has said.
type scored struct {
	value float64
	err   error
}

// Name implements model.LLM.
func (j *judging) Name() string { return j.name }

// GenerateContent implements model.LLM.
func (j *judging) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(j, ctx, req, streamed)
}

// Do implements stream.Layer.
func (j *judging) Do(ctx context.Context, req *model.LLMRequest, _ bool, out *stream.Sink) error {
	j.about.req = req
	value, err := j.judge.contained(ctx, j.about, out)
	j.result <- scored{value, err}
	return nil
}
