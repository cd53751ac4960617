package provider_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

func TestByName(t *testing.T) {
	for name, want := range map[string]provider.API{
		"gemini-3-flash": provider.Gemini,
		"publishers/google/models/Gemini-2.5-Pro":    provider.Gemini,
		"models/gemma-4-27b-it":                      provider.Gemini,
		"gpt-4o":                                     provider.Responses,
		"openai/gpt-7":                               provider.Responses,
		"ft:gpt-4o-2024-08-06:acme::abc":             provider.Responses,
		"chatgpt-4o-latest":                          provider.Responses,
		"o3-mini":                                    provider.Responses,
		"claude-opus-4-5":                            provider.Anthropic,
		"us.anthropic.claude-sonnet-4-20250514-v1:0": provider.Anthropic,
		"gpt-oss-120b":                               "",
		"llama3.2:3b":                                "",
		"omni":                                       "",
		"":                                           "",
	} {
		if got := provider.ByName(name); got != want {
			t.Errorf("ByName(%q) = %q, want %q", name, got, want)
		}
	}
}

// levelsOf shows what a target takes of thinking.
func levelsOf(takes provider.Takes) string {
	s := strings.Join(takes.ThinkingLevels, " ")
	if b := takes.ThinkingBudget; b != nil && *b != (provider.Budget{}) {
		s += " budget"
	}
	return strings.TrimSpace(s)
}

// B105: levels and budgets by generation, whatever surrounds the name; an unknown
// newer name has the rules of the newest known one.
func TestThinkingByName(t *testing.T) {
	for _, test := range []struct {
		api         provider.API
		model, want string
	}{
		{provider.Gemini, "gemini-2.0-flash", ""},
		{provider.Gemini, "gemini-2.5-pro", "budget"},
		{provider.Vertex, "publishers/google/models/gemini-2.5-flash-lite", "budget"},
		{provider.Gemini, "gemini-3-flash-preview", "MINIMAL LOW MEDIUM HIGH budget"},
		{provider.Gemini, "gemini-3-pro-preview", "LOW HIGH"},
		{provider.Gemini, "gemini-3.1-pro-preview", "LOW MEDIUM HIGH"},
		{provider.Gemini, "models/Gemini-3.6-Flash", "MINIMAL LOW MEDIUM HIGH"},
		{provider.Gemini, "gemini-3.8-flash", "LOW MEDIUM HIGH"},
		{provider.Gemini, "gemini-4-argon", "LOW MEDIUM HIGH"},
		{provider.Vertex, "gemini-4-neon", "LOW MEDIUM HIGH XHIGH"},
		{provider.Gemini, "gemini-5-something", "LOW MEDIUM HIGH"},
		{provider.Gemini, "gemini-flash-latest", "LOW MEDIUM HIGH"},
		{provider.Responses, "gpt-4o-2024-08-06", ""},
		{provider.Responses, "gpt-4.1-mini", ""},
		{provider.Responses, "gpt-5-mini", "MINIMAL LOW MEDIUM HIGH"},
		{provider.Responses, "gpt-5-pro", "HIGH"},
		{provider.Responses, "gpt-5-chat-latest", ""},
		{provider.Responses, "gpt-5.1", "NONE LOW MEDIUM HIGH"},
		{provider.Responses, "gpt-5.2-2025-12-11", "NONE LOW MEDIUM HIGH XHIGH"},
		{provider.Chat, "openai/gpt-5.6-sol", "NONE LOW MEDIUM HIGH XHIGH MAX"},
		{provider.Responses, "gpt-6-astra", "LOW MEDIUM HIGH XHIGH MAX"},
		{provider.Chat, "gpt-6-astra", "LOW MEDIUM HIGH XHIGH"},
		{provider.Responses, "gpt-7", "LOW MEDIUM HIGH XHIGH"},
		{provider.Responses, "o4-mini", "LOW MEDIUM HIGH"},
		{provider.Anthropic, "claude-3-5-sonnet-20241022", ""},
		{provider.Anthropic, "claude-sonnet-4-20250514", "budget"},
		{provider.Anthropic, "anthropic/claude-opus-4.5", "budget"},
		{provider.Anthropic, "us.anthropic.claude-haiku-4-5-20251001-v1:0", "budget"},
		{provider.Anthropic, "claude-haiku-4-5@20251001", "budget"},
		{provider.Anthropic, "claude-opus-4-6", "NONE LOW MEDIUM HIGH MAX"},
		{provider.Anthropic, "claude-sonnet-5", "NONE LOW MEDIUM HIGH XHIGH MAX"},
		{provider.Anthropic, "claude-fable-5", "LOW MEDIUM HIGH XHIGH MAX"},
		{provider.Anthropic, "claude-haiku-5-5", "NONE LOW MEDIUM HIGH XHIGH MAX"},
		{provider.Anthropic, "claude-opus-9", "LOW MEDIUM HIGH XHIGH MAX"},
	} {
		if got := levelsOf(provider.Target{API: test.api, Model: test.model}.Accepts()); got != test.want {
			t.Errorf("%s %s takes %q, want %q", test.api, test.model, got, test.want)
		}
	}
}

