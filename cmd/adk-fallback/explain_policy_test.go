package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/cmd/adk-fallback/internal/foresight"
)

const (
	overloaded = `{"error":{"code":503,"status":"UNAVAILABLE"}}`
	daily      = `{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"You exceeded your current quota","details":[` +
		`{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel"}]},` +
		`{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"3600s"}]}}`
	badKey  = `{"error":{"code":400,"status":"INVALID_ARGUMENT","message":"API key not valid. Please pass a valid API key."}}`
	broke   = `{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","code":"insufficient_quota"}}`
	refused = `{"error":{"code":400,"status":"INVALID_ARGUMENT","message":"The prompt was blocked due to prohibited content."}}`
)

// foreseen returns what explain --policy --json says, and the verdict's reason.
func foreseen(t *testing.T, file, body string) (ahead foresight.Foresight, reason string) {
	t.Helper()
	out, err := run(t, body, "explain", "--json", "--policy", file)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Reason string
		Policy foresight.Foresight
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("output %q: %v", out, err)
	}
	return got.Policy, got.Reason
}

// skip returns one entry that is skipped.
func skip(name, because string) []foresight.Skipped {
	return []foresight.Skipped{{Name: name, Because: because}}
}

func TestExplainNamesTheNextTarget(t *testing.T) {
	house := "primary: gemini-2.5-flash\nfallbacks: [{name: gpt-4o, condition: error_kind == \"quota\"}, {name: house}]\n"
	const theVerdict = "as the verdict says"
	for _, test := range []struct {
		name, file, body string
		next, because    string
		skipped          []foresight.Skipped
	}{
		{name: "the first whose condition is true", file: house, body: daily, next: "gpt-4o"},
		{
			name: "not one whose condition is false", file: house, body: overloaded, next: "house",
			skipped: skip("gpt-4o", `condition "error_kind == \"quota\"" is false`),
		},
		{
			name: "none when none is left", body: overloaded, because: "no target is left",
			file:    "primary: gemini-2.5-flash\nfallbacks: [{name: gpt-4o, condition: cost > 5}]\n",
			skipped: skip("gpt-4o", `condition "cost > 5" is false`),
		},
		{name: "none after a verdict to fail", file: house, body: badKey, because: theVerdict},
		{name: "none after a refusal", file: house, body: refused, because: theVerdict},
		{name: "one after a refusal, if the policy says so", file: house + "errors: {content_policy: fallback}\n", body: refused, next: "house",
			skipped: skip("gpt-4o", `condition "error_kind == \"quota\"" is false`)},
		{name: "none for a code that is not named", file: house + "errors: {codes: [429]}\n", body: overloaded, because: "not among errors.codes"},
		{name: "one for a code that is named", file: house + "errors: {codes: [503]}\n", body: overloaded, next: "house",
			skipped: skip("gpt-4o", `condition "error_kind == \"quota\"" is false`)},
		{
			name: "not a target whose flag is off", file: "primary: fast\nfallbacks: [{name: big}, {name: gpt-5}]\naliases: {fast: gemini-2.5-flash, big: gpt-4o}\n" +
				"flags: {use-4o: {targets: [gpt-4o], default: false}, rest: {targets: [gpt-5], rollout: 1%}}\n",
			body: overloaded, next: "gpt-5", skipped: skip("big", "flag use-4o is off"),
		},
		{
			name: "not a target with the credential that has failed", file: "primary: gpt-4o\nfallbacks: [{name: gpt-4.1}, {name: gpt-5}]\nmodels: {gpt-5: {credential_env: OTHER}}\n",
			body: broke, next: "gpt-5", skipped: skip("gpt-4.1", "credential the default of openai has failed in this call"),
		},
		{
			name: "an answer of last resort", file: "primary: gemini-2.5-flash\nfallbacks: [{name: cached-answer, condition: cache_hit}, {name: closed}]\naliases: {closed: template-response}\n",
			body: overloaded, next: "closed", skipped: skip("cached-answer", `condition "cache_hit" is false`),
		},
		{name: "the other target of a hedge", file: house + "hedge: {target: house, delay: 10s}\n", body: overloaded, next: "house"},
		{
			name: "the target, not an arm of an experiment", file: house + "experiments: {e: {arms: [{model: gemini-2.5-flash, share: 1%}, {model: gpt-5, share: 99%}]}}\n",
			body: daily, next: "gpt-4o",
		},
		{
			name: "whatever names an arm of an experiment", file: "primary: gemini-2.5-flash\nfallbacks: [{name: gpt-4o}, {name: house}]\n" +
				"experiments: {e: {target: gpt-4o, arms: [{model: gpt-4o, share: 0%}, {model: gpt-5, share: 100%}]}}\n" +
				"flags: {new: {targets: [gpt-5], default: false}}\ncompliance: {rules: [{targets: [gpt-5, gemini-*, house]}]}\n",
			body: overloaded, next: "house", skipped: skip("gpt-4o", "compliance: data may not go there"),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, reason := foreseen(t, write(t, test.file), test.body)
			if test.because == theVerdict {
				test.because = reason
			}
			if test.skipped == nil {
				test.skipped = []foresight.Skipped{}
			}
			if got.Next != test.next || got.Because != test.because {
				t.Errorf("next %q because %q, want %q because %q", got.Next, got.Because, test.next, test.because)
			}
			if diff := cmp.Diff(test.skipped, got.Skipped); diff != "" {
				t.Errorf("skipped (-want +got):\n%s", diff)
			}
		})
	}
}

