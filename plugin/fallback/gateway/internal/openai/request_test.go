package openai_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/openai"
)

// Each field becomes what the canonical form has for it.
func TestFields(t *testing.T) {
	weather := &genai.FunctionDeclaration{Name: "weather", Description: "tells it", ParametersJsonSchema: json.RawMessage(`{"type": "object"}`)}
	tools := []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{weather}}}
	const weatherTool = `"tools": [{"type": "function", "function": {"name": "weather", "description": "tells it", "parameters": {"type": "object"}}}], `
	choice := func(mode genai.FunctionCallingConfigMode, names ...string) *genai.GenerateContentConfig {
		return &genai.GenerateContentConfig{Tools: tools, ToolConfig: &genai.ToolConfig{FunctionCallingConfig: &genai.FunctionCallingConfig{Mode: mode, AllowedFunctionNames: names}}}
	}
	for _, test := range []struct {
		fields string
		want   *genai.GenerateContentConfig
	}{
		{`"temperature": 0.5, "top_p": 0.25`, &genai.GenerateContentConfig{Temperature: genai.Ptr[float32](0.5), TopP: genai.Ptr[float32](0.25)}},
		{`"temperature": 0`, &genai.GenerateContentConfig{Temperature: genai.Ptr[float32](0)}},
		{`"top_k": 3`, &genai.GenerateContentConfig{TopK: genai.Ptr[float32](3)}},
		{`"max_tokens": 7`, &genai.GenerateContentConfig{MaxOutputTokens: 7}},
		{`"max_tokens": 7, "max_completion_tokens": 8`, &genai.GenerateContentConfig{MaxOutputTokens: 8}},
		{`"max_tokens": 100.0`, &genai.GenerateContentConfig{MaxOutputTokens: 100}},
		{`"max_completion_tokens": 1e2, "n": 1.0`, &genai.GenerateContentConfig{MaxOutputTokens: 100}},
		{`"seed": 5.0, "top_k": 30e-1`, &genai.GenerateContentConfig{Seed: genai.Ptr[int32](5), TopK: genai.Ptr[float32](3)}},
		{`"logprobs": true, "top_logprobs": 2.0`, &genai.GenerateContentConfig{ResponseLogprobs: true, Logprobs: genai.Ptr[int32](2)}},
		{
			`"max_tokens": 7.0, "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object", "b": 1, "a": 0.5}}}`,
			&genai.GenerateContentConfig{MaxOutputTokens: 7, ResponseMIMEType: "application/json", ResponseJsonSchema: json.RawMessage(`{"type": "object", "b": 1, "a": 0.5}`)},
		},
		{`"max_tokens": 9999999999`, &genai.GenerateContentConfig{MaxOutputTokens: 1<<31 - 1}},
		{`"stop": "x"`, &genai.GenerateContentConfig{StopSequences: []string{"x"}}},
		{`"stop": ["x", "y"]`, &genai.GenerateContentConfig{StopSequences: []string{"x", "y"}}},
		{`"n": 1`, &genai.GenerateContentConfig{}},
		{`"seed": 5`, &genai.GenerateContentConfig{Seed: genai.Ptr[int32](5)}},
		{`"presence_penalty": 1, "frequency_penalty": -1`, &genai.GenerateContentConfig{PresencePenalty: genai.Ptr[float32](1), FrequencyPenalty: genai.Ptr[float32](-1)}},
		{`"logprobs": true, "top_logprobs": 2`, &genai.GenerateContentConfig{ResponseLogprobs: true, Logprobs: genai.Ptr[int32](2)}},
		{`"reasoning_effort": "none"`, &genai.GenerateContentConfig{ThinkingConfig: &genai.ThinkingConfig{ThinkingBudget: genai.Ptr[int32](0)}}},
		{`"reasoning_effort": "low"`, &genai.GenerateContentConfig{ThinkingConfig: &genai.ThinkingConfig{ThinkingLevel: genai.ThinkingLevelLow}}},
		{`"metadata": {"k": "v"}`, &genai.GenerateContentConfig{Labels: map[string]string{"k": "v"}}},
		{`"response_format": {"type": "text"}`, &genai.GenerateContentConfig{}},
		{`"response_format": {"type": "json_object"}`, &genai.GenerateContentConfig{ResponseMIMEType: "application/json"}},
		{
			`"response_format": {"type": "json_schema", "json_schema": {"name": "n", "strict": true, "schema": {"type": "object"}}}`,
			&genai.GenerateContentConfig{ResponseMIMEType: "application/json", ResponseJsonSchema: json.RawMessage(`{"type": "object"}`)},
		},
		{
			`"response_format": {"type": "json_object", "schema": {"type": "object"}}`,
			&genai.GenerateContentConfig{ResponseMIMEType: "application/json", ResponseJsonSchema: json.RawMessage(`{"type": "object"}`)},
		},
		{
			`"response_format": {"type": "json_schema", "schema": {"type": "object"}}`,
			&genai.GenerateContentConfig{ResponseMIMEType: "application/json", ResponseJsonSchema: json.RawMessage(`{"type": "object"}`)},
		},
		{`"response_format": {"type": "json_object", "schema": null}`, &genai.GenerateContentConfig{ResponseMIMEType: "application/json"}},
		{`"modalities": ["text"]`, &genai.GenerateContentConfig{}},
		{weatherTool + `"stream": false`, &genai.GenerateContentConfig{Tools: tools}},
		{weatherTool + `"tool_choice": "auto"`, choice(genai.FunctionCallingConfigModeAuto)},
		{weatherTool + `"tool_choice": "none"`, choice(genai.FunctionCallingConfigModeNone)},
		{weatherTool + `"tool_choice": "required"`, choice(genai.FunctionCallingConfigModeAny)},
		{weatherTool + `"tool_choice": {"type": "function", "function": {"name": "weather"}}`, choice(genai.FunctionCallingConfigModeAny, "weather")},
		{
			weatherTool + `"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "weather"}}]}}`,
			choice(genai.FunctionCallingConfigModeAny, "weather"),
		},
	} {
		got, p := openai.Decode([]byte(`{"model": "a", "messages": [{"role": "user", "content": "hello"}], ` + test.fields + `}`))
		if p != nil {
			t.Errorf("%s: %+v", test.fields, p)
			continue
		}
		if diff := cmp.Diff(test.want, got.Config, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.fields, diff)
		}
	}
}

