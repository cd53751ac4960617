package request_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/request"
)

func signatures(contents []*genai.Content) string {
	var out []string
	for _, content := range contents {
		if content == nil {
			continue
		}
		for _, part := range content.Parts {
			out = append(out, string(part.ThoughtSignature))
		}
	}
	return strings.Join(out, ",")
}

// B63
func TestAdapt(t *testing.T) {
	const skip = request.SkipSignature
	unsigned := func() []*genai.Content {
		contents := llmtest.ToolLoop()
		contents[1].Parts[1].ThoughtSignature = nil
		return contents
	}
	signed := func() []*genai.Content { return llmtest.ToolLoop() }
	nextTurn := func() []*genai.Content {
		contents := unsigned()
		contents[3] = genai.NewContentFromText("and Rome?", genai.RoleUser)
		return contents
	}
	for _, test := range []struct {
		name     string
		contents []*genai.Content
		target   string
		foreign  bool
		want     string
	}{
		{"own signatures stay", signed(), "gemini-3-pro-preview", false, ",,sig1,,,"},
		{"foreign ones are replaced for Gemini 3", signed(), "gemini-3-pro-preview", true, ",," + skip + ",,,"},
		{"with a path before the name", signed(), "publishers/google/models/gemini-3.1-pro", true, ",," + skip + ",,,"},
		{"of the latest alias", signed(), "gemini-flash-latest", true, ",," + skip + ",,,"},
		{"of a two-digit generation", signed(), "gemini-10-pro", true, ",," + skip + ",,,"},
		{"foreign ones are removed for Gemini 2.5", signed(), "gemini-2.5-pro", true, ",,,,,"},
		{"and for other providers", signed(), "gpt-4o", true, ",,,,,"},
		{"missing ones are replaced for Gemini 3", unsigned(), "gemini-3-flash", false, ",," + skip + ",,,"},
		{"missing ones of an earlier turn are not", nextTurn(), "gemini-3-flash", false, ",,,,,,"},
		{"a name that only looks like it", unsigned(), "gemini-exp", false, ",,,,,"},
	} {
		t.Run(test.name, func(t *testing.T) {
			request.Adapt(test.contents, test.target, test.foreign)
			if got := signatures(test.contents); got != test.want {
				t.Errorf("signatures %q, want %q", got, test.want)
			}
			if request.LacksSignature(test.contents, test.target) {
				t.Errorf("%s still lacks a signature", test.target)
			}
		})
	}
}

// B64: the pairing of calls and responses is left as it is.
func TestAdaptKeepsCallIDs(t *testing.T) {
	contents := llmtest.ToolLoop()
	request.Adapt(contents, "gemini-3-pro", true)
	var ids []string
	for _, content := range contents[:3] {
		for _, part := range content.Parts {
			if part.FunctionCall != nil {
				ids = append(ids, "call "+part.FunctionCall.ID)
			}
			if part.FunctionResponse != nil {
				ids = append(ids, "response "+part.FunctionResponse.ID)
			}
		}
	}
	if diff := cmp.Diff([]string{"call c1", "call c2", "response c1", "response c2"}, ids); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
}

// A final response without content does not hide the one before it.
func TestWhole(t *testing.T) {
	said := func(text string) *model.LLMResponse {
		resp := &model.LLMResponse{ModelVersion: text}
		if text != "" {
			resp.Content = genai.NewContentFromText(text, genai.RoleModel)
		}
		return resp
	}
	one, two, none, part := said("one"), said("two"), said(""), said("part")
	part.Partial = true
	for want, all := range map[string][]*model.LLMResponse{
		"one of one":    {part, one},
		"onetwo of two": {part, one, two, part},
		"one of ":       {one, none},
		" of ":          {none},
	} {
		if got := request.Whole(all); request.Text(got.Content)+" of "+got.ModelVersion != want {
			t.Errorf("text %q of %q, want %q", request.Text(got.Content), got.ModelVersion, want)
		}
	}
	if got := request.Whole([]*model.LLMResponse{part}); got != nil {
		t.Errorf("%+v of a partial response, want nil", got)
	}
	if n := len(one.Content.Parts); n != 1 {
		t.Errorf("the first response has %d parts, want 1", n)
	}
}
