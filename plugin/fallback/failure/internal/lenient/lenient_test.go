package lenient_test

import (
	"maps"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure/internal/lenient"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure/internal/prose"
)

func TestObject(t *testing.T) {
	type object = map[string]any
	whole := object{"error": object{"code": 429.0, "list": []any{"a", nil, true}}}
	for name, tt := range map[string]struct {
		text string
		want object
		rest string
		cut  bool
	}{
		"as JSON":              {`{"error":{"code":429,"list":["a",null,true]}}, then`, whole, ", then", false},
		"Python":               {`{'error': {'code': 429, 'list': ['a', None, True]}}`, whole, "", false},
		"JavaScript":           {`{error: {code: 429, list: ["a", undefined, true]}}`, whole, "", false},
		"commas too many":      {`{,"error":{"code":429,,"list":["a",null,true,],}}`, whole, "", false},
		"escaped":              {`{\"error\":{\"code\":429,\"list\":[\"a\",null,true]}}`, whole, "", false},
		"escaped twice":        {`{\\\"error\\\":{\\\"code\\\":429,\\\"list\\\":[\\\"a\\\",null,true]}}`, whole, "", false},
		"as a web page has it": {`{&quot;error&quot;:{&quot;code&quot;:429,&quot;list&quot;:[&quot;a&quot;,null,true]}}`, whole, "", false},
		"as a blog has it":     {`{“error”:{“code”:429,“list”:[“a”,null,true]}}`, whole, "", false},
		"cut off":              {`{"error":{"code":429,"list":["a",null,true`, whole, "", true},
		"a raw newline":        {"{\"a\":\"b\nc\"}", object{"a": "b\nc"}, "", false},
		"escapes":              {`{"a":"\u00e9\n\ud800"}`, object{"a": "é\n\uFFFD"}, "", false},
		"no members":           {"{}x", object{}, "x", false},
	} {
		t.Run(name, func(t *testing.T) {
			obj, rest, cut := lenient.Object(tt.text)
			if diff := cmp.Diff(tt.want, obj); diff != "" || rest != tt.rest || cut != tt.cut {
				t.Errorf("Object: rest %q, cut %v; want %q, %v; (-want +got)\n%s", rest, cut, tt.rest, tt.cut, diff)
			}
		})
	}
}

func TestObjectGoesNoDeeperThanItsBound(t *testing.T) {
	depth := func(v any) (n int) {
		for {
			obj, ok := v.(map[string]any)
			if !ok {
				return n
			}
			v = obj["a"]
			n++
		}
	}
	obj, rest, _ := lenient.Object(strings.Repeat(`{"a":`, 1000))
	if got := depth(obj); got != lenient.MaxDepth+1 || rest != "" {
		t.Errorf("depth %d, rest %.20q; want %d, with an empty object at the bound", got, rest, lenient.MaxDepth+1)
	}
}

func TestString(t *testing.T) {
	for text, want := range map[string]string{`"a"`: "a", ` "{\"a\":1}" `: `{"a":1}`, `"a" "b"`: "", `"a`: "", `a"`: "", `"`: "", "": ""} {
		if got, ok := lenient.String(text); ok != (want != "") || ok && got != want {
			t.Errorf("String(%q) = %q, %v; want %q", text, got, ok, want)
		}
	}
}

func TestPrinted(t *testing.T) {
	for text, want := range map[string]map[string]any{
		"details: [map[retrydelay:600s]]": {"retrydelay": "600s"},
		`[violations { quota_id: "perday" quota_value: 20 } , retry_delay { seconds: 33 nanos: 5 }]`: {
			"quota_id": "perday", "quota_value": "20", "retry_delay": map[string]any{"seconds": "33", "nanos": "5"}},
		`[reason: "rate_limit_exceeded" metadata { key: "quota_limit_value" value: "0" }]`: {"reason": "rate_limit_exceeded", "quota_limit_value": "0"},
		`metadata { key: "quotaresettimestamp" value: "2026-01-15t07:00:00z" }`:            {"quotaresettimestamp": "2026-01-15T07:00:00Z"},
		"the reason: none": {},
	} {
		text := prose.Of(text)
		if diff := cmp.Diff(want, maps.Collect(lenient.Printed(&text))); diff != "" {
			t.Errorf("Printed(%q): (-want +got)\n%s", text.String(), diff)
		}
	}
	for head, want := range map[string]bool{"[violations ": true, "retry_delay ": true, "error: ": false} {
		if got := lenient.IsProtoText(head); got != want {
			t.Errorf("IsProtoText(%q) = %v, want %v", head, got, want)
		}
	}
}

func TestValues(t *testing.T) {
	for _, tt := range []struct {
		in     any
		number float64
		text   string
	}{
		{2.5, 2.5, "2.5"}, {3, 3, "3"}, {int64(4), 4, "4"}, {"5.5", 5.5, "5.5"}, {"x", math.NaN(), "x"}, {nil, math.NaN(), ""}, {true, math.NaN(), ""}, {[]any{1}, math.NaN(), ""},
	} {
		number, ok := lenient.Number(tt.in)
		if ok == math.IsNaN(tt.number) || ok && number != tt.number || lenient.Text(tt.in) != tt.text {
			t.Errorf("%v: Number %v, %v, Text %q; want %v, %q", tt.in, number, ok, lenient.Text(tt.in), tt.number, tt.text)
		}
	}
}
