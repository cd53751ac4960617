package gemini_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/gemini"
)

const okBody = `{"candidates":[{"content":{"role":"model","parts":[{"text":"ok"}]},"finishReason":"STOP"}]}`

// recorder is a server that keeps what it is asked.
type recorder struct {
	*httptest.Server
	path, query string
	header      http.Header
	body        map[string]any
}

func newRecorder(t testing.TB) *recorder {
	r := &recorder{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.path, r.query, r.header, r.body = req.URL.Path, req.URL.RawQuery, req.Header, nil
		text, _ := io.ReadAll(req.Body)
		_ = json.Unmarshal(text, &r.body)
		w.Header().Set("Content-Type", "application/json")
		if strings.Contains(req.URL.RawQuery, "sse") {
			_, _ = io.WriteString(w, "data: "+okBody+"\n\n")
			return
		}
		_, _ = io.WriteString(w, okBody)
	}))
	t.Cleanup(r.Close)
	return r
}

// everything sets each field of a configuration that backend takes.
func everything(backend genai.Backend) *genai.GenerateContentConfig {
	c := &genai.GenerateContentConfig{
		HTTPOptions:       &genai.HTTPOptions{Headers: http.Header{"x-own": {"v"}}, ExtraBody: map[string]any{"generationConfig": map[string]any{"extra": 1.0}, "more": true}, APIVersion: "v1x"},
		SystemInstruction: &genai.Content{Parts: []*genai.Part{{Text: "be <brief>"}}},
		Temperature:       genai.Ptr[float32](0.5), TopP: genai.Ptr[float32](0.9), TopK: genai.Ptr[float32](40), CandidateCount: 1, MaxOutputTokens: 100,
		StopSequences: []string{"END"}, ResponseLogprobs: true, Logprobs: genai.Ptr[int32](2), PresencePenalty: genai.Ptr[float32](0.1),
		FrequencyPenalty: genai.Ptr[float32](0.2), Seed: genai.Ptr[int32](7), ResponseMIMEType: "application/json",
		ResponseSchema:     &genai.Schema{Type: genai.TypeObject, Properties: map[string]*genai.Schema{"a": {Type: genai.TypeString, MinLength: genai.Ptr[int64](1)}}},
		ResponseJsonSchema: map[string]any{"type": "object"},
		SafetySettings:     []*genai.SafetySetting{{Category: genai.HarmCategoryHarassment, Threshold: genai.HarmBlockThresholdOff}},
		Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{
			Name: "f", Description: "d", ParametersJsonSchema: map[string]any{"type": "object", "properties": map[string]any{"x": map[string]any{"type": "string"}}},
		}}}, {GoogleSearch: &genai.GoogleSearch{}}, {CodeExecution: &genai.ToolCodeExecution{}}},
		ToolConfig:    &genai.ToolConfig{FunctionCallingConfig: &genai.FunctionCallingConfig{Mode: genai.FunctionCallingConfigModeAny, AllowedFunctionNames: []string{"f"}}},
		Labels:        map[string]string{"team": "a"},
		CachedContent: "abc", ResponseModalities: []string{"TEXT"}, MediaResolution: genai.MediaResolutionHigh,
		SpeechConfig:   &genai.SpeechConfig{LanguageCode: "en-US", VoiceConfig: &genai.VoiceConfig{PrebuiltVoiceConfig: &genai.PrebuiltVoiceConfig{VoiceName: "Kore"}}},
		ThinkingConfig: &genai.ThinkingConfig{IncludeThoughts: true, ThinkingLevel: "LOW"},
		ImageConfig:    &genai.ImageConfig{AspectRatio: "1:1", ImageSize: "2K"}, ServiceTier: "flex",
		AudioTranscriptionConfig: &genai.AudioTranscriptionConfig{LanguageCodes: []string{"en"}}, ContinuationToken: []byte("token"),
		AutomaticContinuation: genai.Ptr(false),
	}
	if backend == genai.BackendVertexAI {
		c.RoutingConfig = &genai.GenerationConfigRoutingConfig{AutoMode: &genai.GenerationConfigRoutingConfigAutoRoutingMode{ModelRoutingPreference: "BALANCED"}}
		c.ModelSelectionConfig = &genai.ModelSelectionConfig{FeatureSelectionPreference: "BALANCED"}
		c.AudioTimestamp = true
		c.ModelArmorConfig = &genai.ModelArmorConfig{PromptTemplateName: "t"}
		c.GenerationOutputConfig = &genai.GenerationOutputConfig{OutputURIPrefix: "gs://b"}
		c.ImageConfig.OutputMIMEType, c.ImageConfig.OutputCompressionQuality, c.ImageConfig.PersonGeneration = "image/jpeg", genai.Ptr[int32](80), "ALLOW_ALL"
		c.SafetySettings[0].Method = genai.HarmBlockMethodSeverity
	} else {
		c.EnableEnhancedCivicAnswers = genai.Ptr(true)
		c.Store = genai.Ptr(true)
	}
	return c
}

