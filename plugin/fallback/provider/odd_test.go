package provider_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// B100: a system instruction with other parts is sent as text to every API.
func TestSystemInstructionOfOtherParts(t *testing.T) {
	given := &genai.Content{Parts: []*genai.Part{
		{Text: "be brief", PartMetadata: map[string]any{"a": "b"}}, {ExecutableCode: &genai.ExecutableCode{Code: "1", Language: genai.LanguagePython}},
		call("f", map[string]any{"a": 1.0}), {ToolCall: &genai.ToolCall{}}, {InlineData: &genai.Blob{MIMEType: "image/png"}}, nil,
	}}
	for _, target := range everyTarget {
		req, _ := fit(t, target, &genai.GenerateContentConfig{SystemInstruction: given}, ask(genai.NewPartFromText("hi")))
		var texts []string
		for _, part := range req.Config.SystemInstruction.Parts {
			if part != nil {
				texts = append(texts, part.Text)
			}
		}
		if want := []string{"be brief", "\n```python\n1\n```\n", `Called f with {"a":1}`}; !slices.Equal(texts, want) {
			t.Errorf("%s: the instruction is %q, want %q", target.API, texts, want)
		}
		if metadata := req.Config.SystemInstruction.Parts[0].PartMetadata; (metadata != nil) != (target.API == provider.Gemini) {
			t.Errorf("%s: metadata %v", target.API, metadata)
		}
	}
}

// B100: an instruction in the conversation, which Responses takes, has no media.
func TestMediaOfAnInstructionInTheConversation(t *testing.T) {
	image := genai.NewPartFromBytes([]byte("png"), "image/png")
	req, _ := fit(t, gpt4o, nil, []*genai.Content{{Role: "system", Parts: []*genai.Part{{Text: "look"}, image}}, {Role: genai.RoleUser, Parts: []*genai.Part{{Text: "hi"}}}})
	if system := req.Contents[0].Parts; len(system) != 1 || system[0].Text != "look" {
		t.Errorf("the instruction is %+v", system)
	}
	if user := req.Contents[1].Parts; len(user) != 2 || user[0] != image {
		t.Errorf("the user says %+v", user)
	}
}

// B100: Gemini refuses a single turn of the model, even where it takes a prefill.
func TestSingleTurnOfTheModel(t *testing.T) {
	req, _ := fit(t, flash25, nil, []*genai.Content{genai.NewContentFromText("Once", genai.RoleModel)})
	if len(req.Contents) != 2 || req.Contents[0].Role != genai.RoleUser || req.Contents[1].Parts[0].Text != "Once" {
		t.Errorf("sent %+v", req.Contents)
	}
}

// B101, B103: settings of Gemini in the form that it takes.
func TestSettingsThatGeminiTakesOtherwise(t *testing.T) {
	for _, test := range []struct {
		name        string
		given, want *genai.GenerateContentConfig
	}{
		{"a schema with plain text", &genai.GenerateContentConfig{ResponseSchema: object(), ResponseMIMEType: "text/plain"}, &genai.GenerateContentConfig{ResponseSchema: object(), ResponseMIMEType: "application/json"}},
		{"a modality in lower case", &genai.GenerateContentConfig{ResponseModalities: []string{"text"}}, &genai.GenerateContentConfig{ResponseModalities: []string{"TEXT"}}},
		{"alternatives without probabilities", &genai.GenerateContentConfig{Logprobs: genai.Ptr[int32](3)}, &genai.GenerateContentConfig{}},
		{"no alternatives", &genai.GenerateContentConfig{ResponseLogprobs: true, Logprobs: genai.Ptr[int32](0)}, &genai.GenerateContentConfig{ResponseLogprobs: true}},
		{"many alternatives", &genai.GenerateContentConfig{ResponseLogprobs: true, Logprobs: genai.Ptr[int32](30)}, &genai.GenerateContentConfig{ResponseLogprobs: true, Logprobs: genai.Ptr[int32](20)}},
	} {
		req, _ := fit(t, provider.Target{API: provider.Vertex, Model: "gemini-2.5-flash"}, test.given, ask(genai.NewPartFromText("hi")))
		if diff := cmp.Diff(test.want, req.Config); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// B101: the names of functions that may be called are sent only with a mode that takes them,
// and no mode is sent without functions.
func TestChoiceOfFunctions(t *testing.T) {
	choose := func(mode genai.FunctionCallingConfigMode) *genai.ToolConfig {
		return &genai.ToolConfig{FunctionCallingConfig: &genai.FunctionCallingConfig{Mode: mode, AllowedFunctionNames: []string{"weather"}}}
	}
	clock := &genai.Tool{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "clock"}}}
	for _, target := range everyTarget {
		for mode, want := range map[genai.FunctionCallingConfigMode]string{
			genai.FunctionCallingConfigModeNone: "weather clock", genai.FunctionCallingConfigModeUnspecified: "weather", genai.FunctionCallingConfigModeAuto: "weather",
		} {
			req, _ := fit(t, target, &genai.GenerateContentConfig{Tools: []*genai.Tool{weather(), clock}, ToolConfig: choose(mode)}, ask(genai.NewPartFromText("hi")))
			calling := req.Config.ToolConfig.FunctionCallingConfig
			if len(calling.AllowedFunctionNames) > 0 || names(req.Config) != want || mode == genai.FunctionCallingConfigModeNone && calling.Mode != mode {
				t.Errorf("%s, %s: the choice is %+v of %s, want %s", target.API, mode, calling, names(req.Config), want)
			}
		}
		req, _ := fit(t, target, &genai.GenerateContentConfig{ToolConfig: choose(genai.FunctionCallingConfigModeAny)}, ask(genai.NewPartFromText("hi")))
		if req.Config.ToolConfig != nil {
			t.Errorf("%s: a choice without functions is %+v", target.API, req.Config.ToolConfig.FunctionCallingConfig)
		}
	}
}

// B100: data without a MIME type get the one that they show, because every API requires one.
func TestMediaWithoutType(t *testing.T) {
	for data, want := range map[string]string{"\x89PNG\r\n\x1a\n": "image/png", "%PDF-1.7": "application/pdf", "\x00\x01\x02": ""} {
		for _, target := range everyTarget {
			req := &model.LLMRequest{Contents: ask(genai.NewPartFromText("hi"), &genai.Part{InlineData: &genai.Blob{Data: []byte(data)}})}
			_, err := target.Fit(req)
			switch {
			case want == "":
				if err == nil || !strings.Contains(err.Error(), "octet-stream") {
					t.Errorf("%s: error %v for data of no known type", target.API, err)
				}
			case err != nil || req.Contents[0].Parts[1].InlineData.MIMEType != want:
				t.Errorf("%s: %v, sent %+v, want %s", target.API, err, req.Contents[0].Parts[1].InlineData, want)
			}
		}
	}
}
