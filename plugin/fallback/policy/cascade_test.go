package policy_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// judging judges each answer with a fixed confidence.
func judging(confidence float64, err error) policy.Option {
	return policy.WithJudge(func(context.Context, *model.LLMRequest, *model.LLMResponse) (float64, error) { return confidence, err })
}

// The cheap model answers, and the primary if it is not good enough. B80
func TestCascade(t *testing.T) {
	panics := policy.WithJudge(func(context.Context, *model.LLMRequest, *model.LLMResponse) (float64, error) { panic("judge") })
	down := llmtest.Fail(llmtest.ErrUnavailable)
	acme := call.Info{Tenant: "ACME"}
	type calls struct{ Cheap, Strong, Grader, Next int }
	for name, test := range map[string]struct {
		file             string // beside primary and models
		cheap, strong    llmtest.Step
		grade            string
		judge            policy.Option
		info             call.Info
		text, degraded   string
		calls            calls
		triggered, fails bool
	}{
		"accepted":                        {file: "cascade: {model: cheap, judge: stated}", cheap: llmtest.Text("yes\nCONFIDENCE: 0.9"), text: "yes", calls: calls{Cheap: 1}},
		"rejected":                        {file: "cascade: {model: cheap, judge: stated}", cheap: llmtest.Text("yes\nCONFIDENCE: 0.7"), text: "strong", calls: calls{1, 1, 0, 0}, triggered: true},
		"accepted from less":              {file: "cascade: {model: cheap, judge: stated, confidence: 60%}", cheap: llmtest.Text("yes\nCONFIDENCE: 0.7"), text: "yes", calls: calls{Cheap: 1}},
		"no probabilities":                {file: "cascade: {model: cheap}", text: "strong", calls: calls{1, 1, 0, 0}, triggered: true},
		"too short":                       {file: "cascade: {model: cheap, checks: {min_length: 9}}", text: "strong", calls: calls{1, 1, 0, 0}, triggered: true},
		"long enough":                     {file: "cascade: {model: cheap, checks: {min_length: 2}}", text: "cheap", calls: calls{Cheap: 1}},
		"checks come before the grader":   {file: "cascade: {model: cheap, checks: {pattern: x}, grader: grader}", grade: "1", text: "strong", calls: calls{1, 1, 0, 0}, triggered: true},
		"a good grade":                    {file: "cascade: {model: cheap, grader: grader}\nvalidate: {min_length: 4}", grade: "0.9", text: "cheap", calls: calls{1, 0, 1, 0}},
		"a bad grade":                     {file: "cascade: {model: cheap, grader: grader}", grade: "0.1", text: "strong", calls: calls{1, 1, 1, 0}, triggered: true},
		"the application is sure":         {file: "cascade: {model: cheap, judge: application}", judge: judging(1, nil), text: "cheap", calls: calls{Cheap: 1}},
		"the application is not":          {file: "cascade: {model: cheap, judge: application}", judge: judging(0.5, nil), text: "strong", calls: calls{1, 1, 0, 0}, triggered: true},
		"the application says NaN":        {file: "cascade: {model: cheap, judge: application}", judge: judging(math.NaN(), nil), text: "strong", calls: calls{1, 1, 0, 0}, triggered: true},
		"the application fails":           {file: "cascade: {model: cheap, judge: application}", judge: judging(1, errors.New("broken")), text: "strong", calls: calls{1, 1, 0, 0}, triggered: true},
		"the application panics":          {file: "cascade: {model: cheap, judge: application}", judge: panics, text: "strong", calls: calls{1, 1, 0, 0}, triggered: true},
		"the cheap model is down":         {file: "cascade: {model: cheap, judge: stated}", cheap: down, text: "strong", calls: calls{1, 1, 0, 0}, triggered: true},
		"too dear":                        {file: "cascade: {model: cheap, judge: application, max_cost: 0.0001}", judge: judging(0, nil), text: "cheap", degraded: "cheap", calls: calls{Cheap: 1}},
		"not too dear":                    {file: "cascade: {model: cheap, judge: application, max_cost: 0.01}", judge: judging(0, nil), text: "strong", calls: calls{1, 1, 0, 0}, triggered: true},
		"too dear for a tenant":           {file: "cascade: {model: cheap, judge: application, tenants: {acme: {max_cost: 0.0001}}}", judge: judging(0, nil), info: acme, text: "cheap", degraded: "cheap", calls: calls{Cheap: 1}},
		"a tenant is easily satisfied":    {file: "cascade: {model: cheap, judge: application, tenants: {acme: {confidence: 30%}}}", judge: judging(0.5, nil), info: acme, text: "cheap", calls: calls{Cheap: 1}},
		"a tenant with the cheap one":     {file: "cascade: {model: cheap, judge: application, tenants: {acme: {use: cheap}}}", judge: judging(0, nil), info: acme, text: "cheap", calls: calls{Cheap: 1}},
		"a tenant with the strong one":    {file: "cascade: {model: cheap, judge: application, tenants: {acme: {use: strong}}}", judge: judging(1, nil), info: acme, text: "strong", calls: calls{Strong: 1}},
		"a last resort instead":           {file: "cascade: {model: cheap, judge: application, degrade: {below: 20%, to: template-response}}", judge: judging(0.1, nil), text: "I cannot answer right now. Please try again later.", degraded: "template-response", calls: calls{Cheap: 1}, triggered: true},
		"no last resort instead":          {file: "cascade: {model: cheap, judge: application, degrade: {below: 20%, to: template-response}}", judge: judging(0.3, nil), text: "strong", calls: calls{1, 1, 0, 0}, triggered: true},
		"a last resort that fails":        {file: "cascade: {model: cheap, judge: application, degrade: {below: 20%, to: cached-answer}}", judge: judging(0.1, nil), text: "strong", calls: calls{1, 1, 0, 0}, triggered: true},
		"the next target":                 {file: "fallbacks: [{name: next}]\ncascade: {model: cheap, judge: application}", judge: judging(0, nil), strong: down, text: "next", calls: calls{1, 1, 0, 1}, triggered: true},
		"a condition sees the failure":    {file: "fallbacks: [{name: cached-answer, condition: 'error_code == \"429\"'}, {name: next, condition: 'error_code == \"503\"'}]\ncascade: {model: cheap, judge: application}", judge: judging(0, nil), strong: down, text: "next", calls: calls{1, 1, 0, 1}, triggered: true},
		"errors.codes end the call":       {file: "fallbacks: [{name: next}]\nerrors: {codes: [429]}\ncascade: {model: cheap, judge: application}", judge: judging(0, nil), strong: down, calls: calls{1, 1, 0, 0}, fails: true},
		"errors.codes move it on":         {file: "fallbacks: [{name: next}]\nerrors: {codes: [503]}\ncascade: {model: cheap, judge: application}", judge: judging(0, nil), strong: down, text: "next", calls: calls{1, 1, 0, 1}, triggered: true},
		"none is left":                    {file: "cascade: {model: cheap, judge: application}", judge: judging(0, nil), strong: down, text: "cheap", degraded: "cheap", calls: calls{1, 1, 0, 0}},
		"the cheap one as a fallback":     {file: "fallbacks: [{name: cheap}]\ncascade: {model: cheap, judge: application}", judge: judging(0, nil), strong: down, text: "cheap", calls: calls{2, 1, 0, 0}, triggered: true},
		"a replacement is no fallback":    {file: "fallbacks: [{name: next}]\ncascade: {model: cheap, judge: application, degrade: {below: 20%, to: template-response}}", judge: judging(0.5, nil), cheap: down, strong: down, text: "next", calls: calls{1, 1, 0, 1}, triggered: true},
		"a replacement is no last resort": {file: "cascade: {model: cheap, judge: application, degrade: {below: 20%, to: template-response}}", judge: judging(0.1, nil), cheap: down, strong: down, calls: calls{1, 1, 0, 0}, fails: true},
		"a rule forbids the cheap one":    {file: "cascade: {model: cheap, judge: application}\ncompliance: {rules: [{tenants: [acme], targets: [strong]}]}", judge: judging(1, nil), info: acme, text: "strong", calls: calls{Strong: 1}, triggered: true},
		"a rule forbids the grader":       {file: "cascade: {model: cheap, grader: grader}\ncompliance: {rules: [{tenants: [acme], targets: [strong, cheap]}]}", grade: "1", info: acme, text: "strong", calls: calls{1, 1, 0, 0}, triggered: true},
		"a rule forbids the strong one":   {file: "cascade: {model: cheap, judge: application}\ncompliance: {rules: [{tenants: [acme], targets: [cheap]}]}", judge: judging(0, nil), info: acme, text: "cheap", degraded: "cheap", calls: calls{Cheap: 1}},
		"a flag switches it off":          {file: "cascade: {model: cheap, judge: application}\nflags: {f: {targets: [cheap], default: false}}", judge: judging(1, nil), text: "strong", calls: calls{Strong: 1}, triggered: true},
		"an arm of the primary":           {file: "cascade: {model: cheap, judge: application}\nexperiments: {x: {arms: [{model: strong, share: 0}, {model: next, share: 1}]}}", judge: judging(0, nil), text: "next", calls: calls{1, 0, 0, 1}, triggered: true},
		"an arm of the cheap one":         {file: "cascade: {model: cheap, judge: application}\nexperiments: {x: {target: cheap, arms: [{model: cheap, share: 0}, {model: next, share: 1}]}}", judge: judging(1, nil), text: "next", calls: calls{Next: 1}},
		"a rule forbids all":              {file: "cascade: {model: cheap, judge: application}\ncompliance: {rules: [{tenants: [acme], targets: [none]}]}\nmodels: {none: {}}", judge: judging(1, nil), info: acme, fails: true},
	} {
		for _, streamed := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", streamed ", streamed), func(t *testing.T) {
				scripted := func(name string, step llmtest.Step) *llmtest.Model {
					if step == nil {
						step = llmtest.Text(name)
					}
					return llmtest.NewModel(name, step)
				}
				cheap, strong, grader, next := scripted("cheap", test.cheap), scripted("strong", test.strong), scripted("grader", llmtest.Text(test.grade)), scripted("next", nil)
				options := []policy.Option{models(cheap, strong, grader, next)}
				if test.judge != nil {
					options = append(options, test.judge)
				}
				file := "primary: strong\n" + test.file
				if !strings.Contains(file, "models:") {
					file += "\nmodels: {strong: {price: {input: 0, output: 1}}}"
				}
				m := build(t, file, options...)
				if m.Name() != "strong" {
					t.Errorf("it is called %q, want the name of the primary", m.Name())
				}
				got := ask(call.With(t.Context(), test.info), m, streamed)
				if got.text != test.text || (got.err != nil) != test.fails || got.md.Degraded != test.degraded || got.md.Triggered != test.triggered {
					t.Errorf("%q (%v), degraded %q, triggered %t by %s; want %q, degraded %q, triggered %t", got.text, got.err, got.md.Degraded, got.md.Triggered, got.md.OriginalModel, test.text, test.degraded, test.triggered)
				}
				if test.fails && strings.Contains(test.file, "compliance") && !errors.Is(got.err, policy.ErrNoCompliantTarget) {
					t.Errorf("error %v, want ErrNoCompliantTarget", got.err)
				}
				if diff := cmp.Diff(test.calls, calls{len(cheap.Asked()), len(strong.Asked()), len(grader.Asked()), len(next.Asked())}); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// A judge that hangs holds a call up for judge_timeout. B80
func TestCascadeWithAJudgeThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := policy.WithJudge(func(ctx context.Context, _ *model.LLMRequest, _ *model.LLMResponse) (float64, error) {
			<-ctx.Done()
			return 1, nil
		})
		m := build(t, "primary: strong\ncascade: {model: cheap, judge: application, judge_timeout: 3s}", named("cheap", "strong"), hangs)
		if got := ask(t.Context(), m, false); got.text != "strong" || got.took != 3*time.Second || !strings.Contains(got.md.Attempts[0].Reason, "no verdict within 3s") {
			t.Errorf("%q (%v) after %v, attempts %+v; want strong after 3s", got.text, got.err, got.took, got.md.Attempts)
		}
	})
}

