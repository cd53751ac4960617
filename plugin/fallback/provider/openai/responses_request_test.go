package openai_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai"
)

const whole = `{"status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"ok"}]}]}`

// sent returns the body that a model of that name makes of req.
func sent(t *testing.T, name string, req *model.LLMRequest) map[string]any {
	t.Helper()
	s := serveResponses(t, "application/json", whole)
	if got := ask(t, s.model(name), req, false); got.err != nil {
		t.Fatal(got.err)
	}
	return s.request
}

func decoded(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func content(role string, parts ...*genai.Part) *genai.Content {
	return &genai.Content{Role: role, Parts: parts}
}

func call(id, name string, args map[string]any) *genai.Part {
	return &genai.Part{FunctionCall: &genai.FunctionCall{ID: id, Name: name, Args: args}}
}

func result(id, name string, response map[string]any) *genai.Part {
	return &genai.Part{FunctionResponse: &genai.FunctionResponse{ID: id, Name: name, Response: response}}
}

func TestResponsesInput(t *testing.T) {
	image := []byte("\x89PNG")
	for name, test := range map[string]struct {
		contents []*genai.Content
		want     string
	}{
		"history": {
			[]*genai.Content{content("user", genai.NewPartFromText("1 < 2?")), content("model", genai.NewPartFromText("Yes.")), content("user", genai.NewPartFromText("Sure?"))},
			`[{"type":"message","role":"user","content":[{"type":"input_text","text":"1 < 2?"}]},
			  {"type":"message","role":"assistant","content":[{"type":"output_text","text":"Yes."}]},
			  {"type":"message","role":"user","content":[{"type":"input_text","text":"Sure?"}]}]`,
		},
		"nothing": {nil, `[{"type":"message","role":"user","content":[{"type":"input_text","text":"Handle the requests as specified in the system instruction."}]}]`},
		"text, calls and results": {
			[]*genai.Content{content("user", genai.NewPartFromText("go")),
				content("model", genai.NewPartFromText("Let me see."), call("a", "look", nil), call("b", "look", map[string]any{"x": 1})),
				content("user", result("b", "look", map[string]any{"output": "B"}), result("a", "look", nil))},
			`[{"type":"message","role":"user","content":[{"type":"input_text","text":"go"}]},
			  {"type":"message","role":"assistant","content":[{"type":"output_text","text":"Let me see."}]},
			  {"type":"function_call","call_id":"a","name":"look","arguments":"{}"},
			  {"type":"function_call","call_id":"b","name":"look","arguments":"{\"x\":1}"},
			  {"type":"function_call_output","call_id":"a","output":"{}"},
			  {"type":"function_call_output","call_id":"b","output":"B"}]`,
		},
		"results": {
			[]*genai.Content{content("user", genai.NewPartFromText("go")), content("model", call("a", "look", nil), call("b", "look", nil), call("c", "look", nil), call("d", "look", nil), call("e", "look", nil)),
				content("user", result("a", "look", map[string]any{"output": "one\n\"two\""}), result("b", "look", map[string]any{"output": ""}), result("c", "look", map[string]any{"output": "x", "more": 1}),
					result("d", "look", map[string]any{"result": "of \"ADK\""}), result("e", "look", map[string]any{"error": "e"}))},
			`[{"type":"message","role":"user","content":[{"type":"input_text","text":"go"}]},
			  {"type":"function_call","call_id":"a","name":"look","arguments":"{}"},
			  {"type":"function_call","call_id":"b","name":"look","arguments":"{}"},
			  {"type":"function_call","call_id":"c","name":"look","arguments":"{}"},
			  {"type":"function_call","call_id":"d","name":"look","arguments":"{}"},
			  {"type":"function_call","call_id":"e","name":"look","arguments":"{}"},
			  {"type":"function_call_output","call_id":"a","output":"one\n\"two\""},
			  {"type":"function_call_output","call_id":"b","output":"{\"output\":\"\"}"},
			  {"type":"function_call_output","call_id":"c","output":"{\"more\":1,\"output\":\"x\"}"},
			  {"type":"function_call_output","call_id":"d","output":"of \"ADK\""},
			  {"type":"function_call_output","call_id":"e","output":"{\"error\":\"e\"}"}]`,
		},
		"resolutions": {
			[]*genai.Content{content("user", resolved("image/png", genai.PartMediaResolutionLevelMediaResolutionLow),
				resolved("image/png", genai.PartMediaResolutionLevelMediaResolutionMedium), resolved("image/png", genai.PartMediaResolutionLevelMediaResolutionUltraHigh))},
			`[{"type":"message","role":"user","content":[
			  {"type":"input_image","detail":"low","image_url":"data:image/png;base64,YWJj"},{"type":"input_image","detail":"auto","image_url":"data:image/png;base64,YWJj"},
			  {"type":"input_image","detail":"high","image_url":"data:image/png;base64,YWJj"}]}]`,
		},
		"media": {
			[]*genai.Content{content("user", genai.NewPartFromBytes(image, "image/png"), genai.NewPartFromURI("https://example.com/a.jpg", "image/jpeg"),
				genai.NewPartFromBytes([]byte("%PDF"), "application/pdf"), genai.NewPartFromURI("https://example.com/a.pdf", "application/pdf"), genai.NewPartFromBytes([]byte("a,b"), "text/csv"))},
			`[{"type":"message","role":"user","content":[
			  {"type":"input_image","detail":"auto","image_url":"data:image/png;base64,iVBORw=="},{"type":"input_image","detail":"auto","image_url":"https://example.com/a.jpg"},
			  {"type":"input_file","filename":"document.pdf","file_data":"data:application/pdf;base64,JVBERg=="},{"type":"input_file","file_url":"https://example.com/a.pdf"},
			  {"type":"input_text","text":"a,b"}]}]`,
		},
		"image in a result": {
			[]*genai.Content{content("user", genai.NewPartFromText("go")), content("model", call("a", "draw", nil)),
				content("user", &genai.Part{FunctionResponse: &genai.FunctionResponse{ID: "a", Name: "draw", Response: map[string]any{"ok": true},
					Parts: []*genai.FunctionResponsePart{{InlineData: &genai.FunctionResponseBlob{MIMEType: "image/png", Data: image}}}}})},
			`[{"type":"message","role":"user","content":[{"type":"input_text","text":"go"}]},
			  {"type":"function_call","call_id":"a","name":"draw","arguments":"{}"},
			  {"type":"function_call_output","call_id":"a","output":[{"type":"input_text","text":"{\"ok\":true}"},{"type":"input_image","detail":"auto","image_url":"data:image/png;base64,iVBORw=="}]}]`,
		},
		// B104
		"thoughts of others": {
			[]*genai.Content{content("user", genai.NewPartFromText("go")),
				content("model", &genai.Part{Text: "hm", Thought: true}, &genai.Part{Text: "hm", Thought: true, ThoughtSignature: []byte("gemini's")},
					&genai.Part{Text: "hm", Thought: true, ThoughtSignature: request.Seal("anthropic", []byte("thinking/x"))},
					&genai.Part{Text: "hm", Thought: true, ThoughtSignature: request.Seal("openai", []byte(`{"host":"elsewhere","id":"rs_1","encrypted":"x"}`))},
					&genai.Part{Text: "hm", Thought: true, ThoughtSignature: request.Seal("openai", nil)}, call("a", "look", nil)),
				content("user", result("a", "look", nil))},
			`[{"type":"message","role":"user","content":[{"type":"input_text","text":"go"}]},
			  {"type":"function_call","call_id":"a","name":"look","arguments":"{}"},
			  {"type":"function_call_output","call_id":"a","output":"{}"}]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			body := sent(t, "gpt-5", &model.LLMRequest{Contents: test.contents})
			if diff := cmp.Diff(decoded(t, test.want), body["input"]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestResponsesSettings(t *testing.T) {
	for name, test := range map[string]struct {
		model  string // default: one that the tables do not know
		config *genai.GenerateContentConfig
		want   string // besides model, input and store
	}{
		"none":    {config: nil, want: `{}`},
		"numbers": {config: &genai.GenerateContentConfig{Temperature: genai.Ptr[float32](0.7), TopP: genai.Ptr[float32](0.9), MaxOutputTokens: 5}, want: `{"temperature":0.7,"top_p":0.9,"max_output_tokens":16}`},
		"no word for them": {
			config: &genai.GenerateContentConfig{Seed: genai.Ptr[int32](1), StopSequences: []string{"x"}, TopK: genai.Ptr[float32](3), PresencePenalty: genai.Ptr[float32](1), FrequencyPenalty: genai.Ptr[float32](1),
				SafetySettings: []*genai.SafetySetting{{Category: genai.HarmCategoryHarassment}}, CandidateCount: 2},
			want: `{}`,
		},
		"instruction and labels": {config: &genai.GenerateContentConfig{SystemInstruction: genai.NewContentFromText("Be brief.", ""), Labels: map[string]string{"team": "a", "long": strings.Repeat("x", 513)}}, want: `{"instructions":"Be brief.","metadata":{"team":"a"}}`},
		"logprobs":               {model: "gpt-4o", config: &genai.GenerateContentConfig{ResponseLogprobs: true, Logprobs: genai.Ptr[int32](3)}, want: `{"include":["message.output_text.logprobs"],"top_logprobs":3}`},
		"reasoning": {
			model: "gpt-5.1", config: &genai.GenerateContentConfig{ThinkingConfig: &genai.ThinkingConfig{IncludeThoughts: true, ThinkingLevel: genai.ThinkingLevelLow}},
			want: `{"reasoning":{"effort":"low","summary":"auto"},"include":["reasoning.encrypted_content"]}`,
		},
		"reasoning model without settings": {model: "o4-mini", want: `{"include":["reasoning.encrypted_content"]}`},
		"no reasoning":                     {model: "gpt-4o", config: &genai.GenerateContentConfig{ThinkingConfig: &genai.ThinkingConfig{IncludeThoughts: true, ThinkingLevel: genai.ThinkingLevelLow}}, want: `{}`},
		"JSON":                             {config: &genai.GenerateContentConfig{ResponseMIMEType: "application/json"}, want: `{"text":{"format":{"type":"json_object"}}}`},
		"schema": {
			config: &genai.GenerateContentConfig{ResponseMIMEType: "application/json", ResponseSchema: &genai.Schema{Type: genai.TypeObject, Title: "My answer",
				Properties: map[string]*genai.Schema{"n": {Type: genai.TypeInteger}}, Required: []string{"n"}}},
			want: `{"text":{"format":{"type":"json_schema","name":"My_answer_NAME","strict":true,"schema":{"type":"object","title":"My answer","properties":{"n":{"type":"integer"}},"required":["n"],"additionalProperties":false}}}}`,
		},
		"schema with an optional property": {
			config: &genai.GenerateContentConfig{ResponseJsonSchema: map[string]any{"type": "object", "properties": map[string]any{"n": map[string]any{"type": "integer"}}}},
			want:   `{"text":{"format":{"type":"json_schema","name":"response","strict":false,"schema":{"type":"object","properties":{"n":{"type":"integer"}}}}}}`,
		},
		"tools": {
			config: &genai.GenerateContentConfig{
				Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{
					{Name: "now", Description: "Tells the time."},
					{Name: "add", ParametersJsonSchema: map[string]any{"type": "object", "properties": map[string]any{"a": map[string]any{"type": "integer"}}, "required": []any{"a"}, "additionalProperties": false}},
				}}},
				ToolConfig: &genai.ToolConfig{FunctionCallingConfig: &genai.FunctionCallingConfig{Mode: genai.FunctionCallingConfigModeAny}},
			},
			want: `{"tool_choice":"required","tools":[
			  {"type":"function","name":"now","description":"Tells the time.","strict":false,"parameters":{"type":"object","properties":{}}},
			  {"type":"function","name":"add","strict":true,"parameters":{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":false}}]}`,
		},
		"one tool of two": {
			config: &genai.GenerateContentConfig{
				Tools:      []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "now"}, {Name: "add"}}}},
				ToolConfig: &genai.ToolConfig{FunctionCallingConfig: &genai.FunctionCallingConfig{Mode: genai.FunctionCallingConfigModeAny, AllowedFunctionNames: []string{"add"}}},
			},
			want: `{"tool_choice":{"type":"function","name":"add"},"tools":[{"type":"function","name":"add","strict":false,"parameters":{"type":"object","properties":{}}}]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if test.model == "" {
				test.model = "local"
			}
			req := say("Answer in JSON.")
			req.Config = test.config
			body := sent(t, test.model, req)
			if body["model"] != test.model || body["store"] != false || body["stream"] != nil {
				t.Errorf("model %v, store %v, stream %v", body["model"], body["store"], body["stream"])
			}
			for _, key := range []string{"model", "input", "store"} {
				delete(body, key)
			}
			if format, ok := body["text"].(map[string]any); ok {
				if name, _ := format["format"].(map[string]any)["name"].(string); strings.HasPrefix(name, "My_answer_") {
					format["format"].(map[string]any)["name"] = "My_answer_NAME"
				}
			}
			if diff := cmp.Diff(decoded(t, test.want), any(body)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Without the word JSON the API refuses json_object.
func TestResponsesSayJSON(t *testing.T) {
	req := say("List three colours.")
	req.Config = &genai.GenerateContentConfig{ResponseMIMEType: "application/json"}
	input, _ := sent(t, "gpt-4o", req)["input"].([]any)
	if len(input) != 2 || input[0].(map[string]any)["role"] != "system" || !strings.Contains(toJSON(input[0]), "JSON") {
		t.Errorf("got %s", toJSON(input))
	}
}

func toJSON(v any) string {
	data, _ := json.Marshal(v)
	return string(data)
}

// Names that the API does not take are replaced, and come back as they were.
func TestResponsesNames(t *testing.T) {
	long := strings.Repeat("n", 70)
	names := []string{"plain", "wetter.heute", "wetter heute", "späti", long}
	req := say("go")
	var functions []*genai.FunctionDeclaration
	for _, name := range names {
		functions = append(functions, &genai.FunctionDeclaration{Name: name})
	}
	req.Config = &genai.GenerateContentConfig{Tools: []*genai.Tool{{FunctionDeclarations: functions}}}
	var onWire []string
	tools, _ := sent(t, "gpt-4o", req)["tools"].([]any)
	for _, tool := range tools {
		name, _ := tool.(map[string]any)["name"].(string)
		if len(name) > 64 || strings.IndexFunc(name, func(r rune) bool { return r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') }) >= 0 || slices.Contains(onWire, name) {
			t.Errorf("name %q among %q", name, onWire)
		}
		onWire = append(onWire, name)
	}
	if len(onWire) != len(names) || onWire[0] != "plain" {
		t.Fatalf("got %q", onWire)
	}
	for i, name := range onWire {
		s := serveResponses(t, "application/json", `{"status":"completed","output":[{"type":"function_call","call_id":"c","name":"`+name+`","arguments":"{}"}]}`)
		if got := ask(t, s.model("gpt-4o"), req, false); got.err != nil || got.final.Content.Parts[0].FunctionCall.Name != names[i] {
			t.Errorf("%q came back as %+v, %v", names[i], got.final, got.err)
		}
	}
}

// B102: what the API cannot take is no reason to drop it silently.
func TestResponsesUntakenInput(t *testing.T) {
	s := serveResponses(t, "application/json", whole)
	for _, part := range []*genai.Part{genai.NewPartFromBytes([]byte("RIFF"), "audio/wav"), genai.NewPartFromURI("gs://bucket/a.mp4", "video/mp4")} {
		got := ask(t, s.model("gpt-5"), &model.LLMRequest{Contents: []*genai.Content{content("user", part)}}, false)
		if got.err == nil || failure.Classify(got.err).Action != failure.Fallback {
			t.Errorf("%s: got %v, want a verdict to fall back", toJSON(part), got.err)
		}
	}
}

// Reasoning goes back to who made it, before what it led to, within the turn.
// B100, B104
func TestResponsesReasoningGoesBack(t *testing.T) {
	reasoning := `{"type":"reasoning","id":"rs_1","encrypted_content":"secret","summary":[{"type":"summary_text","text":"one"},{"type":"summary_text","text":"two"}]}`
	silent := `{"type":"reasoning","id":"rs_2","encrypted_content":"more","summary":[]}`
	fc := `{"type":"function_call","id":"fc_1","call_id":"c1","name":"look","arguments":"{}"}`
	s := serveResponses(t, "application/json", `{"status":"completed","output":[`+reasoning+`,`+silent+`,`+fc+`]}`)
	m := s.model("gpt-5")
	first := ask(t, m, say("go"), false)
	if first.err != nil || told(first.final.Content.Parts...) != "(one)|(two)|()|c1:look{}" {
		t.Fatalf("got %+v, %v", first.final, first.err)
	}
	contents := []*genai.Content{content("user", genai.NewPartFromText("go")), first.final.Content, content("user", result("c1", "look", nil))}
	want := `[{"type":"reasoning","id":"rs_1","encrypted_content":"secret","summary":[{"type":"summary_text","text":"one"},{"type":"summary_text","text":"two"}]},
	  {"type":"reasoning","id":"rs_2","encrypted_content":"more","summary":[]},
	  {"type":"function_call","id":"fc_1","call_id":"c1","name":"look","arguments":"{}"},
	  {"type":"function_call_output","call_id":"c1","output":"{}"}]`
	bare := `[{"type":"function_call","call_id":"c1","name":"look","arguments":"{}"},{"type":"function_call_output","call_id":"c1","output":"{}"}]`

	for name, test := range map[string]struct {
		model    *openai.Model
		contents []*genai.Content
		want     string
	}{
		"within the turn": {m, contents, want},
		"stored and read": {m, stored(t, contents), want},
		"in a later turn": {m, append(slices.Clone(contents), content("model", genai.NewPartFromText("done")), content("user", genai.NewPartFromText("and"))), bare},
		"call is missing": {m, []*genai.Content{contents[0], content("model", first.final.Content.Parts[:3]...)}, `[]`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ask(t, test.model, &model.LLMRequest{Contents: test.contents}, false); got.err != nil {
				t.Fatal(got.err)
			}
			input := slices.DeleteFunc(s.request["input"].([]any), func(item any) bool { return item.(map[string]any)["type"] == "message" })
			if diff := cmp.Diff(decoded(t, test.want), any(input)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// stored is what a session service makes of contents.
func stored(t *testing.T, contents []*genai.Content) []*genai.Content {
	t.Helper()
	var read []*genai.Content
	if err := json.Unmarshal([]byte(toJSON(contents)), &read); err != nil {
		t.Fatal(err)
	}
	return read
}

// A tool loop with thoughts, unary and streamed, against a server that refuses
// what OpenAI refuses. B64, B100
func TestResponsesStrictToolLoop(t *testing.T) {
	for _, stream := range []bool{false, true} {
		for _, name := range []string{"gpt-5", "gpt-4o", "o4-mini", "gpt-6-astra"} {
			srv := fallbacktest.NewServer()
			defer srv.Close()
			srv.Strict()
			srv.Script(name,
				fallbacktest.Parts(&genai.Part{Text: "I should look.", Thought: true}, call("", "look", map[string]any{"at": "it"}), call("", "look", map[string]any{"at": "that"})),
				fallbacktest.Text("It is fine."))
			m := openai.MustNew(name, openai.Config{BaseURL: srv.URL + "/v1", API: openai.Responses, APIKey: "k", HTTPClient: srv.Client()})
			req := say("Look at it.")
			req.Config = &genai.GenerateContentConfig{
				Temperature: genai.Ptr[float32](0.5), SystemInstruction: genai.NewContentFromText("Be brief.", ""), Labels: map[string]string{"a": "b"},
				ThinkingConfig: &genai.ThinkingConfig{IncludeThoughts: true, ThinkingLevel: genai.ThinkingLevelHigh},
				Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "look", Description: "Looks.", Parameters: &genai.Schema{
					Type: genai.TypeObject, Properties: map[string]*genai.Schema{"at": {Type: genai.TypeString}}}}}}},
			}
			answer := ask(t, m, req, stream)
			if answer.err != nil {
				t.Fatalf("%s: %v", name, answer.err)
			}
			req.Contents = append(req.Contents, answer.final.Content)
			results := content("user")
			for _, part := range answer.final.Content.Parts {
				if part.FunctionCall != nil {
					results.Parts = append(results.Parts, result(part.FunctionCall.ID, "look", map[string]any{"output": "fine"}))
				}
			}
			if len(results.Parts) != 2 {
				t.Fatalf("%s: got %s", name, told(answer.final.Content.Parts...))
			}
			req.Contents = append(req.Contents, results)
			if answer = ask(t, m, req, stream); answer.err != nil || told(answer.final.Content.Parts...) != "It is fine." {
				t.Errorf("%s: got %+v, %v", name, answer.final, answer.err)
			}
			for _, v := range srv.Violations() {
				t.Errorf("%s: %+v", name, v)
			}
		}
	}
}