// allParts is a history with every kind of part.
func allParts() []*genai.Content {
	return []*genai.Content{
		{Role: genai.RoleUser, Parts: []*genai.Part{{Text: "look <here> & there"}, {InlineData: &genai.Blob{MIMEType: "image/png", Data: []byte("png")}},
			{FileData: &genai.FileData{MIMEType: "video/mp4", FileURI: "https://x/v"}, VideoMetadata: &genai.VideoMetadata{StartOffset: time.Second}}}},
		{Role: genai.RoleModel, Parts: []*genai.Part{{Text: "thinking", Thought: true}, {Text: "said", ThoughtSignature: []byte("sig0")},
			{ExecutableCode: &genai.ExecutableCode{Code: "1+1", Language: genai.LanguagePython}}, {CodeExecutionResult: &genai.CodeExecutionResult{Output: "2", Outcome: genai.OutcomeOK}},
			{FunctionCall: &genai.FunctionCall{ID: "a", Name: "f", Args: map[string]any{"x": 1.5}}, ThoughtSignature: []byte("sig1")},
			{FunctionCall: &genai.FunctionCall{ID: "b", Name: "f"}}}},
		{Role: genai.RoleUser, Parts: []*genai.Part{
			{FunctionResponse: &genai.FunctionResponse{ID: "a", Name: "f", Response: map[string]any{"output": "o"}, Parts: []*genai.FunctionResponsePart{{InlineData: &genai.FunctionResponseBlob{MIMEType: "image/png", Data: []byte("p")}}}}},
			{FunctionResponse: &genai.FunctionResponse{ID: "b", Name: "f", Response: map[string]any{"error": "e"}}}}},
	}
}

// What is sent is what genai itself sends for the same request, field by field.
func TestRequestIsThatOfTheSDK(t *testing.T) {
	noEnvironment(t)
	for _, backend := range []genai.Backend{genai.BackendGeminiAPI, genai.BackendVertexAI} {
		for _, stream := range []bool{false, true} {
			for _, name := range []string{"gemini-3-flash", "models/gemini-3-flash", "tunedModels/t", "publishers/google/models/g", "projects/p/locations/l/endpoints/1", "meta/llama"} {
				sdk, own := newRecorder(t), newRecorder(t)
				client, err := genai.NewClient(t.Context(), clientConfig(sdk.URL, backend))
				if err != nil {
					t.Fatal(err)
				}
				if stream {
					for range client.Models.GenerateContentStream(t.Context(), name, allParts(), everything(backend)) {
					}
				} else if _, err = client.Models.GenerateContent(t.Context(), name, allParts(), everything(backend)); err != nil {
					t.Fatal(err)
				}
				m := newModel(t, own.URL, backend)
				if _, _, err := ask(asFitted(t), m, &model.LLMRequest{Model: name, Contents: allParts(), Config: everything(backend)}, stream); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(sdk.body, own.body); diff != "" {
					t.Errorf("%s, %s: body (-SDK +own):\n%s", backend, name, diff)
				}
				if sdk.path != own.path || sdk.query != own.query {
					t.Errorf("%s: asked %s?%s, the SDK %s?%s", backend, own.path, own.query, sdk.path, sdk.query)
				}
				for _, header := range []string{"Content-Type", "X-Goog-Api-Key", "X-Own"} {
					if sdk.header.Get(header) != own.header.Get(header) {
						t.Errorf("%s: header %s is %q, of the SDK %q", backend, header, own.header.Get(header), sdk.header.Get(header))
					}
				}
			}
		}
	}
}