// The cheap model, the grader and the primary spend a tenant's budget. B78
func TestCascadeIsCharged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cheap, grader, strong := llmtest.NewModel("cheap", using("cheap", 1000)), llmtest.NewModel("grader", using("0.1", 1000)), llmtest.NewModel("strong", using("strong", 1000))
		m := build(t, "primary: strong\ncascade: {model: cheap, grader: grader}\nbudgets: {tenants: {acme: {usd_per_day: 1}}}\n"+
			"models: {cheap: {price: {input: 0, output: 100}}, grader: {price: {input: 0, output: 200}, config: {max_output_tokens: 1000}}, strong: {price: {input: 0, output: 300}}}", models(cheap, grader, strong))
		acme := call.With(t.Context(), call.Info{Tenant: "acme"})
		request := func() *model.LLMRequest { return asking(1000) }
		if got := askFor(acme, m, false, request()); got.text != "strong" { // 0.10 + 0.20 + 0.30
			t.Fatalf("%q (%v), want strong", got.text, got.err)
		}
		got := askFor(acme, m, false, request()) // 0.10 + 0.20, and nothing is left for 0.30
		if got.text != "cheap" || got.md.Degraded != "cheap" || len(strong.Asked()) != 1 || len(grader.Asked()) != 2 {
			t.Errorf("%q (%v), degraded %q after %d calls; want the cheap answer, which stands", got.text, got.err, got.md.Degraded, len(strong.Asked()))
		}
		if got := askFor(acme, m, false, request()); got.text != "cheap" || len(strong.Asked()) != 1 || len(grader.Asked()) != 2 { // 0.10, and 1.00 is spent
			t.Errorf("%q (%v), %d calls of the grader", got.text, got.err, len(grader.Asked()))
		}
		if got := askFor(acme, m, false, request()); got.err == nil || len(cheap.Asked()) != 3 {
			t.Errorf("%q after %d calls of the cheap model, want a refusal", got.text, len(cheap.Asked()))
		}
	})
}

