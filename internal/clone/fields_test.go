package clone_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/clone"
)

// B60, B61: whatever fields genai and ADK have, now or in a newer version: each alone
// and all together, by typed code and in a request that refers to itself.
func TestCloneCopiesEveryField(t *testing.T) {
	content := func(parts ...*genai.Part) *model.LLMRequest {
		return &model.LLMRequest{Contents: []*genai.Content{{Parts: parts}}}
	}
	config := func(c genai.GenerateContentConfig) *model.LLMRequest { return &model.LLMRequest{Config: &c} }
	tool := func(tool genai.Tool) *model.LLMRequest {
		return config(genai.GenerateContentConfig{Tools: []*genai.Tool{&tool}})
	}
	checkEach(t, func(req model.LLMRequest) *model.LLMRequest { return &req })
	checkEach(t, func(c genai.Content) *model.LLMRequest { return &model.LLMRequest{Contents: []*genai.Content{&c}} })
	checkEach(t, func(c genai.Content) *model.LLMRequest {
		return config(genai.GenerateContentConfig{SystemInstruction: &c})
	})
	checkEach(t, func(p genai.Part) *model.LLMRequest { return content(nil, &p, &p) })
	checkEach(t, func(call genai.FunctionCall) *model.LLMRequest { return content(&genai.Part{FunctionCall: &call}) })
	checkEach(t, func(r genai.FunctionResponse) *model.LLMRequest { return content(&genai.Part{FunctionResponse: &r}) })
	checkEach(t, config)
	checkEach(t, tool)
	checkEach(t, func(d genai.FunctionDeclaration) *model.LLMRequest {
		return tool(genai.Tool{FunctionDeclarations: []*genai.FunctionDeclaration{nil, &d}})
	})
	checkEach(t, func(s genai.Schema) *model.LLMRequest {
		return config(genai.GenerateContentConfig{ResponseSchema: &genai.Schema{AnyOf: []*genai.Schema{nil, &s}}, ResponseJsonSchema: &s})
	})
	checkEach(t, func(s jsonschema.Schema) *model.LLMRequest {
		return config(genai.GenerateContentConfig{ResponseJsonSchema: map[string]*jsonschema.Schema{"a": &s}})
	})
}

// checkEach checks the copies of requests that hold a T with one of its fields, and
// one with all.
func checkEach[T any](t *testing.T, requestOf func(T) *model.LLMRequest) {
	t.Helper()
	of := reflect.TypeFor[T]()
	for i := range of.NumField() {
		checkFilled(t, of.Field(i).Name, requestOf, i)
	}
	checkFilled(t, "all fields", requestOf, -1)
}

func checkFilled[T any](t *testing.T, name string, requestOf func(T) *model.LLMRequest, field int) {
	t.Helper()
	for _, cyclic := range []bool{false, true} {
		t.Run(fmt.Sprintf("%s %s cyclic=%t", reflect.TypeFor[T](), name, cyclic), func(t *testing.T) {
			kinds := len(anyKinds())
			if cyclic {
				kinds = 2
			}
			for kind := range kinds {
				var value T
				f := filler{t: t, kind: kind, within: map[reflect.Type]int{}}
				if v := reflect.ValueOf(&value).Elem(); field >= 0 {
					f.fill(v.Field(field))
				} else {
					f.fill(v)
				}
				req := requestOf(value)
				if cyclic {
					self := map[string]any{}
					self["self"] = self
					req.Contents = append(req.Contents, &genai.Content{Parts: []*genai.Part{{PartMetadata: self}}})
				}
				checkClone(t, req)
			}
		})
	}
}

// filler sets values to something that is not zero.
type filler struct {
	t      *testing.T
	kind   int // of what a field of type any gets
	within map[reflect.Type]int
}

// anyKinds are what tools and applications put where anything may stand.
func anyKinds() []any {
	list := []any{"a", 1.0, map[string]any{"b": []any{true}}}
	return []any{
		map[string]any{"list": list, "words": []string{"w"}, "none": nil, "raw": []byte("png"), "no list": []any(nil), "no map": map[string]any(nil)},
		list, []string{"a"}, []any{}, make([]string, 0, 1), map[string]string{"a": "b"}, map[int][][]float64{1: {{2}}}, [1][]int{{1}}, []map[string]any{{"a": list}},
		&genai.Schema{Items: &genai.Schema{Required: []string{"a"}}}, genai.Schema{Required: []string{"a"}}, []*genai.Schema{{Required: []string{"a"}}},
		&jsonschema.Schema{Required: []string{"a"}}, jsonschema.Schema{Required: []string{"a"}},
	}
}