func TestExplainPlansRetries(t *testing.T) {
	const file = "primary: gemini-2.5-flash\nfallbacks: [{name: gpt-4o}]\n"
	for _, test := range []struct {
		name, file, body string
		want             string
	}{
		{"none without the section", file, overloaded, "no: the policy has no section retry"},
		{"backoff that doubles", file + "retry: {max_attempts: 3, base_delay: 200ms}\n", overloaded, "2 times, after 100ms to 200ms, then 200ms to 400ms"},
		{"the provider's wait", file + "retry: {max_attempts: 2, skip_wait: 5m}\n", minute, "1 time, after 26s"},
		{"fewer than the policy's for an error that is worth fewer", file + "retry: {max_attempts: 5, base_delay: 200ms}\n", `{"error":{"code":504}}`, "1 time, after 100ms to 200ms"},
		{"a wait that is too long", file + "retry: {max_wait: 20s}\n", minute, "no: the provider asks for a wait of 26s, longer than retry.max_wait, 20s"},
		{"a wait that is skipped", file + "retry: {skip_wait: 1s}\n", minute, "no: the wait is longer than retry.skip_wait, 1s, and another target is available"},
		{"a verdict to fall back", file + "retry: {}\n", daily, "no: the verdict is fallback"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if ahead, _ := foreseen(t, write(t, test.file), test.body); ahead.Retry.String() != test.want {
				t.Errorf("retry %q, want %q", ahead.Retry, test.want)
			}
		})
	}
}

func TestExplainPlansTheBreaker(t *testing.T) {
	const file = "primary: gemini-2.5-flash\n"
	for _, test := range []struct {
		name, file, body string
		want             string
	}{
		{"none without the section", file, daily, "none"},
		{"a row of failures", file + "circuit_breaker: {failure_threshold: 5, backoff: 30s}\n", overloaded, "opens after 5 such failures in a row, for 30s"},
		{"a failure that rests the model", file + "circuit_breaker: {}\n", daily, "opens at once, for 1h"},
		{"a failure that is the caller's", file + "circuit_breaker: {}\n", badKey, "stays closed: such a failure does not count"},
		{"a share of failures", file + "circuit_breaker: {failure_threshold: 50, failure_ratio: 50%, min_requests: 20}\n", overloaded, "opens after 20 such failures in a row, for 30s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if ahead, _ := foreseen(t, write(t, test.file), test.body); ahead.Breaker.String() != test.want {
				t.Errorf("breaker %q, want %q", ahead.Breaker, test.want)
			}
		})
	}
}

func TestExplainPrintsWhatThePolicyDoes(t *testing.T) {
	out, err := run(t, overloaded, "explain", "--policy", example)
	if err != nil {
		t.Fatal(err)
	}
	_, got, _ := strings.Cut(out, "\n\n")
	want := "in " + example + `, at gemini-v2
retry    no: the policy has no section retry
breaker  opens after 5 such failures in a row, for 30s
next     gpt-4o: condition "error || latency > 3000ms || cost > 0.05" is true
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestExplainWarnsOfACooldownWithoutABreaker(t *testing.T) {
	out, err := run(t, daily, "explain", "--policy", write(t, "primary: gemini-2.5-flash\n"))
	if want := "the cooldown of 1h has no effect without a breaker; add circuit_breaker"; err != nil || !strings.Contains(out, want) {
		t.Errorf("error %v, want %q in\n%s", err, want, out)
	}
}

func TestExplainRefusesAPolicyThatCannotBeUsed(t *testing.T) {
	broken := write(t, "primary: 5\n")
	for name, tt := range map[string]struct{ file, want string }{
		"broken":  {broken, broken + " has problems:\n1:10: primary: "},
		"stdin":   {"-", "explain: --policy: standard input has the error; name a file"},
		"deleted": {filepath.Join(t.TempDir(), "none.yaml"), "none.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := run(t, overloaded, "explain", "--policy", tt.file)
			if exitStatus(err) != exitUsage || !strings.Contains(err.Error(), tt.want) || out != "" {
				t.Errorf("error %v and output %q, want status %d and %q alone", err, out, exitUsage, tt.want)
			}
		})
	}
}

// With a cascade, the plan is that of the primary, and the cheap model is named.
func TestExplainNamesTheCheapModel(t *testing.T) {
	const cascade = "primary: gemini-2.5-pro\ncascade: {model: gemini-2.5-flash, judge: stated, checks: {function: f}, grader: gpt-4o-mini}\n"
	for fallbacks, next := range map[string]string{
		"":                                       "next     gemini-2.5-flash: its rejected answer, if it has one, is returned and marked as degraded",
		"fallbacks: [{name: gpt-4o}]\n":          `next     gpt-4o: condition "error" is true`,
		"fallbacks: [{name: deferred-answer}]\n": `next     deferred-answer: condition "error" is true`,
	} {
		out, err := run(t, overloaded, "explain", "--policy", write(t, cascade+fallbacks))
		want := "cascade  gemini-2.5-flash is called first; gemini-2.5-pro only if its answer is rejected or it fails\n"
		if err != nil || !strings.Contains(out, want) || !strings.Contains(out, next) {
			t.Errorf("%q: error %v, want %q and %q in\n%s", fallbacks, err, want, next, out)
		}
	}
}
