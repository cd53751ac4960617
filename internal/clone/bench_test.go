//go:build unix

package clone_test

import (
	"encoding/json"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/clone"
)

// BenchmarkClone compares copies of requests with their encoding as JSON, which every
// model does with them: of-json is the CPU time of the one by that of the other.
func BenchmarkClone(b *testing.B) {
	for _, bench := range []struct {
		name string
		req  *model.LLMRequest
	}{
		{"opening", &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText("hi", genai.RoleUser)}, Config: &genai.GenerateContentConfig{}}},
		{"1000 contents half of them calls", conversation(1000)},
		{"10000 contents half of them calls", conversation(10_000)},
		{"1000 contents of text", texts(1000)},
		{"100 declarations with Parameters", declaring(100, func(d *genai.FunctionDeclaration) { d.Parameters = searchSchema() })},
		{"100 declarations with a map", declaring(100, func(d *genai.FunctionDeclaration) { d.ParametersJsonSchema = searchMap() })},
		{"100 declarations with a jsonschema.Schema", declaring(100, func(d *genai.FunctionDeclaration) { d.ParametersJsonSchema = searchJSONSchema() })},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			var cloning, encoding time.Duration
			for b.Loop() {
				start := cpuTime(b)
				for range 8 {
					clone.Request(bench.req)
				}
				cloned := cpuTime(b)
				for range 8 {
					if _, err := json.Marshal(bench.req); err != nil {
						b.Fatal(err)
					}
				}
				cloning, encoding = cloning+cloned-start, encoding+cpuTime(b)-cloned
			}
			b.ReportMetric(float64(cloning.Nanoseconds())/float64(8*b.N), "clone-cpu-ns")
			b.ReportMetric(float64(encoding.Nanoseconds())/float64(8*b.N), "json-cpu-ns")
			b.ReportMetric(float64(cloning)/float64(encoding), "of-json")
			b.ReportMetric(testing.AllocsPerRun(10, func() { clone.Request(bench.req) }), "clone-allocs")
		})
	}
}

// cpuTime is what this process has used of the processors until now.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// conversation is a history of n contents, half of them function calls and their
// responses.
func conversation(n int) *model.LLMRequest {
	req := &model.LLMRequest{Config: &genai.GenerateContentConfig{}}
	for i := range n / 4 {
		id := fmt.Sprint("call", i)
		req.Contents = append(req.Contents,
			genai.NewContentFromText(fmt.Sprint("what is the weather in town ", i, "?"), genai.RoleUser),
			&genai.Content{Role: genai.RoleModel, Parts: []*genai.Part{{FunctionCall: &genai.FunctionCall{
				ID: id, Name: "weather", Args: map[string]any{"city": "Paris", "days": []any{1.0, 2.0}, "unit": "C"}}}}},
			&genai.Content{Role: genai.RoleUser, Parts: []*genai.Part{{FunctionResponse: &genai.FunctionResponse{
				ID: id, Name: "weather", Response: map[string]any{"sky": "clear", "wind": map[string]any{"speed": 3.5, "from": "NW"}}}}}},
			genai.NewContentFromText("The sky is clear, with a light wind from the north-west.", genai.RoleModel))
	}
	return req
}

func texts(n int) *model.LLMRequest {
	req := &model.LLMRequest{}
	for i := range n {
		req.Contents = append(req.Contents, genai.NewContentFromText(fmt.Sprint("this is the text of turn ", i), genai.RoleUser))
	}
	return req
}

func declaring(n int, parameters func(*genai.FunctionDeclaration)) *model.LLMRequest {
	tool := &genai.Tool{}
	for i := range n {
		declaration := &genai.FunctionDeclaration{Name: fmt.Sprint("search", i), Description: "Searches the documents of a team."}
		parameters(declaration)
		tool.FunctionDeclarations = append(tool.FunctionDeclarations, declaration)
	}
	return &model.LLMRequest{Config: &genai.GenerateContentConfig{Tools: []*genai.Tool{tool}}}
}

func searchSchema() *genai.Schema {
	return &genai.Schema{Type: genai.TypeObject, Required: []string{"query"}, Properties: map[string]*genai.Schema{
		"query": {Type: genai.TypeString, Description: "what to look for"},
		"limit": {Type: genai.TypeInteger, Minimum: genai.Ptr(1.0)},
		"kinds": {Type: genai.TypeArray, Items: &genai.Schema{Type: genai.TypeString, Enum: []string{"page", "file"}}},
	}}
}

func searchMap() map[string]any {
	return map[string]any{"type": "object", "required": []any{"query"}, "properties": map[string]any{
		"query": map[string]any{"type": "string", "description": "what to look for"},
		"limit": map[string]any{"type": "integer", "minimum": 1.0},
		"kinds": map[string]any{"type": "array", "items": map[string]any{"type": "string", "enum": []any{"page", "file"}}},
	}}
}

func searchJSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "object", Required: []string{"query"}, Properties: map[string]*jsonschema.Schema{
		"query": {Type: "string", Description: "what to look for"},
		"limit": {Type: "integer", Minimum: genai.Ptr(1.0)},
		"kinds": {Type: "array", Items: &jsonschema.Schema{Type: "string", Enum: []any{"page", "file"}}},
	}}
}
