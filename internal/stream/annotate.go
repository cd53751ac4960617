package stream

import (
	"cmp"
	"maps"
	"strings"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/telemetry"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// annotated returns resp with the metadata of the call, as a copy: a model may
// hand out one response many times. The call's span gets the metadata too.
func (s *Sink) annotated(resp *model.LLMResponse) *model.LLMResponse {
	if s.Root == "" {
		return resp
	}
	md := s.metadata(s.Root)
	// ADK's aggregated response of a Gemini stream lacks the version that each
	// of its partial ones tells.
	md.ModelVersion = cmp.Or(resp.ModelVersion, s.version)
	fields := s.record.log.Map(md)
	telemetry.Annotate(s.record.ctx, fields)
	annotated := *resp
	call.Merge(&annotated, fields)
	if s.Model != s.Root {
		request.DropSignatures(&annotated)
	}
	return &annotated
}

// introduced returns a copy of resp, the first partial response that is shown of an
// answer, with the name of the model that gives it.
func (s *Sink) introduced(resp *model.LLMResponse) *model.LLMResponse {
	s.named = s.Model
	introduced := *resp
	introduced.CustomMetadata = maps.Clone(resp.CustomMetadata)
	call.Merge(&introduced, map[string]any{call.KeyModelName: s.Model})
	return &introduced
}

// metadata is what is known of the answer, but for the attempts, as that of a call
// that began at the model root.
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
		return md // it was the first to be asked, whatever its name
	}
	cause.describe(&md, root, s.Model)
	if s.Notes.Adapted != "" {
		md.Adapted = strings.Split(s.Notes.Adapted, "\n")
	}
	return md
}

// describe writes to md that a call which began at the model root went on to the
// model next, "" for none.
func (c *Cause) describe(md *call.Metadata, root, next string) {
	md.Triggered, md.OriginalModel, md.FallbackModel = true, root, next
	md.Attempt = max(len(c.Failed), 1)
	md.ErrorCode, md.Reason = c.Code, c.Reason
}
