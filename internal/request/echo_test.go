package request_test

import (
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
)

// B40: what a server quotes of a request is not in records.
func TestWithoutEcho(t *testing.T) {
	const prompt = "My daughter Anna has had a fever since Tuesday. What should we do?"
	req := &model.LLMRequest{
		Contents: []*genai.Content{
			genai.NewContentFromText(prompt, genai.RoleUser),
			{Parts: []*genai.Part{{FunctionCall: &genai.FunctionCall{Args: map[string]any{"where": []any{"12 Privet Drive"}}}}, {FunctionResponse: &genai.FunctionResponse{Response: map[string]any{"diagnosis": "acute tonsillitis of the left side"}}}}},
			nil, {Parts: []*genai.Part{nil}},
		},
		Config: &genai.GenerateContentConfig{SystemInstruction: genai.NewContentFromText("You are the assistant of Doctor Smith.", "")},
	}
	for _, test := range []struct{ name, message, want string }{
		{"nothing quoted", "Rate limit reached for gpt-4o. Try again in 20s.", "Rate limit reached for gpt-4o. Try again in 20s."},
		{"empty", "", ""},
		{"the whole prompt", `cannot read "` + prompt + `" here`, `cannot read "…" here`},
		{"a part of it", "bad token near 'a has had a fever since Tuesd'", "bad token near '…'"},
		{"two parts", "1: My daughter Anna has had a f 2: Tuesday. What should we do?", "1: … 2:…"},
		{"repeated", strings.Repeat("a fever since Tuesday. What|", 2), "…|…|"},
		{"a short value as a whole", "no place 12 Privet Drive known", "no place … known"},
		{"a result", "unexpected acute tonsillitis of the left side", "unexpected …"},
		{"the instruction", "system: You are the assistant of Doctor Smith.", "system: …"},
		{"a few words in common", "What should we do? Ask again.", "What should we do? Ask again."},
	} {
		if got := request.WithoutEcho(test.message, req); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
	long := &model.LLMRequest{Contents: genai.Text(strings.Repeat("aé", 20_000))}
	if got := request.WithoutEcho("x"+strings.Repeat("aé", 20_000), long); got != "x…" {
		t.Errorf("a long quotation: %.40q", got)
	}
}

func BenchmarkWithoutEcho(b *testing.B) {
	req := &model.LLMRequest{Contents: genai.Text(strings.Repeat("The quick brown fox jumps over the lazy dog. ", 25_000))}
	message := "Resource has been exhausted (e.g. check quota). See https://ai.google.dev/gemini-api/docs/rate-limits for limits."
	b.SetBytes(int64(len(req.Contents[0].Parts[0].Text)))
	for b.Loop() {
		request.WithoutEcho(message, req)
	}
}