// A field that a newer genai adds has to be looked at.
func TestEverythingIsSet(t *testing.T) {
	studio, vertex := reflect.ValueOf(everything(genai.BackendGeminiAPI)).Elem(), reflect.ValueOf(everything(genai.BackendVertexAI)).Elem()
	for i := range studio.NumField() {
		if studio.Field(i).IsZero() && vertex.Field(i).IsZero() {
			t.Errorf("the test does not set %s", studio.Type().Field(i).Name)
		}
	}
}

// B60: neither the request nor what it points to is changed.
func TestRequestIsNotChanged(t *testing.T) {
	noEnvironment(t)
	req := func() *model.LLMRequest {
		contents := append([]*genai.Content{{Role: genai.RoleModel, Parts: []*genai.Part{{FunctionCall: &genai.FunctionCall{Name: "9/odd"}}}}}, allParts()[:2]...)
		config := everything(genai.BackendGeminiAPI)
		config.Tools[0].FunctionDeclarations = append(config.Tools[0].FunctionDeclarations, &genai.FunctionDeclaration{Name: "9/odd", ParametersJsonSchema: &genai.Schema{Type: genai.TypeObject}})
		config.SystemInstruction.Parts = append(config.SystemInstruction.Parts, &genai.Part{})
		config.HTTPOptions.APIVersion = ""
		return &model.LLMRequest{Contents: contents, Config: config}
	}
	r := newRecorder(t)
	m := newModel(t, r.URL, genai.BackendGeminiAPI)
	for _, stream := range []bool{false, true} {
		given := req()
		if _, _, err := ask(asFitted(t), m, given, stream); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(req(), given); diff != "" {
			t.Errorf("the request changed (-want +got):\n%s", diff)
		}
	}
}

