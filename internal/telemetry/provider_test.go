package telemetry

import (
	"testing"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// B122: the span of an attempt names the provider as the GenAI conventions do, or not at
// all if it is unknown.
func TestProviderOf(t *testing.T) {
	for want, targets := range map[string][]provider.Target{
		"gcp.gemini":         {{API: provider.Gemini}},
		"gcp.vertex_ai":      {{API: provider.Vertex, Endpoint: "europe-west4-aiplatform.googleapis.com"}},
		"openai":             {{API: provider.Responses}, {API: provider.Responses, Endpoint: "api.openai.com"}, {API: provider.Chat, Endpoint: "api.openai.com"}},
		"azure.ai.openai":    {{API: provider.Responses, Endpoint: "acme.openai.azure.com"}},
		"azure.ai.inference": {{API: provider.Chat, Endpoint: "acme.services.ai.azure.com"}},
		"anthropic":          {{API: provider.Anthropic}},
		"aws.bedrock":        {{API: provider.Chat, Endpoint: "bedrock-runtime.eu-west-1.amazonaws.com"}},
		"groq":               {{API: provider.Chat, Endpoint: "api.groq.com"}},
		"": {
			{}, {API: provider.Chat}, {API: provider.Chat, Endpoint: "localhost:11434"}, {API: provider.Responses, Endpoint: "localhost:8000"},
			{API: provider.Chat, Endpoint: "api.groq.com.example"},
		},
	} {
		for _, target := range targets {
			if got := providerOf(&target); got != want {
				t.Errorf("%+v: %q, want %q", target, got, want)
			}
		}
	}
}