// State of the cheap model survives another policy, also one without the cascade.
func TestCascadeKeepsItsStateOnReload(t *testing.T) {
	cheap := llmtest.NewModel("cheap", llmtest.Fail(llmtest.ErrUnavailable))
	options := []policy.Option{quiet, models(cheap, llmtest.NewModel("strong", llmtest.Text("strong"))), judging(1, nil)}
	const breaker = "circuit_breaker: {failure_threshold: 1}\n"
	live, err := policy.NewLive(t.Context(), parsed(t, breaker+"primary: strong\ncascade: {model: cheap, judge: application}"), options...)
	if err != nil {
		t.Fatal(err)
	}
	ask(t.Context(), live.Model(), false)
	for _, file := range []string{"primary: strong\ncascade: {model: cheap, judge: application, confidence: 50%}", "primary: strong\nfallbacks: [{name: cheap}]"} {
		if err := live.Replace(t.Context(), parsed(t, breaker+file)); err != nil {
			t.Fatal(err)
		}
		if got := ask(t.Context(), live.Model(), false); got.text != "strong" || len(cheap.Asked()) != 1 {
			t.Errorf("%s: %q (%v) after %d calls of the cheap model, want its breaker to stay open", file, got.text, got.err, len(cheap.Asked()))
		}
	}
}

