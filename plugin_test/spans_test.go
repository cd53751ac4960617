package plugin_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// traced is what one call left in its trace.
type traced struct {
	caller   map[string]any // the attributes of the span of the caller's context
	attempts []string       // "name outcome kind" of each span within, in the order of their ends
}

// trace runs use in a span and returns what was recorded. Every span must have ended.
func trace(t *testing.T, use func(ctx context.Context)) traced {
	t.Helper()
	spans := tracetest.NewSpanRecorder()
	ctx, span := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("").Start(t.Context(), "caller")
	use(ctx)
	span.End()
	if started, ended := len(spans.Started()), len(spans.Ended()); started != ended {
		t.Errorf("%d spans of %d have ended", ended, started)
	}
	var got traced
	for _, s := range spans.Ended() {
		attributes := map[string]any{}
		for _, kv := range s.Attributes() {
			attributes[string(kv.Key)] = kv.Value.AsInterface()
		}
		if s.Name() == "caller" {
			got.caller = attributes
			continue
		}
		outcome, _ := attributes["fallback.attempt.outcome"].(string)
		kind, _ := attributes["fallback.attempt.kind"].(string)
		got.attempts = append(got.attempts, strings.TrimSpace(s.Name()+" "+outcome+" "+kind))
		if s.Parent().SpanID() != span.SpanContext().SpanID() {
			t.Errorf("the span %q is not a child of the caller's", s.Name())
		}
	}
	return got
}

// finish makes a streamed call.
func finish(ctx context.Context, m model.LLM) {
	for range m.GenerateContent(ctx, &model.LLMRequest{Contents: genai.Text("a question")}, true) {
		continue
	}
}

// ofPolicy builds a policy with models that are handed in.
func ofPolicy(text string, models ...*llmtest.Model) func(t *testing.T) model.LLM {
	return func(t *testing.T) model.LLM {
		t.Helper()
		p, err := spec.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		given := policy.Models{}
		for _, m := range models {
			given[m.Name()] = m
		}
		live, err := policy.NewLive(t.Context(), p, given, policy.WithLogger(slog.New(slog.NewTextHandler(io.Discard, nil))))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = live.Close() })
		return live.Model()
	}
}

// of returns a model that is known to be right.
func of(m model.LLM) func(*testing.T) model.LLM { return func(*testing.T) model.LLM { return m } }

