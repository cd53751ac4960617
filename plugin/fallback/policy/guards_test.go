package policy_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// named returns models that answer with their names.
func named(names ...string) policy.Models {
	given := policy.Models{}
	for _, name := range names {
		given[name] = llmtest.NewModel(name, llmtest.Text(name))
	}
	return given
}

// reasonOf returns why a target was skipped, from the metadata of an answer.
func reasonOf(r result, target string) string {
	for _, a := range r.md.Attempts {
		if a.Model == target && a.Outcome == call.Skipped {
			return a.Reason
		}
	}
	return ""
}

func withFile(mime string) *genai.Part {
	return &genai.Part{InlineData: &genai.Blob{MIMEType: mime, Data: []byte("x")}}
}

// What a target cannot do or read is not sent to it, and the metadata says why.
func TestGuardsOfCapabilityAndWindow(t *testing.T) {
	user := func(parts ...*genai.Part) *model.LLMRequest {
		return &model.LLMRequest{Contents: []*genai.Content{{Role: genai.RoleUser, Parts: append(parts, &genai.Part{Text: "what is it?"})}}}
	}
	configured := func(c *genai.GenerateContentConfig) *model.LLMRequest {
		req := user()
		req.Config = c
		return req
	}
	const all = "[tools, images, audio, video, documents, json_schema]"
	for _, test := range []struct {
		name   string
		first  string // of its entry under models
		req    *model.LLMRequest
		reason string // why it is skipped; empty for not at all
	}{
		{"text", "capabilities: []", user(), ""},
		{"nothing said, everything sent", "id: x, provider: gemini", user(withFile("image/png")), ""},
		{"an image", "capabilities: []", user(withFile("image/png")), "it cannot do images"},
		{"audio", "capabilities: [images]", user(withFile("audio/wav")), "it cannot do audio"},
		{"a document", "capabilities: [images]", user(withFile("application/pdf")), "it cannot do documents"},
		{"a file elsewhere", "capabilities: [images]", user(&genai.Part{FileData: &genai.FileData{MIMEType: "video/mp4"}}), "it cannot do video"},
		{"tools", "capabilities: []", configured(&genai.GenerateContentConfig{Tools: []*genai.Tool{{}}}), "it cannot do tools"},
		{"an image in the system instruction", "capabilities: [tools]", configured(&genai.GenerateContentConfig{SystemInstruction: &genai.Content{Parts: []*genai.Part{withFile("image/png")}}}), "it cannot do images"},
		{"a schema", "capabilities: [tools]", configured(&genai.GenerateContentConfig{ResponseSchema: &genai.Schema{}}), "it cannot do json_schema"},
		{"all of it", "capabilities: " + all, user(withFile("image/png"), withFile("text/plain")), ""},
		{"a window that is large enough", "context_window: 10", user(&genai.Part{Text: strings.Repeat("x", 29)}), ""},
		{"a window that is too small", "context_window: 10", user(&genai.Part{Text: strings.Repeat("x", 30)}), "about 11 tokens do not fit its window of 10"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := build(t, "primary: first\nfallbacks: [{name: second}]\nmodels: {first: {"+test.first+"}}", named("first", "second"))
			got := askFor(t.Context(), m, false, test.req)
			want := "first"
			if test.reason != "" {
				want = "second"
			}
			if got.text != want || reasonOf(got, "first") != test.reason {
				t.Errorf("%q answered (%v), first was skipped because %q; want %s, %q", got.text, got.err, reasonOf(got, "first"), want, test.reason)
			}
		})
	}
}

const residency = `
primary: us
fallbacks: [{name: eu}, {name: unknown}, {name: template-response}]
models:
  us: {region: us-central1}
  eu: {region: europe-west4}
compliance:
  rules:
    - {data_regions: [eu], regions: [europe-*]}
    - {data_classes: [secret], targets: [unknown]}
    - {tenants: [nobody], data_classes: [pii], targets: [none-*, unknown], otherwise: deny}
`

