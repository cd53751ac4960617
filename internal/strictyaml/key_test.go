package strictyaml_test

import (
	"embed"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"

	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
)

//go:embed key_test.go
var source embed.FS

// shop is a small format. A key is its field, its tags and its comment, as in
// CONTRIBUTING.md: nothing else in this file knows what a key is called.
type shop struct {
	// Longest wait for an order.
	Timeout time.Duration `key:"timeout" min:"1ms" max:"1h" default:"10s"`
	// Where to send it.
	Towns []string `key:"towns,required" items:"1..3"`
	// What is sold.
	Goods map[string]good `key:"goods"`
	// A sum.
	Sum sum `key:"sum"`
}

// good is something that is sold.
type good struct {
	// How many there are. null means any number.
	Stock *int `key:"stock,nullable" min:"0" max:"100"`
	// How it is sent.
	Way string `key:"way" enum:"post|rail"`

	Unset []string `nulls:"true"`
}

// sum is a value that is compiled: numbers with plus signs between them.
type sum struct{ source string }

func compileSum(source string) (any, []strictyaml.Mistake) {
	if at := strings.IndexByte(source, '?'); at >= 0 {
		return nil, []strictyaml.Mistake{{Offset: at, Message: fmt.Sprintf("unexpected %q", source[at:])}}
	}
	return sum{source}, nil
}

var format = strictyaml.New(reflect.TypeFor[shop](), strictyaml.Kinds{
	Types: map[reflect.Type]func(reflect.StructTag) *strictyaml.Scalar{
		reflect.TypeFor[sum](): func(reflect.StructTag) *strictyaml.Scalar {
			return &strictyaml.Scalar{Allowed: "a sum", Schema: &jsonschema.Schema{Type: "string"}, Compile: compileSum, What: "sums", MaxSource: 20, MaxSources: 20}
		},
	},
	Texts: map[string]*strictyaml.Scalar{"": strictyaml.Pattern(`^[a-z]+$`, "a word")},
}, strictyaml.Hints{
	"*":           {"until": "set timeout"},
	"goods.*":     {"instock": "write stock"},
	"goods.*.way": {"ship": "no ships; use rail", "*": "by air is too loud"},
	"towns":       {"a mapping": "list the names alone"},
})

