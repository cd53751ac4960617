package catalog_test

import (
	"fmt"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/catalog"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// Whether a model returns probabilities follows from the API that serves it.
func TestLogprobs(t *testing.T) {
	for name, test := range map[string]struct {
		model, settings string
		want            bool
	}{
		"Claude":                     {"claude-sonnet-5", "", false},
		"GPT":                        {"gpt-4o", "", true},
		"a reasoning model":          {"o3", "", false},
		"Gemini API":                 {"gemini-2.5-flash", "provider: gemini", false},
		"Vertex AI":                  {"gemini-2.5-flash", "provider: vertexai", true},
		"either, by the environment": {"gemini-2.5-flash", "", true},
		"Groq":                       {"llama", "provider: openai, base_url: https://api.groq.com/openai/v1", false},
		"a server of one's own":      {"llama", "provider: openai, base_url: http://10.0.0.7/v1", true},
		"the file knows better":      {"claude-sonnet-5", "takes: {logprobs: true}", true},
		"the file knows worse":       {"gpt-4o", "takes: {logprobs: false}", false},
	} {
		p, err := spec.Parse(fmt.Appendf(nil, "primary: %s\nmodels: {%[1]s: {%s}}\n", test.model, test.settings))
		if err != nil {
			t.Fatal(err)
		}
		if got := catalog.Known().Logprobs(p.Resolve(test.model)); got != test.want {
			t.Errorf("%s: %t, want %t", name, got, test.want)
		}
	}
}
