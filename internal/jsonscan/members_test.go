package jsonscan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/jsonscan"
)

func TestMembers(t *testing.T) {
	for _, test := range []struct{ data, want string }{
		{`{}`, ""}, {" \r\n\t{ } \n", ""},
		{`{"a":1,"b":"x"}`, `a=1 b="x"`},
		{"\n{ \"a\" : [1, {\"]\": \"}\\\"\"}] ,\t\"b\\\"\":null } ", `a=[1, {"]": "}\""}] b\"=null`},
		{`{"a":"\\","b":"\\\""}`, `a="\\" b="\\\""`},
		{`{"a":1,"a":2}`, `a=1 a=2`},
		{``, "error"}, {`{`, "error"}, {`{"a`, "error"}, {`{"a"`, "error"}, {`{"a":`, "error"}, {`{"a":1`, `a=1 error`}, {`{"a":"x`, "error"},
		{`{"a":[1,{}`, "error"}, {`{"a":tru`, `a=tru error`}, {`{"a" 1}`, "error"}, {`{"a":}`, "error"}, {`{"a":1 "b":2}`, `a=1 error`}, {`{a:1}`, "error"},
		{`{"a":1}x`, `a=1 error`}, {`[1]`, "error not an object"}, {`"a"`, "error not an object"}, {`null`, "error not an object"},
	} {
		var got []string
		switch err := jsonscan.Members([]byte(test.data), func(key, value []byte) { got = append(got, fmt.Sprintf("%s=%s", key, value)) }); err {
		case nil:
		case jsonscan.ErrNotObject:
			got = append(got, "error not an object")
		default:
			got = append(got, "error")
		}
		if s := strings.Join(got, " "); s != test.want {
			t.Errorf("%q: got %q, want %q", test.data, s, test.want)
		}
	}
}

func TestEach(t *testing.T) {
	for data, want := range map[string]string{
		`[]`: "", ` [ ] `: "", `[1]`: "0=1", ` [ "a,]" , {"b":[2]} ,null ] x`: `0="a,]" 1={"b":[2]} 2=null`,
		`{}`: "", `1`: "", ``: "", `[`: "", `[1`: "0=1", `[1,`: "0=1", `[1,,2]`: "0=1", `[1 2]`: "0=1", `["a`: "",
	} {
		var got []string
		jsonscan.Each([]byte(data), func(i int, element []byte) { got = append(got, fmt.Sprintf("%d=%s", i, element)) })
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%q: got %q, want %q", data, s, want)
		}
	}
}

func TestDepth(t *testing.T) {
	for data, want := range map[string]int{
		``: 0, `1`: 0, `"[{"`: 0, `[]`: 1, ` {"a":[1,{"b":"]}"}],"c":{}} `: 3, `["\\",["\\\"["]]`: 2, `[[1],[2]]`: 2,
		`[[`: 2, `["[[`: 1, `]]]]`: 0, `}{{`: 1, `"a\"[["[`: 1, `"\`: 0,
	} {
		if got := jsonscan.Depth([]byte(data)); got != want {
			t.Errorf("%q: got %d, want %d", data, got, want)
		}
	}
}

// A stream visits each of its events: no byte of that may come from the heap.
func TestMembersAllocatesNothing(t *testing.T) {
	data := []byte(`{"a":[1,2,{"b":"c"}],"d":"e"}`)
	n := 0
	if allocs := testing.AllocsPerRun(100, func() {
		_ = jsonscan.Members(data, func(_, value []byte) { jsonscan.Each(value, func(int, []byte) { n++ }) })
	}); allocs != 0 || n == 0 {
		t.Errorf("%v allocations, %d elements", allocs, n)
	}
}
