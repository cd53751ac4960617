package plugin_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// spansOf makes streamed calls in a span each, and returns the spans of their attempts and
// the events of the calls' own spans, as text.
func spansOf(t *testing.T, m model.LLM, calls int) (attempts, events []string) {
	t.Helper()
	spans := tracetest.NewSpanRecorder()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("")
	for range calls {
		ctx, span := tracer.Start(t.Context(), "caller")
		req := &model.LLMRequest{Contents: genai.Text("a question"), Config: &genai.GenerateContentConfig{TopK: genai.Ptr[float32](3)}}
		for range m.GenerateContent(ctx, req, true) {
			continue
		}
		synctest.Wait()
		span.End()
	}
	for _, s := range spans.Ended() {
		if s.Name() != "caller" {
			attempts = append(attempts, strings.Join(append([]string{s.Name(), s.EndTime().Sub(s.StartTime()).String()}, texts(s.Attributes())...), " "))
		}
		for _, e := range s.Events() {
			events = append(events, strings.Join(append([]string{e.Name}, texts(e.Attributes)...), " "))
		}
	}
	return attempts, events
}

func texts(attributes []attribute.KeyValue) (all []string) {
	for _, kv := range attributes {
		if strings.HasSuffix(string(kv.Key), "wait_ms") && kv.Value.AsInt64() >= 2000 && kv.Value.AsInt64() <= 4000 {
			kv.Value = attribute.StringValue("W") // it is random
		}
		if kv.Key != "fallback.attempt.reason" { // the words of package failure
			all = append(all, strings.TrimPrefix(string(kv.Key), "fallback.attempt.")+"="+kv.Value.String())
		}
	}
	slices.Sort(all)
	return all
}

// streams answers in two chunks, the first after a second, the last after two.
func streams(version string) llmtest.Step {
	return func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
		time.Sleep(time.Second)
		if !yield(&model.LLMResponse{Content: genai.NewContentFromText("an ", genai.RoleModel), Partial: true, ModelVersion: version}, nil) {
			return
		}
		time.Sleep(time.Second)
		yield(&model.LLMResponse{Content: genai.NewContentFromText("an answer", genai.RoleModel), ModelVersion: version, FinishReason: genai.FinishReasonStop}, nil)
	}
}