// Residency and data class are asked again for each target. B79
func TestComplianceIsAskedForEachTarget(t *testing.T) {
	m := build(t, strings.Replace(residency, "none-*, ", "", 1), named("us", "eu", "unknown"))
	for _, test := range []struct {
		name string
		info call.Info
		by   string
	}{
		{"no rule", call.Info{}, "us"},
		{"another region", call.Info{Region: "us"}, "us"},
		{"the region's models", call.Info{Region: "eu"}, "eu"},
		{"a class", call.Info{DataClass: "secret"}, "unknown"},
		{"two rules, which leave nothing but the template", call.Info{Region: "eu", DataClass: "secret"}, "template-response"},
		{"a tenant and a class", call.Info{Tenant: "nobody", DataClass: "pii"}, "unknown"},
		{"the tenant without the class", call.Info{Tenant: "nobody"}, "us"},
	} {
		got := ask(call.With(t.Context(), test.info), m, false)
		if got.md.ModelName != test.by {
			t.Errorf("%s: %s answered (%v), want %s", test.name, got.md.ModelName, got.err, test.by)
		}
	}
	got := ask(call.With(t.Context(), call.Info{Region: "eu"}), m, false)
	if reason := reasonOf(got, "us"); reason != "compliance: data of region eu may not go there" {
		t.Errorf("reason %q", reason)
	}
}

// B79
func TestNoCompliantTargetIsAClearRefusal(t *testing.T) {
	m := build(t, "primary: a\nfallbacks: [{name: b}]\nmodels: {b: {region: us-east1}}\ncompliance: {rules: [{data_classes: [pii], regions: [europe-*]}]}", named("a", "b"))
	got := ask(call.With(t.Context(), call.Info{DataClass: "pii"}), m, false)
	if !errors.Is(got.err, policy.ErrNoCompliantTarget) {
		t.Fatalf("error %v, want ErrNoCompliantTarget", got.err)
	}
	for _, part := range []string{"refused a: compliance: data of class pii", "refused b: compliance"} {
		if !strings.Contains(got.err.Error(), part) {
			t.Errorf("error %q does not say %q", got.err, part)
		}
	}
}

// A failure of a model that was allowed is no refusal. B79
func TestAFailureIsNotTakenForARefusal(t *testing.T) {
	given := named("b")
	given["a"] = llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable))
	m := build(t, "primary: a\nfallbacks: [{name: b}]\nmodels: {a: {region: europe-west1}}\ncompliance: {rules: [{regions: [europe-*]}]}", given)
	if got := ask(t.Context(), m, false); got.err == nil || errors.Is(got.err, policy.ErrNoCompliantTarget) {
		t.Errorf("error %v, want that of the model", got.err)
	}
}

// Redaction is for the target that may not see the data, in its copy only. B79,
// B60
func TestComplianceRedactsTheAttemptsCopy(t *testing.T) {
	trusted := llmtest.NewModel("trusted", llmtest.Fail(llmtest.ErrUnavailable))
	other := llmtest.NewModel("other", llmtest.Text("ok"))
	m := build(t, "primary: trusted\nfallbacks: [{name: other}]\ncompliance: {rules: [{targets: [trusted], otherwise: redact}]}", models(trusted, other))
	const text = "Mail jane@example.org,\ncall +49 30 1234567 or bill DE89 3704 0044 0532 0130 00, in 2026."
	req := &model.LLMRequest{Contents: []*genai.Content{
		genai.NewContentFromText(text, genai.RoleUser),
		{Role: genai.RoleUser, Parts: []*genai.Part{{FunctionResponse: &genai.FunctionResponse{Response: map[string]any{"rows": []any{map[string]any{"mail": "jane@example.org"}}}}}}},
	}}
	if got := askFor(t.Context(), m, false, req); got.text != "ok" {
		t.Fatal(got.err)
	}
	if seen := trusted.Requests()[0].Contents[0].Parts[0].Text; seen != text {
		t.Errorf("the trusted model saw %q", seen)
	}
	seen := other.Requests()[0].Contents
	if got, want := seen[0].Parts[0].Text, "Mail [redacted],\ncall [redacted] or bill [redacted], in 2026."; got != want {
		t.Errorf("the other model saw %q, want %q", got, want)
	}
	if got := seen[1].Parts[0].FunctionResponse.Response["rows"].([]any)[0].(map[string]any)["mail"]; got != "[redacted]" {
		t.Errorf("the other model saw the tool's %q", got)
	}
	if req.Contents[0].Parts[0].Text != text {
		t.Error("the caller's request was changed")
	}

	req.Contents[0].Parts = append(req.Contents[0].Parts, withFile("image/png"))
	if got := askFor(t.Context(), m, false, req); got.err == nil || !strings.Contains(got.err.Error(), "cannot be redacted") {
		t.Errorf("an image: %v, want a refusal", got.err)
	}
}

