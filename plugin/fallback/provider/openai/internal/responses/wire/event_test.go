package wire_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai/internal/responses/wire"
)

// eventCases are events as servers send them, with what Decode makes of them.
var eventCases = map[string]struct {
	name, data string
	want       wire.Event
}{
	"text": {
		data: `{"type":"response.output_text.delta","item_id":"m","output_index":2,"content_index":1,"delta":"a\"b\u00e9\ud83d\ude00","obfuscation":"x}","sequence_number":4}`,
		want: wire.Event{Type: wire.EventTextDelta, ItemID: "m", OutputIndex: ptr(2), ContentIndex: ptr(1), Delta: `a"bé😀`},
	},
	"space and order":  {data: " { \"delta\" : \"x\" ,\n \"type\" : \"response.refusal.delta\" } ", want: wire.Event{Type: wire.EventRefusalDelta, Delta: "x"}},
	"bytes of no text": {data: "{\"type\":\"response.output_text.delta\",\"delta\":\"a\xff\"}", want: wire.Event{Type: wire.EventTextDelta, Delta: "a\uFFFD"}},
	"other types": {
		data: `{"type":"response.output_text.delta","output_index":"1","content_index":-1,"summary_index":null,"delta":{"text":"x"},"logprobs":7}`,
		want: wire.Event{Type: wire.EventTextDelta},
	},
	"name in the place of the type": {name: "error", data: `{"message":"m","code":500}`, want: wire.Event{Type: wire.EventError, Message: "m"}},
	"type over name":                {name: "message", data: `{"type":"response.output_text.delta","delta":"x"}`, want: wire.Event{Type: wire.EventTextDelta, Delta: "x"}},
	"error object":                  {data: `{"error":{"message":"m"}}`, want: wire.Event{Type: wire.EventError, Error: json.RawMessage(`{"message":"m"}`)}},
	"error of a gateway":            {data: `{"type":"response.error","error":{"message":"m"}}`, want: wire.Event{Type: wire.EventError, Error: json.RawMessage(`{"message":"m"}`)}},
	"no error":                      {data: `{"error":null}`},
	"unknown":                       {data: `{"type":"response.brand_new","item":[1,{"a":"]"}]}`, want: wire.Event{Type: "response.brand_new"}},
	"item": {
		data: `{"type":"response.output_item.done","item":{"type":"function_call","call_id":"c","name":"f","arguments":{"a":[1]},"status":null}}`,
		want: wire.Event{Type: wire.EventItemDone, Item: &wire.Item{Type: "function_call", CallID: "c", Name: "f", Arguments: `{"a":[1]}`}},
	},
	"item with a field of another type": {
		data: `{"type":"response.output_item.done","item":{"type":"message","id":7,"content":[{"type":"output_text","text":"x","annotations":[{"start_index":1.5,"url":"u"}]}]}}`,
		want: wire.Event{Type: wire.EventItemDone, Item: &wire.Item{Type: "message", Content: wire.Content{
			{Type: "output_text", Text: "x", Annotations: []wire.Annotation{{URL: "u"}}}}}},
	},
	"created": {
		data: `{"type":"response.created","response":{"model":"m","instructions":"}{\"","tools":[{"a":{}}],"output":[]}}`,
		want: wire.Event{Type: wire.EventCreated, Response: &wire.Response{Model: "m"}},
	},
	"created, without a response": {data: `{"type":"response.created"}`, want: wire.Event{Type: wire.EventCreated, Response: &wire.Response{}}},
	"completed": {
		data: `{"type":"response.completed","response":{"id":"r","status":"completed","model":"m","output":[{"type":"message","content":"hi"}],"usage":{"input_tokens":3,"output_tokens":2,"total_tokens":5},"error":null,"incomplete_details":null}}`,
		want: wire.Event{Type: wire.EventCompleted, Response: &wire.Response{ID: "r", Status: "completed", Model: "m",
			Output: []wire.Item{{Type: "message", Content: wire.Content{{Text: "hi"}}}},
			Usage:  &wire.Usage{InputTokens: 3, OutputTokens: 2, TotalTokens: 5}}},
	},
	"whole response": {
		data: `{"object":"response","status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[]}`,
		want: wire.Event{Type: wire.EventCompleted, Response: &wire.Response{Status: "incomplete", Output: []wire.Item{},
			IncompleteDetails: &wire.Incomplete{Reason: "max_output_tokens"}}},
	},
}

func ptr[T any](v T) *T { return &v }

