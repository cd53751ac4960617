package provider_test

import (
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// names returns the functions that a request declares.
func names(config *genai.GenerateContentConfig) string {
	var out []string
	for _, tool := range config.Tools {
		for _, declaration := range tool.FunctionDeclarations {
			out = append(out, declaration.Name)
		}
	}
	return strings.Join(out, " ")
}

func call(name string, args map[string]any) *genai.Part {
	return &genai.Part{FunctionCall: &genai.FunctionCall{Name: name, Args: args}}
}

func object() *genai.Schema {
	return &genai.Schema{Type: genai.TypeObject, Properties: map[string]*genai.Schema{"city": {Type: genai.TypeString}}}
}

// B103: both where both are taken; else the schema as a function.
func TestSchemaWithTools(t *testing.T) {
	for _, test := range []struct {
		name   string
		target provider.Target
		tools  []*genai.Tool
		native bool
		names  string
		mode   genai.FunctionCallingConfigMode
	}{
		{"both", sonnet, []*genai.Tool{weather()}, true, "weather", ""},
		{"both at OpenAI", gpt4o, []*genai.Tool{weather()}, true, "weather", ""},
		{"both at Gemini 3", flash3, []*genai.Tool{weather()}, true, "weather", ""},
		{"as a function on 2.5", flash25, []*genai.Tool{weather()}, false, "weather set_model_response", ""},
		{"alone on 2.5", flash25, nil, true, "", ""},
		{"alone where no schema is taken", provider.Target{API: provider.Chat, Model: "deepseek-v4", Endpoint: "api.deepseek.com"}, nil, false, "set_model_response", "ANY"},
		{"the flow's own function stays", sonnet, []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "set_model_response"}}}}, true, "set_model_response", ""},
		{"the flow's own function on 2.5", flash25, []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "set_model_response"}}}}, false, "set_model_response", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			given := &genai.GenerateContentConfig{ResponseSchema: object(), ResponseMIMEType: "application/json", Tools: test.tools}
			req, fitted := fit(t, test.target, given, ask(genai.NewPartFromText("hi")))
			config := req.Config
			if native := config.ResponseSchema != nil; native != test.native || (config.ResponseMIMEType != "") != native {
				t.Errorf("schema %v with %q, want native %v", config.ResponseSchema, config.ResponseMIMEType, test.native)
			}
			if got := names(config); got != test.names {
				t.Errorf("functions %q, want %q", got, test.names)
			}
			if test.mode != "" && config.ToolConfig.FunctionCallingConfig.Mode != test.mode {
				t.Errorf("mode %v, want %s", config.ToolConfig, test.mode)
			}
			carried := !test.native && !strings.HasPrefix(test.name, "the flow's")
			if (fitted.Answer != nil) != carried || (config.SystemInstruction != nil) != carried {
				t.Errorf("answer is changed: %v, instruction %v, want both %v", fitted.Answer != nil, config.SystemInstruction, carried)
			}
			if given.ResponseSchema == nil || len(given.Tools) != len(test.tools) {
				t.Error("the caller's configuration changed")
			}
		})
	}
}

// B103: OpenAI takes objects alone, so a list or a word travels in one.
func TestSchemaOfNoObject(t *testing.T) {
	answer := func(fitted provider.Fitted, parts ...*genai.Part) string {
		return fitted.Answer(&model.LLMResponse{Content: &genai.Content{Parts: parts}}).Content.Parts[0].Text
	}
	list := &genai.Schema{Type: genai.TypeArray, Items: &genai.Schema{Type: genai.TypeString}}
	req, fitted := fit(t, gpt4o, &genai.GenerateContentConfig{ResponseSchema: list, ResponseMIMEType: "application/json"}, ask(genai.NewPartFromText("hi")))
	if req.Config.ResponseSchema.Type != genai.TypeObject {
		t.Errorf("schema %v, want an object", req.Config.ResponseSchema)
	}
	if got := answer(fitted, genai.NewPartFromText(`{"resp`), genai.NewPartFromText(`onse":["a"]}`)); got != `["a"]` {
		t.Errorf("answer %q, want the list", got)
	}
	if got := answer(fitted, genai.NewPartFromText(`I cannot`)); got != "I cannot" {
		t.Errorf("answer %q, want what is no JSON as it is", got)
	}

	word := &genai.GenerateContentConfig{ResponseSchema: &genai.Schema{Type: genai.TypeString, Enum: []string{"yes", "no"}}, ResponseMIMEType: "text/x.enum"}
	req, fitted = fit(t, sonnet, word, ask(genai.NewPartFromText("hi")))
	if got := answer(fitted, genai.NewPartFromText(`{"response":"yes"}`)); got != "yes" || req.Config.ResponseMIMEType != "application/json" {
		t.Errorf("answer %q of type %s, want the bare word", got, req.Config.ResponseMIMEType)
	}
	word.Tools = []*genai.Tool{weather()}
	_, fitted = fit(t, flash25, word, ask(genai.NewPartFromText("hi")))
	if got := answer(fitted, call("set_model_response", map[string]any{"response": "yes"})); got != "yes" {
		t.Errorf("answer %q, want the bare word", got)
	}
	json := &genai.GenerateContentConfig{ResponseJsonSchema: map[string]any{"type": "array", "items": map[string]any{"$ref": "#/$defs/a"}, "$defs": map[string]any{"a": map[string]any{"type": "string"}}}}
	req, _ = fit(t, gpt4o, json, ask(genai.NewPartFromText("hi")))
	if root := req.Config.ResponseJsonSchema.(map[string]any); root["type"] != "object" || root["$defs"] == nil {
		t.Errorf("schema %v, want an object with the definitions", root)
	}
}

