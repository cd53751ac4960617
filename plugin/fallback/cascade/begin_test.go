package cascade_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cascade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// A turn that the strong model has answered goes on with it only while it may be called.
// Otherwise the cheap model is called again, and its answer stands.
func TestTurnLeavesAStrongModelOverTheCeiling(t *testing.T) {
	cost := 0.01
	config, record := recorded(cascade.Config{
		Judges: []cascade.Judge{sure(0)}, MaxCost: 0.02, Hold: true,
		Price: func(string, *model.LLMRequest) (float64, bool) { return cost, true },
	})
	cheap, strong := llmtest.NewModel("flash", llmtest.Text("cheap")), llmtest.NewModel("pro", llmtest.Text("strong"))
	m, ctx := cascade.MustNew(config, cheap, strong), llmtest.InTurn(t.Context(), "turn")
	for i, step := range []struct {
		cost         float64
		want, record string
	}{
		{0.01, "strong[strong]", "flash failed, pro ok"},
		{0.02, "strong[strong]", "flash skipped, pro ok"},
		{0.03, "cheap[cheap]", "flash failed, pro skipped"},
	} {
		cost, *record = step.cost, nil
		got := llmtest.Ask(ctx, m, true)
		if list := strings.Join(outcomes(*record), ", "); got.Stream != step.want || list != step.record {
			t.Errorf("call %d: the consumer saw %q (%v) with the record %q, want %q with %q", i, got.Stream, got.Err, list, step.want, step.record)
		}
	}
}

// A request may name the strong model, but the ceiling and the tenant's choice hold.
func TestNamedStrongModelMayBeBarred(t *testing.T) {
	for name, config := range map[string]cascade.Config{
		"over the ceiling": {MaxCost: 0.01, Price: func(string, *model.LLMRequest) (float64, bool) { return 1, true }},
		"not for it":       {Tenants: map[string]cascade.Settings{"": {Use: cascade.UseCheap}}},
	} {
		config, record := recorded(config)
		config.Judges = []cascade.Judge{sure(1)}
		got := askFor(t.Context(), cascade.MustNew(config, llmtest.NewModel("flash", llmtest.Text("cheap")), llmtest.NewModel("pro", llmtest.Text("strong"))), "pro")
		if diff := cmp.Diff([]string{"pro skipped", "flash ok"}, outcomes(*record)); diff != "" || got.Stream != "cheap[cheap]" {
			t.Errorf("%s: the consumer saw %q (%v); record (-want +got):\n%s", name, got.Stream, got.Err, diff)
		}
	}
}

// The cost is projected once for a call, however often it is compared.
func TestCostIsProjectedOnce(t *testing.T) {
	for confidence, want := range map[float64]int{0: 1, 1: 1} {
		asked := 0
		m := cascade.MustNew(cascade.Config{
			Judges: []cascade.Judge{sure(confidence)}, MaxCost: 1,
			Price: func(string, *model.LLMRequest) (float64, bool) { asked++; return 0.5, true },
		}, llmtest.NewModel("flash", llmtest.Text("cheap")), llmtest.NewModel("pro", llmtest.Fail(llmtest.ErrQuota)))
		llmtest.Ask(t.Context(), m, true)
		if asked != want {
			t.Errorf("with confidence %v the price is asked for %d times, want %d", confidence, asked, want)
		}
	}
}

// To a tenant that uses the strong model, it is no fallback; the cheap one is.
func TestStrongModelOfATenantIsNoFallback(t *testing.T) {
	answers, fails := llmtest.Text("strong"), llmtest.Fail(llmtest.ErrQuota)
	for name, test := range map[string]struct {
		strong llmtest.Step
		behind bool     // the cascade is the fallback of a model that is down
		want   string   // model, triggered, original and fallback model
		hooks  []string // fallbacks that the cascade's hook hears of
	}{
		"answers":             {answers, false, "pro false  ", nil},
		"fails":               {fails, false, "flash true pro flash", []string{"pro -> flash"}},
		"answers in a router": {answers, true, "pro true gpt pro", nil},
		"fails in a router":   {fails, true, "flash true gpt flash", []string{"pro -> flash"}},
	} {
		t.Run(name, func(t *testing.T) {
			var heard []string
			m := cascade.MustNew(cascade.Config{
				Judges: []cascade.Judge{sure(1)}, Tenants: map[string]cascade.Settings{"premium": {Use: cascade.UseStrong}},
				Hooks: call.Hooks{OnFallback: func(_ context.Context, md call.Metadata) {
					heard = append(heard, md.OriginalModel+" -> "+md.FallbackModel)
				}},
			}, llmtest.NewModel("flash", llmtest.Text("cheap")), llmtest.NewModel("pro", test.strong))
			if test.behind {
				m = router.MustFallback(router.Config{}, llmtest.NewModel("gpt", llmtest.Fail(llmtest.ErrQuota)), m)
			}
			got := llmtest.Ask(call.With(t.Context(), call.Info{Tenant: "premium"}), m, true)
			md := got.Metadata()
			if line := fmt.Sprint(md.ModelName, " ", md.Triggered, " ", md.OriginalModel, " ", md.FallbackModel); line != test.want || got.Err != nil {
				t.Errorf("metadata %q (%v), want %q", line, got.Err, test.want)
			}
			if diff := cmp.Diff(test.hooks, heard); diff != "" {
				t.Errorf("fallbacks (-want +got):\n%s", diff)
			}
		})
	}
}

// A Judge does not change, nor does what a cascade was made from.
func TestJudgeIsImmutable(t *testing.T) {
	text := func(name string) model.LLM { return llmtest.NewModel(name, llmtest.Text(name)) }
	base := sure(0.1).DegradeBelow(0.9, text("a")).DegradeBelow(0.8, text("b")).DegradeBelow(0.7, text("c"))
	judges := []cascade.Judge{base.DegradeBelow(0.2, text("d")), base.DegradeBelow(0.3, text("e")), base}
	tenants := map[string]cascade.Settings{"": {MaxCost: math.Inf(1)}}
	var models []model.LLM
	for i := range judges {
		models = append(models, cascade.MustNew(cascade.Config{Judges: judges[i : i+1 : i+1], Tenants: tenants, Hold: true}, text("flash"), text("pro")))
	}
	clear(judges)
	tenants[""] = cascade.Settings{Use: cascade.UseCheap}
	for i, want := range []string{"d[d]", "e[e]", "c[c]"} {
		if got := llmtest.Ask(t.Context(), models[i], true); got.Stream != want {
			t.Errorf("cascade %d: the consumer saw %q (%v), want %q", i, got.Stream, got.Err, want)
		}
	}
}

// B59: tools that the provider runs itself do not run a second time here, so an answer
// with them is judged.
func TestAnswerWithTheProvidersToolsIsJudged(t *testing.T) {
	cheap := llmtest.Respond(func() *model.LLMResponse {
		return &model.LLMResponse{FinishReason: genai.FinishReasonStop, Content: &genai.Content{Role: genai.RoleModel, Parts: []*genai.Part{
			{ToolCall: &genai.ToolCall{ID: "1"}}, {ToolResponse: &genai.ToolResponse{ID: "1"}}, {Text: "cheap"},
		}}}
	})
	if got, _ := judgedBy(t.Context(), sure(0), cheap, false); got.Stream != "[strong]" {
		t.Errorf("the consumer saw %q (%v), want the strong model's answer", got.Stream, got.Err)
	}
}