// Messages of all roles, with texts, media, calls and results.
func TestMessages(t *testing.T) {
	png := base64.StdEncoding.EncodeToString([]byte("png"))
	got, p := openai.Decode([]byte(`{"model": "a", "messages": [
		{"role": "system", "content": "be brief"},
		{"role": "developer", "content": [{"type": "text", "text": "and kind"}]},
		{"role": "user", "name": "bob", "content": [
			{"type": "text", "text": "look"},
			{"type": "image_url", "image_url": {"url": "data:image/png;base64,` + png + `", "detail": "low"}},
			{"type": "image_url", "image_url": {"url": "https://example.com/a.webp?x=1", "detail": "auto"}},
			{"type": "input_audio", "input_audio": {"data": "` + png + `", "format": "mp3"}},
			{"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,` + png + `"}},
			{"type": "file", "file": {"file_id": "file-1"}}]},
		{"role": "assistant", "content": null, "reasoning_content": "hm", "tool_calls": [
			{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}, "extra_content": {"google": {"thought_signature": "c2ln"}}},
			{"id": "c2", "type": "function", "function": {"name": "g", "arguments": ""}},
			{"id": "c3", "type": "function", "function": {"name": "g", "arguments": "null"}},
			{"id": "c4", "type": "function", "function": {"name": "g", "arguments": "{\"cut\": \"of"}},
			{"id": "c5", "type": "function", "function": {"name": "g", "arguments": "[1]"}}]},
		{"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "sunny"}, {"type": "text", "text": "and warm"}]},
		{"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "{\"y\": 2}"}]},
		{"role": "assistant", "content": [{"type": "text", "text": "so"}, {"type": "refusal", "refusal": "no"}]},
		{"role": "user", "content": "and now?"}]}`))
	if p != nil {
		t.Fatalf("%+v", p)
	}
	blob := func(kind, name string) *genai.Part {
		return &genai.Part{InlineData: &genai.Blob{MIMEType: kind, Data: []byte("png"), DisplayName: name}}
	}
	low := blob("image/png", "")
	low.MediaResolution = &genai.PartMediaResolution{Level: genai.PartMediaResolutionLevelMediaResolutionLow}
	want := []*genai.Content{
		{Role: genai.RoleUser, Parts: []*genai.Part{
			{Text: "look"}, low, {FileData: &genai.FileData{FileURI: "https://example.com/a.webp?x=1", MIMEType: "image/webp"}},
			blob("audio/mpeg", ""), blob("application/pdf", "a.pdf"), {FileData: &genai.FileData{FileURI: "file-1"}},
		}},
		{Role: genai.RoleModel, Parts: []*genai.Part{
			{Text: "hm", Thought: true},
			{FunctionCall: &genai.FunctionCall{ID: "c1", Name: "f", Args: map[string]any{"x": 1.0}}, ThoughtSignature: []byte("sig")},
			{FunctionCall: &genai.FunctionCall{ID: "c2", Name: "g", Args: map[string]any{}}},
			{FunctionCall: &genai.FunctionCall{ID: "c3", Name: "g", Args: map[string]any{}}},
			{FunctionCall: &genai.FunctionCall{ID: "c4", Name: "g", Args: map[string]any{"arguments": `{"cut": "of`}}},
			{FunctionCall: &genai.FunctionCall{ID: "c5", Name: "g", Args: map[string]any{"arguments": "[1]"}}},
		}},
		{Role: genai.RoleUser, Parts: []*genai.Part{
			{FunctionResponse: &genai.FunctionResponse{ID: "c2", Name: "g", Response: map[string]any{"output": "sunny\nand warm"}}},
			{FunctionResponse: &genai.FunctionResponse{ID: "c1", Name: "f", Response: map[string]any{"y": 2.0}}},
		}},
		{Role: genai.RoleModel, Parts: []*genai.Part{{Text: "so"}, {Text: "no"}}},
		{Role: genai.RoleUser, Parts: []*genai.Part{{Text: "and now?"}}},
	}
	if diff := cmp.Diff(want, got.Contents); diff != "" {
		t.Errorf("contents (-want +got):\n%s", diff)
	}
	if got := llmtest.TextOf(got.Config.SystemInstruction); got != "be briefand kind" {
		t.Errorf("instruction %q", got)
	}
}