// The second model of a hedge and the arms of an experiment are targets too.
// B79
func TestComplianceHoldsInHedgesAndExperiments(t *testing.T) {
	rule := "\ncompliance: {rules: [{regions: [europe-*]}]}\nmodels: {a: {region: europe-west1}}"
	for _, test := range []struct{ name, text string }{
		{"hedge", "primary: a\nfallbacks: [{name: b}]\nhedge: {delay: 1ms, max_extra_load: 100%}"},
		{"experiment", "primary: a\nexperiments: {x: {arms: [{model: a, share: 50%}, {model: b, share: 50%}]}}"},
	} {
		a, b := llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable)), llmtest.NewModel("b", llmtest.Text("b"))
		m := build(t, test.text+rule, models(a, b))
		for range 50 {
			ask(t.Context(), m, false)
		}
		if asked := len(b.Asked()); asked > 0 {
			t.Errorf("%s: b, which may not see the data, was asked %d times", test.name, asked)
		}
	}
}

// A rule that names neither targets nor regions is for every target: with redact,
// no model sees the data. B79
func TestARuleWithRedactAloneIsForEveryTarget(t *testing.T) {
	for _, test := range []struct{ name, text string }{
		{"chain", "fallbacks: [{name: b}]"},
		{"hedge", "fallbacks: [{name: b}]\nhedge: {delay: 1ms, max_extra_load: 100%}"},
		{"experiment", "experiments: {x: {arms: [{model: a, share: 50%}, {model: b, share: 50%}]}}"},
	} {
		for class, want := range map[string]string{"pii": "Mail [redacted].", "public": "Mail jane@example.org."} {
			down := llmtest.Fail(llmtest.ErrUnavailable)
			a, b := llmtest.NewModel("a", down), llmtest.NewModel("b", down)
			m := build(t, "primary: a\n"+test.text+"\ncompliance: {rules: [{data_classes: [pii], otherwise: redact}]}\nmodels: {a: {region: europe-west1}}", models(a, b))
			for range 20 {
				askFor(call.With(t.Context(), call.Info{DataClass: class}), m, false, &model.LLMRequest{Contents: genai.Text("Mail jane@example.org.")})
			}
			for _, asked := range []*llmtest.Model{a, b} {
				if len(asked.Requests()) == 0 {
					t.Errorf("%s, %s: %s was not asked", test.name, class, asked.Name())
				}
				for _, req := range asked.Requests() {
					if got := req.Contents[0].Parts[0].Text; got != want {
						t.Fatalf("%s, %s: %s saw %q, want %q", test.name, class, asked.Name(), got, want)
					}
				}
			}
		}
	}
}

// A model whose region is not known is in none, whatever the pattern. B79
func TestAModelWithoutARegionIsInNone(t *testing.T) {
	m := build(t, "primary: a\nfallbacks: [{name: b}]\nmodels: {b: {region: us-east1}}\ncompliance: {rules: [{regions: ['*']}]}", named("a", "b"))
	if got := ask(t.Context(), m, false); got.text != "b" {
		t.Errorf("%q answered (%v), want b, whose region is known", got.text, got.err)
	}
}

// Also in a policy that is from no file.
func TestARuleThatLetsNoTargetSeeTheDataIsAMistake(t *testing.T) {
	for otherwise, wrong := range map[string]bool{"": true, "deny": true, "redact": false} {
		p := &spec.Policy{Primary: "gemini-2.5-flash", Compliance: &spec.Compliance{Rules: []spec.Rule{{DataClasses: []string{"pii"}, Targets: []string{}, Otherwise: otherwise}}}}
		var paths []string
		for _, problem := range spec.Check(p, spec.Known{}) {
			paths = append(paths, problem.Path)
		}
		if got := slices.Contains(paths, "compliance.rules[0]"); got != wrong {
			t.Errorf("otherwise %q: problems at %v, want one of the rule: %v", otherwise, paths, wrong)
		}
	}
}
