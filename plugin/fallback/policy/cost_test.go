package policy_test

import (
	"context"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// B123: an attempt costs what the policy says, or else the list price of its model.
func TestCostOfAttempts(t *testing.T) {
	million := func() *model.LLMResponse {
		return &model.LLMResponse{
			Content: genai.NewContentFromText("hello", genai.RoleModel), FinishReason: genai.FinishReasonStop,
			UsageMetadata: &genai.GenerateContentResponseUsageMetadata{PromptTokenCount: 100_000, CandidatesTokenCount: 1000},
		}
	}
	for name, c := range map[string]struct {
		file string
		want float64
	}{
		"list price":             {file: "primary: gemini-2.5-pro\n", want: (100_000*1.25 + 1000*10) / 1e6},
		"price of the policy":    {file: "primary: gemini-2.5-pro\nmodels: {gemini-2.5-pro: {price: {input: 2, output: 3}}}\n", want: (100_000*2 + 1000*3) / 1e6},
		"free":                   {file: "primary: gemini-2.5-pro\nmodels: {gemini-2.5-pro: {price: {input: 0, output: 0}}}\n"},
		"unknown":                {file: "primary: mine\n"},
		"unknown, with a budget": {file: "primary: mine\nmodels: {mine: {price: {input: 1, output: 1}}}\nbudgets: {usd_per_day: 5}\n", want: 101_000.0 / 1e6},
	} {
		t.Run(name, func(t *testing.T) {
			var got call.Attempt
			m := build(t, c.file, models(llmtest.NewModel("gemini-2.5-pro", llmtest.Respond(million)), llmtest.NewModel("mine", llmtest.Respond(million))),
				policy.WithHooks(call.Hooks{OnAttempt: func(_ context.Context, a call.Attempt) { got = a }}))
			if r := ask(t.Context(), m, false); r.err != nil {
				t.Fatal(r.err)
			}
			if got.Cost != c.want {
				t.Errorf("the attempt costs %v USD, want %v", got.Cost, c.want)
			}
		})
	}
}
