package guard_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
)

// What guards cost a call that they do not change.
func BenchmarkGuards(b *testing.B) {
	rules := guard.Compliance(
		guard.Rule{DataClasses: []string{"pii"}, Regions: []string{"europe-*"}}, guard.Rule{DataClasses: []string{"secret"}, Targets: []string{"local", "eu-*"}},
	)
	target := guard.Target{Name: "eu-flash", Region: "europe-west4", Capabilities: []string{"tools"}, ContextWindow: 8192}
	req := &model.LLMRequest{Contents: genai.Text("hi")}
	for name, g := range map[string]guard.Guard{"compliance": rules, "tenants": guard.Tenants("acme"), "capabilities": guard.Capabilities, "window": guard.ContextWindow, "tools": guard.Tools("f")} {
		b.Run(name, func(b *testing.B) {
			ctx := call.With(context.Background(), call.Info{Tenant: "acme", DataClass: "pii"})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := g(ctx, req, target); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRedact is the cost of texts with nothing to redact.
func BenchmarkRedact(b *testing.B) {
	data, err := os.ReadFile("../../../internal/redact/testdata/alice.txt")
	if err != nil {
		b.Fatal(err)
	}
	for name, text := range map[string]string{"English": string(data), "Japanese": strings.Repeat("吾輩は猫である。名前はまだ無い。", 40)} {
		b.Run(name, func(b *testing.B) {
			req := &model.LLMRequest{Contents: genai.Text(text)}
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := guard.Redact(context.Background(), req, guard.Target{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
