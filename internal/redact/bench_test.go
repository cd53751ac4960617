package redact_test

import (
	"os"
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/redact"
)

// The three kinds of text that are read: what people write, what providers answer, and the worst, keys side by side.
func BenchmarkText(b *testing.B) {
	prose, err := os.ReadFile("testdata/alice.txt")
	if err != nil {
		b.Fatal(err)
	}
	const message = `{"error": {"code": 429, "message": "You exceeded your current quota, please check your plan and billing details. For more information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.", "status": "RESOURCE_EXHAUSTED", "details": [{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests", "quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quotaValue": "20"}]}]}}`
	for name, s := range map[string]string{
		"prose":         strings.ReplaceAll(string(prose), "\n", " "),
		"error message": strings.Repeat(message, 4),
		"dense keys":    strings.Repeat("sk-proj-Ab3dEf9hIjKlMnOp ann.smith@example.org AKIAIOSFODNN7EXAMPLE password=hunter22 2001:db8::1 ", 20),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				redact.Text(s, 2*len(s))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(s)), "ns/byte")
		})
	}
	b.Run("256 bytes of 10 MiB", func(b *testing.B) {
		s := strings.Repeat("model overloaded ", 10<<20/17)
		b.ReportAllocs()
		for b.Loop() {
			redact.Text(s, 256)
		}
	})
}