// B122: the span of an attempt has what the record and the provider say of it, and the
// span of the call what the router and the layers did.
func TestSpansOfAttemptsDescribeThem(t *testing.T) {
	described := func(api provider.API, host, name string, m model.LLM) model.LLM {
		return router.Describe(m, router.Traits{Target: provider.Target{API: api, Endpoint: host, Model: name}})
	}
	for _, test := range []struct {
		name             string
		build            func() model.LLM
		calls            int
		attempts, events []string
	}{
		{"a fallback to another vendor", func() model.LLM {
			return router.MustFallback(router.Config{},
				described(provider.Gemini, "", "gemini-2.5-flash", llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrQuota))),
				described(provider.Chat, "api.groq.com", "llama-4", llmtest.NewModel("llama", streams("llama-4-0901"))))
		}, 1, []string{
			"chat gemini-2.5-flash 0s error.type=429 gen_ai.provider.name=gcp.gemini gen_ai.request.model=gemini-2.5-flash kind=rate_limit number=1 outcome=failed target=flash verdict=retry",
			`chat llama-4 2s adapted=["top_k"] gen_ai.provider.name=groq gen_ai.request.model=llama-4 gen_ai.response.finish_reasons=["stop"] gen_ai.response.model=llama-4-0901 gen_ai.response.time_to_first_chunk=1 number=2 outcome=ok target=llama`,
		}, nil},
		{"a retry, and an open breaker", func() model.LLM {
			return router.MustFallback(router.Config{},
				middleware.Chain(llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable)),
					middleware.MustRetry(middleware.RetryConfig{MaxRetries: 1, BaseDelay: 4 * time.Second, MaxDelay: 4 * time.Second, SkipWait: time.Minute}),
					middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 2, OpenFor: time.Minute})),
				llmtest.NewModel("pro", streams("pro")))
		}, 2, []string{
			"chat flash 0s breaker=closed error.type=503 gen_ai.request.model=flash kind=overloaded number=1 outcome=failed target=flash verdict=retry",
			"chat flash 0s breaker=closed error.type=503 gen_ai.request.model=flash kind=overloaded number=2 outcome=failed target=flash verdict=retry wait_ms=W",
			`chat pro 2s gen_ai.request.model=pro gen_ai.response.finish_reasons=["stop"] gen_ai.response.model=pro gen_ai.response.time_to_first_chunk=1 number=3 outcome=ok target=pro`,
			`chat pro 2s gen_ai.request.model=pro gen_ai.response.finish_reasons=["stop"] gen_ai.response.model=pro gen_ai.response.time_to_first_chunk=1 number=1 outcome=ok target=pro`,
		}, []string{
			"fallback.wait target=flash wait_ms=W",
			"fallback.skip by=breaker reason=open; overloaded or unavailable recovers_ms=58000 target=flash",
		}},
		{"a probe", func() model.LLM {
			flash := middleware.MustBreaker(middleware.BreakerConfig{})(llmtest.NewModel("flash", streams("flash")))
			inspect.Of(flash).Breaker.Open(time.Minute, "maintenance")
			time.Sleep(time.Minute)
			return router.MustFallback(router.Config{}, flash, llmtest.NewModel("pro", streams("pro")))
		}, 2, []string{
			`chat flash 2s breaker=half_open gen_ai.request.model=flash gen_ai.response.finish_reasons=["stop"] gen_ai.response.model=flash gen_ai.response.time_to_first_chunk=1 number=1 outcome=ok target=flash`,
			`chat flash 2s breaker=closed gen_ai.request.model=flash gen_ai.response.finish_reasons=["stop"] gen_ai.response.model=flash gen_ai.response.time_to_first_chunk=1 number=1 outcome=ok target=flash`,
		}, nil},
		{"a hedge and a restart", func() model.LLM {
			return router.MustFallback(router.Config{},
				llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable, "an", "an")),
				router.MustHedge(router.HedgeConfig{Delay: time.Second / 2, MaxExtraLoad: 1},
					llmtest.NewModel("slow", func(ctx context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
						<-ctx.Done()
						yield(nil, ctx.Err())
					}),
					llmtest.NewModel("pro", streams("pro"))))
		}, 1, []string{
			"chat flash 0s error.type=503 gen_ai.request.model=flash gen_ai.response.time_to_first_chunk=1e-09 kind=overloaded number=1 outcome=failed target=flash verdict=retry",
			"chat slow 1.5s error.type=hedge_lost gen_ai.request.model=slow kind=hedge_lost number=2 outcome=failed target=slow verdict=fail",
			`chat pro 2s gen_ai.request.model=pro gen_ai.response.finish_reasons=["stop"] gen_ai.response.model=pro gen_ai.response.time_to_first_chunk=1 number=3 outcome=ok target=pro`,
		}, []string{"fallback.hedge target=pro", "fallback.restart target=pro"}},
		{"a long version, and no fallback", func() model.LLM {
			return router.MustFallback(router.Config{}, llmtest.NewModel("pro", streams(strings.Repeat("x", 300))))
		}, 1,
			[]string{`chat pro 2s gen_ai.request.model=pro gen_ai.response.finish_reasons=["stop"] gen_ai.response.model=` + strings.Repeat("x", 125) + "… gen_ai.response.time_to_first_chunk=1 number=1 outcome=ok target=pro"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				attempts, events := spansOf(t, test.build(), test.calls)
				if diff := cmp.Diff(test.attempts, attempts); diff != "" {
					t.Errorf("spans of attempts (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(test.events, events); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
			})
		})
	}
}
