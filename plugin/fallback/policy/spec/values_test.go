package spec

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"pgregory.net/rapid"

	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec/internal/texts"
)

// plain is a scalar as written in a file, and its value in JSON, as an editor reads it.
type plain struct {
	text string
	json any
}

// plains draws scalars in all forms of the core schema of YAML 1.2, and texts that look
// similar.
func plains() *rapid.Generator[plain] {
	whole := rapid.Custom(func(t *rapid.T) plain {
		n := rapid.OneOf(rapid.IntRange(-3, 12), rapid.IntRange(395, 605), rapid.IntRange(-1e12, 1e13)).Draw(t, "n")
		forms := []string{"%d", "%d.0", "%d.", "%de0", "%d.0E+0"}
		if n >= 0 {
			forms = append(forms, "+%d", "0%d", "0x%x", "0x%X", "0o%o")
		}
		return plain{fmt.Sprintf(rapid.SampledFrom(forms).Draw(t, "form"), n), float64(n)}
	})
	broken := rapid.Custom(func(t *rapid.T) plain {
		n := float64(rapid.IntRange(-300, 300).Draw(t, "hundredths")) / 100
		text := strconv.FormatFloat(n, rapid.SampledFrom([]byte("feE")).Draw(t, "form"), -1, 64)
		if rapid.Bool().Draw(t, "without 0") {
			text = strings.Replace(text, "0.", ".", 1)
		}
		return plain{text, n}
	})
	word := rapid.Custom(func(t *rapid.T) plain {
		text := rapid.OneOf(
			rapid.StringMatching(`[0-9]{1,4}(\.[0-9]{1,2})?(ns|us|µs|ms|s|m|h|%|B|kB|MiB|TiB)`), rapid.StringMatching(`\$[0-9]{1,3}(\.[0-9]{1,2})?`),
			rapid.StringMatching(`[+0]?[0-9]{1,3}`), rapid.StringMatching(`[A-Za-z0-9_.:/@*ä -]{0,9}`),
			rapid.SampledFrom([]string{"true", "null", "UTC", "Mars/X", "https://x.y/z", "http://[::1", "fail", "restart", "tools", "tenant", "labels.plan", "1h30m", strings.Repeat("ä", texts.Max)}),
		).Draw(t, "word")
		return plain{strconv.Quote(text), text}
	})
	return rapid.OneOf(whole, broken, word, rapid.SampledFrom([]plain{
		{"true", true}, {"True", true}, {"TRUE", true}, {"false", false}, {"False", false}, {"FALSE", false},
		{"", nil}, {"~", nil}, {"null", nil}, {"Null", nil}, {"NULL", nil},
		{"yes", "yes"}, {"On", "On"}, {"y", "y"}, {"1_0", "1_0"}, {"0b1", "0b1"}, {"0x", "0x"}, {"1e", "1e"}, {"12:30", "12:30"}, {"2024-01-01", "2024-01-01"},
		{"tRUE", "tRUE"}, {"!!str 429", "429"}, {"!!int \"429\"", 429.0}, {"!!bool \"true\"", true},
	}))
}

// looser reports the texts for which the schema cannot decide whether they are allowed.
func looser(s *strictyaml.Scalar) bool {
	return slices.ContainsFunc([]string{"a duration", "a share", "US dollars", "a size", "a time zone", "an http", "a regular expression", "text of 1 to 512 bytes"}, func(kind string) bool {
		return strings.HasPrefix(s.Allowed, kind)
	})
}

// B91: the schema and Parse agree on every value, for each kind of values in the format.
func TestSchemaAndParserReadTheSameValues(t *testing.T) {
	kinds := format().Scalars()
	if len(kinds) < 40 {
		t.Errorf("%d kinds; want all", len(kinds))
	}
	all := plains()
	for allowed, s := range kinds {
		if s.Compile != nil {
			continue // its language is not the schema's to know
		}
		t.Run(allowed, func(t *testing.T) {
			schema, err := s.Schema.CloneSchemas().Resolve(&jsonschema.ResolveOptions{})
			if err != nil {
				t.Fatal(err)
			}
			rapid.Check(t, func(t *rapid.T) {
				p := all.Draw(t, "plain")
				v, ok := strictyaml.ParseValue(p.text)
				if !ok {
					t.Fatalf("%s is no scalar", p.text)
				}
				value, read := s.Read(v)
				err := schema.Validate(p.json)
				_, text := p.json.(string)
				if read && err != nil || !read && err == nil && !(text && looser(s)) {
					t.Errorf("%s: read %t, schema %v", p.text, read, err)
				}
				if number, ok := p.json.(float64); ok && read {
					v := reflect.ValueOf(value)
					if v.Kind() == reflect.String { // a code
						value, _ = strconv.ParseFloat(v.String(), 64)
					} else {
						value = v.Convert(reflect.TypeFor[float64]()).Float()
					}
					if value != number {
						t.Errorf("%s is read as %v", p.text, value)
					}
				}
			})
		})
	}
}

// Booleans of the core schema are conditions too, and every key is text.
func TestKeysAndConditionsByTheCoreSchema(t *testing.T) {
	p, err := Parse([]byte("primary: gemini-2.5-flash\nfallbacks: [{name: gpt-5, condition: TRUE}]\n" +
		"budgets: {tenants: {4711: {usd_per_day: .5}, true: {usd_per_day: 0x10}, 2024-01-01: {usd_per_day: +1.}, 1.50: {usd_per_day: 1}}}\nversion: 1.0\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]TenantBudget{"4711": {0.5}, "true": {16}, "2024-01-01": {1}, "1.50": {1}}
	if p.Fallbacks[0].Condition.String() != "true" || !reflect.DeepEqual(p.Budgets.Tenants, want) {
		t.Errorf("condition %q, tenants %v; want true and %v", p.Fallbacks[0].Condition, p.Budgets.Tenants, want)
	}
}
