package guard_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
)

// Residency and data class are judged for each target. B79
func TestComplianceJudgesEachTarget(t *testing.T) {
	rules := guard.Compliance(
		guard.Rule{DataRegions: []string{"eu"}, Regions: []string{"europe-*"}},
		guard.Rule{DataClasses: []string{"secret"}, Targets: []string{"unknown"}},
		guard.Rule{Tenants: []string{"nobody"}, DataClasses: []string{"pii"}, Targets: []string{"none-*", "alias"}},
	)
	us, eu := guard.Target{Name: "us", Region: "us-central1"}, guard.Target{Name: "eu", Region: "europe-west4"}
	unknown := guard.Target{Name: "unknown", Aliases: []string{"other", "alias"}}
	for _, test := range []struct {
		name            string
		info            call.Info
		us, eu, unknown bool // may see it
	}{
		{"no rule", call.Info{}, true, true, true},
		{"another region", call.Info{Region: "us"}, true, true, true},
		{"the region's models", call.Info{Region: "eu"}, false, true, false},
		{"a class", call.Info{DataClass: "secret"}, false, false, true},
		{"two rules", call.Info{Region: "eu", DataClass: "secret"}, false, false, false},
		{"a tenant and a class, and an alias", call.Info{Tenant: "nobody", DataClass: "pii"}, false, false, true},
		{"the tenant without the class", call.Info{Tenant: "nobody"}, true, true, true},
	} {
		ctx := call.With(t.Context(), test.info)
		var got []bool
		for _, target := range []guard.Target{us, eu, unknown} {
			got = append(got, reason(t, ctx, rules, &model.LLMRequest{}, target) == "")
		}
		if diff := cmp.Diff([]bool{test.us, test.eu, test.unknown}, got); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", test.name, diff)
		}
	}
}

