package tokens_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/tokens"
)

func parts(p ...*genai.Part) []*genai.Content {
	return []*genai.Content{{Role: genai.RoleUser, Parts: p}}
}

func TestEstimate(t *testing.T) {
	long := strings.Repeat("word", 100)
	tests := []struct {
		name     string
		req      model.LLMRequest
		min, max int
	}{
		{"nothing", model.LLMRequest{}, 0, 0},
		{"a quarter of the text, rounded up", model.LLMRequest{Contents: parts(genai.NewPartFromText("hello"))}, 2, 2},
		{"several parts", model.LLMRequest{Contents: parts(genai.NewPartFromText(long), genai.NewPartFromText(long))}, 200, 200},
		{"a script of three bytes a character", model.LLMRequest{Contents: parts(genai.NewPartFromText(strings.Repeat("語", 100)))}, 75, 75},
		{"image", model.LLMRequest{Contents: parts(genai.NewPartFromBytes(make([]byte, 1<<20), "image/png"))}, 1000, 1000},
		{"text file", model.LLMRequest{Contents: parts(genai.NewPartFromBytes(make([]byte, 1<<20), "text/plain"))}, 1 << 18, 1 << 18},
		{"files of a function's", model.LLMRequest{Contents: parts(&genai.Part{FunctionResponse: &genai.FunctionResponse{Parts: []*genai.FunctionResponsePart{
			nil, {InlineData: &genai.FunctionResponseBlob{MIMEType: "text/csv", Data: make([]byte, 400)}}, {FileData: &genai.FunctionResponseFileData{}},
			{InlineData: &genai.FunctionResponseBlob{MIMEType: "image/png", Data: make([]byte, 400)}},
		}}})}, 3100, 3101},
		{"file by reference", model.LLMRequest{Contents: parts(genai.NewPartFromURI("gs://b/f.pdf", "application/pdf"))}, 1000, 1000},
		{"function call", model.LLMRequest{Contents: parts(genai.NewPartFromFunctionCall("search", map[string]any{"q": long}))}, 101, 105},
		{"function response", model.LLMRequest{Contents: parts(genai.NewPartFromFunctionResponse("search",
			map[string]any{"hits": []any{long, 1.5, true, nil, map[string]any{"title": long}}, "n": 2, "typed": []string{long}}))}, 300, 325},
		{"code and its output", model.LLMRequest{Contents: parts(
			&genai.Part{ExecutableCode: &genai.ExecutableCode{Code: long}},
			&genai.Part{CodeExecutionResult: &genai.CodeExecutionResult{Output: long}})}, 200, 200},
		{"what is no JSON", model.LLMRequest{Contents: parts(genai.NewPartFromFunctionCall("f", map[string]any{"c": make(chan int)}))}, 1, 5},
		{"system instruction", model.LLMRequest{Config: &genai.GenerateContentConfig{
			SystemInstruction: genai.NewContentFromText(long, "")}}, 100, 100},
		{"declarations", model.LLMRequest{Config: &genai.GenerateContentConfig{Tools: []*genai.Tool{nil, {GoogleSearch: &genai.GoogleSearch{}}, {
			FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "search", Description: long, ParametersJsonSchema: map[string]any{"type": long}}}}}}}, 200, 230},
		{"schemas asked for", model.LLMRequest{Config: &genai.GenerateContentConfig{
			ResponseSchema: &genai.Schema{Description: long}, ResponseJsonSchema: map[string]any{"description": long}}}, 200, 220},
		{"holes", model.LLMRequest{Contents: []*genai.Content{nil, {Parts: []*genai.Part{nil}}},
			Config: &genai.GenerateContentConfig{ResponseJsonSchema: (*jsonschema.Schema)(nil)}}, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tokens.Estimate(&tt.req); got < tt.min || got > tt.max {
				t.Errorf("Estimate = %d, want %d to %d", got, tt.min, tt.max)
			}
		})
	}
}

// Text costs what its length costs, however it gets there; of other data the bytes say nothing.
func TestAttachedTextCountsByItsBytes(t *testing.T) {
	for mime, text := range map[string]bool{
		"text/plain": true, "Text/Markdown; charset=utf-8": true, "text/x-go": true, "application/json": true, "application/JSON;v=1": true,
		"application/ld+json": true, "application/xml": true, "image/svg+xml": true, "application/x-yaml": true, "application/javascript": true,
		"application/x-python": true, "application/x-ndjson": true,
		"": false, "image/png": false, "application/pdf": false, "application/octet-stream": false, "audio/mpeg": false, "application/json+zip": false,
	} {
		want := 1000
		if text {
			want = 250_000
		}
		if got := tokens.Estimate(&model.LLMRequest{Contents: parts(genai.NewPartFromBytes(make([]byte, 1_000_000), mime))}); got != want {
			t.Errorf("%q: %d tokens, want %d", mime, got, want)
		}
	}
}

