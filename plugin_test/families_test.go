package plugin_test

import (
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/anthropic"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/gemini"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai"
)

// family is a vendor of models: a strict server of its own, and a model there.
type family struct {
	name  string // of the family
	model string // the provider's name for the model
	srv   *fallbacktest.Server
	llm   model.LLM
}

// families are the models that the tests ask, of old and new generations. "chat"
// stands for every server that speaks chat completions but OpenAI's own.
var families = map[string][]string{
	"gemini":    {"gemini-3.5-flash", "gemini-2.5-flash", "gemini-4-argon"},
	"openai":    {"gpt-5.2", "gpt-4o", "gpt-6-sol"},
	"chat":      {"llama-4-maverick", "gpt-4.1"},
	"anthropic": {"claude-sonnet-5", "claude-haiku-4-5", "claude-opus-5-5"},
}

// newFamily starts a strict server, and returns a model that asks it.
func newFamily(t *testing.T, name, model string) *family {
	t.Helper()
	f := &family{name: name, model: model, srv: fallbacktest.NewServer()}
	t.Cleanup(f.srv.Close)
	f.srv.Strict()
	var err error
	switch name {
	case "gemini":
		f.llm, err = gemini.New(t.Context(), model, gemini.Config{Client: f.srv.ClientConfig()})
	case "openai":
		f.llm, err = openai.New(model, openai.Config{APIKey: "fallbacktest", BaseURL: f.srv.URL + "/v1", API: openai.Responses, HTTPClient: f.srv.Client()})
	case "chat":
		f.llm, err = openai.New(model, openai.Config{APIKey: "fallbacktest", BaseURL: f.srv.URL + "/v1", HTTPClient: f.srv.Client()})
	case "anthropic":
		f.llm, err = anthropic.New(model, anthropic.Config{APIKey: "fallbacktest", BaseURL: f.srv.URL, HTTPClient: f.srv.Client()})
	default:
		t.Fatalf("no family %q", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// everySetting is a configuration in which all that an agent may set is set.
func everySetting() *genai.GenerateContentConfig {
	return &genai.GenerateContentConfig{
		Temperature: genai.Ptr[float32](0.3), TopP: genai.Ptr[float32](0.9), TopK: genai.Ptr[float32](40), MaxOutputTokens: 4096,
		StopSequences:   []string{"<END>", "<STOP>", "###", "</s>", "<|eot|>", "<eos>"},
		PresencePenalty: genai.Ptr[float32](0.1), FrequencyPenalty: genai.Ptr[float32](0.1), Seed: genai.Ptr[int32](7),
		ResponseLogprobs: true, Logprobs: genai.Ptr[int32](2), CandidateCount: 1,
		SafetySettings: []*genai.SafetySetting{{Category: genai.HarmCategoryHarassment, Threshold: genai.HarmBlockThresholdBlockOnlyHigh}},
		Labels:         map[string]string{"team": "weather"},
		ThinkingConfig: &genai.ThinkingConfig{IncludeThoughts: true, ThinkingLevel: genai.ThinkingLevelHigh},
	}
}
