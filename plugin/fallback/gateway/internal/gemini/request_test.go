package gemini_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/gemini"
)

// The Gemini API takes names in snake_case too. Those that the client chooses stay.
func TestRequestsMayBeInSnakeCase(t *testing.T) {
	const snake = `{"system_instruction":{"parts":[{"text":"be_short"}]},"generation_config":{"max_output_tokens":7,"stop_sequences":["a_b"]},
		"tools":[{"function_declarations":[{"name":"get_weather","parameters":{"type":"OBJECT","properties":{"city_name":{"type":"STRING","min_length":1}}}}]}],
		"contents":[{"role":"user","parts":[{"inline_data":{"mime_type":"image/png","data":"aGk="}}]},
			{"role":"model","parts":[{"function_call":{"name":"get_weather","args":{"city_name":"Paris"}}}]},
			{"role":"user","parts":[{"function_response":{"name":"get_weather","response":{"sky_color":"blue"}}}]}]}`
	got, _, p := gemini.Decode([]byte(snake))
	if p != nil {
		t.Fatalf("%+v", p)
	}
	length := int64(1)
	want := &genai.GenerateContentConfig{
		SystemInstruction: &genai.Content{Parts: []*genai.Part{{Text: "be_short"}}}, MaxOutputTokens: 7, StopSequences: []string{"a_b"},
		Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "get_weather", Parameters: &genai.Schema{
			Type: genai.TypeObject, Properties: map[string]*genai.Schema{"city_name": {Type: genai.TypeString, MinLength: &length}}}}}}},
	}
	if diff := cmp.Diff(want, got.Config, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	parts := got.Contents
	if parts[0].Parts[0].InlineData.MIMEType != "image/png" || parts[1].Parts[0].FunctionCall.Args["city_name"] != "Paris" || parts[2].Parts[0].FunctionResponse.Response["sky_color"] != "blue" {
		t.Errorf("contents %+v", parts)
	}
}