// B101: JSON without a schema is an instruction where there is no such mode, and
// has the word where OpenAI wants it.
func TestJSONOutput(t *testing.T) {
	for _, test := range []struct {
		name       string
		target     provider.Target
		tools      []*genai.Tool
		text       string
		mode, told bool
	}{
		{"taken", flash25, nil, "hi", true, false},
		{"not with tools on 2.5", flash25, []*genai.Tool{weather()}, "hi", false, true},
		{"not at Anthropic", sonnet, nil, "hi", false, true},
		{"OpenAI wants the word", gpt4o, nil, "hi", true, true},
		{"OpenAI has the word", gpt4o, nil, "give me Json", true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			req, _ := fit(t, test.target, &genai.GenerateContentConfig{ResponseMIMEType: "application/json", Tools: test.tools}, ask(genai.NewPartFromText(test.text)))
			if mode, told := req.Config.ResponseMIMEType != "", req.Config.SystemInstruction != nil; mode != test.mode || told != test.told {
				t.Errorf("mode %v, instruction %v, want %v and %v", mode, told, test.mode, test.told)
			}
		})
	}
}

// B102, B100: media are where the target takes them.
func TestMediaMoves(t *testing.T) {
	image := &genai.FunctionResponsePart{InlineData: &genai.FunctionResponseBlob{MIMEType: "image/png", Data: []byte("png")}}
	contents := append(ask(genai.NewPartFromText("plot it")),
		&genai.Content{Role: genai.RoleModel, Parts: []*genai.Part{{FunctionCall: &genai.FunctionCall{ID: "a", Name: "plot"}}, {FunctionCall: &genai.FunctionCall{ID: "b", Name: "plot"}}}},
		&genai.Content{Role: genai.RoleUser, Parts: []*genai.Part{
			{FunctionResponse: &genai.FunctionResponse{ID: "a", Name: "plot", Parts: []*genai.FunctionResponsePart{image}}},
			{FunctionResponse: &genai.FunctionResponse{ID: "b", Name: "plot"}},
		}})
	for _, test := range []struct {
		target provider.Target
		moved  bool
	}{{sonnet, false}, {flash3, false}, {gpt4o, false}, {gpt4oChat, true}, {flash25, true}} {
		req, fitted := fit(t, test.target, nil, contents)
		results := req.Contents[2].Parts
		moved := len(results) == 3 && results[0].FunctionResponse != nil && results[1].FunctionResponse != nil && results[2].InlineData != nil
		if moved != test.moved || (len(results[0].FunctionResponse.Parts) == 0) != moved || (len(fitted.Adapted) > 0) != moved {
			t.Errorf("%s %s: moved after all results %v, adapted %q, want %v", test.target.API, test.target.Model, moved, fitted.Adapted, test.moved)
		}
	}
	if len(contents[2].Parts[0].FunctionResponse.Parts) != 1 {
		t.Error("the session's history changed")
	}

	painted := []*genai.Content{
		genai.NewContentFromText("draw", genai.RoleUser),
		{Role: genai.RoleModel, Parts: []*genai.Part{genai.NewPartFromText("there"), genai.NewPartFromBytes([]byte("png"), "image/png")}},
		genai.NewContentFromText("bigger", genai.RoleUser),
	}
	req, _ := fit(t, gpt4o, nil, painted)
	if len(req.Contents[1].Parts) != 1 || req.Contents[2].Parts[0].InlineData == nil {
		t.Error("an image of the model is not in the user's turn")
	}
	req, _ = fit(t, gpt4o, nil, ask(genai.NewPartFromBytes([]byte("a,b"), "text/csv")))
	if got := req.Contents[0].Parts[0].Text; got != "a,b" {
		t.Errorf("a text file became %q, want its text", got)
	}
	if req, _ := fit(t, flash25, nil, painted); len(req.Contents[1].Parts) != 2 {
		t.Error("Gemini does not get its own image back")
	}
}

