package guard

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/match"
	"github.com/adk-fallback/adk-fallback/internal/tokens"
)

// ContextWindow is a guard that skips targets whose window is too small for the request,
// by an estimate: about four characters a token. Its refusals have By "context_window".
func ContextWindow(_ context.Context, req *model.LLMRequest, t Target) (*model.LLMRequest, error) {
	if t.ContextWindow <= 0 || t.LastResort {
		return req, nil
	}
	if length := tokens.Estimate(req); length > t.ContextWindow {
		return nil, refuse(&t, "context_window", fmt.Sprintf("about %d tokens do not fit its window of %d", length, t.ContextWindow))
	}
	return req, nil
}

// Capabilities is a guard that skips targets which cannot process all of the request. A
// file counts wherever it is: in a message, a tool's result or the system instruction.
// Calls and results of tools in the history need no "tools", because they can be sent as
// text. Its refusals have By "capability".
func Capabilities(_ context.Context, req *model.LLMRequest, t Target) (*model.LLMRequest, error) {
	if t.Capabilities == nil || t.LastResort {
		return req, nil
	}
	for need := range needs(req) {
		if !slices.ContainsFunc(t.Capabilities, func(can string) bool { return match.Fold(can) == need }) {
			return nil, refuse(&t, "capability", "it cannot do "+need)
		}
	}
	return req, nil
}

// needs yields the capabilities that a request needs, some of them many times.
func needs(req *model.LLMRequest) iter.Seq[string] {
	return func(yield func(need string) bool) {
		if len(req.Tools) > 0 && !yield("tools") {
			return
		}
		contents := req.Contents
		if c := req.Config; c != nil {
			if len(c.Tools) > 0 && !yield("tools") || (c.ResponseSchema != nil || c.ResponseJsonSchema != nil) && !yield("json_schema") {
				return
			}
			contents = append(slices.Clip(contents), c.SystemInstruction)
		}
		for _, content := range contents {
			if content == nil {
				continue
			}
			for _, part := range content.Parts {
				if part != nil && !needsOf(part, yield) {
					return
				}
			}
		}
	}
}

// needsOf yields what a part needs, and reports whether more is wanted.
func needsOf(part *genai.Part, yield func(need string) bool) bool {
	if data := part.InlineData; data != nil && !yield(needOf(data.MIMEType)) {
		return false
	}
	if file := part.FileData; file != nil && !yield(needOf(file.MIMEType)) {
		return false
	}
	if part.FunctionResponse == nil {
		return true
	}
	for _, p := range part.FunctionResponse.Parts {
		if p != nil && p.InlineData != nil && !yield(needOf(p.InlineData.MIMEType)) {
			return false
		}
		if p != nil && p.FileData != nil && !yield(needOf(p.FileData.MIMEType)) {
			return false
		}
	}
	return true
}

// needOf returns what is needed for a file of a MIME type.
func needOf(mime string) string {
	kind, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(mime)), "/")
	switch kind {
	case "image":
		return "images"
	case "audio", "video":
		return kind
	}
	return "documents"
}
