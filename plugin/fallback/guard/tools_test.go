package guard_test

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/clone"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
)

func functions(names ...string) *genai.Tool {
	tool := &genai.Tool{}
	for _, name := range names {
		tool.FunctionDeclarations = append(tool.FunctionDeclarations, &genai.FunctionDeclaration{Name: name})
	}
	return tool
}

// toolsOf returns the names of a request's functions, and whether it has search.
func toolsOf(req *model.LLMRequest) (names []string) {
	for _, tool := range req.Config.Tools {
		for _, f := range tool.FunctionDeclarations {
			names = append(names, f.Name)
		}
		if tool.GoogleSearch != nil {
			names = append(names, "google_search")
		}
	}
	return names
}

func TestToolsGivesOnlyWhatIsAllowed(t *testing.T) {
	req := &model.LLMRequest{
		Tools: map[string]any{"read_file": 1, "write_file": 2, "set_model_response": 3},
		Config: &genai.GenerateContentConfig{Tools: []*genai.Tool{
			{FunctionDeclarations: functions("read_file", "write_file").FunctionDeclarations, GoogleSearch: &genai.GoogleSearch{}},
			nil, functions("delete_file"), functions("set_model_response"),
		}},
	}
	before := clone.Request(req)
	for _, test := range []struct {
		allowed   []string
		want      []string
		live      []string
		toolCount int
	}{
		{nil, []string{"set_model_response"}, []string{"set_model_response"}, 1},
		{[]string{"read_file"}, []string{"read_file", "set_model_response"}, []string{"read_file", "set_model_response"}, 2},
		{[]string{"*_file"}, []string{"read_file", "write_file", "delete_file", "set_model_response"}, []string{"read_file", "set_model_response", "write_file"}, 3},
		{[]string{"google_search"}, []string{"google_search", "set_model_response"}, []string{"set_model_response"}, 2},
		{[]string{"*"}, []string{"read_file", "write_file", "google_search", "delete_file", "set_model_response"}, []string{"read_file", "set_model_response", "write_file"}, 3},
	} {
		seen, err := guard.Tools(test.allowed...)(t.Context(), req, guard.Target{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, toolsOf(seen)); diff != "" || len(seen.Config.Tools) != test.toolCount {
			t.Errorf("%q: %d tools (-want +got):\n%s", test.allowed, len(seen.Config.Tools), diff)
		}
		if diff := cmp.Diff(test.live, slices.Sorted(maps.Keys(seen.Tools))); diff != "" {
			t.Errorf("%q: of ADK's tools (-want +got):\n%s", test.allowed, diff)
		}
	}
	if diff := cmp.Diff(before, req); diff != "" {
		t.Errorf("the caller's request was changed (-want +got):\n%s", diff)
	}
	if seen, err := guard.Tools()(t.Context(), &model.LLMRequest{}, guard.Target{}); err != nil || seen == nil {
		t.Errorf("a request without tools: %v, %v", seen, err)
	}
}

// Every tool that a provider runs has a name, also one that a newer genai adds. B102
func TestEveryToolOfAProviderHasAName(t *testing.T) {
	var names []string
	for field := range reflect.TypeFor[genai.Tool]().Fields() {
		if field.Name == "FunctionDeclarations" {
			continue
		}
		tool := &genai.Tool{}
		v := reflect.ValueOf(tool).Elem().FieldByIndex(field.Index)
		if v.Kind() == reflect.Pointer {
			v.Set(reflect.New(field.Type.Elem()))
		} else {
			v.Set(reflect.MakeSlice(field.Type, 1, 1))
		}
		req := &model.LLMRequest{Config: &genai.GenerateContentConfig{Tools: []*genai.Tool{tool}}}
		given := func(name string) bool {
			seen, err := guard.Tools(name)(t.Context(), req, guard.Target{})
			return err == nil && len(seen.Config.Tools) == 1 && cmp.Equal(seen.Config.Tools[0], tool)
		}
		found := ""
		for _, name := range []string{
			"google_search", "google_search_retrieval", "enterprise_web_search", "google_maps", "retrieval", "file_search", "code_execution",
			"url_context", "computer_use", "mcp_servers", "parallel_ai_search", "exa_ai_search",
		} {
			if given(name) {
				found = name
			}
		}
		if found == "" || given("x") {
			t.Errorf("%s goes by %q, and is given to who may have x: %t", field.Name, found, given("x"))
		}
		names = append(names, found)
	}
	if slices.Sort(names); len(slices.Compact(names)) != 12 {
		t.Errorf("names %q", names)
	}
}

func TestToolsNarrowsWhatIsForced(t *testing.T) {
	const modeAny, auto, validated = genai.FunctionCallingConfigModeAny, genai.FunctionCallingConfigModeAuto, genai.FunctionCallingConfigModeValidated
	for _, test := range []struct {
		name  string
		given genai.FunctionCallingConfig
		want  *genai.FunctionCallingConfig // nil for a refusal
		why   string
	}{
		{"any of all", genai.FunctionCallingConfig{Mode: modeAny}, &genai.FunctionCallingConfig{Mode: modeAny}, ""},
		{"any of two", genai.FunctionCallingConfig{Mode: modeAny, AllowedFunctionNames: []string{"a", "b"}}, &genai.FunctionCallingConfig{Mode: modeAny, AllowedFunctionNames: []string{"a"}}, ""},
		{"one that is not allowed", genai.FunctionCallingConfig{Mode: modeAny, AllowedFunctionNames: []string{"b"}}, nil, "tools: the request forces the tool b, which it may not be given"},
		{"in small letters", genai.FunctionCallingConfig{Mode: "any", AllowedFunctionNames: []string{"b"}}, nil, "tools: the request forces the tool b, which it may not be given"},
		{"two that are not allowed", genai.FunctionCallingConfig{Mode: modeAny, AllowedFunctionNames: []string{"b", "c"}}, nil, "tools: the request forces one of the tools b, c, which it may not be given"},
		{"nothing forced, nothing left", genai.FunctionCallingConfig{Mode: validated, AllowedFunctionNames: []string{"b"}}, &genai.FunctionCallingConfig{Mode: genai.FunctionCallingConfigModeNone, AllowedFunctionNames: []string{}}, ""},
		{"nothing forced", genai.FunctionCallingConfig{Mode: auto}, &genai.FunctionCallingConfig{Mode: auto}, ""},
	} {
		req := &model.LLMRequest{Config: &genai.GenerateContentConfig{
			Tools: []*genai.Tool{functions("a", "b", "c")}, ToolConfig: &genai.ToolConfig{FunctionCallingConfig: &test.given},
		}}
		before := clone.Request(req)
		if got := reason(t, t.Context(), guard.Tools("a"), req, guard.Target{}); got != test.why {
			t.Errorf("%s: %q, want %q", test.name, got, test.why)
		}
		if seen, err := guard.Tools("a")(t.Context(), req, guard.Target{}); err == nil {
			if diff := cmp.Diff(test.want, seen.Config.ToolConfig.FunctionCallingConfig); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.name, diff)
			}
		}
		if diff := cmp.Diff(before, req); diff != "" {
			t.Errorf("%s: the caller's request was changed (-want +got):\n%s", test.name, diff)
		}
	}
	forced := &model.LLMRequest{Config: &genai.GenerateContentConfig{
		Tools: []*genai.Tool{functions("b")}, ToolConfig: &genai.ToolConfig{FunctionCallingConfig: &genai.FunctionCallingConfig{Mode: modeAny}},
	}}
	if got := reason(t, t.Context(), guard.Tools("a"), forced, guard.Target{}); got != "tools: the request forces a tool, which it may not be given" {
		t.Errorf("%q", got)
	}
}

func ExampleTools() {
	req := &model.LLMRequest{Config: &genai.GenerateContentConfig{Tools: []*genai.Tool{
		{GoogleSearch: &genai.GoogleSearch{}},
		{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "read_file"}, {Name: "delete_file"}}},
	}}}
	seen, err := guard.Tools("read_*")(context.Background(), req, guard.Target{Name: "small-local-llm"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(toolsOf(req), "→", toolsOf(seen))
	// Output: [google_search read_file delete_file] → [read_file]
}
