package fallbacktest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/signature"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/strict"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/wire"
)

// gemini is the REST API of Gemini, under the paths of the Gemini API
// (https://ai.google.dev/api/generate-content) and of Vertex AI
// (https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.publishers.models).
type gemini struct{}

var geminiPath = regexp.MustCompile(
	`^/v[^/]+/(?:projects/[^/]+/locations/[^/]+/)?(?:publishers/google/)?models/([^/]+):(generateContent|streamGenerateContent)$`)

func (gemini) owns(r *http.Request) bool {
	return r.Method == http.MethodPost && geminiPath.MatchString(r.URL.Path)
}

func (gemini) decode(r *http.Request, body []byte, req *Request) error {
	m := geminiPath.FindStringSubmatch(r.URL.Path)
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

func (gemini) document(req *Request, a answer) []byte {
	a = a.signedFor(req)
	return encode(a.response(req, joined(a.parts), len(a.parts), true))
}

func (gemini) events(req *Request, a answer) [][]byte {
	a = a.signedFor(req)
	var out [][]byte
	if a.metadataFirst {
		first := answer{parts: a.parts, noCandidate: true, usage: a.usage, version: a.version}
		out = append(out, event(first.response(req, nil, 0, false)))
	}
	for i, p := range a.parts {
		out = append(out, event(a.response(req, []*genai.Part{p}, i+1, i+1 == len(a.parts))))
	}
	if len(a.parts) == 0 {
		out = append(out, event(a.response(req, nil, 0, true)))
	}
	return out
}

// signedFor returns the answer as a strict server's model signs it: on the first
// call, or on the last text if there is no call. It is unchanged if the step has
// signed a part itself, or the model signs nothing that matters.
func (a answer) signedFor(req *Request) answer {
	if !a.strict || !strict.GeminiSigns(req.Model) || slices.ContainsFunc(a.parts, func(p *genai.Part) bool { return len(p.ThoughtSignature) > 0 }) {
		return a
	}
	i := slices.IndexFunc(a.parts, func(p *genai.Part) bool { return p.FunctionCall != nil })
	if last := len(a.parts) - 1; i < 0 && last >= 0 && isText(a.parts[last]) && !a.parts[last].Thought {
		i = last
	}
	if i < 0 {
		return a
	}
	a.parts = slices.Clone(a.parts)
	part := *a.parts[i]
	part.ThoughtSignature = signature.Gemini(req.Model, wire.IsVertex(req.Path))
	a.parts[i] = &part
	return a
}

// response builds one response that carries parts, when n of the answer's parts
// have been said; the finish reason stands on the last one only.
func (a answer) response(req *Request, parts []*genai.Part, n int, last bool) *genai.GenerateContentResponse {
	u := a.usageFor(req, n)
	resp := &genai.GenerateContentResponse{
		ModelVersion: a.versionFor(req),
		ResponseID:   fmt.Sprintf("%s-%d", req.Model, req.Index),
		UsageMetadata: &genai.GenerateContentResponseUsageMetadata{
			PromptTokenCount:     int32(u.prompt),
			CandidatesTokenCount: int32(u.output),
			TotalTokenCount:      int32(u.prompt + u.output),
		},
	}
	if a.blocked != "" {
		resp.PromptFeedback = &genai.GenerateContentResponsePromptFeedback{BlockReason: a.blocked}
	}
	if !a.noCandidate {
		c := &genai.Candidate{Content: &genai.Content{Role: genai.RoleModel, Parts: parts}}
		if last {
			c.FinishReason = a.finishReason()
		}
		resp.Candidates = []*genai.Candidate{c}
	}
	return resp
}

func (gemini) check(r *http.Request, body []byte, req *Request) *violation {
	return refused(strict.Gemini(asked(r, body, req)), func(v *strict.Violation) status {
		return googleError(v.Status, v.Kind, v.Message)
	})
}

func (gemini) errorEvent(body string) []byte {
	// A body of several lines would end the event early.
	return []byte("data: " + strings.ReplaceAll(body, "\n", " ") + "\n\n")
}

func event(v any) []byte { return append(append([]byte("data: "), encode(v)...), "\n\n"...) }