// B100: what Gemini alone has words for in a history, and turns as each API wants
// them.
func TestTurns(t *testing.T) {
	t.Run("the system instruction of gemma", func(t *testing.T) {
		req, _ := fit(t, gemma, &genai.GenerateContentConfig{SystemInstruction: genai.NewContentFromText("be brief", genai.RoleUser)}, ask(genai.NewPartFromText("hi")))
		if req.Config.SystemInstruction != nil || len(req.Contents) != 1 || req.Contents[0].Parts[0].Text != "be brief" {
			t.Errorf("contents %v, want the instruction first", req.Contents[0])
		}
	})
	t.Run("a model's turn at the end", func(t *testing.T) {
		contents := append(ask(genai.NewPartFromText("hi")), genai.NewContentFromText("I", genai.RoleModel))
		for _, target := range []provider.Target{sonnet, gpt4o, {API: provider.Gemini, Model: "gemini-3.6-flash"}} {
			if req, fitted := fit(t, target, nil, contents); len(req.Contents) != 3 || req.Contents[2].Role != genai.RoleUser || len(fitted.Adapted) != 1 {
				t.Errorf("%s gets %d turns, want one of the user's more", target.Model, len(req.Contents))
			}
		}
		if req, _ := fit(t, flash3, nil, contents); len(req.Contents) != 2 {
			t.Error("Gemini 3 takes a prefill, and got another turn")
		}
	})
	t.Run("a model's turn first", func(t *testing.T) {
		contents := []*genai.Content{genai.NewContentFromText("hello", genai.RoleModel), genai.NewContentFromText("hi", genai.RoleUser)}
		if req, _ := fit(t, sonnet, nil, contents); len(req.Contents) != 3 || req.Contents[0].Role != genai.RoleUser {
			t.Error("Anthropic gets a model's turn first")
		}
	})
	t.Run("calls at a model without tools", func(t *testing.T) {
		contents := append(ask(genai.NewPartFromText("hi")), &genai.Content{Role: genai.RoleModel, Parts: []*genai.Part{call("weather", map[string]any{"city": "Rome"})}},
			&genai.Content{Role: genai.RoleUser, Parts: []*genai.Part{{FunctionResponse: &genai.FunctionResponse{Name: "weather", Response: map[string]any{"sky": "blue"}}}}})
		req, _ := fit(t, gemma, nil, contents)
		if got := req.Contents[1].Parts[0].Text + "; " + req.Contents[2].Parts[0].Text; got != `Called weather with {"city":"Rome"}; Result of weather: {"sky":"blue"}` {
			t.Errorf("history %q", got)
		}
	})
	t.Run("code that Gemini ran", func(t *testing.T) {
		contents := append(ask(genai.NewPartFromText("hi")), &genai.Content{Role: genai.RoleModel, Parts: []*genai.Part{
			{ExecutableCode: &genai.ExecutableCode{Code: "1+1", Language: genai.LanguagePython}}, {CodeExecutionResult: &genai.CodeExecutionResult{Output: "2"}}, {ToolCall: &genai.ToolCall{}},
		}}, genai.NewContentFromText("and?", genai.RoleUser))
		req, _ := fit(t, gpt4o, nil, contents)
		if parts := req.Contents[1].Parts; len(parts) != 2 || parts[0].Text != "\n```python\n1+1\n```\n" || parts[1].Text != "\n```output\n2\n```\n" {
			t.Errorf("history %v", parts)
		}
		if req, _ := fit(t, flash25, nil, contents); req.Contents[1].Parts[0].ExecutableCode == nil || len(req.Contents[1].Parts) != 3 {
			t.Error("Gemini does not get its own parts back")
		}
	})
}