// The estimate walks schemas by hand; it may not stray from the JSON that is sent.
func TestSchemaCountsAsItsJSON(t *testing.T) {
	type hit struct {
		Title string   `json:"title" jsonschema:"what it is called in the catalogue"`
		Tags  []string `json:"tags,omitempty"`
		Price float64  `json:"price"`
	}
	inferred, err := jsonschema.For[struct {
		Query string `json:"query" jsonschema:"what to look for"`
		Hits  []hit  `json:"hits"`
	}](nil)
	if err != nil {
		t.Fatal(err)
	}
	inferred.Properties["order"] = &jsonschema.Schema{Type: "string", Enum: []any{"relevance", "price"}}
	inferred.Properties["id"] = &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "string", Pattern: "^[a-z]+$"}, {Type: "integer"}}}
	typed := &genai.Schema{Type: genai.TypeObject, Required: []string{"query"}, Properties: map[string]*genai.Schema{
		"query": {Type: genai.TypeString, Description: "what to look for", Title: "Query", Format: "free", Pattern: "^.+$"},
		"order": {Type: genai.TypeString, Enum: []string{"relevance", "price"}},
		"tags":  {Type: genai.TypeArray, Items: &genai.Schema{Type: genai.TypeString}},
		"id":    {AnyOf: []*genai.Schema{{Type: genai.TypeString}, {Type: genai.TypeInteger}}},
	}}
	for name, f := range map[string]*genai.FunctionDeclaration{
		"JSON Schema":  {Name: "search", Description: "Searches the catalogue.", ParametersJsonSchema: inferred, ResponseJsonSchema: inferred},
		"genai.Schema": {Name: "search", Description: "Searches the catalogue.", Parameters: typed, Response: typed},
		"plain map":    {Name: "search", ParametersJsonSchema: map[string]any{"type": "object", "properties": map[string]any{"q": map[string]any{"type": "string"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			sent, err := json.Marshal(f)
			if err != nil {
				t.Fatal(err)
			}
			req := &model.LLMRequest{Config: &genai.GenerateContentConfig{Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{nil, f}}}}}
			got, want := float64(tokens.Estimate(req)), float64(len(sent))/4
			if got < 0.6*want || got > 1.2*want {
				t.Errorf("Estimate = %v, want about %v: %s", got, want, sent)
			}
		})
	}
}

// A program can build values and schemas that contain themselves, even twice.
func TestEstimateOfWhatHasNoEndEnds(t *testing.T) {
	a, b, args := &genai.Schema{}, &jsonschema.Schema{}, map[string]any{}
	a.AnyOf = []*genai.Schema{a, a}
	b.AnyOf = []*jsonschema.Schema{b, b}
	args["a"], args["b"] = args, args
	req := &model.LLMRequest{
		Contents: parts(genai.NewPartFromFunctionCall("f", args)),
		Config:   &genai.GenerateContentConfig{ResponseSchema: a, ResponseJsonSchema: b},
	}
	if got := tokens.Estimate(req); got < 1000 {
		t.Errorf("Estimate = %d, want a large number", got)
	}
}

// An agent's request: instruction, ten turns, five tools.
func request() *model.LLMRequest {
	req := &model.LLMRequest{Config: &genai.GenerateContentConfig{SystemInstruction: genai.NewContentFromText(strings.Repeat("rule ", 200), "")}}
	for range 10 {
		req.Contents = append(req.Contents, genai.NewContentFromText(strings.Repeat("word ", 100), genai.RoleUser))
	}
	for range 5 {
		req.Config.Tools = append(req.Config.Tools, &genai.Tool{FunctionDeclarations: []*genai.FunctionDeclaration{{
			Name: "search", Description: "Searches the catalogue.", Parameters: &genai.Schema{Type: genai.TypeObject, Properties: map[string]*genai.Schema{
				"query": {Type: genai.TypeString, Description: "what to look for"}, "limit": {Type: genai.TypeInteger}}},
		}}})
	}
	return req
}

func BenchmarkEstimate(b *testing.B) {
	req := request()
	b.Run("tools", func(b *testing.B) {
		for b.Loop() {
			tokens.Estimate(req)
		}
	})
	req.Config.Tools = nil
	b.Run("text", func(b *testing.B) {
		for b.Loop() {
			tokens.Estimate(req)
		}
	})
}
