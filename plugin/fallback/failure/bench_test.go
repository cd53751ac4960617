package failure_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// A failover spends its microseconds here; the budget of one verdict is 1 µs.
func BenchmarkClassify(b *testing.B) {
	for _, bb := range []struct {
		name string
		err  error
	}{
		{"503", genai.APIError{Code: 503, Message: "The model is overloaded. Please try again later.", Status: "UNAVAILABLE"}},
		{"429", genai.APIError{Code: 429, Message: "Resource exhausted. Please try again later.", Status: "RESOURCE_EXHAUSTED"}},
		{"429 wrapped", fmt.Errorf("failed to call model: %w", genai.APIError{Code: 429, Message: "Resource exhausted. Please try again later.", Status: "RESOURCE_EXHAUSTED"})},
		{"own timeout", &failure.TimeoutError{Phase: "first content"}},
		{"per day with details", perDay("39s")},
		{"10 MiB", genai.APIError{Code: 500, Message: strings.Repeat("{\"a\":[", 10<<20/6)}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				failure.Classify(bb.err)
			}
		})
	}
}

func perDay(delay string) genai.APIError {
	return genai.APIError{Code: 429, Status: "RESOURCE_EXHAUSTED", Message: "You exceeded your current quota, please check your plan and billing details.", Details: []map[string]any{
		{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": []any{map[string]any{
			"quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
			"quotaId":     "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quotaValue": "20",
		}}},
		{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay},
	}}
}