// B101: how tools are called is a setting.
func TestToolChoice(t *testing.T) {
	forced := func(tools ...*genai.Tool) *genai.GenerateContentConfig {
		return &genai.GenerateContentConfig{Tools: tools, ToolConfig: &genai.ToolConfig{FunctionCallingConfig: &genai.FunctionCallingConfig{Mode: genai.FunctionCallingConfigModeAny, AllowedFunctionNames: []string{"weather"}}}}
	}
	req, _ := fit(t, provider.Target{API: provider.Anthropic, Model: "claude-opus-5-5"}, forced(weather()), ask(genai.NewPartFromText("hi")))
	if got := req.Config.ToolConfig.FunctionCallingConfig; got.Mode != genai.FunctionCallingConfigModeAuto || got.AllowedFunctionNames != nil {
		t.Errorf("opus-5-5 gets %+v, want no forced call", got)
	}
	req, _ = fit(t, sonnet, forced(weather()), ask(genai.NewPartFromText("hi")))
	if got := req.Config.ToolConfig.FunctionCallingConfig.Mode; got != genai.FunctionCallingConfigModeAny {
		t.Errorf("sonnet-5 gets %s, want the forced call", got)
	}
	req, _ = fit(t, gpt4o, forced(), ask(genai.NewPartFromText("hi")))
	if req.Config.ToolConfig != nil {
		t.Error("OpenAI gets a choice of tools without tools")
	}
	with := forced(weather())
	with.ThinkingConfig = &genai.ThinkingConfig{ThinkingBudget: genai.Ptr[int32](2000)}
	req, _ = fit(t, provider.Target{API: provider.Anthropic, Model: "claude-sonnet-4-5"}, with, ask(genai.NewPartFromText("hi")))
	if *req.Config.ThinkingConfig.ThinkingBudget != 0 {
		t.Error("sonnet-4-5 thinks with a forced tool")
	}
	mixed := &genai.GenerateContentConfig{Tools: []*genai.Tool{weather(), {GoogleSearch: &genai.GoogleSearch{}}}}
	req, _ = fit(t, flash3, mixed, ask(genai.NewPartFromText("hi")))
	if config := req.Config.ToolConfig; config == nil || config.IncludeServerSideToolInvocations == nil {
		t.Error("the Gemini API lacks the flag for search with functions")
	}
	req, _ = fit(t, provider.Target{API: provider.Vertex, Model: "gemini-3-flash"}, mixed, ask(genai.NewPartFromText("hi")))
	if req.Config.ToolConfig != nil {
		t.Error("Vertex AI gets a flag that it does not know")
	}
}

// B101: where the names of the functions that may be called cannot be sent, only these
// functions are declared: the model never calls another one.
func TestAllowedFunctions(t *testing.T) {
	opus := provider.Target{API: provider.Anthropic, Model: "claude-opus-5-5"}
	chat := provider.Target{API: provider.Chat, Model: "gpt-4o"}
	const (
		auto, validated = genai.FunctionCallingConfigModeAuto, genai.FunctionCallingConfigModeValidated
		any             = genai.FunctionCallingConfigModeAny
	)
	for _, test := range []struct {
		target     provider.Target
		given, got genai.FunctionCallingConfigMode
		functions  string
	}{
		{gpt4o, validated, auto, "weather"}, {chat, validated, auto, "weather"}, {sonnet, validated, auto, "weather"},
		{opus, any, auto, "weather"}, // takes no forced call
		{flash3, auto, auto, "weather"}, {flash3, "", auto, "weather"}, {gpt4o, auto, auto, "weather"},
		{flash3, validated, validated, "weather time"}, {flash3, any, any, "weather time"}, {sonnet, any, any, "weather time"},
	} {
		tool := weather()
		tool.FunctionDeclarations = append(tool.FunctionDeclarations, &genai.FunctionDeclaration{Name: "time"})
		given := &genai.GenerateContentConfig{Tools: []*genai.Tool{tool, {FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "other"}}}}, ToolConfig: &genai.ToolConfig{
			FunctionCallingConfig: &genai.FunctionCallingConfig{Mode: test.given, AllowedFunctionNames: []string{"weather"}},
		}}
		if test.functions != "weather" {
			test.functions += " other"
		}
		req, _ := fit(t, test.target, given, ask(genai.NewPartFromText("hi")))
		calling := req.Config.ToolConfig.FunctionCallingConfig
		if got := names(req.Config); got != test.functions || calling.Mode != test.got || (len(calling.AllowedFunctionNames) > 0) != (test.functions != "weather") {
			t.Errorf("%s %q: %+v among %q, want %s among %q", test.target.Model, test.given, calling, got, test.got, test.functions)
		}
		if len(tool.FunctionDeclarations) != 2 || len(given.Tools) != 2 {
			t.Error("the caller's tools changed")
		}
	}
}
