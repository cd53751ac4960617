package wireschema_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/wireschema"
)

// The order of properties survives, whatever form a schema has, at any depth and in a form
// of strict mode.
func TestOrderOfProperties(t *testing.T) {
	text := genai.Schema{Type: genai.TypeString}
	const want = `{"additionalProperties":false,"properties":{"reasons":{"items":{"additionalProperties":false,"properties":{"text":{"type":"string"},"quote":{"type":"string"}},` +
		`"required":["text","quote"],"type":"object"},"type":"array"},"answer":{"type":"string"}},"required":["reasons","answer"],"type":"object"}`
	plain := &jsonschema.Schema{Type: "string"}
	for name, schema := range map[string]any{
		"text": json.RawMessage(want),
		"genai": &genai.Schema{
			Type: genai.TypeObject, Required: []string{"reasons", "answer"}, PropertyOrdering: []string{"reasons", "answer"},
			Properties: map[string]*genai.Schema{"answer": &text, "reasons": {Type: genai.TypeArray, Items: &genai.Schema{
				Type: genai.TypeObject, Required: []string{"text", "quote"}, PropertyOrdering: []string{"text", "quote"},
				Properties: map[string]*genai.Schema{"quote": &text, "text": &text},
			}}},
		},
		"jsonschema": &jsonschema.Schema{
			Type: "object", Required: []string{"reasons", "answer"}, PropertyOrder: []string{"reasons", "answer"},
			Properties: map[string]*jsonschema.Schema{"answer": plain, "reasons": {Type: "array", Items: &jsonschema.Schema{
				Type: "object", Required: []string{"text", "quote"}, PropertyOrder: []string{"text", "quote"},
				Properties: map[string]*jsonschema.Schema{"quote": plain, "text": plain},
			}}},
		},
		"map": map[string]any{
			"type": "object", "required": []string{"reasons", "answer"}, "propertyOrdering": []string{"reasons", "answer"},
			"properties": map[string]any{"answer": map[string]any{"type": "string"}, "reasons": map[string]any{"type": "array", "items": map[string]any{
				"type": "object", "required": []any{"text", "quote"}, "propertyOrdering": []any{"text", "quote"},
				"properties": map[string]any{"quote": map[string]any{"type": "string"}, "text": map[string]any{"type": "string"}},
			}}},
		},
	} {
		converted, order, err := wireschema.Ordered(schema)
		if err != nil {
			t.Fatal(err)
		}
		strict, ok := wireschema.Strict(converted)
		if got, err := order.Marshal(strict); !ok || err != nil || string(got) != want {
			t.Errorf("%s: strict %v, %v\ngot  %s\nwant %s", name, ok, err, got, want)
		}
		again, order, err := wireschema.Ordered(order.Keep(converted))
		if err != nil {
			t.Fatal(err)
		}
		strict, _ = wireschema.Strict(again)
		if got, _ := order.Marshal(strict); string(got) != want {
			t.Errorf("%s, kept:\ngot  %s\nwant %s", name, got, want)
		}
	}
}

// Each object keeps its own order, whatever others with the same names have, and in whatever
// sequence a map yields them.
func TestOrderOfEachObject(t *testing.T) {
	const want = `{"properties":{"first":{"properties":{"z":{},"y":{}}},"second":{"properties":{"y":{},"z":{},"x":{}}},"third":{"properties":{"x":{},"z":{}}}}}`
	var schema map[string]any
	if err := json.Unmarshal([]byte(`{"properties":{"first":{"properties":{"z":{},"y":{}},"propertyOrdering":["z","y"]},`+
		`"second":{"properties":{"y":{},"z":{},"x":{}},"propertyOrdering":["y","z","x"]},"third":{"properties":{"x":{},"z":{}},"propertyOrdering":["x","z"]}}}`), &schema); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		converted, order, err := wireschema.Ordered(schema)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := order.Marshal(converted); err != nil || string(got) != want {
			t.Fatalf("got  %s, %v\nwant %s", got, err, want)
		}
	}
}

// BenchmarkOrder shows that the time for each object of a schema does not grow with their number.
func BenchmarkOrder(b *testing.B) {
	for _, objects := range []int{100, 3000} {
		b.Run(fmt.Sprint(objects, " objects"), func(b *testing.B) {
			var text strings.Builder
			for i := range objects {
				fmt.Fprintf(&text, `,"z%d":{"type":"object","properties":{"b%d":{"type":"string"},"a%d":{"type":"string"}}}`, objects-i, i, i)
			}
			schema := json.RawMessage(`{"type":"object","properties":{` + text.String()[1:] + `}}`)
			for b.Loop() {
				converted, order, err := wireschema.Ordered(schema)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := order.Marshal(converted); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*objects), "ns/object")
		})
	}
}

// A stated order wins over that of the text, and a schema without an order is sorted by name.
func TestOrderOfSomeProperties(t *testing.T) {
	for schema, want := range map[string]string{
		`{"properties":{"c":{},"a":{},"b":{}},"propertyOrdering":["b","c","a"]}`:         `{"properties":{"b":{},"c":{},"a":{}}}`,
		`{"allOf":[{"properties":{"c":{},"b":{}}}],"properties":{"b":{},"a":{},"c":{}}}`: `{"allOf":[{"properties":{"c":{},"b":{}}}],"properties":{"b":{},"a":{},"c":{}}}`,
		`{"properties":{"a":{},"b":{}}}`:                                                 `{"properties":{"a":{},"b":{}}}`,
		`{"properties":{"propertyOrdering":{},"a":{}}}`:                                  `{"properties":{"propertyOrdering":{},"a":{}}}`,
		`{"properties":{"properties":{"type":"string"},"a":{}}}`:                         `{"properties":{"properties":{"type":"string"},"a":{}}}`,
		`{"properties":7,"default":{"properties":null}}`:                                 `{"default":{"properties":null},"properties":7}`,
	} {
		converted, order, err := wireschema.Ordered(json.RawMessage(schema))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := order.Marshal(converted); err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v, want %s", schema, got, err, want)
		}
	}
}

// A client may send a schema with thousands of properties. Their order takes memory in proportion to its size.
func TestOrderOfManyProperties(t *testing.T) {
	var text strings.Builder
	for i := range 9_000 {
		fmt.Fprintf(&text, `,"p%d":{}`, i)
	}
	schema := json.RawMessage(`{"type":"object","properties":{` + text.String()[1:] + `}}`)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, _, err := wireschema.Ordered(schema); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 1000*uint64(len(schema)) {
		t.Errorf("a schema of %d bytes took %d bytes of memory", len(schema), took)
	}
}
