package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/tokens"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// guard decides whether a request may go to a model. It returns the request that
// the model is to see, which is a copy if it differs, or a refusal.
//
// Guards stand around each model, not before the chain, so that each target is
// checked whichever way a call gets to it: as a fallback, in a hedge, or as the
// arm of an experiment.
type guard func(ctx context.Context, req *model.LLMRequest) (*model.LLMRequest, *middleware.RefusedError)

// guarded puts guards around a model; inner itself if there are none.
func guarded(inner stream.Layer, guards ...guard) stream.Layer {
	guards = slices.DeleteFunc(guards, func(g guard) bool { return g == nil })
	if len(guards) == 0 {
		return inner
	}
	return around(inner, func(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
		for _, check := range guards {
			var refused *middleware.RefusedError
			if req, refused = check(ctx, req); refused != nil {
				refused.Model = inner.Name()
				return refused
			}
		}
		return inner.Do(ctx, req, streamed, out)
	})
}

// guards returns what stands before a model; nil for what does not.
func (b *builder) guards(t spec.Target) []guard {
	guards := []guard{b.compliance(t), b.flags(t), b.payer()}
	if t.Settings.Capabilities != nil {
		guards = append(guards, capable(t.Settings.Capabilities))
	}
	if t.Settings.ContextWindow > 0 {
		guards = append(guards, fits(t.Settings.ContextWindow))
	}
	return guards
}

// fits refuses requests that are too long for a window of so many tokens.
func fits(window int) guard {
	return func(_ context.Context, req *model.LLMRequest) (*model.LLMRequest, *middleware.RefusedError) {
		if length := tokens.Estimate(req); length > window {
			return nil, &middleware.RefusedError{By: "context_window", Reason: fmt.Sprintf("about %d tokens do not fit its window of %d", length, window)}
		}
		return req, nil
	}
}

// capable refuses requests that need more than a model can do.
func capable(can []string) guard {
	return func(_ context.Context, req *model.LLMRequest) (*model.LLMRequest, *middleware.RefusedError) {
		for _, need := range needs(req) {
			if !slices.Contains(can, need) {
				return nil, &middleware.RefusedError{By: "capability", Reason: "it cannot do " + need}
			}
		}
		return req, nil
	}
}

// needs returns the capabilities that a request asks for, by the names that a
// policy has for them. A history with calls needs no tools: those are text.
func needs(req *model.LLMRequest) []string {
	var needs []string
	add := func(need string, needed bool) {
		if needed && !slices.Contains(needs, need) {
			needs = append(needs, need)
		}
	}
	if c := req.Config; c != nil {
		add("tools", len(c.Tools) > 0)
		add("json_schema", c.ResponseSchema != nil || c.ResponseJsonSchema != nil)
		needOfContent(c.SystemInstruction, add)
	}
	add("tools", len(req.Tools) > 0)
	for _, content := range req.Contents {
		needOfContent(content, add)
	}
	return needs
}

func needOfContent(content *genai.Content, add func(need string, needed bool)) {
	if content == nil {
		return
	}
	for _, part := range content.Parts {
		if part == nil {
			continue
		}
		if part.InlineData != nil {
			add(needOfData(part.InlineData.MIMEType), true)
		}
		if part.FileData != nil {
			add(needOfData(part.FileData.MIMEType), true)
		}
	}
}

func needOfData(mime string) string {
	kind, _, _ := strings.Cut(mime, "/")
	switch kind {
	case "image":
		return "images"
	case "audio":
		return "audio"
	case "video":
		return "video"
	}
	return "documents"
}