// What a server takes depends on its host as much as on the model.
func TestAcceptsByEndpoint(t *testing.T) {
	accepts := func(endpoint, model string) provider.Takes {
		return provider.Target{API: provider.Chat, Model: model, Endpoint: endpoint}.Accepts()
	}
	if takes := accepts("api.openai.com", "gpt-6-astra"); takes.Tools == nil || *takes.Tools {
		t.Error("gpt-6-astra takes tools in chat completions, want Responses alone")
	}
	if takes := accepts("openrouter.ai", "openai/gpt-6-astra"); takes.Tools == nil || !*takes.Tools {
		t.Error("OpenRouter's gpt-6-astra takes no tools")
	}
	if takes := accepts("api.mistral.ai", "mistral-large-latest"); takes.Seed == nil || !*takes.Seed {
		t.Error("Mistral takes no seed; it does, as random_seed")
	}
	if takes := accepts("127.0.0.1:11434", "llama3.2"); takes.MediaURL == nil || *takes.MediaURL {
		t.Error("Ollama takes images by address")
	}
	if got := levelsOf(accepts("api.x.ai", "grok-4.20-reasoning")); got != "" {
		t.Errorf("grok-4.20-reasoning takes %q", got)
	}
	if takes := accepts("llm.example.com", "llama"); takes.Temperature != nil || takes.Tools != nil {
		t.Error("something is known of an unknown server's unknown model")
	}
}

// A new model need not wait for a release.
func TestTakesOverrideTheTables(t *testing.T) {
	yes := true
	target := provider.Target{API: provider.Responses, Model: "gpt-7", Takes: provider.Takes{Temperature: &yes, ThinkingLevels: []string{}, ProviderTools: []string{"google_search"}}}
	takes := target.Accepts()
	if !*takes.Temperature || len(takes.ThinkingLevels) > 0 || !slices.Contains(takes.ProviderTools, "google_search") || *takes.TopP {
		t.Errorf("takes %+v, want the given fields over the table's", takes)
	}
}

// Every field of Takes can be overridden, also one that is added tomorrow.
func TestOverMergesEveryField(t *testing.T) {
	for i := range takesType.NumField() {
		more := filledTakes(i)
		if got := (provider.Target{Takes: more}).Over(provider.Target{}).Takes; !equalField(got, more, i) {
			t.Errorf("field %s is lost", takesType.Field(i).Name)
		}
		base := provider.Target{Takes: more}
		if got := (provider.Target{}).Over(base).Takes; !equalField(got, more, i) {
			t.Errorf("field %s of the base is lost", takesType.Field(i).Name)
		}
	}
}
