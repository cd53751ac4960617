package spec_test

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"go.yaml.in/yaml/v4"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

func TestSchemaAcceptsGoodFiles(t *testing.T) {
	schema := resolve(t)
	for _, path := range files(t, "testdata/good") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			if err := schema.Validate(instance(t, string(read(t, path)))); err != nil {
				t.Error(err)
			}
		})
	}
}

// The schema refuses the mistakes that are in one value.
func TestSchemaRefusesWhatParseRefusesInOneValue(t *testing.T) {
	schema := resolve(t)
	for _, value := range []string{
		"primry: a", "primary: 4", "fallbacks: [gpt-4o]", "fallbacks: [{nam: a}]", "fallbacks: [{name: a, condition: 5}]", "fallbacks: [{name: a, condition: ''}]",
		"timeouts: {primary: 4}", "timeouts: {primary: 4 s}", "timeouts: {primary: -4s}", "timeouts: {primary: 1d}", "timeouts:",
		"circuit_breaker: {failure_threshold: 0}", "circuit_breaker: {failure_threshold: '5'}", "circuit_breaker: {failure_threshold: 2.5}",
		"circuit_breaker: {failure_ratio: 150}", "circuit_breaker: {failure_ratio: half}", "errors: {codes: []}", "errors: {codes: [200]}", "errors: {codes: [a b]}",
		"errors: {content_policy: Fail}", "cache: {max_bytes: 1}", "cache: {max_bytes: 64 megs}", "cache: {ttl: 5}",
		"budgets: {usd_per_day: -1}", "budgets: {usd_per_day: 5 EUR}", "budgets: {tenants: {acme: 5}}", "models: {'a,b': {}}", "models: {a: {provider: openia}}",
		"models: {a: {capabilities: [telepathy]}}", "models: {a: {price: {input: 1}}}", "models: {a: {credential_env: sk-123}}", "models: {a: {base_url: ftp://x}}",
		"models: {a: {config: {temperature: 3}}}", "flags: {f: {targets: [a], default: 'yes'}}", "aliases: {a: 5}", "context: {tenant: a b}", "priority: {from: plan, classes: [a]}",
		"fallbacks: [{name: " + strings.Repeat("ä", 129) + "}]", "models: {'" + strings.Repeat("*", 129) + "': {}}",
		"version: 2", "alerts: []", "alerts: {budget_burn: 0.5}", "alerts: {disable: [burn]}", "alerts: {labels: {__x: y}}", "state: {prefix: 5}", "state: http://localhost", "state: {url: redis://me@host}", "state:", "colour: red", "cache: {tll: 5m}", "models: {a: {price: {input: 1, output: 2, thinking: 3}}}",
	} {
		text := value
		if !strings.HasPrefix(value, "prim") {
			text = "primary: gemini-2.5-flash\n" + value
		}
		if _, err := spec.Parse([]byte(text)); err == nil {
			t.Errorf("Parse takes %s", value)
		}
		if schema.Validate(instance(t, text)) == nil {
			t.Errorf("the schema takes %s", value)
		}
	}
}

func TestSchemaKnowsAndDescribesEveryKey(t *testing.T) {
	keys := 0
	var walk func(path string, typ reflect.Type, s *jsonschema.Schema)
	walk = func(path string, typ reflect.Type, s *jsonschema.Schema) {
		switch {
		case typ.Kind() == reflect.Pointer:
			walk(path, typ.Elem(), s)
		case typ.Kind() == reflect.Slice:
			walk(path, typ.Elem(), s.Items)
		case typ.Kind() == reflect.Map:
			walk(path, typ.Elem(), s.AdditionalProperties)
		case typ.Kind() == reflect.Struct && typ != reflect.TypeFor[spec.Condition]():
			for i := range typ.NumField() {
				key, _, _ := strings.Cut(typ.Field(i).Tag.Get("key"), ",")
				if key == "" {
					if typ.Field(i).IsExported() && typ.Field(i).Tag.Get("nulls") == "" {
						t.Errorf("%s.%s has no key", typ, typ.Field(i).Name)
					}
					continue
				}
				keys++
				property := s.Properties[key]
				if property == nil || !strings.HasSuffix(property.Description, ".") {
					t.Errorf("%s.%s: schema %+v; want one with a description", path, key, property)
					continue
				}
				if len(property.AnyOf) > 0 && property.AnyOf[0].Properties != nil { // or null, or the value of one key
					property = property.AnyOf[0]
				}
				walk(path+"."+key, typ.Field(i).Type, property)
			}
		}
	}
	walk("", reflect.TypeFor[spec.Policy](), spec.Schema())
	if keys < 100 {
		t.Errorf("%d keys; want all", keys)
	}
}

// The full example has every key.
func TestFullExampleHasEverySection(t *testing.T) {
	full := instance(t, string(read(t, "testdata/good/full.yaml"))).(map[string]any)
	for key := range spec.Schema().Properties {
		if _, ok := full[key]; !ok {
			t.Errorf("full.yaml has no %s", key)
		}
	}
}

// Omitted keys have the defaults of their section.
func TestDefaultsAreAllowed(t *testing.T) {
	var walk func(path string, s *jsonschema.Schema)
	walk = func(path string, s *jsonschema.Schema) {
		if s == nil {
			return
		}
		if s.Default != nil {
			resolved, err := s.CloneSchemas().Resolve(&jsonschema.ResolveOptions{ValidateDefaults: true})
			if err != nil {
				t.Errorf("%s: default %s: %v, %v", path, s.Default, resolved, err)
			}
		}
		for key, property := range s.Properties {
			walk(path+"."+key, property)
		}
		walk(path+"[]", s.Items)
		walk(path+".*", s.AdditionalProperties)
	}
	walk("", spec.Schema())
}

func TestSchemaCanBeWrittenAndChanged(t *testing.T) {
	first, err := json.Marshal(spec.Schema())
	if err != nil {
		t.Fatal(err)
	}
	changed := spec.Schema()
	changed.Properties["primary"].Pattern = "x"
	changed.Properties["timeouts"].Properties["primary"].Pattern = "x"
	second, err := json.Marshal(spec.Schema())
	if err != nil || string(first) != string(second) {
		t.Errorf("the schema is another one after its copy was changed, or %v", err)
	}
}

func resolve(t *testing.T) *jsonschema.Resolved {
	t.Helper()
	schema, err := spec.Schema().Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// instance returns a file in JSON's types, as an editor's validator reads it.
func instance(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := yaml.Load([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