// Answers of both models are returned again, but not a rejected one that stood, nor one of
// another confidence. B86
func TestCascadeIsCached(t *testing.T) {
	for name, test := range map[string]struct {
		confidence float64
		strong     llmtest.Step
		want       string
		hit        bool
	}{
		"cheap": {1, llmtest.Text("strong"), "cheap", true}, "strong": {0, llmtest.Text("strong"), "strong", true}, "stood": {0, llmtest.Fail(llmtest.ErrUnavailable), "cheap", false},
	} {
		t.Run(name, func(t *testing.T) {
			options := []policy.Option{quiet, models(llmtest.NewModel("cheap", llmtest.Text("cheap")), llmtest.NewModel("strong", test.strong)), judging(test.confidence, nil)}
			const cached = "primary: strong\ncache: {}\ncascade: {model: cheap, judge: application"
			live, err := policy.NewLive(t.Context(), parsed(t, cached+"}"), options...)
			if err != nil {
				t.Fatal(err)
			}
			defer live.Close()
			for i, want := range []bool{false, test.hit} {
				got := ask(t.Context(), live.Model(), false)
				if got.text != test.want || (got.md.CacheStatus == call.CacheHit) != want || want && got.md.Triggered {
					t.Errorf("call %d: %q (%v), cache %q, triggered %t", i+1, got.text, got.err, got.md.CacheStatus, got.md.Triggered)
				}
			}
			if err := live.Replace(t.Context(), parsed(t, cached+", confidence: 70%}")); err != nil {
				t.Fatal(err)
			}
			if got := ask(t.Context(), live.Model(), false); got.md.CacheStatus == call.CacheHit {
				t.Error("an answer that was judged otherwise is a hit")
			}
		})
	}
}

// A stream is held back if the policy says so, or if it could not restart.
func TestCascadeHoldsStreams(t *testing.T) {
	for settings, want := range map[string]int{
		"": 1, "hold: true}\n#": 0, "}\nstream: {mid_stream: fail": 0, "}\nstream: {mid_stream: resume": 0,
	} {
		m := build(t, "primary: strong\ncascade: {model: cheap, judge: application, "+settings+"}", named("cheap", "strong"), judging(0, nil))
		restarts := 0
		for resp, err := range m.GenerateContent(t.Context(), &model.LLMRequest{Contents: genai.Text("x")}, true) {
			if err != nil {
				t.Fatal(err)
			}
			if resp.CustomMetadata[call.KeyRestart] == true {
				restarts++
			}
		}
		if restarts != want {
			t.Errorf("%q: %d restarts, want %d", settings, restarts, want)
		}
	}
}
