package spec

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/adk-fallback/adk-fallback/internal/race"
)

// replacements are put in the place of each value and key of a file: values of each type
// and unit, at and beyond bounds, null, names in other scripts, and words of enums.
var replacements = []string{
	"null", "~", "", "true", "false", "0", "1", "-1", "2", "7", "0.5", "1.5", "100", "429", "99999999999999", "0.25", "0x10", "1e3", ".inf",
	"10s", "0s", "1d", "100h", "50%", "101%", "$5", "64MiB", "1kB", "UTC", "[]", "{}", "[a]", "[1]", "{a: b}", "[[a]]", "{a: {b: c}}",
	"name", "a b", "Müller GmbH", "株式会社", "auth0|abc", "a+b@example.org", "' a'", "a,b", "'*'", "europe-*", "персональные", "\"a\\tb\"", "\"\\u202ea\"",
	"high", "minimal", "none", "drop", "fail", "openai", "tools", "tenant", "labels.plan", "RESOURCE_EXHAUSTED", "OPENAI_API_KEY", "http://127.0.0.1/v1", "https://u:p@h/",
	"{prefix: x}", "{replace: x}", "{prefix: null}", "{prefix: ''}", "[search, 'get_*']", "['']", "[null]", "{usd_per_day: 1}", "{input: 1, output: 2}", "{input: null, output: 2}",
}

// each calls f with n and all that is in it; replace puts another node in its place.
func each(n *yaml.Node, f func(n *yaml.Node)) {
	f(n)
	for _, within := range n.Content {
		each(within, f)
	}
}

// settings is a file with what the full example does not have: each setting of a model, null
// and not, and the lists and switches beside them.
const settings = `
primary: m
models:
  m:
    provider: openai
    tools: [search, "get_*"]
    unsupported: drop
    takes: {temperature: false, thinking_levels: [low, high], provider_tools: [google_search], media: [image/png], stop_sequences: 4}
    config: {temperature: null, top_p: null, top_k: null, max_output_tokens: null, stop_sequences: null, seed: null, presence_penalty: null, frequency_penalty: null, thinking_budget: null, thinking_level: null, system: null}
  n:
    provider: vertexai
    config: {temperature: 1, top_p: 0.5, top_k: 3, max_output_tokens: 10, stop_sequences: [x], seed: 1, presence_penalty: 1, frequency_penalty: 1, thinking_budget: 100, system: {prefix: x, replace: y}}
  o: {provider: gemini, config: {thinking_level: low, system: {replace: x}}}
`

// switching is a file with the keys of the switch to a fallback.
const switching = `
primary: m
fallbacks: [{name: n}]
circuit_breaker: {successes_to_close: 3, probe: true, probe_timeout: 5s}
warm_standby: {models: [n, "local-*"], interval: 30s, timeout: 5s}
sticky: none
stay_for: 1m
notice: {text: Another model answers., place: metadata}
gate: {tools: [pay, "delete_*"], approve: false}
preview: {model: n, timeout: 300ms}
models: {n: {tier: strong}}
experiments:
  brownout:
    arms: [{model: m, share: 100%}, {model: n, share: 0%}]
    adaptive: {min_share: 2%, increase: 15%, decrease: 50%, step: 1s, slow_after: 2s}
`

// B91: an editor and Parse agree on a file in which one value or key is another one, up to
// what the schema cannot say: the language of a condition, and of texts in looser.
func TestSchemaAndParserAgreeOnMutations(t *testing.T) {
	if race.Enabled {
		t.Skip("takes half a minute under the race detector, and starts no goroutine; run it without -race")
	}
	full, err := os.ReadFile("testdata/good/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := Schema().Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	refused, taken, turn := 0, 0, 0
	for _, file := range []struct {
		name, text string
		each       int // replacements of a node; in turn, so that nodes of a kind get all of them
	}{{"full.yaml", string(full), 1}, {"settings", settings, 3}, {"switching", switching, 6}} {
		var doc yaml.Node
		if err := yaml.Load([]byte(file.text), &doc); err != nil {
			t.Fatal(err)
		}
		each(doc.Content[0], func(n *yaml.Node) {
			was := *n
			for range file.each {
				with := replacements[turn%len(replacements)]
				turn++
				var value yaml.Node
				if err := yaml.Load([]byte(with+"\n"), &value); err != nil || len(value.Content) == 0 {
					value.Content = []*yaml.Node{{Kind: yaml.ScalarNode, Tag: "!!null"}}
				}
				*n = *value.Content[0]
				changed, err := yaml.Dump(&doc)
				*n = was
				if err != nil {
					t.Fatal(err)
				}
				var p Policy
				problems := format().Decode(changed, &p).Problems
				invalid := schema.Validate(inJSON(t, changed))
				switch {
				case len(problems) == 0 && invalid == nil:
					taken++
				case len(problems) > 0 && (invalid != nil || schemaCannotKnow(problems[0]) || with == "" && strings.HasSuffix(problems[0].Message, ", not empty")):
					// a value that is missing where null may be written is null in JSON
					refused++
				default:
					t.Errorf("%s, line %d: %q for %q: problems %v, schema %v", file.name, was.Line, with, was.Value, problems, invalid)
				}
			}
		})
	}
	if refused < 500 || taken < 50 {
		t.Errorf("%d mutations refused and %d taken by both; want many", refused, taken)
	}
}

// schemaCannotKnow reports whether a problem is a mistake in a condition, or in a kind of
// value of which looser says so.
func schemaCannotKnow(p Problem) bool {
	for _, s := range format().Scalars() {
		if looser(s) && strings.Contains(p.Message, "must be "+s.Allowed) {
			return true
		}
	}
	return strings.HasSuffix(p.Path, ".condition") && !strings.HasPrefix(p.Message, "must be")
}

// inJSON returns a file as an editor's validator has it.
func inJSON(t *testing.T, file []byte) (v any) {
	t.Helper()
	var inYAML any
	if err := yaml.Load(file, &inYAML); err != nil {
		return err.Error() // a duplicate key, which both refuse
	}
	data, err := json.Marshal(withTextKeys(inYAML))
	if err != nil {
		return err.Error() // an infinite number
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// withTextKeys returns a value with mappings whose keys are text, as in JSON.
func withTextKeys(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = withTextKeys(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = withTextKeys(v[key])
		}
	case map[any]any:
		all := make(map[string]any, len(v))
		for key := range v {
			all[fmt.Sprint(key)] = withTextKeys(v[key])
		}
		return all
	}
	return v
}