// contentsOf sends contents and returns what arrives as contents.
func contentsOf(t *testing.T, name string, contents []*genai.Content) string {
	t.Helper()
	r := newRecorder(t)
	m := newModel(t, r.URL, genai.BackendGeminiAPI)
	if _, _, err := ask(asFitted(t), m, &model.LLMRequest{Model: name, Contents: contents}, false); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(r.body["contents"])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestContents(t *testing.T) {
	noEnvironment(t)
	user := genai.NewContentFromText("q", genai.RoleUser)
	const userJSON = `{"parts":[{"text":"q"}],"role":"user"}`
	ofModel := func(parts ...*genai.Part) *genai.Content { return &genai.Content{Role: genai.RoleModel, Parts: parts} }
	result := func(id, name string, response map[string]any) *genai.Content {
		return &genai.Content{Role: genai.RoleUser, Parts: []*genai.Part{{FunctionResponse: &genai.FunctionResponse{ID: id, Name: name, Response: response}}}}
	}
	for _, test := range []struct {
		name, model string
		contents    []*genai.Content
		want        string
	}{
		{"a turn for the user follows the model's", "gemini-3.6-flash", []*genai.Content{user, ofModel(&genai.Part{Text: "a"})},
			`[` + userJSON + `,{"parts":[{"text":"a"}],"role":"model"},{"parts":[{"text":"Continue processing previous requests as instructed. Exit or provide a summary if no more outputs are needed."}],"role":"user"}]`},
		{"unless the model continues a text", "gemini-2.5-flash", []*genai.Content{user, ofModel(&genai.Part{Text: "a"})},
			`[` + userJSON + `,{"parts":[{"text":"a"}],"role":"model"}]`},
		// A call must follow a turn of the user: gemini-cli#26486.
		{"a turn for the user comes before a first call", "", []*genai.Content{ofModel(&genai.Part{FunctionCall: &genai.FunctionCall{Name: "f"}}), result("", "f", map[string]any{"a": 1})},
			`[{"parts":[{"text":"Continue the conversation that follows."}],"role":"user"},{"parts":[{"functionCall":{"id":"call_0","name":"f"}}],"role":"model"},{"parts":[{"functionResponse":{"id":"call_0","name":"f","response":{"a":1}}}],"role":"user"}]`},
		// A part without data is refused: CLIProxyAPI#1292.
		{"a signature on an empty text keeps the text", "", []*genai.Content{ofModel(&genai.Part{Text: "a"}, &genai.Part{ThoughtSignature: []byte("s")}), user},
			`[{"parts":[{"text":"a"},{"text":"","thoughtSignature":"cw=="}],"role":"model"},` + userJSON + `]`},
		// response must be an object: CLIProxyAPI#1903.
		{"a result of nothing is an object", "", []*genai.Content{user, ofModel(&genai.Part{FunctionCall: &genai.FunctionCall{ID: "a", Name: "f"}}), result("a", "f", nil)},
			`[` + userJSON + `,{"parts":[{"functionCall":{"id":"a","name":"f"}}],"role":"model"},{"parts":[{"functionResponse":{"id":"a","name":"f","response":{"output":null}}}],"role":"user"}]`},
		{"calls in pieces are for answers only", "", []*genai.Content{user, ofModel(&genai.Part{FunctionCall: &genai.FunctionCall{ID: "a", Name: "f", WillContinue: genai.Ptr(true)}}), result("a", "f", map[string]any{"o": 1})},
			`[` + userJSON + `,{"parts":[{"functionCall":{"id":"a","name":"f"}}],"role":"model"},{"parts":[{"functionResponse":{"id":"a","name":"f","response":{"o":1}}}],"role":"user"}]`},
		// B104
		{"thoughts and signatures of another vendor stay away", "", []*genai.Content{user, ofModel(
			&genai.Part{Text: "hm", Thought: true, ThoughtSignature: request.Seal("anthropic", []byte("x"))}, &genai.Part{Text: "a", ThoughtSignature: request.Seal("openai", nil)},
			&genai.Part{ThoughtSignature: request.Seal("openai", nil)}), user},
			`[` + userJSON + `,{"parts":[{"text":"a"}],"role":"model"},` + userJSON + `]`},
		{"own thoughts and signatures come back", "", []*genai.Content{user, ofModel(&genai.Part{Text: "hm", Thought: true}, &genai.Part{Text: "a", ThoughtSignature: []byte("s")}), user},
			`[` + userJSON + `,{"parts":[{"text":"hm","thought":true},{"text":"a","thoughtSignature":"cw=="}],"role":"model"},` + userJSON + `]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var want any
			if err := json.Unmarshal([]byte(test.want), &want); err != nil {
				t.Fatal(err)
			}
			var got any
			_ = json.Unmarshal([]byte(contentsOf(t, test.model, test.contents)), &got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("contents (-want +got):\n%s", diff)
			}
		})
	}
}

// A name that the API refuses is replaced on every way there, and put back in the
// answer.
func TestNamesOfFunctions(t *testing.T) {
	noEnvironment(t)
	long := strings.Repeat("x", 70)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var body struct {
			Tools      []*genai.Tool
			ToolConfig *genai.ToolConfig
			Contents   []*genai.Content
		}
		_ = json.NewDecoder(req.Body).Decode(&body)
		var parts []*genai.Part
		var sent []string
		for _, d := range body.Tools[0].FunctionDeclarations {
			parts = append(parts, &genai.Part{FunctionCall: &genai.FunctionCall{Name: d.Name}})
			sent = append(sent, d.Name)
		}
		want := []string{"_9lives", "a_b", "a_b_2", "a_b_3", "a.b:c-d", long[:64], "_"}
		if diff := cmp.Diff(want, sent); diff != "" {
			t.Errorf("names (-want +got):\n%s", diff)
		}
		call, response := body.Contents[1].Parts[0].FunctionCall.Name, body.Contents[2].Parts[0].FunctionResponse.Name
		if allowed := body.ToolConfig.FunctionCallingConfig.AllowedFunctionNames[0]; allowed != "a_b_2" || call != "a_b_2" || response != "a_b_2" {
			t.Errorf("allowed %q, call %q, response %q; want a_b_2", allowed, call, response)
		}
		_ = json.NewEncoder(w).Encode(genai.GenerateContentResponse{Candidates: []*genai.Candidate{{FinishReason: "STOP", Content: &genai.Content{Role: "model", Parts: parts}}}})
	}))
	defer srv.Close()
	names := []string{"9lives", "a_b", "a b", "a/b", "a.b:c-d", long, ""}
	tool := &genai.Tool{}
	for _, name := range names {
		tool.FunctionDeclarations = append(tool.FunctionDeclarations, &genai.FunctionDeclaration{Name: name})
	}
	req := &model.LLMRequest{
		Contents: []*genai.Content{genai.NewContentFromText("q", genai.RoleUser),
			{Role: genai.RoleModel, Parts: []*genai.Part{{FunctionCall: &genai.FunctionCall{ID: "1", Name: "a b"}}}},
			{Role: genai.RoleUser, Parts: []*genai.Part{{FunctionResponse: &genai.FunctionResponse{ID: "1", Name: "a b", Response: map[string]any{"o": 1}}}}}},
		Config: &genai.GenerateContentConfig{Tools: []*genai.Tool{tool},
			ToolConfig: &genai.ToolConfig{FunctionCallingConfig: &genai.FunctionCallingConfig{AllowedFunctionNames: []string{"a b"}}}},
	}
	_, final, err := ask(asFitted(t), newModel(t, srv.URL, genai.BackendGeminiAPI), req, false)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, part := range final.Content.Parts {
		got = append(got, part.FunctionCall.Name)
	}
	if diff := cmp.Diff(names, got); diff != "" {
		t.Errorf("names in the answer (-want +got):\n%s", diff)
	}
}

// ADK puts a schema of genai's into the field for JSON Schema; the API takes one
// of two schemas, and only one of an object.
func TestSchemasOfFunctions(t *testing.T) {
	noEnvironment(t)
	r := newRecorder(t)
	object, named := &genai.Schema{Type: genai.TypeObject}, &genai.Schema{Type: genai.TypeObject, Properties: map[string]*genai.Schema{"x": {Type: genai.TypeString}}}
	req := hello()
	req.Config = &genai.GenerateContentConfig{ResponseJsonSchema: object, Tools: []*genai.Tool{nil, {FunctionDeclarations: []*genai.FunctionDeclaration{
		nil, {Name: "a", ParametersJsonSchema: object}, {Name: "b", Parameters: named, ParametersJsonSchema: map[string]any{"type": "object"}},
		// jsonschema.For a pointer says null, too; functiontool takes pointers.
		{Name: "c", ParametersJsonSchema: &jsonschema.Schema{Types: []string{"null", "object"}, Properties: map[string]*jsonschema.Schema{"x": {Type: "string"}}}},
		{Name: "d", ParametersJsonSchema: map[string]any{}}, {Name: "e", ParametersJsonSchema: (*jsonschema.Schema)(nil)}}}}}
	if _, _, err := ask(asFitted(t), newModel(t, r.URL, genai.BackendGeminiAPI), req, false); err != nil {
		t.Fatal(err)
	}
	got, _ := json.Marshal([]any{r.body["tools"], r.body["generationConfig"]})
	const want = `[[{"functionDeclarations":[{"name":"a","parametersJsonSchema":{"type":"object"}},{"name":"b","parameters":{"properties":{"x":{"type":"STRING"}},"type":"OBJECT"}},` +
		`{"name":"c","parametersJsonSchema":{"properties":{"x":{"type":"string"}},"type":"object"}},{"name":"d","parametersJsonSchema":{"type":"object"}},{"name":"e"}]}],{"responseJsonSchema":{"type":"object"}}]`
	if string(got) != want {
		t.Errorf("sent %s, want %s", got, want)
	}
	cyclic := &genai.Schema{Type: genai.TypeObject}
	cyclic.Items = cyclic
	req.Config = &genai.GenerateContentConfig{Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "a", ParametersJsonSchema: cyclic}}}}}
	if _, _, err := ask(asFitted(t), newModel(t, r.URL, genai.BackendGeminiAPI), req, false); err == nil {
		t.Error("a schema that contains itself was accepted")
	}
}

// A request may not send the key elsewhere.
func TestRequestCannotChooseTheServer(t *testing.T) {
	noEnvironment(t)
	r := newRecorder(t)
	req := hello()
	req.Config = &genai.GenerateContentConfig{HTTPOptions: &genai.HTTPOptions{BaseURL: r.URL}}
	m := newModel(t, "http://127.0.0.1:1", genai.BackendGeminiAPI)
	if _, _, err := ask(asFitted(t), m, req, false); err == nil || !strings.Contains(err.Error(), "base URL") || r.path != "" {
		t.Errorf("error %v, and the other server was asked for %q", err, r.path)
	}
	if _, err := gemini.New(t.Context(), "a?key=b", gemini.Config{}); err == nil {
		t.Error("a name with a query was accepted")
	}
}
