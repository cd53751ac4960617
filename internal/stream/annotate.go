package stream

import (
	"cmp"
	"context"
	"strings"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/telemetry"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// annotated returns a copy of resp with the metadata of the call: a model may return
// one response many times. The call's span gets the metadata too.
func (s *Sink) annotated(resp *model.LLMResponse) *model.LLMResponse {
	if s.Root == "" {
		return resp
	}
	md := s.metadata(s.Root)
	// ADK's aggregated response of a Gemini stream lacks the version, which each
	// partial response has.
	md.ModelVersion = cmp.Or(resp.ModelVersion, s.version)
	if s.Notice != nil && s.fallback && md.Triggered && request.Text(resp.Content) != "" {
		md.Notice = s.Notice.Text
	}
	annotated := *resp
	call.Merge(&annotated, s.record.log.Map(md))
	telemetry.Annotate(s.record.ctx, annotated.CustomMetadata)
	if s.Model != s.Root {
		request.DropSignatures(&annotated)
	}
	return &annotated
}

type introKey struct{}

// Introduced returns a context for a call whose first partial response of each answer has the
// metadata that is known by then. By default it has only the model's name: a consumer that looks
// for a fallback in every response must find each fallback only once.
func Introduced(ctx context.Context) context.Context {
	return context.WithValue(ctx, introKey{}, true)
}

// introduced returns a copy of resp, the first partial response shown of an answer, with the
// model's name or, in a context from [Introduced], with the metadata known so far.
func (s *Sink) introduced(resp *model.LLMResponse) *model.LLMResponse {
	s.named = s.Model
	introduced := *resp
	md := call.Metadata{ModelName: s.Model}
	if s.record.ctx.Value(introKey{}) != nil {
		md = s.metadata(s.Root)
	}
	call.Merge(&introduced, s.record.log.Map(md))
	return &introduced
}

// metadata returns the metadata of the answer, without the attempts, for a call that
// began at the model root.
func (s *Sink) metadata(root string) call.Metadata {
	md := call.Metadata{
		ModelName: s.Model, ModelVersion: s.version, CacheStatus: s.Notes.CacheStatus,
		ExperimentID: s.Notes.ExperimentID, Cohort: s.Notes.Cohort, Degraded: s.Notes.Degraded,
	}
	if s.Model == root {
		return md
	}
	cause := s.Cause()
	if cause.Code == "" && cause.Reason == "" {
		return md // it was the first to be called, whatever its name
	}
	cause.describe(&md, root, s.Model)
	if s.Notes.Adapted != "" {
		md.Adapted = strings.Split(s.Notes.Adapted, "\n")
	}
	return md
}

// describe writes to md that a call fell back from the model root to the model next,
// or to none if next is "".
func (c *Cause) describe(md *call.Metadata, root, next string) {
	md.Triggered, md.OriginalModel, md.FallbackModel = true, root, next
	md.Attempt = max(len(c.Failed), 1)
	md.ErrorCode, md.Reason = c.Code, c.Reason
}
