package picture_test

import (
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/cmd/adk-fallback/internal/picture"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// What the file says of the switch to a fallback is drawn where it takes place. B90
func TestTreeOfTheSwitch(t *testing.T) {
	const chain = "primary: gpt-4o\nfallbacks: [{name: gemini-2.5-flash}, {name: house}, {name: template-response}]\n"
	supplied := spec.Known{Model: func(name string) bool { return name == "house" }}
	for _, test := range []struct{ keys, want string }{
		{"sticky: none", "; every call starts at the primary"},
		{"sticky: session", "; a session stays with a fallback for 10m"},
		{"gate: {tools: [pay, 'delete_*']}", "; withheld from fallbacks: pay, delete_*"},
		{"gate: {tools: [pay], approve: true}", "; approved by the application for fallbacks: pay"},
		{"notice: {text: Hi, place: after}", "; a notice after a fallback's answer"},
		{"notice: {text: Hi, place: metadata}", "; a notice in the metadata of a fallback's answer"},
		{"warm_standby: {}", "warm_standby gemini-2.5-flash, a small request after 1m without a call\n  fallback"},
		{"warm_standby: {models: ['*']}", "warm_standby gemini-2.5-flash, house, a small request"},
		{"preview: {model: gemini-2.5-flash-lite}", "preview gemini-2.5-flash-lite, until the answer begins, if it comes within 2s\n  fallback"},
		{"preview: {model: gemini-2.5-flash-lite}", "\n  gemini-2.5-flash-lite  gemini"},
		{"preview: {model: cached-answer}", "cache only for cached-answer and cache_hit\n  preview cached-answer"},
		{"cascade: {model: gemini-2.5-flash-lite, degrade: {below: 5%, to: cached-answer}}", "cache only for cached-answer and cache_hit\n  fallback"},
		{"circuit_breaker: {probe: true, successes_to_close: 3}", "; probes itself, for up to 30s; closes after 3 successes in a row"},
		{"models: {gemini-2.5-flash: {tier: strong}, gpt-4o: {tier: strong}}", "model gemini-2.5-flash (gemini), tier strong"},
		{"experiments: {e: {arms: [{model: gpt-4o, share: 100%}, {model: house, share: 0%}], adaptive: {}}}", ", the control's share falls to 50% of it at most every 1s while its calls fail or are slow, and grows by 15%"},
	} {
		var out strings.Builder
		if err := picture.Of(parse(t, chain+test.keys), supplied).Print(&out); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), test.want) {
			t.Errorf("%s: %q is not in\n%s", test.keys, test.want, &out)
		}
	}
}