func (f filler) fill(v reflect.Value) {
	f.t.Helper()
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(7)
	case reflect.Float32, reflect.Float64:
		v.SetFloat(0.5)
	case reflect.Uint8:
		v.SetUint(7)
	case reflect.String:
		v.SetString("text")
	case reflect.Func:
		// Shared, and reflect.DeepEqual takes no two functions for equal.
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 3)) // appending to it would write to its array
		f.fill(v.Index(0))
		f.fill(v.Index(1))
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(key)
		f.fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Interface:
		if v.NumMethod() > 0 {
			f.t.Fatalf("no value is known for %s; add one, and decide whether Clone copies it", v.Type())
		}
		v.Set(reflect.ValueOf(anyKinds()[f.kind]))
	case reflect.Struct:
		f.fillStruct(v)
	default:
		f.t.Fatalf("no value is known for %s; add one, and decide whether Clone copies it", v.Type())
	}
}

func (f filler) fillStruct(v reflect.Value) {
	f.t.Helper()
	if f.within[v.Type()] > 0 {
		return
	}
	f.within[v.Type()]++
	defer func() { f.within[v.Type()]-- }()
	for i := range v.NumField() {
		if v.Type().Field(i).IsExported() {
			f.fill(v.Field(i))
		}
	}
}

// checkClone checks that the copy of req equals it and shares nothing with it but
// what [clone.Request] says.
func checkClone(t *testing.T, req *model.LLMRequest) {
	t.Helper()
	copied := clone.Request(req)
	if !reflect.DeepEqual(copied, req) {
		t.Error("the clone differs")
	}
	if reflect.ValueOf(copied.Tools).Pointer() != reflect.ValueOf(req.Tools).Pointer() {
		t.Error("Tools was copied, want it shared")
	}
	a, b := *copied, *req
	a.Tools, b.Tools = nil, nil
	checkApart(t, "request", reflect.ValueOf(&a).Elem(), reflect.ValueOf(&b).Elem(), map[place]bool{})
}

// place is where a value is in memory.
type place struct {
	of      reflect.Type
	address uintptr
}

// checkApart walks two values of the same form.
func checkApart(t *testing.T, path string, a, b reflect.Value, seen map[place]bool) {
	t.Helper()
	switch a.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		if a.IsNil() || a.Kind() != reflect.Map && a.Type().Elem().Size() == 0 || a.Kind() == reflect.Slice && a.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		if a.Pointer() == b.Pointer() && (a.Kind() != reflect.Slice || b.Cap() > 0) {
			t.Errorf("%s is shared", path)
			return
		}
		if a.Kind() == reflect.Slice && a.Cap() > a.Len() {
			t.Errorf("%s has room for more, which may be another list's", path)
		}
		if at := (place{a.Type(), a.Pointer()}); seen[at] {
			return
		} else {
			seen[at] = true
		}
	}
	switch a.Kind() {
	case reflect.Pointer:
		checkApart(t, path, a.Elem(), b.Elem(), seen)
	case reflect.Interface:
		if !a.IsNil() {
			checkApart(t, path, a.Elem(), b.Elem(), seen)
		}
	case reflect.Slice, reflect.Array:
		for i := range a.Len() {
			checkApart(t, fmt.Sprintf("%s[%d]", path, i), a.Index(i), b.Index(i), seen)
		}
	case reflect.Map:
		for _, key := range a.MapKeys() {
			checkApart(t, fmt.Sprintf("%s[%v]", path, key), a.MapIndex(key), b.MapIndex(key), seen)
		}
	case reflect.Struct:
		for i := range a.NumField() {
			if field := a.Type().Field(i); field.IsExported() {
				checkApart(t, path+"."+field.Name, a.Field(i), b.Field(i), seen)
			}
		}
	}
}