// The Gemini API takes one element in place of a list, as Google's examples for curl have it:
// https://github.com/google-gemini/api-examples. What the client chooses stays.
func TestOneElementIsAList(t *testing.T) {
	got, _, p := gemini.Decode([]byte(`{"system_instruction":{"parts":{"text":"You are a cat."}},"contents":{"parts":{"text":"Hello there"}},
		"safety_settings":{"category":"HARM_CATEGORY_HARASSMENT","threshold":"BLOCK_NONE"},
		"tools":{"functionDeclarations":{"name":"f","parameters":{"type":"OBJECT","properties":{"parts":{"type":"STRING"}}}}},"labels":{"tools":"a"},
		"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":"f"}},"generationConfig":{"stopSequences":"END","responseModalities":1,
		"responseSchema":{"type":"OBJECT","properties":{"required":{"type":"STRING"}},"required":"required","propertyOrdering":null}}}`))
	if p != nil {
		t.Fatalf("%+v", p)
	}
	if diff := cmp.Diff([]*genai.Content{genai.NewContentFromText("Hello there", genai.RoleUser)}, got.Contents); diff != "" {
		t.Errorf("contents (-want +got):\n%s", diff)
	}
	want := &genai.GenerateContentConfig{
		SystemInstruction: &genai.Content{Parts: []*genai.Part{{Text: "You are a cat."}}}, Labels: map[string]string{"tools": "a"},
		SafetySettings: []*genai.SafetySetting{{Category: genai.HarmCategoryHarassment, Threshold: genai.HarmBlockThresholdBlockNone}},
		Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "f", Parameters: &genai.Schema{
			Type: genai.TypeObject, Properties: map[string]*genai.Schema{"parts": {Type: genai.TypeString}}}}}}},
		ToolConfig:    &genai.ToolConfig{FunctionCallingConfig: &genai.FunctionCallingConfig{Mode: genai.FunctionCallingConfigModeAny, AllowedFunctionNames: []string{"f"}}},
		StopSequences: []string{"END"}, ResponseModalities: []string{"TEXT"},
		ResponseSchema: &genai.Schema{Type: genai.TypeObject, Properties: map[string]*genai.Schema{"required": {Type: genai.TypeString}}, Required: []string{"required"}},
	}
	if diff := cmp.Diff(want, got.Config, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	calls, p := gemini.DecodeEmbeddings([]byte(`{"content":{"parts":{"text":"Hello there"}}}`), "a", false)
	if p != nil || len(calls) != 1 || calls[0].Contents[0].Parts[0].Text != "Hello there" {
		t.Errorf("embeddings of %+v, %+v", calls, p)
	}
	for _, wrong := range []string{`{"contents":{"parts":1}}`, `{"contents":{"parts":{"text":1}}}`, `{"contents":"Hello"}`} {
		if _, _, p := gemini.Decode([]byte(wrong)); p == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
}

// The Gemini API takes base64 with the alphabet for URLs, as Google's client for Python sends it,
// and without padding.
func TestBase64OfURLs(t *testing.T) {
	for text, want := range map[string]string{"-_8=": "\xfb\xff", "-_8": "\xfb\xff", "+/8": "\xfb\xff", "aGk=": "hi", "-A==": "\xf8", "-A": "\xf8", "aGkh": "hi!"} {
		got, _, p := gemini.Decode([]byte(`{"contents":[{"parts":[{"inline_data":{"mime_type":"image/png","data":"` + text + `"}}]},
			{"role":"model","parts":[{"functionCall":{"name":"f","args":{"data":"-_8="}},"thoughtSignature":"` + text + `"}]}]}`))
		if p != nil {
			t.Errorf("%s: %+v", text, p)
			continue
		}
		image, called := got.Contents[0].Parts[0], got.Contents[1].Parts[0]
		if string(image.InlineData.Data) != want || string(called.ThoughtSignature) != want || called.FunctionCall.Args["data"] != "-_8=" {
			t.Errorf("%s: %q, signature %q, arguments %v; want %q", text, image.InlineData.Data, called.ThoughtSignature, called.FunctionCall.Args, want)
		}
	}
	for _, wrong := range []string{"!!", "aGk?", "a", "=", "a-b=c"} {
		if _, _, p := gemini.Decode([]byte(`{"contents":[{"parts":[{"inlineData":{"mimeType":"image/png","data":"` + wrong + `"}}]}]}`)); p == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}

// A schema keeps the order of its properties, which models follow, also in a request that is
// changed before it is decoded: for a name in snake_case, or for one element in place of a list.
func TestSchemasKeepTheirOrder(t *testing.T) {
	const schema = `{"type":"object","properties":{"z_name":{"type":"string"},"a":{"type":"string","enum":["\u00e4 b","}"]}},"x-a":[1.50,{}]}`
	for _, body := range []string{
		`{"contents":[{"parts":[{"text":"x"}]}],"tools":[{"functionDeclarations":[{"name":"f","parametersJsonSchema":SCHEMA}]}],"generationConfig":{"responseMimeType":"application/json","responseJsonSchema":SCHEMA}}`,
		`{"contents": [{"parts": [{"text": "x"}]}], "tools": [{"function_declarations": [{"name": "f", "parameters_json_schema": SCHEMA}]}], "generation_config": {"response_mime_type": "application/json", "response_json_schema": SCHEMA}}`,
		`{"contents":{"parts":{"text":"x"}},"tools":{"functionDeclarations":{"name":"f","parametersJsonSchema":SCHEMA}},"generationConfig":{"responseMimeType":"application/json","responseJsonSchema":SCHEMA}}`,
	} {
		got, _, p := gemini.Decode([]byte(strings.ReplaceAll(body, "SCHEMA", schema)))
		if p != nil {
			t.Errorf("%s: %+v", body, p)
			continue
		}
		for _, of := range []any{got.Config.ResponseJsonSchema, got.Config.Tools[0].FunctionDeclarations[0].ParametersJsonSchema} {
			if text, _ := json.Marshal(of); string(text) != schema {
				t.Errorf("%s: the schema is %s", body, text)
			}
		}
	}
}

// Clients write numbers as strings: @google/genai for JavaScript declares the limits of schemas so.
func TestNumbersMayBeStrings(t *testing.T) {
	got, _, p := gemini.Decode([]byte(`{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"temperature":"0.5","topK":40.0,"maxOutputTokens":100.0,"seed":"7","stopSequences":["1"],
		"responseMimeType":"application/json","responseSchema":{"type":"ARRAY","minItems":"1","maxItems":"9007199254740993","items":{"type":"STRING","minLength":"2"}}},
		"tools":[{"functionDeclarations":[{"name":"f","parameters":{"type":"OBJECT","minProperties":"1","properties":{"seed":{"type":"NUMBER","minimum":"0.5","maximum":"5"}}}}]}]}`))
	if p != nil {
		t.Fatalf("%+v", p)
	}
	want := &genai.GenerateContentConfig{
		Temperature: genai.Ptr[float32](0.5), TopK: genai.Ptr[float32](40), MaxOutputTokens: 100, Seed: genai.Ptr[int32](7), StopSequences: []string{"1"}, ResponseMIMEType: "application/json",
		ResponseSchema: &genai.Schema{Type: genai.TypeArray, MinItems: genai.Ptr[int64](1), MaxItems: genai.Ptr[int64](9007199254740993), Items: &genai.Schema{Type: genai.TypeString, MinLength: genai.Ptr[int64](2)}},
		Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "f", Parameters: &genai.Schema{
			Type: genai.TypeObject, MinProperties: genai.Ptr[int64](1), Properties: map[string]*genai.Schema{"seed": {Type: genai.TypeNumber, Minimum: genai.Ptr(0.5), Maximum: genai.Ptr(5.0)}}}}}}},
	}
	if diff := cmp.Diff(want, got.Config, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	for _, wrong := range []string{`"seed":1.5`, `"seed":"many"`, `"topK":""`, `"temperature":"NaN"`, `"temperature":"null"`, `"temperature":"\"1\""`, `"temperature":"1e999"`, `"maxOutputTokens":"1e12"`} {
		if _, _, p := gemini.Decode([]byte(`{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{` + wrong + `}}`)); p == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
}

// google-generativeai for Python, and LangChain with it, send the numbers of enumerations over REST.
func TestEnumerationsMayBeNumbers(t *testing.T) {
	got, _, p := gemini.Decode([]byte(`{"model":"models/a","contents":[{"parts":[{"text":"x"}],"role":"user"}],"safetySettings":[{"category":7,"threshold":3}],"generationConfig":{"responseModalities":[1,"IMAGE"]},
		"toolConfig":{"functionCallingConfig":{"mode":2}},
		"tools":[{"functionDeclarations":[{"name":"f","parameters":{"type":6,"properties":{"type":{"type":1}}}}]}]}`))
	if p != nil {
		t.Fatalf("%+v", p)
	}
	want := &genai.GenerateContentConfig{
		SafetySettings:     []*genai.SafetySetting{{Category: genai.HarmCategoryHarassment, Threshold: genai.HarmBlockThresholdBlockOnlyHigh}},
		ResponseModalities: []string{"TEXT", "IMAGE"},
		ToolConfig:         &genai.ToolConfig{FunctionCallingConfig: &genai.FunctionCallingConfig{Mode: genai.FunctionCallingConfigModeAny}},
		Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "f", Parameters: &genai.Schema{
			Type: genai.TypeObject, Properties: map[string]*genai.Schema{"type": {Type: genai.TypeString}}}}}}},
	}
	if diff := cmp.Diff(want, got.Config, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	calls, p := gemini.DecodeEmbeddings([]byte(`{"content":{"parts":[{"text":"x"}]},"taskType":3}`), "a", false)
	if p != nil || calls[0].Config.TaskType != "SEMANTIC_SIMILARITY" {
		t.Errorf("embeddings of %+v, %+v", calls, p)
	}
	for _, wrong := range []string{`"safetySettings":[{"category":99}]`, `"safetySettings":[{"category":-1}]`, `"tools":[{"functionDeclarations":[{"name":"f","parameters":{"type":1.5}}]}]`} {
		if _, _, p := gemini.Decode([]byte(`{"contents":[{"parts":[{"text":"x"}]}],` + wrong + `}`)); p == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
}

// Google's examples for curl have the mode of function calling in lower case.
func TestModesMayBeInLowerCase(t *testing.T) {
	const declared = `"tools":[{"functionDeclarations":[{"name":"f"}]}]`
	for mode, want := range map[string]genai.FunctionCallingConfigMode{
		"none": genai.FunctionCallingConfigModeNone, "any": genai.FunctionCallingConfigModeAny, "auto": genai.FunctionCallingConfigModeAuto, "ANY": genai.FunctionCallingConfigModeAny, "": "",
	} {
		got, _, p := gemini.Decode([]byte(`{"contents":[{"parts":[{"text":"x"}]}],` + declared + `,"tool_config":{"function_calling_config":{"mode":"` + mode + `"}}}`))
		if p != nil || got.Config.ToolConfig.FunctionCallingConfig.Mode != want {
			t.Errorf("%q: %+v, %+v; want %q", mode, got, p, want)
		}
	}
}

// What the Gemini API refuses is not sent to another target without a part of it.
func TestWrongRequests(t *testing.T) {
	const declared = `"tools":[null,{"functionDeclarations":[null,{"name":"f"}]}],`
	calling := func(config string) string { return `"toolConfig":{"functionCallingConfig":` + config + `}` }
	for fields, want := range map[string]string{
		`"generationConfig":{"maxOutputTokens":0}`:                                                               "generationConfig.maxOutputTokens",
		`"generationConfig":{"maxOutputTokens":-1}`:                                                              "generationConfig.maxOutputTokens",
		`"generation_config":{"candidate_count":0}`:                                                              "generationConfig.candidateCount",
		`"generationConfig":{"candidateCount":2}`:                                                                "generationConfig.candidateCount",
		`"generationConfig":{"maxOutputTokens":null,"candidateCount":1}`:                                         "",
		`"contents":[{"parts":[{"text":"x"},{"text":"x","inlineData":{"mimeType":"image/png","data":"eA=="}}]}]`: "contents[0].parts[1]",
		`"contents":[{"parts":[{"text":"x","thoughtSignature":"eA==","videoMetadata":{"fps":1}}]}]`:              "",
		calling(`{"mode":"ANY"}`):                                                                                "toolConfig.functionCallingConfig",
		calling(`{"mode":"any"}`):                                                                                "toolConfig.functionCallingConfig",
		calling(`{"mode":"AUTO"}`):                                                                               "",
		`"tools":[{"googleSearch":{}}],` + calling(`{"mode":"ANY"}`):                                             "toolConfig.functionCallingConfig",
		declared + calling(`{"mode":"ANY"}`):                                                                     "",
		declared + calling(`{"mode":"ANY","allowedFunctionNames":["g"]}`):                                        "toolConfig.functionCallingConfig.allowedFunctionNames",
		declared + calling(`{"mode":"ANY","allowedFunctionNames":["g","f"]}`):                                    "",
	} {
		_, _, p := gemini.Decode([]byte(`{"contents":[{"parts":[{"text":"x"}]}],` + fields + `}`))
		if got := p != nil; got != (want != "") || got && p.Param != want {
			t.Errorf("%s: refused with %+v, want the field %q", fields, p, want)
		}
	}
}

// JSON has one kind of numbers: a whole one is an integer however it is written.
func TestWholeNumbersAreIntegers(t *testing.T) {
	got, _, p := gemini.Decode([]byte(`{"contents":{"parts":{"text":"1.0"}},"generationConfig":{"maxOutputTokens":1e2,"candidateCount":1.0,"seed":-5.0,
		"logprobs":2.0,"thinkingConfig":{"thinkingBudget":10.24e2},"temperature":0.5}}`))
	if p != nil {
		t.Fatalf("%+v", p)
	}
	want := &genai.GenerateContentConfig{
		MaxOutputTokens: 100, CandidateCount: 1, Seed: genai.Ptr[int32](-5), Logprobs: genai.Ptr[int32](2),
		ThinkingConfig: &genai.ThinkingConfig{ThinkingBudget: genai.Ptr[int32](1024)}, Temperature: genai.Ptr[float32](0.5),
	}
	if diff := cmp.Diff(want, got.Config); diff != "" || got.Contents[0].Parts[0].Text != "1.0" {
		t.Errorf("text %q, configuration (-want +got):\n%s", got.Contents[0].Parts[0].Text, diff)
	}
	for _, number := range []string{"100.5", "1e-1", "1e10", `"a hundred"`} {
		if _, _, p := gemini.Decode([]byte(`{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"maxOutputTokens":` + number + `}}`)); p == nil || p.Param != "generationConfig.maxOutputTokens" {
			t.Errorf("%s: refused with %+v, want the field", number, p)
		}
	}
}

// Ids of 64 bits stay exact, which float64 cannot hold.
func TestLongNumbersStayExact(t *testing.T) {
	const id = "9007199254740993"
	got, _, p := gemini.Decode([]byte(`{"contents":[null,{"role":"model","parts":[null,{"text":"x"},{"function_call":{"name":"f","args":{"an_id":` + id + `,"n":1}}}]},
		{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"ids":[` + id + `]}}}]}]}`))
	if p != nil {
		t.Fatalf("%+v", p)
	}
	if diff := cmp.Diff(map[string]any{"an_id": json.Number(id), "n": 1.0}, got.Contents[0].Parts[1].FunctionCall.Args); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"ids": []any{json.Number(id)}}, got.Contents[1].Parts[0].FunctionResponse.Response); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
}

