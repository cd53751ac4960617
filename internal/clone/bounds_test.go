package clone_test

import (
	"reflect"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/clone"
)

// doubling is 2^40 long when written out: every level refers to the next one twice.
func doubling[T any](leaf T, twice func(T) T) T {
	for range 40 {
		leaf = twice(leaf)
	}
	return leaf
}

// B60: values that refer to one part many times are copied in time linear in their
// size, and keep their form. Copied part by part, they would take years.
func TestCloneOfDoublingValues(t *testing.T) {
	type rows []rows
	for name, value := range map[string]any{
		"schema, AnyOf": doubling(&genai.Schema{}, func(s *genai.Schema) *genai.Schema { return &genai.Schema{AnyOf: []*genai.Schema{s, s}} }),
		"schema, Properties and Items": doubling(&genai.Schema{}, func(s *genai.Schema) *genai.Schema {
			return &genai.Schema{Properties: map[string]*genai.Schema{"a": s}, Items: s}
		}),
		"JSON schema": doubling(&jsonschema.Schema{}, func(s *jsonschema.Schema) *jsonschema.Schema {
			return &jsonschema.Schema{Items: s, Defs: map[string]*jsonschema.Schema{"a": s}}
		}),
		"maps":       doubling(map[string]any{"a": 1.0}, func(m map[string]any) map[string]any { return map[string]any{"a": m, "b": m} }),
		"lists":      doubling([]any{1.0}, func(l []any) []any { return []any{l, l} }),
		"typed list": doubling(rows{nil}, func(r rows) rows { return rows{r, r} }),
	} {
		t.Run(name, func(t *testing.T) {
			checkClone(t, &model.LLMRequest{Config: &genai.GenerateContentConfig{ResponseJsonSchema: value}})
			schema, _ := value.(*genai.Schema)
			checkClone(t, &model.LLMRequest{Config: &genai.GenerateContentConfig{ResponseSchema: schema}})
			args, _ := value.(map[string]any)
			contents := []*genai.Content{{Parts: []*genai.Part{{FunctionCall: &genai.FunctionCall{Args: args}}}}}
			if copied := clone.Contents(contents); args != nil && reflect.ValueOf(copied[0].Parts[0].FunctionCall.Args).Pointer() == reflect.ValueOf(args).Pointer() {
				t.Error("the arguments are shared")
			}
		})
	}
}

// B60: a cycle is copied as a cycle.
func TestCloneOfCycles(t *testing.T) {
	schema := &genai.Schema{}
	schema.Items, schema.AnyOf = schema, []*genai.Schema{schema}
	object := map[string]any{}
	object["self"], object["again"] = object, []any{object}
	list := []any{nil, nil}
	list[0], list[1] = list, list
	live := &struct{ n int }{}
	req := &model.LLMRequest{
		Contents: []*genai.Content{{Parts: []*genai.Part{{FunctionResponse: &genai.FunctionResponse{Response: map[string]any{"list": list}}}}}},
		Config:   &genai.GenerateContentConfig{ResponseSchema: schema, ResponseJsonSchema: object},
		Tools:    map[string]any{"a": live, "b": map[string]any{"x": 1}},
	}
	checkClone(t, req)
	copied := clone.Request(req)
	if s := copied.Config.ResponseSchema; s.Items != s || s.AnyOf[0] != s {
		t.Error("the schema's copy refers to another schema, want itself")
	}
	req.Contents[0].Parts[0].FunctionResponse.Response["live"] = live
	if got := clone.Request(req).Contents[0].Parts[0].FunctionResponse.Response["live"]; got != any(live) {
		t.Error("a live value was copied, want it shared")
	}
}

// B60: nesting is bounded only where it could overflow the stack.
func TestCloneOfDeepValues(t *testing.T) {
	nested := func(levels int) map[string]any {
		inner := map[string]any{}
		for range levels {
			inner = map[string]any{"a": []any{inner}}
		}
		return inner
	}
	checkClone(t, &model.LLMRequest{Config: &genai.GenerateContentConfig{ResponseJsonSchema: nested(1000)}})

	bottom := &genai.Schema{}
	top := bottom
	for range 200_000 {
		top = &genai.Schema{Items: top}
	}
	copied := clone.Request(&model.LLMRequest{Config: &genai.GenerateContentConfig{ResponseSchema: top}})
	if got := copied.Config.ResponseSchema; got == top || got.Items == top.Items {
		t.Error("the first levels are shared")
	}
	last := copied.Config.ResponseSchema
	for last.Items != nil {
		last = last.Items
	}
	if last != bottom {
		t.Error("the last of 200,000 levels was copied, want it shared")
	}
}

// B60: the number of values is not bounded.
func TestCloneOfWideValues(t *testing.T) {
	rows := make([]any, 150_000)
	for i := range rows {
		rows[i] = map[string]any{"n": float64(i)}
	}
	contents := clone.Contents([]*genai.Content{{Parts: []*genai.Part{{FunctionResponse: &genai.FunctionResponse{Response: map[string]any{"rows": rows}}}}}})
	copied := contents[0].Parts[0].FunctionResponse.Response["rows"].([]any)
	for i := range rows {
		copied[i].(map[string]any)["n"] = -1.0
	}
	for i, row := range rows {
		if got := row.(map[string]any)["n"]; got != float64(i) {
			t.Fatalf("row %d changed to %v", i, got)
		}
	}
}