var unexported = cmp.FilterPath(func(p cmp.Path) bool {
	field, ok := p.Last().(cmp.StructField)
	return ok && strings.ToLower(field.Name()[:1]) == field.Name()[:1]
}, cmp.Ignore())

func TestDecodeEvent(t *testing.T) {
	var e wire.Event // one for all: nothing of one event is left in the next
	for name, test := range eventCases {
		t.Run(name, func(t *testing.T) {
			data := []byte(test.data)
			if err := e.Decode(test.name, data); err != nil {
				t.Fatal(err)
			}
			for i := range data {
				data[i] = 'x' // nothing of data is kept
			}
			if diff := cmp.Diff(test.want, e, unexported); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeEventRefuses(t *testing.T) {
	for _, data := range []string{
		``, `x`, `[]`, `"x"`, `{`, `{"`, `{"type`, `{"type"`, `{"type":`, `{"type":"x"`, `{"type":"x",`, `{"type":"x",}`, `{"type" "x"}`, `{,}`, `{"a":}`, `{"a":1 "b":2}`,
		`{"a":[1,{"b":"]}"]`, `{"type":"x"} y`, `{"type":"response.output_text.delta","delta":"\x"}`,
		`{"type":"response.completed","response":{"output":[{]}}`, `{"type":"response.output_item.done","item":"x`,
	} {
		var e wire.Event
		if err := e.Decode("", []byte(data)); err == nil {
			t.Errorf("%s is an event: %+v", data, e)
		}
	}
}

// A piece of text, the most frequent event, costs the text and nothing more.
func TestDecodeEventAllocations(t *testing.T) {
	data := []byte(eventCases["space and order"].data)
	long := []byte(`{"type":"response.output_text.delta","content_index":0,"delta":" mountain","item_id":"msg_0b5cbf1ce3f8b01c","logprobs":[],"obfuscation":"lVWX0u7WRUPrD","output_index":0,"sequence_number":9}`)
	var e wire.Event
	for _, data := range [][]byte{data, long} {
		if err := e.Decode("", data); err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { _ = e.Decode("", data) }); n > 1 {
			t.Errorf("%v allocations for %s, want 1", n, data)
		}
	}
}

func TestRequestReads(t *testing.T) {
	var r wire.Request
	if err := json.Unmarshal([]byte(`{"model":"m","input":"hi","tool_choice":"none"}`), &r); err != nil {
		t.Fatal(err)
	}
	want := wire.Input{{Type: "message", Role: "user", Content: wire.Content{{Type: "input_text", Text: "hi"}}}}
	if diff := cmp.Diff(want, r.Input); diff != "" {
		t.Error(diff)
	}
	r = wire.Request{}
	items := `[{"type":"function_call_output","call_id":"c","output":"x"},{"type":"function_call_output","call_id":"d","output":[{"type":"input_text","text":"y"}]},{"type":"reasoning","id":"rs_1","summary":[]}]`
	if err := json.Unmarshal([]byte(`{"input":`+items+`}`), &r); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(r.Input)
	if err != nil || string(again) != items {
		t.Errorf("got %s, %v; want %s", again, err, items)
	}
}

// Whatever the bytes, Decode ends, and what it accepts as an object of JSON has
// the type that package json finds.
func FuzzEvent(f *testing.F) {
	for _, test := range eventCases {
		f.Add(test.data)
	}
	f.Add(`{"type":"response.output_text.delta","delta":"a`)
	f.Add(`{"a":"\\\"","type":"x"}`)
	f.Fuzz(func(t *testing.T, data string) {
		var e wire.Event
		if e.Decode("", []byte(data)) != nil {
			return
		}
		var want struct {
			Type  string `json:"type"`
			Delta string `json:"delta"`
		}
		// Package json matches keys in any case, and of equal ones the last counts for both.
		if !json.Valid([]byte(data)) || strings.Contains(strings.ToLower(data), `\u`) || json.Unmarshal([]byte(data), &want) != nil || want.Type == "" {
			return
		}
		var keys map[string]json.RawMessage
		if json.Unmarshal([]byte(data), &keys) != nil || keys["type"] == nil || keys["delta"] == nil {
			return
		}
		for key := range keys {
			if lower := strings.ToLower(key); key != lower && (lower == "type" || lower == "delta") {
				return
			}
		}
		if e.Type != want.Type || e.Delta != want.Delta {
			t.Errorf("%s: type %q, delta %q; want %q, %q", data, e.Type, e.Delta, want.Type, want.Delta)
		}
	})
}
