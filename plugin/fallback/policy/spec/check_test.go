package spec_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// Valid settings that may not have the intended effect cause warnings.
func TestCheckWarns(t *testing.T) {
	noPrice := func(string) bool { return false }
	handedIn := func(name string) bool { return name == "house" }
	misspelled := spec.Known{Near: func(string) string { return "gemini-2.5-flash" }}
	for _, test := range []struct {
		name  string
		file  string
		known spec.Known
		want  []string // the beginnings of the problems
	}{
		{
			name: "nothing of a plain chain",
			file: "primary: gemini-2.5-flash\nfallbacks: [{name: gpt-4o}, {name: template-response}]",
		},
		{
			name: "of an entry after one that always answers",
			file: "primary: gemini-2.5-flash\nfallbacks: [{name: template-response, condition: error || cost > 1.0}, {name: gpt-4o}, {name: gpt-5}]",
			want: []string{
				`2:79: warning: fallbacks[1].name: "gpt-4o" is never used, because template-response before it always answers; move template-response to the end`,
				`2:95: warning: fallbacks[2].name: "gpt-5" is never used, because template-response before it always answers; move template-response to the end`,
			},
		},
		{
			name: "of no entry after one that answers some calls",
			file: "primary: gemini-2.5-flash\nfallbacks: [{name: template-response, condition: error_code == '429'}, {name: gpt-4o}]",
		},
		{
			name: "of no entry after one that a flag can switch off",
			file: "primary: gemini-2.5-flash\nfallbacks: [{name: template-response}, {name: gpt-4o}]\nflags: {sorry: {targets: [template-*]}}",
		},
		{
			name: "of an entry whose condition is never true",
			file: "primary: gemini-2.5-flash\nfallbacks: [{name: gpt-4o, condition: false}, {name: gpt-5, condition: 1 > 2 || false}]",
			want: []string{
				"2:39: warning: fallbacks[0].condition: condition is never true, so that this fallback is never used; correct it or remove the entry",
				"2:72: warning: fallbacks[1].condition: condition is never true, so that this fallback is never used; correct it or remove the entry",
			},
		},
		{
			name: "of a latency that a timeout cuts off",
			file: "primary: gemini-2.5-flash\ntimeouts: {primary: 4s, fallback: 2s}\nfallbacks: [{name: gpt-4o, condition: error || latency > 4s}, {name: gpt-5, condition: latency > 3s, timeout: 9s}, {name: gpt-5-mini, condition: latency > 8s}]",
			want: []string{
				"3:39: warning: fallbacks[0].condition: latency 4s is never reached, because gemini-2.5-flash is cut off after 4s without content; use less",
				"3:88: warning: fallbacks[1].condition: latency 3s is never reached, because gpt-4o is cut off after 2s without content; use less",
			},
		},
		{
			name: "of no latency that a longer first content leaves time for",
			file: "primary: gemini-2.5-flash\ntimeouts: {primary: 4s}\nstream: {first_content: 10s}\nfallbacks: [{name: gpt-4o, condition: latency > 5s}]",
		},
		{
			name: "of a latency that an entry's own timeout cuts off, whatever streams may take",
			file: "primary: gemini-2.5-flash\ntimeouts: {primary: 4s, fallback: 2s}\nstream: {first_content: 10s}\nfallbacks: [{name: gpt-4o, timeout: 3s}, {name: gpt-5, condition: latency > 5s}]",
			want: []string{"4:67: warning: fallbacks[1].condition: latency 5s is never reached, because gpt-4o is cut off after 3s without content; use less"},
		},
		{
			name: "of a latency that the limit of the whole attempt cuts off",
			file: "primary: gemini-2.5-flash\ntimeouts: {attempt: 4s}\nfallbacks: [{name: gpt-4o, condition: latency > 5s}]",
			want: []string{"3:39: warning: fallbacks[0].condition: latency 5s is never reached, because gemini-2.5-flash is cut off after 4s without content; use less"},
		},
		{
			name: "of a time to first content that nothing waits for",
			file: "primary: gemini-2.5-flash\nfallbacks: [{name: gpt-4o, condition: error || ttft > 1s}, {name: gpt-5, condition: error && ttft < 1ms}, {name: gpt-4.1, condition: ttft > 1s || confidence < 50%}]",
			want: []string{"2:39: warning: fallbacks[0].condition: ttft is 0 until there is content, so that this condition does not bound it; use latency"},
		},
		{
			name: "of timeouts that fit into the total because of conditions",
			file: "primary: gemini-2.5-flash\ntimeouts: {primary: 40s, total: 20s}\nfallbacks: [{name: gpt-4o, condition: \"cost > 0.5 || latency > 3s\"}]",
		},
		{
			name: "of timeouts that add up past the total, as a condition that depends on the caller may not help",
			file: "primary: gemini-2.5-flash\ntimeouts: {primary: 40s, total: 20s}\nfallbacks: [{name: gpt-4o, condition: \"error || latency > 3s && priority == 'paid'\"}]",
			want: []string{"2:33: warning: timeouts.total: total is 20s, but the targets may take 40s = 40s; raise it or shorten the other timeouts"},
		},
		{
			name: "of streams that take longer than the total",
			file: "primary: gemini-2.5-flash\ntimeouts: {primary: 5s, total: 20s}\nstream: {first_content: 50s}\nfallbacks: [{name: gpt-4o, timeout: 4s}]",
			want: []string{"2:32: warning: timeouts.total: total is 20s, but the targets, streamed, may take 50s + 4s = 54s; raise it or shorten the other timeouts"},
		},
		{
			name: "of timeouts that add up past the total",
			file: "primary: gemini-2.5-flash\ntimeouts: {primary: 40s, fallback: 20s, total: 1m}\nfallbacks: [{name: gpt-4o}, {name: gpt-5, timeout: 90s}, {name: cached-answer}]",
			want: []string{"2:48: warning: timeouts.total: total is 1m, but the targets may take 40s + 20s + 1m30s = 2m30s; raise it or shorten the other timeouts"},
		},
		{
			name: "of no timeouts that fit into the total",
			file: "primary: gemini-2.5-flash\ntimeouts: {primary: 40s, fallback: 20s, total: 1m}\nfallbacks: [{name: gpt-4o}]",
		},
		{
			name:  "of a cost without a price of the model before",
			file:  "primary: gemini-2.5-flash\nfallbacks: [{name: gpt-4o, condition: error || cost > 0.05}, {name: gpt-5, condition: cost > 1.0}]\nmodels: {gpt-4o: {price: {input: 1, output: 2}}}",
			known: spec.Known{Price: noPrice},
			want:  []string{`2:39: warning: fallbacks[0].condition: condition uses cost, but gemini-2.5-flash has no price; set models["gemini-2.5-flash"].price`},
		},
		{
			name:  "of no cost with a list price of the provider's id",
			file:  "primary: fast\nfallbacks: [{name: gpt-4o, condition: cost > 1.0}]\naliases: {fast: quick}\nmodels: {quick: {provider: gemini, id: gemini-2.5-flash}}",
			known: spec.Known{Price: func(id string) bool { return id == "gemini-2.5-flash" }},
		},
		{
			name: "of arms without a price",
			file: "primary: gemini-2.5-flash\nfallbacks: [{name: gpt-4o, condition: cost > 1.0}]\nbudgets: {usd_per_day: 5}\n" +
				"experiments: {x: {arms: [{model: gemini-2.5-flash, share: 50%}, {model: gpt-5, share: 50%}]}}",
			known: spec.Known{Price: func(id string) bool { return id != "gpt-5" }},
			want: []string{
				"2:39: warning: fallbacks[0].condition: condition uses cost, but gpt-5 has no price; set models.gpt-5.price",
				"4:73: warning: experiments.x.arms[1].model: budgets need the price of gpt-5; set models.gpt-5.price",
			},
		},
		{
			name: "of a soft limit with nobody else",
			file: "primary: gemini-2.5-flash\nfallbacks: [{name: template-response}, {name: gpt-4o}]\nbudgets: {usd_per_day: 5, soft_limit: {}}",
			want: []string{
				`2:47: warning: fallbacks[1].name: "gpt-4o" is never used, because template-response before it always answers; move template-response to the end`,
				"3:27: warning: budgets.soft_limit: no model takes the calls that the primary is spared; add one to the fallbacks, before template-response",
			},
		},
		{
			name:  "of a budget without prices",
			file:  "primary: gemini-2.5-flash\nfallbacks: [{name: gpt-4o}, {name: cached-answer}]\nmodels: {gpt-4o: {price: {input: 0, output: 0}}}\nbudgets: {usd_per_day: 5}",
			known: spec.Known{Price: noPrice},
			want:  []string{`1:10: warning: primary: budgets need the price of gemini-2.5-flash; set models["gemini-2.5-flash"].price`},
		},
		{
			name: "of fallbacks with smaller windows",
			file: "primary: gemini-2.5-pro\nfallbacks: [{name: gpt-4o}, {name: local-7b}, {name: template-response}]\nmodels:\n  gemini-*: {context_window: 1048576}\n  gpt-4o: {context_window: 128000}\n  local-*: {provider: openai, context_window: 32768}",
			want: []string{`2:1: warning: fallbacks: "gemini-2.5-pro" reads 1048576 tokens, and no fallback reads more than 128000: longer requests have no fallback; add a model with as large a window`},
		},
		{
			name: "of no smaller window beside one that is about as large",
			file: "primary: gemini-2.5-pro\nfallbacks: [{name: gpt-4o}, {name: local-7b}]\nmodels:\n  gemini-*: {context_window: 1048576}\n  gpt-4o: {context_window: 128000}\n  local-*: {provider: openai, context_window: 1000000}",
		},
		{
			name: "of no smaller window beside one that is unknown",
			file: "primary: gemini-2.5-pro\nfallbacks: [{name: gpt-4o}, {name: local-7b}]\nmodels:\n  gemini-*: {context_window: 1048576}\n  gpt-4o: {context_window: 128000}\n  local-*: {provider: openai}",
		},
		{
			name: "by the pattern that says the most of a model",
			file: "primary: gemini-2.5-pro\nfallbacks: [{name: gpt-4o}]\nmodels:\n  g*: {context_window: 10}\n  \"*-2.5-pro\": {context_window: 5}",
		},
		{
			name: "of one credential for all",
			file: "primary: gemini-2.5-pro\nfallbacks: [{name: gemini-2.5-flash}, {name: template-response}]",
			want: []string{"2:1: warning: fallbacks: every model uses one credential, the default of gemini; use another account for one of them, so that quota and billing cannot stop all"},
		},
		{
			name: "of no credential that differs, and of none it does not know",
			file: "primary: gemini-2.5-pro\nfallbacks: [{name: gemini-2.5-flash}]\nmodels: {gemini-2.5-flash: {credential_env: OTHER_KEY}}",
		},
		{
			name: "of names that only the application can resolve",
			file: "primary: gemini-2.5-pro\nfallbacks: [{name: house}, {name: cached-anwser}]",
			want: []string{
				`2:35: warning: fallbacks[1].name: "cached-anwser" is not a known model (did you mean cached-answer?); add models.cached-anwser.provider, or supply the model from the application`,
			},
		},
		{
			name:  "of a listed model that is misspelled",
			file:  "primary: gemini-2.5-flahs\nfallbacks: [{name: gemni-2.5-flash}]",
			known: misspelled,
			want: []string{
				`1:10: warning: primary: "gemini-2.5-flahs" is not a listed model (did you mean gemini-2.5-flash?); correct it, or set models["gemini-2.5-flahs"].context_window`,
				`2:20: warning: fallbacks[0].name: "gemni-2.5-flash" is not a known model (did you mean gemini-2.5-flash?); add models["gemni-2.5-flash"].provider, or supply`,
			},
		},
		{
			name:  "of no such name that has an entry or a server of its own",
			file:  "primary: gemini-2.5-flahs\nfallbacks: [{name: gemni-2.5-flash}]\nmodels: {gemini-2.5-flahs: {context_window: 9}, gemni-*: {provider: openai, base_url: \"http://127.0.0.1:1/v1\"}}",
			known: misspelled,
		},
		{
			name:  "as an error of a name that the application does not resolve either",
			file:  "primary: gemini-2.5-pro\nfallbacks: [{name: house}, {name: huse}]\nmodels: {house: {context_window: 2048}}",
			known: spec.Known{Model: handedIn},
			want:  []string{`2:35: fallbacks[1].name: "huse" is not a known model (did you mean house?); add models.huse.provider, or supply the model from the application`},
		},
		{
			name:  "of no alias of what the application hands in",
			file:  "primary: gemini-2.5-pro\nfallbacks: [{name: ours}]\naliases: {ours: house}",
			known: spec.Known{Model: handedIn},
		},
		{
			name: "of an outdated preview name",
			file: "primary: gemini-2.5-pro-preview-05-06\naliases: {gemini-2.5-pro-preview-05-06: gemini-2.5-pro}",
			want: []string{`1:10: warning: primary: "gemini-2.5-pro-preview-05-06" is an outdated name; use gemini-2.5-pro`},
		},
		{
			name: "of no alias that looks like a preview",
			file: "primary: house-expert\naliases: {house-expert: gemini-2.5-pro}",
		},
		{
			name: "of a model that no target uses",
			file: "primary: gpt-4o\nmodels: {gpt4o: {provider: openai}, gpt-*: {id: x}, local-*: {provider: openai}}",
			want: []string{
				`2:10: warning: models.gpt4o: no target uses "gpt4o" (did you mean gpt-4o?); name a target, or remove it`,
			},
		},
		{
			name: "of a template that no call gets",
			file: "primary: gpt-4o\ndegrade: {template: Sorry.}",
			want: []string{"2:21: warning: degrade.template: template is not used; add template-response to the fallbacks"},
		},
		{
			name: "of an order without a queue",
			file: "primary: gpt-4o\npriority: {classes: [paid]}",
			want: []string{"2:1: warning: priority: priority has no effect without rate_limits; add that section"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := spec.Check(parse(t, test.file), test.known)
			ok := len(got) == len(test.want)
			for i := 0; ok && i < len(got); i++ {
				ok = strings.HasPrefix(got[i].String(), test.want[i])
			}
			if !ok {
				t.Errorf("problems:\n%v\nwant:\n%s", got, strings.Join(test.want, "\n"))
			}
		})
	}
}