// The record says what may not go to the target, and not whose it is. B79
func TestComplianceSaysWhy(t *testing.T) {
	info := call.Info{Tenant: "ann", DataClass: "pii", Region: "eu"}
	for want, rule := range map[string]guard.Rule{
		"compliance: compliance: data of class pii may not go there":   {DataClasses: []string{"pii"}, Tenants: []string{"ann"}},
		"compliance: compliance: data of region eu may not go there":   {DataRegions: []string{"eu"}},
		"compliance: compliance: data of this tenant may not go there": {Tenants: []string{"ann"}},
		"compliance: compliance: data may not go there":                {},
	} {
		if got := reason(t, call.With(t.Context(), info), guard.Compliance(rule), &model.LLMRequest{}, guard.Target{}); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A rule that allows nothing, an empty list and a target without a region never let data
// through. B79
func TestComplianceFailsClosed(t *testing.T) {
	pii := call.Info{DataClass: "pii", Tenant: "acme"}
	for name, rule := range map[string]guard.Rule{
		"no targets":                {DataClasses: []string{"pii"}},
		"empty targets":             {DataClasses: []string{"pii"}, Targets: []string{}, Regions: []string{}},
		"empty classes are all":     {DataClasses: []string{}, Targets: []string{"x"}},
		"any region, of no region":  {Regions: []string{"*"}},
		"no region's name":          {Regions: []string{""}},
		"a target in another place": {Targets: []string{"a"}, Regions: []string{"*"}},
	} {
		if reason(t, call.With(t.Context(), pii), guard.Compliance(rule), &model.LLMRequest{}, guard.Target{Name: "a"}) == "" {
			t.Errorf("%s: let through", name)
		}
	}
}

// However a name is written, on either side, the rule holds. B133
func TestComplianceComparesNamesAsAPersonWould(t *testing.T) {
	same := [][2]string{
		{"pii", "PII"}, {"PII", "pii"}, {" pii ", "pii"}, {"pii", "\tPii\u00a0"}, {"Müller GmbH", "MÜLLER GMBH"}, {"Mu\u0308ller", "m\u00fcller"},
		{"auth0|abc", "Auth0|ABC"}, {"個人情報", "個人情報"}, {"straße", "STRASSE"}, {"ＰＩＩ", "pii"}, {"acme-*", "ACME-eu"}, {"ПДн", "пдн"},
	}
	for _, names := range same {
		for fact, test := range map[string]struct {
			rule guard.Rule
			info call.Info
		}{
			"class":  {guard.Rule{DataClasses: names[:1]}, call.Info{DataClass: names[1]}},
			"tenant": {guard.Rule{Tenants: names[:1]}, call.Info{Tenant: names[1]}},
			"region": {guard.Rule{DataRegions: names[:1]}, call.Info{Region: names[1]}},
		} {
			if reason(t, call.With(t.Context(), test.info), guard.Compliance(test.rule), &model.LLMRequest{}, guard.Target{Name: "a"}) == "" {
				t.Errorf("%s %q lets %q through", fact, names[0], names[1])
			}
		}
		for place, test := range map[string]struct {
			rule   guard.Rule
			target guard.Target
		}{
			"name":   {guard.Rule{Targets: names[:1]}, guard.Target{Name: names[1]}},
			"alias":  {guard.Rule{Targets: names[:1]}, guard.Target{Name: "a", Aliases: names[1:]}},
			"region": {guard.Rule{Regions: names[:1]}, guard.Target{Region: names[1]}},
		} {
			if why := reason(t, t.Context(), guard.Compliance(test.rule), &model.LLMRequest{}, test.target); why != "" {
				t.Errorf("target's %s: %q does not let %q see the data: %s", place, names[0], names[1], why)
			}
		}
	}
}

// Of a fact that could not be read, the worst is assumed, until somebody sets it. B79
func TestComplianceAssumesTheWorst(t *testing.T) {
	for _, test := range []struct {
		fact guard.Facts
		rule guard.Rule
		told call.Info
		want string
	}{
		{guard.Tenant, guard.Rule{Tenants: []string{"acme"}}, call.Info{Tenant: "other"}, "data of this tenant"},
		{guard.DataClass, guard.Rule{DataClasses: []string{"pii"}}, call.Info{DataClass: "public"}, "data whose class cannot be read from the session"},
		{guard.Region, guard.Rule{DataRegions: []string{"eu"}}, call.Info{Region: "us"}, "data whose region cannot be read from the session"},
	} {
		rules := guard.Compliance(test.rule)
		why := func(ctx context.Context) string { return reason(t, ctx, rules, &model.LLMRequest{}, guard.Target{}) }
		unread := guard.WithUnread(guard.WithUnread(t.Context(), test.fact), guard.Tenant^guard.DataClass^guard.Region^test.fact)
		if got := why(unread); got != "compliance: compliance: "+test.want+" may not go there" {
			t.Errorf("unread: %q, want %q", got, test.want)
		}
		if got := why(guard.WithUnread(t.Context(), 7&^test.fact)); got != "" {
			t.Errorf("%s: others are unread: %q", test.want, got)
		}
		if got := why(t.Context()); got != "" {
			t.Errorf("there is none: %q", got)
		}
		if got := why(call.With(unread, test.told)); got != "" {
			t.Errorf("told %+v: %q", test.told, got)
		}
		if got := guard.Unread(call.With(unread, test.told)); got != 7&^test.fact {
			t.Errorf("told %+v: %b is unread", test.told, got)
		}
		if got := why(call.With(unread, call.Info{Tenant: " ", DataClass: " ", Region: " "})); got == "" {
			t.Errorf("%s: a blank fact is taken for one", test.want)
		}
	}
}

// A target that may not see personal data sees the request without it, in a copy, or
// nothing. B79, B60
func TestComplianceRedacts(t *testing.T) {
	rules := guard.Compliance(guard.Rule{DataClasses: []string{"pii"}, Targets: []string{"trusted"}, Redact: true}, guard.Rule{DataClasses: []string{"secret"}, Targets: []string{"trusted"}})
	const text = "Mail jane@example.org"
	req := ofParts(&genai.Part{Text: text})
	for _, test := range []struct{ class, target, want string }{
		{"pii", "trusted", text}, {"pii", "other", "Mail [redacted]"}, {"public", "other", text}, {"secret", "other", ""},
	} {
		seen, err := rules(call.With(t.Context(), call.Info{DataClass: test.class}), req, guard.Target{Name: test.target})
		got := ""
		if err == nil {
			got = seen.Contents[0].Parts[0].Text
		}
		if got != test.want {
			t.Errorf("%s to %s: %q (%v), want %q", test.class, test.target, got, err, test.want)
		}
	}
	if req.Contents[0].Parts[0].Text != text {
		t.Error("the caller's request was changed")
	}
	ctx := call.With(t.Context(), call.Info{DataClass: "pii"})
	if got := reason(t, ctx, rules, ofParts(withFile("image/png")), guard.Target{Name: "other"}); got != "compliance: compliance: the request has data that cannot be redacted" {
		t.Errorf("an image: %q", got)
	}
	everywhere := guard.Compliance(guard.Rule{DataClasses: []string{"pii"}, Redact: true})
	if seen, err := everywhere(ctx, req, guard.Target{Name: "trusted"}); err != nil || seen.Contents[0].Parts[0].Text != "Mail [redacted]" {
		t.Errorf("a rule with redact alone: %v, %v", seen, err)
	}
}

// B79
func TestTenants(t *testing.T) {
	for _, test := range []struct {
		allowed []string
		tenant  string
		want    string
	}{
		{[]string{"acme", "Müller GmbH"}, "ACME ", ""},
		{[]string{"acme", "Müller GmbH"}, "mu\u0308ller gmbh", ""},
		{[]string{"acme"}, "other", "tenant: it is not for this tenant"},
		{[]string{"acme"}, "", "tenant: the tenant of the call is not known"},
		{[]string{"*"}, "other", ""},
		{[]string{"*", ""}, "", "tenant: the tenant of the call is not known"},
		{[]string{"*"}, "  ", "tenant: the tenant of the call is not known"},
		{nil, "acme", "tenant: it is not for this tenant"},
		{[]string{"acme-*"}, "acme-eu", ""},
		{[]string{"acme-*"}, "not-acme-eu", "tenant: it is not for this tenant"},
	} {
		ctx := guard.WithUnread(call.With(t.Context(), call.Info{Tenant: test.tenant}), guard.Tenant)
		if got := reason(t, ctx, guard.Tenants(test.allowed...), &model.LLMRequest{}, guard.Target{}); got != test.want {
			t.Errorf("%q for %q: %q, want %q", test.allowed, test.tenant, got, test.want)
		}
	}
}

func ExampleCompliance() {
	rules := guard.Compliance(
		guard.Rule{DataClasses: []string{"pii"}, Regions: []string{"europe-*"}},
		guard.Rule{DataClasses: []string{"internal"}, Targets: []string{"gemini-*"}, Redact: true},
	)
	gpt := guard.Target{Name: "gpt-4o", Region: "us"}
	for _, class := range []string{"PII", "internal", "public"} {
		ctx := call.With(context.Background(), call.Info{DataClass: class})
		seen, err := rules(ctx, &model.LLMRequest{Contents: genai.Text("I am ann@example.org.")}, gpt)
		if err != nil {
			fmt.Println(class, "→", err)
			continue
		}
		fmt.Println(class, "→", seen.Contents[0].Parts[0].Text)
	}
	// Output:
	// PII → middleware: compliance refused gpt-4o: compliance: data of class PII may not go there
	// internal → I am [redacted].
	// public → I am ann@example.org.
}

func ExampleTenants() {
	_, err := guard.Tenants("acme", "initech-*")(call.With(context.Background(), call.Info{Tenant: "umbrella"}), &model.LLMRequest{}, guard.Target{Name: "gpt-4o"})
	fmt.Println(err)
	// Output: middleware: tenant refused gpt-4o: it is not for this tenant
}