// B122: every answer of a router, a policy and a cache is mirrored on the current
// span, and every attempt has a span of its own.
func TestAnswersAreOnTheCurrentSpan(t *testing.T) {
	flash := func(steps ...llmtest.Step) *llmtest.Model { return llmtest.NewModel("flash", steps...) }
	pro := func(steps ...llmtest.Step) *llmtest.Model { return llmtest.NewModel("pro", steps...) }
	says, down := llmtest.Text("an answer"), llmtest.Fail(llmtest.ErrQuota)
	refuses := llmtest.Respond(func() *model.LLMResponse {
		return &model.LLMResponse{FinishReason: genai.FinishReasonSafety, ErrorCode: "SAFETY", ErrorMessage: "blocked"}
	})
	chain := func(models ...model.LLM) model.LLM { return router.MustFallback(router.Config{}, models...) }
	const file = "primary: flash\nfallbacks: [{name: pro}]\n"
	healthy := map[string]any{"gen_ai.response.model": "flash"}
	fallen := map[string]any{
		"gen_ai.response.model": "pro", "fallback.triggered": true, "fallback.original_model": "flash",
		"fallback.model": "pro", "fallback.attempt": int64(1), "fallback.error_code": "429",
	}
	with := func(base map[string]any, more ...any) map[string]any {
		all := maps.Clone(base)
		for i := 0; i < len(more); i += 2 {
			all[more[i].(string)] = more[i+1]
		}
		return all
	}
	const healthySpan, failedSpan, proSpan = "chat flash ok", "chat flash failed rate_limit", "chat pro ok"
	for _, test := range []struct {
		name     string
		build    func(*testing.T) model.LLM
		warm     int            // calls before it
		want     map[string]any // without the reason and the list of attempts
		attempts []string
	}{
		{"router, first try", of(chain(flash(says), pro(says))), 0, healthy, []string{healthySpan}},
		{"router, fallback", of(chain(flash(down), pro(says))), 0, fallen, []string{failedSpan, proSpan}},
		{"router in a router", of(chain(chain(flash(down), pro(says)), llmtest.NewModel("other", says))), 0, fallen, []string{failedSpan, proSpan}},
		{"timeout around a router", of(middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Hour, Grace: time.Second})(chain(flash(down), pro(says)))), 0, fallen, []string{failedSpan, proSpan}},
		{"validate in a router", of(chain(middleware.MustValidate(middleware.ValidateConfig{MinLength: 20})(flash(says)), pro(says))), 0,
			with(fallen, "fallback.error_code", "rejected"), []string{"chat flash failed rejected", proSpan}},
		{"router, refusal", of(chain(flash(refuses), pro(says))), 0, healthy, []string{"chat flash failed content"}},
		{"router, refusal of a fallback", of(chain(flash(down), pro(refuses))), 0, with(fallen, "fallback.attempt", int64(2), "fallback.error_code", "SAFETY"), []string{failedSpan, "chat pro failed content"}},
		{"router, degraded", of(chain(flash(down), degrade.Template("sorry"))), 0,
			with(fallen, "gen_ai.response.model", "template-response", "fallback.model", "template-response", "fallback.degraded", "template-response", "fallback.unanswered", true), []string{failedSpan}},
		{"hedge, the second wins", of(router.MustHedge(router.HedgeConfig{Delay: time.Second, MaxExtraLoad: 1}, flash(untilCancelled), pro(says))), 0,
			with(fallen, "fallback.error_code", "hedge_lost"), []string{"chat flash failed hedge_lost", proSpan}},
		{"split", of(router.MustSplit(router.SplitConfig{Experiment: "trial", Arms: []router.Arm{{Model: flash(says), Weight: 1}}})), 0,
			with(healthy, "fallback.experiment_id", "trial", "fallback.cohort", "flash"), []string{healthySpan}},
		{"cache in front, a miss", of(cache.MustNew(cache.Config{TTL: time.Hour}).Middleware()(flash(says))), 0,
			with(healthy, "fallback.cache_status", "miss"), []string{healthySpan}},
		{"cache in front, a hit", of(cache.MustNew(cache.Config{TTL: time.Hour}).Middleware()(flash(says))), 1,
			with(healthy, "fallback.cache_status", "hit"), nil},
		{"cache in front of a router", of(cache.MustNew(cache.Config{TTL: time.Hour}).Middleware()(chain(flash(down), pro(says)))), 0,
			with(fallen, "fallback.cache_status", "miss"), []string{failedSpan, proSpan}},
		{"policy, first try", ofPolicy(file, flash(says), pro(says)), 0, healthy, []string{healthySpan}},
		{"policy, fallback", ofPolicy(file, flash(down), pro(says)), 0, fallen, []string{failedSpan, proSpan}},
		{"policy, refusal", ofPolicy(file, flash(refuses), pro(says)), 0, healthy, []string{"chat flash failed content"}},
		{"policy, degraded", ofPolicy("primary: flash\nfallbacks: [{name: template-response}]\n", flash(down)), 0,
			with(fallen, "gen_ai.response.model", "template-response", "fallback.model", "template-response", "fallback.degraded", "template-response", "fallback.unanswered", true), []string{failedSpan}},
		{"policy, a hit", ofPolicy(file+"cache: {ttl: 1h}\n", flash(says), pro(says)), 1, with(healthy, "fallback.cache_status", "hit"), nil},
		{"policy, time over", ofPolicy("primary: flash\nfallbacks: [{name: template-response}]\ntimeouts: {total: 3s}\n", flash(untilCancelled)), 0,
			with(fallen, "gen_ai.response.model", "template-response", "fallback.model", "template-response", "fallback.degraded", "template-response", "fallback.unanswered", true, "fallback.error_code", "timeout"),
			[]string{"chat flash failed timeout"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := test.build(t)
				for range test.warm {
					finish(t.Context(), m)
				}
				got := trace(t, func(ctx context.Context) {
					finish(ctx, m)
					synctest.Wait() // for the loser of a hedge
				})
				if test.want["fallback.triggered"] == true {
					takeAttempts(t, got.caller)
				}
				if diff := cmp.Diff(test.want, got.caller); diff != "" {
					t.Errorf("attributes of the caller's span (-want +got):\n%s", diff)
				}
				slices.Sort(got.attempts) // a hedge's end in any order
				if diff := cmp.Diff(test.attempts, got.attempts); diff != "" {
					t.Errorf("spans of attempts (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// takeAttempts checks the list of attempts and the reason of a call that has fallen
// back, and deletes them.
func takeAttempts(t *testing.T, attributes map[string]any) {
	t.Helper()
	var attempts []map[string]any
	text, _ := attributes["fallback.attempts"].(string)
	if err := json.Unmarshal([]byte(text), &attempts); err != nil || len(attempts) < 2 {
		t.Errorf("fallback.attempts = %q, want a JSON list of two at least (%v)", text, err)
	}
	if reason, _ := attributes["fallback.reason"].(string); reason == "" {
		t.Error("fallback.reason is missing")
	}
	delete(attributes, "fallback.attempts")
	delete(attributes, "fallback.reason")
}

// B122: the span of an attempt ends however the attempt does. What the consumer does
// is no fault of the model.
func TestSpansOfAttemptsEnd(t *testing.T) {
	breakOff := func(after int) func(context.Context, model.LLM) {
		return func(ctx context.Context, m model.LLM) { llmtest.Consume(ctx, m, after) }
	}
	panics := func(nth int) func(context.Context, model.LLM) {
		return func(ctx context.Context, m model.LLM) {
			defer func() { _ = recover() }()
			after := nth
			for range m.GenerateContent(ctx, &model.LLMRequest{Contents: genai.Text("a question")}, true) {
				if after--; after == 0 {
					panic("consumer")
				}
			}
		}
	}
	repaired := func(ctx context.Context, m model.LLM) {
		for range m.GenerateContent(ctx, withSettings(), true) {
			continue
		}
	}
	says, dies := llmtest.Text("an answer"), func(context.Context, *model.LLMRequest, bool, func(*model.LLMResponse, error) bool) { panic("model") }
	const flash = "chat flash "
	for _, test := range []struct {
		name  string
		steps []llmtest.Step
		use   func(context.Context, model.LLM)
		want  []string
	}{
		{"the consumer stops", []llmtest.Step{says}, breakOff(1), []string{flash + "ok"}},
		{"the consumer stops at the answer", []llmtest.Step{says}, breakOff(3), []string{flash + "ok"}},
		{"the consumer panics", []llmtest.Step{says}, panics(1), []string{flash + "ok"}},
		{"the consumer panics at the answer", []llmtest.Step{says}, panics(3), []string{flash + "ok"}},
		{"the model panics", []llmtest.Step{dies}, finish, []string{flash + "failed unknown", "chat pro ok"}},
		{"the model panics after its answer", []llmtest.Step{func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
			says(ctx, req, stream, yield)
			panic("model")
		}}, finish, []string{flash + "ok"}},
		{"the request is repaired", []llmtest.Step{refuse("temperature", "temperature is not supported"), says}, repaired,
			[]string{flash + "failed invalid_request", flash + "ok"}},
		{"the consumer panics at a repaired answer", []llmtest.Step{refuse("temperature", "temperature is not supported"), says},
			func(ctx context.Context, m model.LLM) {
				defer func() { _ = recover() }()
				for range m.GenerateContent(ctx, withSettings(), true) {
					panic("consumer")
				}
			}, []string{flash + "failed invalid_request", flash + "ok"}},
	} {
		for name, around := range map[string]middleware.Middleware{
			"bare":  func(m model.LLM) model.LLM { return m },
			"grace": middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Hour, Grace: time.Hour}),
			"retry and validate": func(m model.LLM) model.LLM {
				return middleware.Chain(m, middleware.MustRetry(middleware.RetryConfig{}), middleware.MustValidate(middleware.ValidateConfig{}))
			},
		} {
			t.Run(test.name+", "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m := router.MustFallback(router.Config{}, around(llmtest.NewModel("flash", test.steps...)), llmtest.NewModel("pro", llmtest.Text("pro")))
					got := trace(t, func(ctx context.Context) {
						test.use(ctx, m)
						synctest.Wait() // for a Grace's goroutine
					})
					if diff := cmp.Diff(test.want, got.attempts); diff != "" {
						t.Errorf("spans of attempts (-want +got):\n%s", diff)
					}
				})
			})
		}
	}
}

// untilCancelled waits for the end of its context.
func untilCancelled(ctx context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
	<-ctx.Done()
	yield(nil, ctx.Err())
}
