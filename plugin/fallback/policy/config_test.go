package policy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// agents returns an agent's configuration with every setting.
func agents() *genai.GenerateContentConfig {
	return &genai.GenerateContentConfig{
		Temperature: genai.Ptr(float32(1)), TopP: genai.Ptr(float32(1)), TopK: genai.Ptr(float32(1)), Seed: genai.Ptr(int32(1)), MaxOutputTokens: 1,
		StopSequences: []string{"a"}, PresencePenalty: genai.Ptr(float32(1)), FrequencyPenalty: genai.Ptr(float32(1)),
		ThinkingConfig:    &genai.ThinkingConfig{ThinkingBudget: genai.Ptr(int32(1)), IncludeThoughts: true},
		SystemInstruction: genai.NewContentFromText("Be kind.", genai.RoleUser),
	}
}

// Every setting of a model can be set, replaced and removed, and the agent's own
// configuration does not change. B105, B62
func TestSettingsAreSetReplacedAndRemoved(t *testing.T) {
	system := func(texts ...string) *genai.Content {
		c := &genai.Content{Role: genai.RoleUser}
		for _, text := range texts {
			c.Parts = append(c.Parts, genai.NewPartFromText(text))
		}
		return c
	}
	for _, test := range []struct {
		config string
		want   func(*genai.GenerateContentConfig)
	}{
		{"temperature: 0, top_p: 0.5, top_k: 7, seed: 0", func(c *genai.GenerateContentConfig) {
			c.Temperature, c.TopP, c.TopK, c.Seed = genai.Ptr(float32(0)), genai.Ptr(float32(0.5)), genai.Ptr(float32(7)), genai.Ptr(int32(0))
		}},
		{"max_output_tokens: 9, stop_sequences: [b], presence_penalty: -1, frequency_penalty: 0", func(c *genai.GenerateContentConfig) {
			c.MaxOutputTokens, c.StopSequences, c.PresencePenalty, c.FrequencyPenalty = 9, []string{"b"}, genai.Ptr(float32(-1)), genai.Ptr(float32(0))
		}},
		{"temperature: null, top_p: null, top_k: ~, seed: null, max_output_tokens: null, stop_sequences: null, presence_penalty: null, frequency_penalty: null", func(c *genai.GenerateContentConfig) {
			*c = genai.GenerateContentConfig{ThinkingConfig: c.ThinkingConfig, SystemInstruction: c.SystemInstruction}
		}},
		{"thinking_level: low", func(c *genai.GenerateContentConfig) {
			c.ThinkingConfig = &genai.ThinkingConfig{ThinkingLevel: genai.ThinkingLevelLow, IncludeThoughts: true}
		}},
		{"thinking_budget: -1", func(c *genai.GenerateContentConfig) {
			c.ThinkingConfig = &genai.ThinkingConfig{ThinkingBudget: genai.Ptr(int32(-1)), IncludeThoughts: true}
		}},
		{"thinking_budget: null", func(c *genai.GenerateContentConfig) {
			c.ThinkingConfig = &genai.ThinkingConfig{IncludeThoughts: true}
		}},
		{"thinking_budget: null, thinking_level: high", func(c *genai.GenerateContentConfig) {
			c.ThinkingConfig = &genai.ThinkingConfig{ThinkingLevel: genai.ThinkingLevelHigh, IncludeThoughts: true}
		}},
		{"system: null", func(c *genai.GenerateContentConfig) { c.SystemInstruction = nil }},
		{"system: {replace: Be brief.}", func(c *genai.GenerateContentConfig) { c.SystemInstruction = system("Be brief.") }},
		{"system: {prefix: Be brief.}", func(c *genai.GenerateContentConfig) { c.SystemInstruction = system("Be brief.\n", "Be kind.") }},
	} {
		t.Run(test.config, func(t *testing.T) {
			a := llmtest.NewModel("a", llmtest.Text("hi"))
			m := build(t, "primary: a\nmodels: {a: {config: {"+test.config+"}}}", models(a))
			req := &model.LLMRequest{Contents: genai.Text("hi"), Config: agents()}
			if got := askFor(t.Context(), m, false, req); got.text != "hi" {
				t.Fatal(got.err)
			}
			want := agents()
			test.want(want)
			if diff := cmp.Diff(want, a.Requests()[0].Config); diff != "" {
				t.Errorf("the model's configuration (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(agents(), req.Config); diff != "" {
				t.Errorf("the agent's configuration (-want +got):\n%s", diff)
			}
		})
	}
}

// A model gets only the tools that the file allows. B102
func TestToolsOfAModel(t *testing.T) {
	a, b := llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable)), llmtest.NewModel("b", llmtest.Text("hi"))
	m := build(t, "primary: a\nfallbacks: [{name: b}]\nmodels: {b: {tools: [read_*]}}", models(a, b))
	req := &model.LLMRequest{Contents: genai.Text("hi"), Config: &genai.GenerateContentConfig{Tools: []*genai.Tool{
		{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "read_mail"}, {Name: "delete_mail"}}},
	}}}
	if got := askFor(t.Context(), m, false, req); got.text != "hi" {
		t.Fatal(got.err)
	}
	if n := len(a.Requests()[0].Config.Tools[0].FunctionDeclarations); n != 2 {
		t.Errorf("a was given %d tools, want 2", n)
	}
	if tools := b.Requests()[0].Config.Tools[0].FunctionDeclarations; len(tools) != 1 || tools[0].Name != "read_mail" {
		t.Errorf("b was given %v, want read_mail alone", tools)
	}
}

// Case does not matter in classes, regions and tenants. B133, B79
func TestRulesHoldWhateverTheCase(t *testing.T) {
	m := build(t, "primary: us\nfallbacks: [{name: eu}]\nmodels: {us: {region: US-central1}, eu: {region: Europe-West4}}\n"+
		"compliance: {rules: [{data_classes: [PII], regions: [europe-*]}, {tenants: [Müller GmbH], targets: [EU]}]}", named("us", "eu"))
	for _, info := range []call.Info{{DataClass: "pii"}, {DataClass: "Pii "}, {Tenant: "MÜLLER GMBH"}, {Tenant: "mu\u0308ller gmbh"}} {
		if got := ask(call.With(t.Context(), info), m, false); got.md.ModelName != "eu" {
			t.Errorf("%+v: %s answered (%v), want eu", info, got.md.ModelName, got.err)
		}
	}
}

// Models in the price list have a context window.
func TestWindowsOfListedModelsHold(t *testing.T) {
	m := build(t, "primary: gpt-4o\nfallbacks: [{name: b}]", env(map[string]string{"OPENAI_API_KEY": "k"}), named("b"))
	req := &model.LLMRequest{Contents: genai.Text(strings.Repeat("word ", 200_000))}
	got := askFor(t.Context(), m, false, req)
	if reason := reasonOf(got, "gpt-4o"); got.text != "b" || !strings.Contains(reason, "do not fit its window of 128000") {
		t.Errorf("%q (%v), and gpt-4o was skipped because %q; want its window", got.text, got.err, reason)
	}
}