// Calls of one answer may have the same id: Gemini's own endpoint for this protocol gives none, and
// LlamaIndex puts the function's name there. Their results come in the order of the calls.
func TestCallsWithTheSameID(t *testing.T) {
	const called = `{"role": "assistant", "tool_calls": [%s]}`
	call := func(id, name string) string {
		return fmt.Sprintf(`{"id": %q, "type": "function", "function": {"name": %q, "arguments": "{}"}}`, id, name)
	}
	got, p := openai.Decode([]byte(`{"model": "a", "messages": [{"role": "user", "content": "x"},
		` + fmt.Sprintf(called, call("", "f")+", "+call("", "g")) + `,
		{"role": "tool", "tool_call_id": "", "content": "of f"}, {"role": "tool", "tool_call_id": "", "content": "of g"},
		` + fmt.Sprintf(called, call("", "h")) + `, {"role": "tool", "tool_call_id": "", "content": "of h"}, {"role": "tool", "tool_call_id": "", "content": "of h again"}]}`))
	if p != nil {
		t.Fatalf("%+v", p)
	}
	var results []string
	for _, content := range got.Contents {
		for _, part := range content.Parts {
			if r := part.FunctionResponse; r != nil {
				results = append(results, fmt.Sprint(r.Name, ": ", r.Response["output"]))
			}
		}
	}
	if diff := cmp.Diff([]string{"f: of f", "g: of g", "h: of h", "h: of h again"}, results); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

// A body is either refused with a reason, or becomes a request that a model can take.
func FuzzDecode(f *testing.F) {
	seeds, err := filepath.Glob("testdata/requests/*.json")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, seed := range seeds {
		body, err := os.ReadFile(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Add([]byte(`{"model": "a", "messages": [{"role": "user", "content": "x"}], "temperature": 1e39}`)) // infinite as a float32
	f.Fuzz(func(t *testing.T, body []byte) {
		got, p := openai.Decode(body)
		if p != nil {
			if refusal := (openai.Errors{}).Refusal(nil, p); p.Status != http.StatusBadRequest || p.Text == "" || !json.Valid(refusal) {
				t.Errorf("refused with %+v: %s", p, refusal)
			}
			return
		}
		if got.Named == "" {
			t.Error("the request names no model")
		}
		for i, content := range got.Contents {
			if content.Role != genai.RoleUser && content.Role != genai.RoleModel || len(content.Parts) == 0 {
				t.Errorf("content %d has the role %q and %d parts", i, content.Role, len(content.Parts))
			}
		}
		if _, err := json.Marshal(got.LLMRequest); err != nil {
			t.Errorf("the request is no JSON: %v", err)
		}
	})
}

// BenchmarkDecode reads a long conversation. Package json, on a struct with the same fields,
// is beside it; size and time grow together.
func BenchmarkDecode(b *testing.B) {
	for _, messages := range []int{10, 400} {
		text := strings.Repeat(`The quick brown fox\njumps over the lazy dog. `, 10)
		body := []byte(`{"model":"m","messages":[{"role":"user","content":"` + text + `"}` +
			strings.Repeat(`,{"role":"assistant","content":"`+text+`"},{"role":"user","content":"`+text+`"}`, messages/2) + `]}`)
		b.Run(fmt.Sprintf("messages=%d/gateway", messages), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if _, p := openai.Decode(body); p != nil {
					b.Fatal(p)
				}
			}
		})
		b.Run(fmt.Sprintf("messages=%d/encoding-json", messages), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			var into struct {
				Model    string
				Messages []struct{ Role, Content string }
			}
			for b.Loop() {
				if err := json.Unmarshal(body, &into); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
