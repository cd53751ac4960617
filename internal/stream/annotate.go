package stream

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// annotated returns resp with the metadata of the call, as a copy: a model may
// hand out one response many times.
func (s *Sink) annotated(resp *model.LLMResponse) *model.LLMResponse {
	if s.Root == "" {
		return resp
	}
	annotated := *resp
	if plain := s.plain(resp); plain != nil {
		annotated.CustomMetadata = maps.Clone(plain.fields)
	} else {
		s.metadata(resp).WriteTo(&annotated)
	}
	if s.Model != s.Root {
		request.DropSignatures(&annotated)
	}
	return &annotated
}

// plain is the metadata of answers of one model that have nothing special to tell.
type plain struct {
	version, cacheStatus string
	fields               map[string]any // never changed
}

// plain returns the metadata for resp, the source's answer, if that has nothing
// special to tell, and else nil: to copy the map takes less than to make it. With
// no failure on record there has been no other source.
func (s *Sink) plain(resp *model.LLMResponse) *plain {
	if s.source == nil || s.log != nil || s.Notes != (Notes{CacheStatus: s.Notes.CacheStatus, Adapted: s.Notes.Adapted}) || len(resp.CustomMetadata) > 0 {
		return nil
	}
	version, latest := cmp.Or(resp.ModelVersion, s.version), s.source.plain.Load()
	if latest == nil || latest.version != version || latest.cacheStatus != s.Notes.CacheStatus {
		latest = &plain{version, s.Notes.CacheStatus, s.metadata(resp).Map()}
		s.source.plain.Store(latest)
	}
	return latest
}

func (s *Sink) metadata(resp *model.LLMResponse) call.Metadata {
	md := call.Metadata{
		// ADK's aggregated response of a Gemini stream lacks the version that each
		// of its partial ones tells.
		ModelName: s.Model, ModelVersion: cmp.Or(resp.ModelVersion, s.version),
		CacheStatus:  cmp.Or(s.Notes.CacheStatus, call.CacheBypass),
		ExperimentID: s.Notes.ExperimentID, Cohort: s.Notes.Cohort, Degraded: s.Notes.Degraded,
	}
	attempts, dropped := s.Attempts()
	if len(attempts) == 0 || s.Model == s.Root {
		return md
	}
	md.Triggered, md.OriginalModel, md.FallbackModel = true, s.Root, s.Model
	md.Attempt = max(countFailed(attempts), 1)
	md.ErrorCode, md.Reason = latest(attempts)
	if !s.refused { // a refusal stands there already, as failed
		attempts = append(attempts, call.Attempt{Model: s.Model, Outcome: call.OK})
	}
	md.Attempts, md.AttemptsDropped = attempts, dropped
	if s.Notes.Adapted != "" {
		md.Adapted = strings.Split(s.Notes.Adapted, "\n")
	}
	return md
}

// countFailed counts the models that failed, each once however often it was
// tried.
func countFailed(attempts []call.Attempt) int {
	n := 0
	for i, a := range attempts {
		seen := slices.ContainsFunc(attempts[:i], func(b call.Attempt) bool { return b.Model == a.Model && b.Outcome == call.Failed })
		if a.Outcome == call.Failed && !seen {
			n++
		}
	}
	return n
}

// latest returns the code and the reason of the latest failure, or of the latest
// target passed over if none was asked in vain.
func latest(attempts []call.Attempt) (code, reason string) {
	for _, a := range slices.Backward(attempts) {
		if a.Outcome == call.Failed {
			return a.ErrorCode(), a.Reason
		}
	}
	for _, a := range slices.Backward(attempts) {
		if a.Outcome == call.Skipped {
			return a.ErrorCode(), a.Reason
		}
	}
	return "", ""
}
