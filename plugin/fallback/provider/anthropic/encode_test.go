package anthropic_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/clone"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/anthropic"
)

func user(parts ...*genai.Part) *genai.Content {
	return genai.NewContentFromParts(parts, genai.RoleUser)
}

func bot(parts ...*genai.Part) *genai.Content {
	return genai.NewContentFromParts(parts, genai.RoleModel)
}

func say(s string) *genai.Part { return genai.NewPartFromText(s) }

func call(id, name string, args map[string]any) *genai.Part {
	return &genai.Part{FunctionCall: &genai.FunctionCall{ID: id, Name: name, Args: args}}
}

func result(id, name string, response map[string]any, media ...*genai.FunctionResponsePart) *genai.Part {
	return &genai.Part{FunctionResponse: &genai.FunctionResponse{ID: id, Name: name, Response: response, Parts: media}}
}

func thought(text, data string) *genai.Part {
	return &genai.Part{Text: text, Thought: true, ThoughtSignature: request.Seal("anthropic", []byte(data))}
}

// B100, B104: a history of any provider becomes one that the API accepts.
func TestMessages(t *testing.T) {
	image := []byte{1, 2, 3}
	for _, c := range []struct {
		name     string
		contents []*genai.Content
		want     string
	}{
		{"text, empty text left out", []*genai.Content{user(say("a"), say(""), say(" \n"), say("b")), bot(say("c")), user(say("d"))},
			`[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
			  {"role":"assistant","content":[{"type":"text","text":"c"}]},
			  {"role":"user","content":[{"type":"text","text":"d"}]}]`},
		{"contents of one role in one message", []*genai.Content{user(say("a")), user(say("b"))},
			`[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]`},
		{"media", []*genai.Content{user(genai.NewPartFromBytes(image, "image/jpg"), genai.NewPartFromURI("https://x/y.png", "image/png"),
			genai.NewPartFromBytes(image, "application/pdf"))},
			`[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"AQID"}},
			  {"type":"image","source":{"type":"url","url":"https://x/y.png"}},
			  {"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"AQID"}}]}]`},
		{"parallel calls: results together, in order, before text; bare strings; errors; media in a result", []*genai.Content{
			user(say("q")),
			bot(say("let me see"), call("a", "f", nil), call("b", "g", map[string]any{"x": 1})),
			user(result("b", "g", map[string]any{"error": "no"}), say("and?")),
			user(result("a", "f", map[string]any{"n": 1}, genai.NewFunctionResponsePartFromBytes(image, "image/png"))),
		},
			`[{"role":"user","content":[{"type":"text","text":"q"}]},
			  {"role":"assistant","content":[{"type":"text","text":"let me see"},
			    {"type":"tool_use","id":"a","name":"f","input":{}},{"type":"tool_use","id":"b","name":"g","input":{"x":1}}]},
			  {"role":"user","content":[
			    {"type":"tool_result","tool_use_id":"a","content":[{"type":"text","text":"{\"n\":1}"},
			      {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AQID"}}]},
			    {"type":"tool_result","tool_use_id":"b","content":[{"type":"text","text":"no"}],"is_error":true},
			    {"type":"text","text":"and?"}]}]`},
		{"an id that the API refuses, an empty result", []*genai.Content{user(say("q")), bot(call("functions.f:0", "f", nil)), user(result("functions.f:0", "f", nil))},
			`[{"role":"user","content":[{"type":"text","text":"q"}]},
			  {"role":"assistant","content":[{"type":"tool_use","id":"functions_f_0","name":"f","input":{}}]},
			  {"role":"user","content":[{"type":"tool_result","tool_use_id":"functions_f_0"}]}]`},
		{"own thoughts of the current turn, unchanged and in order", []*genai.Content{
			user(say("1")), bot(thought("old", "thinking/s0"), say("r")), user(say("2")),
			bot(thought("", "thinking/s1"), thought("", "redacted_thinking/xx"), call("a", "f", nil)), user(result("a", "f", map[string]any{"output": "o"})),
		},
			`[{"role":"user","content":[{"type":"text","text":"1"}]},{"role":"assistant","content":[{"type":"text","text":"r"}]},{"role":"user","content":[{"type":"text","text":"2"}]},
			  {"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"s1"},{"type":"redacted_thinking","data":"xx"},{"type":"tool_use","id":"a","name":"f","input":{}}]},
			  {"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[{"type":"text","text":"o"}]}]}]`},
		{"thoughts of others, and without a signature", []*genai.Content{
			user(say("1")),
			bot(&genai.Part{Text: "gemini's", Thought: true}, &genai.Part{Text: "gpt's", Thought: true, ThoughtSignature: request.Seal("openai", []byte("x"))}, thought("cut", "thinking/"),
				&genai.Part{FunctionCall: &genai.FunctionCall{ID: "a", Name: "f"}, ThoughtSignature: []byte("gemini's")}),
			user(result("a", "f", map[string]any{"output": "o"})),
		},
			`[{"role":"user","content":[{"type":"text","text":"1"}]},
			  {"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]},
			  {"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[{"type":"text","text":"o"}]}]}]`},
		{"an image that a model made", []*genai.Content{user(say("draw")), bot(say("here"), genai.NewPartFromBytes(image, "image/png")), user(say("nice"))},
			`[{"role":"user","content":[{"type":"text","text":"draw"}]},{"role":"assistant","content":[{"type":"text","text":"here"}]},
			  {"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AQID"}},{"type":"text","text":"nice"}]}]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			req := &model.LLMRequest{Contents: c.contents}
			before := clone.Request(req)
			body, _ := sent(t, "claude-sonnet-5", anthropic.Config{}, req)
			equal(t, "messages", body["messages"], c.want)
			if diff := cmp.Diff(before.Contents, req.Contents); diff != "" {
				t.Errorf("the caller's history has changed:\n%s", diff)
			}
		})
	}
}

// The user speaks first and last, where nobody has said so.
func TestConversationBeginsAndEndsWithUser(t *testing.T) {
	for _, contents := range [][]*genai.Content{nil, {bot(say("hello"))}, {user(say("a")), bot(say("b"))}} {
		body, _ := sent(t, "claude-sonnet-5", anthropic.Config{}, &model.LLMRequest{Contents: contents})
		messages := body["messages"].([]any)
		for _, m := range []any{messages[0], messages[len(messages)-1]} {
			if role := m.(map[string]any)["role"]; role != "user" {
				t.Errorf("%d contents: role %v at the border of %v", len(contents), role, messages)
			}
		}
	}
}

// A last turn of the model is taken up where the target is said to do so.
func TestPrefill(t *testing.T) {
	takes := provider.Takes{Prefill: genai.Ptr(true)}
	body, _ := sent(t, "claude-haiku-4-5", anthropic.Config{Takes: takes}, &model.LLMRequest{Contents: []*genai.Content{user(say("a")), bot(say("{ \n"))}})
	equal(t, "messages", body["messages"], `[{"role":"user","content":[{"type":"text","text":"a"}]},{"role":"assistant","content":[{"type":"text","text":"{"}]}]`)
}

// Such a model does not think: with thinking it would answer another turn of the user's instead.
func TestPrefillWithoutThinking(t *testing.T) {
	takes := provider.Takes{Prefill: genai.Ptr(true)}
	req := &model.LLMRequest{Contents: []*genai.Content{user(say("a")), bot(say("b"))}, Config: &genai.GenerateContentConfig{ThinkingConfig: &genai.ThinkingConfig{ThinkingBudget: genai.Ptr[int32](2048)}}}
	body, _ := sent(t, "claude-haiku-4-5", anthropic.Config{Takes: takes}, req)
	equal(t, "messages", body["messages"], `[{"role":"user","content":[{"type":"text","text":"a"}]},{"role":"assistant","content":[{"type":"text","text":"b"}]}]`)
	equal(t, "thinking", body["thinking"], `{"type":"disabled"}`)

	// With a schema, there is no prefill: the model may think.
	req.Config.ResponseJsonSchema = map[string]any{"type": "object", "properties": map[string]any{"a": map[string]any{"type": "string"}}, "required": []any{"a"}, "additionalProperties": false}
	body, _ = sent(t, "claude-haiku-4-5", anthropic.Config{Takes: takes}, req)
	equal(t, "thinking with a schema", body["thinking"], `{"budget_tokens":2048,"type":"enabled"}`)
}

func TestSystemAndLimits(t *testing.T) {
	config := &genai.GenerateContentConfig{
		SystemInstruction: user(say("be brief"), say(""), say("be kind")), MaxOutputTokens: 200_000, StopSequences: []string{"END", " ", ""},
	}
	body, head := sent(t, "claude-sonnet-4-5-20250929", anthropic.Config{}, &model.LLMRequest{Contents: says("hi").Contents, Config: config})
	equal(t, "system", body["system"], `[{"type":"text","text":"be brief"},{"type":"text","text":"be kind"}]`)
	equal(t, "stop_sequences", body["stop_sequences"], `["END"]`)
	equal(t, "max_tokens", body["max_tokens"], `64000`)
	equal(t, "model", body["model"], `"claude-sonnet-4-5-20250929"`)
	equal(t, "stream", body["stream"], ``)
	if got := head.Get("Anthropic-Version"); got != "2026-10-21" {
		t.Errorf("version %q", got)
	}
}

// The API demands max_tokens.
func TestMaxTokens(t *testing.T) {
	for _, c := range []struct {
		model        string
		config, want int32
		asked        int32
	}{
		{model: "claude-sonnet-5-5", want: 128_000},
		{model: "us.anthropic.claude-opus-4-5-20251101-v1:0", want: 64_000},
		{model: "anthropic/claude-opus-4.5", want: 64_000},
		{model: "claude-opus-4-1", want: 32_000},
		{model: "claude-tomorrow-9", want: 32_000},
		{model: "kimi-k3", want: 32_000},
		{model: "claude-sonnet-5", config: 500, want: 500},
		{model: "claude-sonnet-5", config: 500, asked: 7, want: 7},
	} {
		req := says("hi")
		req.Config = &genai.GenerateContentConfig{MaxOutputTokens: c.asked}
		body, _ := sent(t, c.model, anthropic.Config{MaxTokens: c.config}, req)
		if body["max_tokens"] != float64(c.want) {
			t.Errorf("%s: max_tokens %v, want %d", c.model, body["max_tokens"], c.want)
		}
	}
}

// B101: sampling settings are left out, as the API's current version refuses
// them; for a model that is said to take them the older version is asked for.
func TestSampling(t *testing.T) {
	all := &genai.GenerateContentConfig{Temperature: genai.Ptr[float32](1.7), TopP: genai.Ptr[float32](0.5), TopK: genai.Ptr[float32](40)}
	narrow := &genai.GenerateContentConfig{TopP: genai.Ptr[float32](0.97), ThinkingConfig: &genai.ThinkingConfig{ThinkingBudget: genai.Ptr[int32](2000)}}
	takes := provider.Takes{Temperature: genai.Ptr(true), TopP: genai.Ptr(true), TopK: genai.Ptr(true)}
	for _, c := range []struct {
		name              string
		takes             provider.Takes
		config            *genai.GenerateContentConfig
		version           string
		temperature, p, k string
	}{
		{"by default", provider.Takes{}, all, "2026-10-21", "", "", ""},
		{"taken: temperature within bounds, without top_p", takes, all, "2023-06-01", "1", "", "40"},
		{"beside thinking", takes, narrow, "2023-06-01", "", "0.97", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			body, head := sent(t, "claude-haiku-4-5", anthropic.Config{Takes: c.takes}, &model.LLMRequest{Contents: says("hi").Contents, Config: c.config})
			equal(t, "temperature", body["temperature"], c.temperature)
			equal(t, "top_p", body["top_p"], c.p)
			equal(t, "top_k", body["top_k"], c.k)
			if got := head.Get("Anthropic-Version"); got != c.version {
				t.Errorf("version %q, want %q", got, c.version)
			}
		})
	}
}

func budget(n int32) *int32 { return &n }

// B105: each model is told to think in its own terms.
func TestThinking(t *testing.T) {
	loop := []*genai.Content{user(say("1")), bot(call("a", "f", nil)), user(result("a", "f", nil))}
	for _, c := range []struct {
		name     string
		model    string
		config   genai.ThinkingConfig
		max      int32
		contents []*genai.Content
		forced   bool
		thinking string
		output   string
	}{
		{"level", "claude-opus-5-5", genai.ThinkingConfig{ThinkingLevel: genai.ThinkingLevelMedium, IncludeThoughts: true}, 0, nil, false,
			`{"type":"adaptive","display":"summarized"}`, `{"effort":"medium"}`},
		{"thoughts alone", "claude-sonnet-4-6", genai.ThinkingConfig{IncludeThoughts: true}, 0, nil, false, `{"type":"adaptive","display":"summarized"}`, ``},
		{"thoughts of a model that thinks when told how much", "claude-sonnet-4-5", genai.ThinkingConfig{IncludeThoughts: true}, 0, nil, false, ``, ``},
		{"nothing", "claude-opus-4-8", genai.ThinkingConfig{}, 0, nil, false, ``, ``},
		{"budget", "claude-sonnet-4-5", genai.ThinkingConfig{ThinkingBudget: budget(5000)}, 0, nil, false, `{"type":"enabled","budget_tokens":5000}`, ``},
		{"budget below the least", "claude-sonnet-4-5", genai.ThinkingConfig{ThinkingBudget: budget(10)}, 0, nil, false, `{"type":"enabled","budget_tokens":1024}`, ``},
		{"budget below max_tokens", "claude-sonnet-4-5", genai.ThinkingConfig{ThinkingBudget: budget(5000)}, 2000, nil, false, `{"type":"enabled","budget_tokens":1999}`, ``},
		{"no room for a budget", "claude-sonnet-4-5", genai.ThinkingConfig{ThinkingBudget: budget(5000)}, 1024, nil, false, `{"type":"disabled"}`, ``},
		{"budget 0", "claude-sonnet-5", genai.ThinkingConfig{ThinkingBudget: budget(0)}, 0, nil, false, `{"type":"disabled"}`, ``},
		{"level none", "claude-opus-4-6", genai.ThinkingConfig{ThinkingLevel: "NONE"}, 0, nil, false, `{"type":"disabled"}`, ``},
		{"a loop that another model began, with a budget", "claude-sonnet-4-5", genai.ThinkingConfig{ThinkingBudget: budget(5000)}, 0, loop, false, `{"type":"disabled"}`, ``},
		{"a loop that another model began, adaptive", "claude-sonnet-5", genai.ThinkingConfig{ThinkingLevel: genai.ThinkingLevelHigh}, 0, loop, false, `{"type":"adaptive"}`, `{"effort":"high"}`},
		{"budget with a forced tool", "claude-sonnet-4-5", genai.ThinkingConfig{ThinkingBudget: budget(5000)}, 0, nil, true, `{"type":"disabled"}`, ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := &genai.GenerateContentConfig{ThinkingConfig: &c.config, MaxOutputTokens: c.max, Tools: tools("f")}
			if c.forced {
				config.ToolConfig = choose(genai.FunctionCallingConfigModeAny)
			}
			contents := c.contents
			if contents == nil {
				contents = says("hi").Contents
			}
			body, _ := sent(t, c.model, anthropic.Config{}, &model.LLMRequest{Contents: contents, Config: config})
			equal(t, "thinking", body["thinking"], c.thinking)
			equal(t, "output_config", body["output_config"], c.output)
		})
	}
}

// A model that is told not to think gets no thinking blocks back: the API refuses
// them then.
func TestNoThoughtsWithoutThinking(t *testing.T) {
	contents := []*genai.Content{user(say("1")), bot(thought("hm", "thinking/s"), call("a", "f", nil)), user(result("a", "f", nil))}
	for name, config := range map[string]*genai.GenerateContentConfig{
		"claude-sonnet-4-5": nil, // off if not asked for
		"claude-sonnet-5":   {ThinkingConfig: &genai.ThinkingConfig{ThinkingBudget: budget(0)}},
	} {
		body, _ := sent(t, name, anthropic.Config{}, &model.LLMRequest{Contents: contents, Config: config})
		if text, _ := json.Marshal(body["messages"]); strings.Contains(string(text), "thinking") {
			t.Errorf("%s: %s", name, text)
		}
	}
}

func tools(names ...string) []*genai.Tool {
	tool := &genai.Tool{}
	for _, name := range names {
		tool.FunctionDeclarations = append(tool.FunctionDeclarations, &genai.FunctionDeclaration{Name: name})
	}
	return []*genai.Tool{tool}
}

func choose(mode genai.FunctionCallingConfigMode, names ...string) *genai.ToolConfig {
	return &genai.ToolConfig{FunctionCallingConfig: &genai.FunctionCallingConfig{Mode: mode, AllowedFunctionNames: names}}
}

func TestTools(t *testing.T) {
	declared := []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{
		{Name: "f", Description: "does f", Parameters: &genai.Schema{Type: genai.TypeObject, Properties: map[string]*genai.Schema{"x": {Type: genai.TypeString, Nullable: genai.Ptr(true)}}, Required: []string{"x"}}},
		{Name: "g", ParametersJsonSchema: map[string]any{"type": "object", "properties": map[string]any{}}},
		{Name: "h"},
	}}}
	const f, g, h = `{"name":"f","description":"does f","input_schema":{"type":"object","properties":{"x":{"type":["string","null"]}},"required":["x"]}}`,
		`{"name":"g","input_schema":{"type":"object","properties":{}}}`, `{"name":"h","input_schema":{"type":"object","properties":{}}}`
	for _, c := range []struct {
		name       string
		tools      []*genai.Tool
		config     *genai.ToolConfig
		serial     bool
		contents   []*genai.Content
		wantTools  string
		wantChoice string
	}{
		{"declared", declared, nil, false, nil, "[" + f + "," + g + "," + h + "]", ``},
		{"auto", declared, choose(genai.FunctionCallingConfigModeAuto), false, nil, "[" + f + "," + g + "," + h + "]", ``},
		{"one at a time", declared, nil, true, nil, "[" + f + "," + g + "," + h + "]", `{"type":"auto","disable_parallel_tool_use":true}`},
		{"any", declared, choose(genai.FunctionCallingConfigModeAny), true, nil, "[" + f + "," + g + "," + h + "]", `{"type":"any","disable_parallel_tool_use":true}`},
		{"one", declared, choose(genai.FunctionCallingConfigModeAny, "g"), false, nil, "[" + f + "," + g + "," + h + "]", `{"type":"tool","name":"g"}`},
		{"some", declared, choose(genai.FunctionCallingConfigModeAny, "g", "h"), false, nil, "[" + g + "," + h + "]", `{"type":"any"}`},
		{"none", declared, choose(genai.FunctionCallingConfigModeNone), true, nil, "[" + f + "," + g + "," + h + "]", `{"type":"none"}`},
		{"a history with calls needs tools", nil, nil, false, []*genai.Content{user(say("1")), bot(call("a", "f", nil)), user(result("a", "f", nil))},
			`[{"name":"f","input_schema":{"type":"object","properties":{}}}]`, `{"type":"none"}`},
		{"no tools", nil, choose(genai.FunctionCallingConfigModeAuto), true, nil, ``, ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			contents := c.contents
			if contents == nil {
				contents = says("hi").Contents
			}
			req := &model.LLMRequest{Contents: contents, Config: &genai.GenerateContentConfig{Tools: c.tools, ToolConfig: c.config}}
			body, _ := sent(t, "claude-sonnet-5", anthropic.Config{DisableParallelToolUse: c.serial}, req)
			equal(t, "tools", body["tools"], c.wantTools)
			equal(t, "tool_choice", body["tool_choice"], c.wantChoice)
		})
	}
}

// A request that no model of the API takes is the caller's to mend.
func TestDuplicateToolIsRefused(t *testing.T) {
	s := serve(t, reply{body: done})
	req := &model.LLMRequest{Contents: says("hi").Contents, Config: &genai.GenerateContentConfig{Tools: tools("f", "f")}}
	_, _, err := ask(t, newModel(t, s, "claude-sonnet-5", anthropic.Config{}), req, false)
	if v := failure.Classify(err); v.Action != failure.Fail || v.Kind != failure.KindInvalid || s.calls() != 0 {
		t.Errorf("%v: %+v after %d calls", err, v, s.calls())
	}
}

// Names that the API refuses are mapped, each to one of its own, and back.
func TestToolNames(t *testing.T) {
	long := strings.Repeat("n", 70)
	s := serve(t, reply{body: `{"type":"message","content":[{"type":"tool_use","id":"1","name":"a_b_2","input":{}},{"type":"tool_use","id":"2","name":"a_b","input":{}},
		{"type":"tool_use","id":"3","name":"other","input":{}}],"stop_reason":"tool_use"}`})
	req := &model.LLMRequest{
		Contents: []*genai.Content{user(say("1")), bot(call("x", "a.b", nil)), user(result("x", "a.b", nil))},
		Config:   &genai.GenerateContentConfig{Tools: tools("a.b", "a_b", "a:b", long, long+"2", "")},
	}
	m := newModel(t, s, "claude-sonnet-5", anthropic.Config{})
	_, final, err := ask(t, m, req, false)
	if err != nil {
		t.Fatal(err)
	}
	body, _, _ := s.last()
	var names []string
	for _, tool := range body["tools"].([]any) {
		names = append(names, tool.(map[string]any)["name"].(string))
	}
	want := []string{"a_b_2", "a_b", "a_b_3", long[:64], long[:62] + "_2", "_"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("declared (-want +got):\n%s", diff)
	}
	if text, _ := json.Marshal(body["messages"]); !strings.Contains(string(text), `"name":"a_b_2"`) {
		t.Errorf("the history has another name: %s", text)
	}
	var called []string
	for _, part := range final.Content.Parts {
		called = append(called, part.FunctionCall.Name)
	}
	if diff := cmp.Diff([]string{"a.b", "a_b", "other"}, called); diff != "" {
		t.Errorf("called (-want +got):\n%s", diff)
	}
}

// B103: a schema goes with tools, in the form that the API's grammar takes.
func TestResponseSchema(t *testing.T) {
	schema := map[string]any{
		"type": "object", "required": []any{"n"}, "$schema": "https://json-schema.org/draft/2020-12/schema",
		"properties": map[string]any{
			"n":    map[string]any{"type": "integer", "minimum": 1, "description": "how many"},
			"list": map[string]any{"type": "array", "minItems": 2, "items": map[string]any{"type": "object", "properties": map[string]any{"s": map[string]any{"type": "string", "format": "color", "pattern": "^(?=x)"}}}},
			"one":  map[string]any{"oneOf": []any{map[string]any{"type": "string"}, map[string]any{"type": "object", "additionalProperties": false}}},
		},
	}
	req := &model.LLMRequest{Contents: says("hi").Contents, Config: &genai.GenerateContentConfig{ResponseMIMEType: "application/json", ResponseJsonSchema: schema, Tools: tools("f")}}
	body, _ := sent(t, "claude-sonnet-5", anthropic.Config{}, req)
	equal(t, "output_config", body["output_config"], `{"format":{"type":"json_schema","schema":{"type":"object","required":["n"],"additionalProperties":false,"properties":{
		"n":{"type":"integer","description":"how many\n\n{minimum: 1}"},
		"list":{"type":"array","description":"{minItems: 2}","items":{"type":"object","additionalProperties":false,"properties":{"s":{"type":"string","description":"{format: \"color\", pattern: \"^(?=x)\"}"}}}},
		"one":{"anyOf":[{"type":"string"},{"type":"object","additionalProperties":false,"properties":{}}]}}}}}`)
	if schema["properties"].(map[string]any)["n"].(map[string]any)["minimum"] != 1 || body["tools"] == nil {
		t.Errorf("the caller's schema has changed, or the tools are gone: %v", body["tools"])
	}
}

func TestCacheBreakpoints(t *testing.T) {
	marked := func(text, ttl string) *genai.Part {
		return &genai.Part{Text: text, PartMetadata: map[string]any{anthropic.CacheControlKey: ttl}}
	}
	req := &model.LLMRequest{
		Contents: []*genai.Content{user(marked("1", "1h"), marked("2", "5m"), marked("3", "never"))},
		Config:   &genai.GenerateContentConfig{SystemInstruction: user(marked("s", "1h"), say("t")), Tools: tools("f", "g")},
	}
	for _, c := range []struct {
		name, config                      string
		system, messages, tool, automatic string
	}{
		{"of parts", "",
			`[{"type":"text","text":"s","cache_control":{"type":"ephemeral","ttl":"1h"}},{"type":"text","text":"t"}]`,
			`[{"role":"user","content":[{"type":"text","text":"1","cache_control":{"type":"ephemeral","ttl":"1h"}},
			  {"type":"text","text":"2","cache_control":{"type":"ephemeral","ttl":"5m"}},{"type":"text","text":"3"}]}]`, ``, ``},
		{"of the configuration, which leaves one more", anthropic.CacheHour,
			`[{"type":"text","text":"s"},{"type":"text","text":"t","cache_control":{"type":"ephemeral","ttl":"1h"}}]`,
			`[{"role":"user","content":[{"type":"text","text":"1"},
			  {"type":"text","text":"2","cache_control":{"type":"ephemeral","ttl":"1h"}},{"type":"text","text":"3"}]}]`,
			`{"type":"ephemeral","ttl":"1h"}`, `{"type":"ephemeral","ttl":"1h"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, reply{body: done})
			m := newModel(t, s, "claude-sonnet-5", anthropic.Config{CacheControl: c.config})
			if _, _, err := ask(t, m, req, false); err != nil {
				t.Fatal(err)
			}
			body, _, _ := s.last()
			equal(t, "system", body["system"], c.system)
			equal(t, "messages", body["messages"], c.messages)
			equal(t, "the last tool", body["tools"].([]any)[1].(map[string]any)["cache_control"], c.tool)
			equal(t, "automatic", body["cache_control"], c.automatic)
		})
	}
}

// B102: media that the API has no form for moves on to another target.
func TestMediaWithoutForm(t *testing.T) {
	s := serve(t, reply{body: done})
	for _, part := range []*genai.Part{genai.NewPartFromBytes([]byte("x"), "audio/wav"), genai.NewPartFromURI("gs://bucket/x.png", "image/png")} {
		req := &model.LLMRequest{Contents: []*genai.Content{user(say("hi"), part)}}
		_, _, err := ask(t, newModel(t, s, "claude-sonnet-5", anthropic.Config{}), req, false)
		var unfit *provider.UnfitError
		if v := failure.Classify(err); !errors.As(err, &unfit) || v.Action != failure.Fallback || s.calls() != 0 {
			t.Errorf("%v: %+v after %d calls", err, v, s.calls())
		}
	}
}

func TestUserID(t *testing.T) {
	req := &model.LLMRequest{Contents: says("hi").Contents, Config: &genai.GenerateContentConfig{Labels: map[string]string{"user_id": "u-1", "team": "x"}}}
	body, _ := sent(t, "claude-sonnet-5", anthropic.Config{}, req)
	equal(t, "metadata", body["metadata"], `{"user_id":"u-1"}`)
}
