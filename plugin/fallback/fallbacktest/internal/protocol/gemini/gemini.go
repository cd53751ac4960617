// Package gemini writes answers and errors as the REST API of Gemini does, and reads its
// requests.
//
// What the API refuses in strict mode is in package strict.
package gemini

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/protocol"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/signature"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/strict"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/wire"
)

// API is the REST API of Gemini, under the paths of the Gemini API
// (https://ai.google.dev/api/generate-content) and of Vertex AI
// (https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.publishers.models).
type API struct{}

var callPath = regexp.MustCompile(
	`^/v[^/]+/(?:projects/[^/]+/locations/[^/]+/)?(?:publishers/google/)?models/([^/]+):(generateContent|streamGenerateContent)$`)

func (API) Owns(r *http.Request) bool {
	return r.Method == http.MethodPost && callPath.MatchString(r.URL.Path)
}

func (API) Decode(r *http.Request, body []byte, req *protocol.Request) error {
	m := callPath.FindStringSubmatch(r.URL.Path)
	req.Model, req.Stream = m[1], m[2] == "streamGenerateContent"
	if req.Stream && r.URL.Query().Get("alt") != "sse" {
		return errors.New("fallbacktest: a stream needs the query parameter alt=sse")
	}
	var in struct {
		Contents          []*genai.Content
		SystemInstruction *genai.Content
		Tools             []*genai.Tool
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return fmt.Errorf("fallbacktest: body is no GenerateContentRequest: %w", err)
	}
	req.Contents, req.System, req.Tools = in.Contents, in.SystemInstruction, in.Tools
	return nil
}

func (API) Document(req *protocol.Request, a protocol.Answer) []byte {
	a = signed(a, req)
	return protocol.Encode(response(a, req, protocol.Joined(a.Parts), len(a.Parts), true))
}

func (API) Events(req *protocol.Request, a protocol.Answer) [][]byte {
	a = signed(a, req)
	var out [][]byte
	if a.MetadataFirst {
		first := protocol.Answer{Parts: a.Parts, NoCandidate: true, Usage: a.Usage, Version: a.Version}
		out = append(out, protocol.Event(response(first, req, nil, 0, false)))
	}
	for i, p := range a.Parts {
		out = append(out, protocol.Event(response(a, req, []*genai.Part{p}, i+1, i+1 == len(a.Parts))))
	}
	if len(a.Parts) == 0 {
		out = append(out, protocol.Event(response(a, req, nil, 0, true)))
	}
	return out
}

// signed returns the answer as a strict server's model signs it: on the first
// call, or on the last text if there is no call. It is unchanged if the step has
// signed a part itself, or the model signs nothing that matters.
func signed(a protocol.Answer, req *protocol.Request) protocol.Answer {
	if !a.Strict || !strict.GeminiSigns(req.Model) || slices.ContainsFunc(a.Parts, func(p *genai.Part) bool { return len(p.ThoughtSignature) > 0 }) {
		return a
	}
	i := slices.IndexFunc(a.Parts, func(p *genai.Part) bool { return p.FunctionCall != nil })
	if last := len(a.Parts) - 1; i < 0 && last >= 0 && protocol.IsText(a.Parts[last]) && !a.Parts[last].Thought {
		i = last
	}
	if i < 0 {
		return a
	}
	a.Parts = slices.Clone(a.Parts)
	part := *a.Parts[i]
	part.ThoughtSignature = signature.Gemini(req.Model, wire.IsVertex(req.Path))
	a.Parts[i] = &part
	return a
}

// response builds one response that carries parts, when n of the answer's parts
// have been said; the finish reason stands on the last one only.
func response(a protocol.Answer, req *protocol.Request, parts []*genai.Part, n int, last bool) *genai.GenerateContentResponse {
	u := a.UsageFor(req, n)
	resp := &genai.GenerateContentResponse{
		ModelVersion: a.VersionFor(req),
		ResponseID:   fmt.Sprintf("%s-%d", req.Model, req.Index),
		UsageMetadata: &genai.GenerateContentResponseUsageMetadata{
			PromptTokenCount:     int32(u.Prompt),
			CandidatesTokenCount: int32(u.Output),
			TotalTokenCount:      int32(u.Prompt + u.Output),
		},
	}
	if a.Blocked != "" {
		resp.PromptFeedback = &genai.GenerateContentResponsePromptFeedback{BlockReason: a.Blocked}
	}
	if !a.NoCandidate {
		c := &genai.Candidate{Content: &genai.Content{Role: genai.RoleModel, Parts: parts}}
		if last {
			c.FinishReason = a.FinishReason()
		}
		resp.Candidates = []*genai.Candidate{c}
	}
	return resp
}

func (API) Check(r *http.Request, body []byte, req *protocol.Request) *protocol.Violation {
	return protocol.Refused(strict.Gemini(protocol.Asked(r, body, req)), func(v *strict.Violation) protocol.Status {
		return googleError(v.Status, v.Kind, v.Message)
	})
}

func (API) ErrorEvent(body string) []byte {
	// A body of several lines would end the event early.
	return []byte("data: " + strings.ReplaceAll(body, "\n", " ") + "\n\n")
}