// B90: unknown facts about the example file cause warnings, but no error.
func TestFileOfTheFieldPassesCheck(t *testing.T) {
	p := parseFile(t, "testdata/good/example.yaml")
	var got []string
	for _, problem := range spec.Check(p, spec.Known{Price: func(id string) bool { return id == "gpt-4o" }}) {
		place := strings.TrimSuffix(problem.String(), ": "+problem.Message)
		got = append(got, place)
	}
	want := []string{"4:16: warning: fallbacks[0].condition"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// A Policy that was not read from a file is checked too, without places.
func TestCheckNeedsNoFile(t *testing.T) {
	p := &spec.Policy{Primary: "gpt-4o", Fallbacks: []spec.Entry{{Name: "gpt-4o"}}, RateLimits: &spec.RateLimits{}}
	var got []string
	for _, problem := range spec.Check(p, spec.Known{}) {
		got = append(got, problem.String())
	}
	want := []string{
		`0:0: fallbacks[0].name: "gpt-4o" is the same target as primary; list each target once`,
		`0:0: warning: fallbacks: every model uses one credential, the default of openai; use another account for one of them, so that quota and billing cannot stop all`,
		`0:0: rate_limits: no limit is set; set requests_per_minute, tokens_per_minute or concurrency`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// B91
func TestCyclesOfAliasesAreReportedOnce(t *testing.T) {
	got := problemsIn(t, []byte("primary: gemini-2.5-flash\naliases: {a: b, b: c, c: d, d: e, e: f, f: c, g: g}\n"))
	want := `2:26: aliases.c: aliases form a cycle: c → d → e → f → c; one of them must name a model
2:50: aliases.g: aliases form a cycle: g → g; one of them must name a model
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestErrorNamesEveryProblem(t *testing.T) {
	_, err := spec.Parse([]byte("primary: gemini-2.5-flash\nretry: {max_attempts: 0}\n"))
	want := "policy: the file has problems:\n2:23: retry.max_attempts: must be a whole number from 1 to 10, not 0"
	if err == nil || err.Error() != want {
		t.Errorf("error %v; want %s", err, want)
	}
}
