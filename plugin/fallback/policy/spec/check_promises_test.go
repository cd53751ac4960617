package spec_test

import (
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// problemsWith returns the problems of a file, errors and warnings, one per line, and
// whether the file can be used.
func problemsWith(known spec.Known, file string) (problems string, ok bool) {
	p, err := known.Parse([]byte(file))
	if err != nil {
		return err.Error(), false
	}
	var lines []string
	for _, problem := range spec.Check(p, known) {
		lines = append(lines, problem.String())
	}
	return strings.Join(lines, "\n"), true
}

// A region that a rule relies on is the one that is called, or the file is refused. B130
func TestRegionsThatRulesRelyOnAreThoseOfTheWire(t *testing.T) {
	for _, test := range []struct{ name, model, want string }{
		{"Vertex AI", "provider: vertexai, region: europe-west4", ""},
		{"Vertex AI, by its own host", "provider: vertexai, region: europe-west4, base_url: https://europe-west4-aiplatform.googleapis.com", ""},
		{"Vertex AI, by another host", "provider: vertexai, region: europe-west4, base_url: https://us-central1-aiplatform.googleapis.com", "is in region us-central1"},
		{"Vertex AI, by its global host", "provider: vertexai, region: europe-west4, base_url: https://aiplatform.googleapis.com", "is in region global"},
		{"Vertex AI with a key", "provider: vertexai, region: europe-west4, credential_env: VERTEX_KEY", "served by the global endpoint"},
		{"Vertex AI with a key, global", "provider: vertexai, region: global, credential_env: VERTEX_KEY", ""},
		{"the Gemini API", "provider: gemini, region: europe-west4", "the Gemini API has no regions"},
		{"the Gemini API by its host", "provider: gemini, region: europe-west4, base_url: https://generativelanguage.googleapis.com", "the Gemini API has no regions"},
		{"OpenAI", "provider: openai, region: europe", "openai's own endpoint has no region"},
		{"OpenAI by its host", "provider: openai_chat, region: europe, base_url: https://API.openai.com/v1", "own endpoint has no region"},
		{"OpenAI in Europe", "provider: openai, region: europe, base_url: https://eu.api.openai.com/v1", ""},
		{"OpenAI in the United States", "provider: openai, region: europe, base_url: https://us.api.openai.com/v1", "is in region us"},
		{"Anthropic", "provider: anthropic, region: europe", "anthropic's own endpoint has no region"},
		{"Bedrock", "provider: openai, region: europe, base_url: https://bedrock-runtime.us-east-1.amazonaws.com/openai/v1", "is in region us-east-1"},
		{"Vertex AI's endpoint of several regions", "provider: vertexai, region: europe-west4, base_url: https://aiplatform.us.rep.googleapis.com", "is in region us"},
		{"Vertex AI by mutual TLS", "provider: vertexai, region: europe-west4, base_url: https://us-central1-aiplatform.mtls.googleapis.com", "is in region us-central1"},
		{"a location in the id", "provider: vertexai, region: europe-west4, id: projects/p/locations/us-central1/endpoints/7", "id names location"},
		{"another host of Google's", "provider: vertexai, region: europe-west4, base_url: https://storage.googleapis.com", "own endpoint has no region"},
		{"OpenAI in no place that is known", "provider: openai, region: eu-north-1, base_url: https://e.api.openai.com/v1", "own endpoint has no region"},
		{"OpenAI in Europe, more exactly", "provider: openai, region: europe-west4, base_url: https://eu.api.openai.com/v1", "is in region eu"},
		{"Bedrock, by its new hosts", "provider: openai, region: europe, base_url: https://bedrock-mantle.us-east-1.api.aws/v1", "is in region us-east-1"},
		{"a server of one's own", "provider: openai, region: europe, base_url: http://10.0.0.7/v1", ""},
		{"no region", "provider: openai", ""},
	} {
		file := "primary: m\nmodels: {m: {" + test.model + "}}\n"
		if problems, ok := problemsWith(spec.Known{}, file+"compliance: {rules: [{data_classes: [pii], regions: ['eu*']}]}"); ok != (test.want == "") || !strings.Contains(problems, test.want) {
			t.Errorf("%s: usable %t, problems %q; want %q", test.name, ok, problems, test.want)
		}
		if problems, ok := problemsWith(spec.Known{}, file); !ok || !strings.Contains(problems, test.want) {
			t.Errorf("%s, without a rule: usable %t, problems %q; want a warning", test.name, ok, problems)
		}
	}
}

// A key in the place of a variable's name is neither used as a name nor printed. B132
func TestAKeyIsNoVariable(t *testing.T) {
	for _, key := range []string{
		"sk_live_4eC39HqLyjWDarjtT1zdp7dc", "AIzaSyD4iE2xVSpkLLOXoyqT0RuPwURN3ddScAI", "hf_abcdefghijklmnopqrstuvwxyzABCDEFGH", "gsk_AbCdEfGh12345678IjKlMnOp90123456",
		"xai_1234567890abcdefABCDEF1234567890", "A1b2C3d4E5f6G7h8I9j0", "d41d8cd98f00b204e9800998ecf8427e", "fw_3ZabcdefGHIJKL12345678",
	} {
		for _, file := range []string{
			"primary: gpt-4o\nmodels: {gpt-4o: {credential_env: " + key + "}}", "primary: gpt-4o\nstate: {url_env: " + key + "}",
			"primary: gpt-4o\nmodels: {gpt-4o: {base_url: https://user:" + key + "@host/v1}}",
		} {
			problems, ok := problemsWith(spec.Known{}, file)
			for i := 0; i+8 <= len(key); i++ {
				if strings.Contains(problems, key[i:i+8]) {
					t.Errorf("%s: problems %q show it", file, problems)
					break
				}
			}
			if ok {
				t.Errorf("%s is taken", file)
			}
		}
	}
	for _, name := range []string{"OPENAI_API_KEY", "openai_api_key", "KEY2", "GEMINI_API_KEY_BACKUP_2026", "AzureOpenAIKey", "OPENROUTER_API_KEY", "TEAM42_PROD_KEY", "K8S_SECRET_OPENAI_EUROPE_WEST4"} {
		if problems, ok := problemsWith(spec.Known{}, "primary: gpt-4o\nmodels: {gpt-4o: {credential_env: "+name+"}}"); !ok {
			t.Errorf("%s is refused: %s", name, problems)
		}
	}
}

// Names may be in any script and contain the separators that identity providers use. B133
func TestNamesInAnyScript(t *testing.T) {
	problems, ok := problemsWith(spec.Known{}, `
primary: gpt-4o
budgets: {tenants: {Müller GmbH: {usd_per_day: 1}, "auth0|abc": {usd_per_day: 1}, 株式会社: {usd_per_day: 1}, "a+b@example.org": {usd_per_day: 1}, `+strings.Repeat("ä", 128)+`: {usd_per_day: 1}}}
compliance: {rules: [{tenants: [Müller GmbH, "auth0|abc"], data_classes: [персональные, PII], targets: ["*"]}]}
`)
	if !ok || problems != "" {
		t.Errorf("usable %t, problems %s", ok, problems)
	}
	for _, name := range []string{"' a'", "\"a\\tb\"", "a,b", "''", "\"\\u202ea\"", strings.Repeat("ä", 129)} {
		if _, ok := problemsWith(spec.Known{}, "primary: gpt-4o\nbudgets: {tenants: {"+name+": {usd_per_day: 1}}}"); ok {
			t.Errorf("the name %s is taken", name)
		}
	}
}

func TestWhatIsProbablyAMistakeIsWarnedOf(t *testing.T) {
	known := spec.Known{Code: func(word string) bool { return word == "overloaded_error" }}
	for _, test := range []struct {
		file, want string
		known      spec.Known
	}{
		{"errors: {codes: [429, network, any, overloaded_error, RESOURCE_EXHAUSTED, insufficient_quota]}", "", spec.Known{}},
		{"errors: {codes: [canceled]}", "3:18: errors.codes[0]: canceled never matches", spec.Known{}},
		{"errors: {codes: [content]}", "3:18: errors.codes[0]: content has no effect here; set errors.content_policy", spec.Known{}},
		{"errors: {codes: [Ratelimit]}", `3:18: warning: errors.codes[0]: "Ratelimit" is not a kind (did you mean rate_limit?)`, spec.Known{}},
		{"errors: {codes: [RATE-LIMIT]}", `3:18: warning: errors.codes[0]: "RATE-LIMIT" is not a kind (did you mean rate_limit?)`, spec.Known{}},
		{"errors: {codes: [netwerk]}", `3:18: warning: errors.codes[0]: "netwerk" is not a kind (did you mean network?)`, spec.Known{}},
		{"errors: {codes: [overloaded_error, Timeout]}", "", known},
		{"errors: {codes: [offline_error]}", `3:18: errors.codes[0]: "offline_error" is neither a kind nor a known code`, known},
		{"timeouts: {primary: 4s}\nhedge: {delay: 4s}", "4:16: warning: hedge.delay: delay 4s is never reached, because gpt-4o is cut off after 4s", spec.Known{}},
		{"timeouts: {attempt: 3s}\nhedge: {delay: 4s}", "4:16: warning: hedge.delay: delay 4s is never reached, because gpt-4o is cut off after 3s", spec.Known{}},
		{"timeouts: {primary: 4s}\nstream: {first_content: 9s}\nhedge: {delay: 5s}", "", spec.Known{}},
		{"hedge: {delay: 1s}", "", spec.Known{}},
		{"cache: {rules: [{agent: a, skip: true, ttl: 1m}]}", "3:45: cache.rules[0].ttl: an answer that is not kept has no ttl; remove skip or ttl", spec.Known{}},
		{"cache: {rules: [{skip: true}, {agent: a}]}", "3:17: warning: cache.rules[0]: rule matches every call, so that the rules after it have no effect", spec.Known{}},
		{"cache: {rules: [{agent: a}, {skip: true}]}", "", spec.Known{}},
		{"degrade: {retrieval: {}}", "3:11: warning: degrade.retrieval: retrieval is not used; add retrieval-answer to the fallbacks", spec.Known{}},
		{"budgets: {tenants: {A: {usd_per_day: 1}, a: {usd_per_day: 2}}}", `3:42: budgets.tenants.a: "a" is the same tenant as "A"; case does not matter`, spec.Known{}},
		{"timeouts: {primary: 2s}\nhedge: {min_delay: 3s}", "4:20: warning: hedge.min_delay: min_delay 3s is never reached", spec.Known{}},
		{"flags: {a: {targets: [gpt-*]}, b: {targets: [gemini-*]}}", "3:1: warning: flags: while all of these flags are off", spec.Known{}},
		{"hedge: {delay: 1s, min_delay: 200ms}", "3:31: warning: hedge.min_delay: min_delay has no effect beside delay", spec.Known{}},
		{"flags: {off: {targets: ['*']}}", "3:15: warning: flags.off.targets: while this flag is off, no target is left", spec.Known{}},
		{"flags: {off: {targets: [gpt-*, gemini-2.5-pro]}}", "3:15: warning: flags.off.targets", spec.Known{}},
		{"flags: {off: {targets: [gpt-*]}}", "", spec.Known{}},
		{"models: {gpt-4o: {config: {thinking_budget: 1, thinking_level: low}}}", "3:64: models.gpt-4o.config.thinking_level: thinking_level and thinking_budget exclude", spec.Known{}},
		{"models: {gpt-4o: {config: {thinking_budget: null, thinking_level: low, system: null}}}", "", spec.Known{}},
		{"models: {gpt-4o: {config: {system: }}}", "3:36: models.gpt-4o.config.system: must be a mapping with prefix, replace, not empty", spec.Known{}},
		{"models: {gpt-4o: {config: {system: ~}}}", "", spec.Known{}},
		{"models: {gpt-4o: {config: {system: {}}}}", "3:28: models.gpt-4o.config.system: set either prefix or replace", spec.Known{}},
		{"models: {gpt-4o: {config: {system: {prefix: a, replace: b}}}}", "3:28: models.gpt-4o.config.system: set either", spec.Known{}},
	} {
		file := "primary: gpt-4o\nfallbacks: [{name: gemini-2.5-pro}]\n" + test.file
		problems, _ := problemsWith(test.known, file)
		problems = strings.TrimPrefix(problems, "policy: the file has problems:\n")
		if test.want == "" && problems != "" || !strings.HasPrefix(problems, test.want) {
			t.Errorf("%s:\n%s\nwant\n%s", test.file, problems, test.want)
		}
	}
}

// The context windows of listed models are known without the file, unless the application
// supplies a model of that name.
func TestWindowsOfListedModelsAreKnown(t *testing.T) {
	known := spec.Known{Window: func(id string) (int, bool) { return map[string]int{"gemini-2.5-pro": 1000, "gpt-4o": 100}[id], true }}
	problems, _ := problemsWith(known, "primary: gemini-2.5-pro\nfallbacks: [{name: gpt-4o}]")
	if !strings.Contains(problems, `"gemini-2.5-pro" reads 1000 tokens, and no fallback reads more than 100`) {
		t.Errorf("problems %s", problems)
	}
	known.Model = func(name string) bool { return name == "gpt-4o" }
	if problems, _ := problemsWith(known, "primary: gemini-2.5-pro\nfallbacks: [{name: gpt-4o}]"); problems != "" {
		t.Errorf("gpt-4o of the application: problems %s", problems)
	}
}