// problems returns those of a file, one a line.
func problems(file string) string {
	var s shop
	var lines []string
	for _, p := range strictyaml.InOrder(format.Decode([]byte(file), &s).Problems) {
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}

// B91
func TestMistakesHaveTheirPlaces(t *testing.T) {
	for _, test := range []struct{ name, file, want string }{
		{"none", "towns: [bern]", ""},
		{"empty file", "", "1:1: file is empty; it must be a mapping with the key towns at least"},
		{"missing and unknown", "timout: 3s", `1:1: missing key towns; it must be a list of 1 to 3: a word` + "\n" + `1:1: unknown key "timout" (did you mean timeout?); the keys are timeout, towns, goods, sum`},
		{"advice on a key", "towns: [bern]\ngoods: {tea: {In-Stock: 3}}", `2:15: goods.tea: unknown key "In-Stock"; write stock`},
		{"advice on a key anywhere", "towns: [bern]\nUNTIL: 3s", `2:1: unknown key "UNTIL"; set timeout`},
		{"advice on a value", "towns: [bern]\ngoods: {tea: {way: Ship}}", `2:20: goods.tea.way: must be post or rail, not "Ship"; no ships; use rail`},
		{"advice on any other value", "towns: [bern]\ngoods: {tea: {way: plane}}", `2:20: goods.tea.way: must be post or rail, not "plane"; by air is too loud`},
		{"a misspelled value", "towns: [bern]\ngoods: {tea: {way: rial}}", `2:20: goods.tea.way: must be post or rail, not "rial" (did you mean rail?)`},
		{"advice on a mapping", "towns: {bern: 1}", `1:8: towns: must be a list of 1 to 3: a word, not a mapping; list the names alone`},
		{"a key of the file in a section", "towns: [bern]\ngoods: {tea: {towns: [bern]}}", `2:15: goods.tea: unknown key "towns"; it belongs at the top level of the file`},
		{"a key of the file with another value", "towns: [bern]\ngoods: {tea: {towns: bern}}", `2:15: goods.tea: unknown key "towns"; it is a key of the top level of the file; the keys are stock, way`},
		{"a key of a section in the file", "towns: [bern]\nway: rail", `2:1: unknown key "way"; it is a key of goods.NAME`},
		{"bound", "towns: [bern]\ntimeout: 2h", `2:10: timeout: must be a duration from 1ms to 1h, such as 30s, not "2h"`},
		{"list", "towns: []", "1:8: towns: must be a list of 1 to 3: a word; this list has 0"},
		{"item", "towns: [bern, 4]", "1:15: towns[1]: must be a word, not 4"},
		{"enum in a mapping", "towns: [bern]\ngoods:\n  tea: {way: ship}", `3:14: goods.tea.way: must be post or rail, not "ship"; no ships; use rail`},
		{"name of a mapping", "towns: [bern]\ngoods: {Tea: {}}", `2:9: goods: key "Tea" must be a word`},
		{"null where it is not allowed", "towns: [bern]\ngoods: {tea: {way: null}}", "2:20: goods.tea.way: must be post or rail, not empty"},
		{"twice", "towns: [bern]\ntowns: [bern]", `2:1: duplicate key "towns", first on line 1`},
		{"within a compiled text", "towns: [bern]\nsum: >\n  1 +\n  ?", `4:3: sum: unexpected "?"`},
		{"all at once", "towns: [4]\ntimeout: x", "1:9: towns[0]: must be a word, not 4\n" + `2:10: timeout: must be a duration from 1ms to 1h, such as 30s, not "x"`},
		{"an alias, once", "towns: [bern]\ngoods: {tea: &g {way: ship}, milk: *g, salt: {<<: *g}}", `2:23: goods.milk.way: must be post or rail, not "ship"; no ships; use rail`},
		{"a merge of itself", "towns: [bern]\ngoods: &g {<<: *g}", "2:8: goods: mapping merges itself through <<; merge another mapping"},
		{"a merge of text", "towns: [bern]\n<<: x", `2:5: << must have an alias of a mapping, or a list of them, not "x"`},
	} {
		if diff := cmp.Diff(test.want, problems(test.file)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestValuesAreRead(t *testing.T) {
	var got shop
	doc := format.Decode([]byte("towns: [bern]\nsum: 1 + 1\ngoods:\n  tea: &tea {stock: 0, way: post}\n  milk: {stock: null}\n  salt: {<<: *tea, way: rail}\n"), &got)
	zero := 0
	want := shop{Timeout: 10 * time.Second, Towns: []string{"bern"}, Sum: sum{"1 + 1"}, Goods: map[string]good{
		"tea": {Stock: &zero, Way: "post"}, "milk": {Unset: []string{"stock"}}, "salt": {Stock: &zero, Way: "rail"},
	}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(sum{})); diff != "" || len(doc.Problems) > 0 {
		t.Errorf("problems %v (-want +got):\n%s", doc.Problems, diff)
	}
	for path, place := range map[string]strictyaml.Place{"goods": {Line: 3, Column: 1}, "goods.milk.stock": {}, "goods.tea.way": {Line: 4, Column: 29}, "towns[0]": {Line: 1, Column: 9}} {
		if doc.Places[path] != place {
			t.Errorf("%s is at %v; want %v", path, doc.Places[path], place)
		}
	}
}

// B91: what is compiled is bounded in all, and compiled once however often it is there.
func TestCompiledTextsAreBounded(t *testing.T) {
	if got := problems("towns: [bern]\nsum: " + strings.Repeat("+", 20)); got != "" {
		t.Errorf("20 bytes: %s", got)
	}
	type sums struct {
		// Sums.
		All []sum `key:"all" items:"0..9"`
	}
	compiled := 0
	kinds := strictyaml.Kinds{Types: map[reflect.Type]func(reflect.StructTag) *strictyaml.Scalar{reflect.TypeFor[sum](): func(reflect.StructTag) *strictyaml.Scalar {
		return &strictyaml.Scalar{Allowed: "a sum", Schema: &jsonschema.Schema{}, MaxSource: 6, MaxSources: 8, What: "sums", Compile: func(s string) (any, []strictyaml.Mistake) {
			compiled++
			return sum{s}, nil
		}}
	}}}
	var s sums
	doc := strictyaml.New(reflect.TypeFor[sums](), kinds, nil).Decode([]byte("all: [aaaaa, aaaaa, bbb, cc, dd]"), &s)
	if len(doc.Problems) != 1 || doc.Problems[0].String() != "1:26: all[3]: sums have more than 8 bytes in all; equal ones count once" || compiled != 2 {
		t.Errorf("problems %v, %d compiled; want one problem and 2", doc.Problems, compiled)
	}
}

// B132: no message repeats eight characters in a row of a key, in whatever piece.
func TestMessagesRepeatNoKey(t *testing.T) {
	const key = "hf_aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgHi"
	for _, file := range []string{"towns: [" + key + "]", "towns: [bern]\nsum: '?" + key + "'", "towns: [bern]\n" + key + ": 1", "towns: [bern]\ngoods: {" + key + ": 1}", "timeout: 'x " + key + "'"} {
		got := problems(file)
		for i := range len(key) - 7 {
			if got == "" || strings.Contains(got, key[i:i+8]) {
				t.Fatalf("%q: problems %q", file, got)
			}
		}
	}
}

// The one field is also the key's schema and its line in the reference.
func TestSchemaAndReferenceComeFromTheField(t *testing.T) {
	schema, err := format.Schema("shop", source).Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		v    map[string]any
		good bool
	}{
		{map[string]any{"towns": []any{"bern"}}, true},
		{map[string]any{"towns": []any{}}, false},
		{map[string]any{"towns": []any{"bern"}, "town": 1.0}, false},
		{map[string]any{"towns": []any{"bern"}, "goods": map[string]any{"tea": map[string]any{"stock": nil}}}, true},
		{map[string]any{"towns": []any{"bern"}, "goods": map[string]any{"tea": map[string]any{"stock": 101.0}}}, false},
		{map[string]any{"towns": []any{"bern"}, "goods": map[string]any{"Tea": map[string]any{}}}, false},
	} {
		if err := schema.Validate(test.v); (err == nil) != test.good {
			t.Errorf("%v: %v; want valid %t", test.v, err, test.good)
		}
	}
	reference := format.Reference("The shop", source)
	for _, line := range []string{
		"### The shop", "| `timeout` | a duration from 1ms to 1h, such as 30s | `10s` | Longest wait for an order. |",
		"| `towns` (required) | a list of 1 to 3: a word |  | Where to send it. |", "### `goods.NAME`",
		"| `stock` | a whole number from 0 to 100, or null |  | How many there are. null means any number. |", "| `way` | post or rail |  | How it is sent. |",
	} {
		if !strings.Contains(reference, line+"\n") {
			t.Errorf("the reference has no line %s:\n%s", line, reference)
		}
	}
}

// A field that no kind is for is a mistake of the programmer, found when the format is made.
func TestFieldWithoutAKindPanics(t *testing.T) {
	defer func() {
		if r := recover(); r == nil || !strings.Contains(fmt.Sprint(r), "strictyaml: a field of type chan int") {
			t.Errorf("panic %v", r)
		}
	}()
	strictyaml.New(reflect.TypeFor[struct {
		C chan int `key:"c"`
	}](), strictyaml.Kinds{}, nil)
	t.Error("no panic")
}

func TestHintWithoutPlacePanics(t *testing.T) {
	defer func() {
		if r := recover(); r != "strictyaml: the format has no place town, which hints are for" {
			t.Errorf("panic %v", r)
		}
	}()
	strictyaml.New(reflect.TypeFor[struct {
		Towns bool `key:"towns"`
	}](), strictyaml.Kinds{}, strictyaml.Hints{"town": {}})
	t.Error("no panic")
}
