package plugin_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/anthropic"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/gemini"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai"
)

// The order in which an agent wants the properties of an answer or of arguments
// reaches every API, in the form that it has there.
func TestOrderOfPropertiesReachesEveryAPI(t *testing.T) {
	var body string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		body = string(data)
		w.WriteHeader(http.StatusBadRequest)
	}))
	defer srv.Close()
	ordered := &genai.Schema{
		Type: genai.TypeObject, Required: []string{"thoughts", "answer"}, PropertyOrdering: []string{"thoughts", "answer"},
		Properties: map[string]*genai.Schema{"answer": {Type: genai.TypeString}, "thoughts": {Type: genai.TypeString}},
	}
	const properties = `"properties":{"thoughts":{"type":"string"},"answer":{"type":"string"}}`
	openAI := func(api string) model.LLM {
		return openai.MustNew("gpt-4o", openai.Config{BaseURL: srv.URL, APIKey: "key", API: api})
	}
	google, err := gemini.New(t.Context(), "gemini-2.5-flash", gemini.Config{Client: &genai.ClientConfig{
		APIKey: "key", Backend: genai.BackendGeminiAPI, HTTPOptions: genai.HTTPOptions{BaseURL: srv.URL},
	}})
	if err != nil {
		t.Fatal(err)
	}
	untyped := *ordered // Gemini takes a property of any type as JSON Schema only
	untyped.Properties = map[string]*genai.Schema{"answer": {}, "thoughts": {}}
	for name, test := range map[string]struct {
		model  model.LLM
		schema *genai.Schema
		want   string
	}{
		"chat completions":       {openAI(openai.Chat), ordered, properties},
		"Responses":              {openAI(openai.Responses), ordered, properties},
		"Anthropic":              {anthropic.MustNew("claude-sonnet-4-5", anthropic.Config{BaseURL: srv.URL, APIKey: "key"}), ordered, properties},
		"Gemini":                 {google, ordered, `"propertyOrdering":["thoughts","answer"]`},
		"Gemini, as JSON Schema": {google, &untyped, `"properties":{"thoughts":{},"answer":{}}`},
	} {
		for part, config := range map[string]*genai.GenerateContentConfig{
			"answer":    {ResponseMIMEType: "application/json", ResponseSchema: test.schema},
			"arguments": {Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "say", Parameters: test.schema}}}}},
		} {
			body = ""
			for range test.model.GenerateContent(t.Context(), &model.LLMRequest{Contents: genai.Text("hello"), Config: config}, false) {
			}
			if !strings.Contains(body, test.want) {
				t.Errorf("%s of %s: the request is %s\nwant %s in it", part, name, body, test.want)
			}
		}
	}
}