// A body is either refused with a reason, or becomes a request that a model can take.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`[`, `{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"temperature":1e30},"unknown":{"a":[1,{"b":null}]},"fallbacks":["a"]}`, `{"contents":{"parts":{"functionCall":{"name":"a","args":{"n":90071992547409931}}}}}`,
		`{"contents":[null,{"role":"function","parts":[null,{"function_response":{"name":"a"}}]}],"system_instruction":{"parts":[null]},"safety_settings":[null]}`,
		`{"contents":{"parts":{"inline_data":{"data":"-_8"}}},"a_\"b":["\\",{}],"generation_config":{"seed":"1","response_modalities":[1]},"tools":[[]]}`,
		`{"contents":[{"parts":[{"text":"x"}]}],"tools":[null,{"functionDeclarations":[null,{"name":"a","parameters":{"type":"OBJECT","properties":{"a_b":null}}}]}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, _, p := gemini.Decode(body)
		if p != nil {
			if refusal := (gemini.Errors{}).Refusal(nil, p); p.Status != http.StatusBadRequest || p.Text == "" || !json.Valid(refusal) {
				t.Errorf("refused with %+v: %s", p, refusal)
			}
			return
		}
		for i, content := range got.Contents {
			if content.Role != genai.RoleUser && content.Role != genai.RoleModel || len(content.Parts) == 0 || slices.Contains(content.Parts, nil) {
				t.Errorf("content %d has the role %q and %d parts, or a part that is nil", i, content.Role, len(content.Parts))
			}
		}
		for i, tool := range got.Config.Tools {
			if tool == nil || slices.Contains(tool.FunctionDeclarations, nil) {
				t.Errorf("tool %d is nil, or has a function that is", i)
			}
		}
		if _, err := json.Marshal(got); err != nil {
			t.Errorf("the request is no JSON: %v", err)
		}
	})
}
