package policy_test

import (
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

const secret = "ann.smith@example.org"

func ofParts(parts ...*genai.Part) *model.LLMRequest {
	return &model.LLMRequest{Contents: []*genai.Content{{Role: genai.RoleUser, Parts: parts}}}
}

// With otherwise: redact, a model that may not see personal data gets a request without it, or is
// not called. The tests of package guard have all kinds of parts. B79, B60
func TestRequestsAreRedactedForAModel(t *testing.T) {
	a := llmtest.NewModel("a", llmtest.Text("ok"))
	m := build(t, "primary: a\ncompliance: {rules: [{targets: [trusted], otherwise: redact}]}\nmodels: {trusted: {}}", models(a))
	req := ofParts(&genai.Part{Text: "Mail " + secret})
	if got := askFor(t.Context(), m, false, req); got.err != nil {
		t.Fatal(got.err)
	}
	if got := a.Requests()[0].Contents[0].Parts[0].Text; got != "Mail [redacted]" {
		t.Errorf("the model saw %q", got)
	}
	if got := req.Contents[0].Parts[0].Text; got != "Mail "+secret {
		t.Errorf("the caller's request is %q now", got)
	}
	got := askFor(t.Context(), m, false, ofParts(withFile("image/png")))
	if got.err == nil || !strings.Contains(got.err.Error(), "cannot be redacted") || len(a.Requests()) != 1 {
		t.Errorf("an image: error %v, %d calls; want it refused without a call", got.err, len(a.Requests()))
	}
}

// A target with a signature that was made of unredacted text gets none of it; one
// that asks for a signature gets the placeholder.
func TestRedactionDropsSignatures(t *testing.T) {
	req := ofParts(&genai.Part{Text: "hi"})
	req.Contents = append(req.Contents,
		&genai.Content{Role: genai.RoleModel, Parts: []*genai.Part{{FunctionCall: &genai.FunctionCall{Name: "find"}, ThoughtSignature: []byte("sig")}}},
		&genai.Content{Role: genai.RoleUser, Parts: []*genai.Part{{FunctionResponse: &genai.FunctionResponse{Name: "find"}}}})
	a := llmtest.NewModel("gemini-3-flash", llmtest.Text("ok"))
	m := build(t, "primary: gemini-3-flash\ncompliance: {rules: [{targets: [trusted], otherwise: redact}]}\nmodels: {trusted: {}}", policy.Models{"gemini-3-flash": a})
	if got := askFor(t.Context(), m, false, req); got.err != nil {
		t.Fatal(got.err)
	}
	if got := string(a.Requests()[0].Contents[1].Parts[0].ThoughtSignature); got != "skip_thought_signature_validator" {
		t.Errorf("signature %q, want the placeholder", got)
	}
}
