// Package adkspans_test looks at ADK's own spans. ADK takes OpenTelemetry's global provider,
// so these tests have a process of their own.
package adkspans_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/agent/llmagent"
	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/plugin"
	"google.golang.org/adk/v2/runner"
	"google.golang.org/adk/v2/session"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// B122: the metadata of a turn's answer is on the span of the call, and with the plugin on
// the span of the agent.
func TestMetadataOnSpansOfADK(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)))

	quota := func() model.LLM { return llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrQuota)) }
	pro := func() model.LLM { return llmtest.NewModel("pro", llmtest.Text("hello")) }
	for _, test := range []struct {
		name    string
		model   model.LLM
		plugins []*plugin.Plugin
		want    []string // spans with the metadata
	}{
		{"router", router.MustFallback(router.Config{}, quota(), pro()), nil, []string{"generate_content"}},
		{"router and plugin", router.MustFallback(router.Config{}, quota(), pro()), []*plugin.Plugin{fallback.MustNew(fallback.Config{})}, []string{"generate_content", "invoke_agent"}},
		{"plugin", quota(), []*plugin.Plugin{fallback.MustNew(fallback.Config{Recover: pro()})}, []string{"invoke_agent"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			spans.Reset()
			a, err := llmagent.New(llmagent.Config{Name: "desk", Model: test.model})
			if err != nil {
				t.Fatal(err)
			}
			r, err := runner.New(runner.Config{
				AppName: "app", Agent: a, SessionService: session.InMemoryService(), AutoCreateSession: true, PluginConfig: runner.PluginConfig{Plugins: test.plugins},
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, err := range r.Run(t.Context(), "ada", "s", genai.NewContentFromText("hi", genai.RoleUser), agent.RunConfig{}) {
				if err != nil {
					t.Fatal(err)
				}
			}
			var got []string
			for _, span := range spans.Ended() {
				for _, kv := range span.Attributes() {
					if kv.Key == "fallback.model" && kv.Value.AsString() == "pro" {
						name, _, _ := strings.Cut(span.Name(), " ")
						got = append(got, name)
					}
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("spans with the metadata (-want +got):\n%s", diff)
			}
		})
	}
}
