package gemini

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
)

// functionNames: ^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$. genai says up to 128
// characters, live errors say 64.
var functionNames = request.NameRule{Max: 64, Start: isNameStart, Byte: isNameByte}

// newNames maps the names that a request has, declared or called.
func newNames(config *genai.GenerateContentConfig, contents []*genai.Content) names {
	var tools []*genai.Tool
	if config != nil {
		tools = config.Tools
	}
	return names{request.NamesFor(&functionNames, tools, contents)}
}

// names maps names of functions to those that the API takes, and back.
type names struct{ request.Names }

// tools returns tools with the API's names, and each schema in one form that the API takes:
// the API refuses a function with both forms, and ADK may put a schema of genai into the field
// for JSON Schema. Arguments are always an object; ADK declares those of a pointer as nullable.
func (n *names) tools(tools []*genai.Tool) ([]*genai.Tool, error) {
	odd := func(d *genai.FunctionDeclaration) bool {
		return d != nil && (!isObject(d.ParametersJsonSchema) || !areTaken(d.Parameters) || d.Parameters != nil && d.ParametersJsonSchema != nil || n.Wire(d.Name) != d.Name)
	}
	hasOdd := func(t *genai.Tool) bool {
		return t == nil || slices.ContainsFunc(t.FunctionDeclarations, func(d *genai.FunctionDeclaration) bool { return d == nil || odd(d) })
	}
	if !slices.ContainsFunc(tools, hasOdd) {
		return tools, nil
	}
	out := make([]*genai.Tool, 0, len(tools))
	for _, tool := range tools {
		if tool == nil {
			continue
		}
		changed := *tool
		changed.FunctionDeclarations = nil
		for _, given := range tool.FunctionDeclarations {
			if given == nil {
				continue
			}
			declaration := *given
			declaration.Name = n.Wire(given.Name)
			if err := oneForm(&declaration); err != nil {
				return nil, fmt.Errorf("gemini: function %s: %w", given.Name, err)
			}
			changed.FunctionDeclarations = append(changed.FunctionDeclarations, &declaration)
		}
		out = append(out, &changed)
	}
	return out, nil
}

// oneForm leaves the parameters of a function in one form.
func oneForm(d *genai.FunctionDeclaration) (err error) {
	switch {
	case d.Parameters != nil && areTaken(d.Parameters):
		d.ParametersJsonSchema = nil
	case d.Parameters != nil:
		d.ParametersJsonSchema, err = asJSON(d.Parameters, true)
		d.Parameters = nil
	case !isObject(d.ParametersJsonSchema):
		d.ParametersJsonSchema, err = asJSON(d.ParametersJsonSchema, true)
	}
	return err
}

// isObject reports whether parameters are JSON Schema of an object, or there are none.
func isObject(schema any) bool {
	switch s := schema.(type) {
	case *genai.Schema:
		return false
	case *jsonschema.Schema:
		return s != nil && s.Type == "object"
	case map[string]any:
		return s["type"] == "object"
	case json.RawMessage:
		var root struct {
			Type any `json:"type"`
		}
		return json.Unmarshal(s, &root) == nil && root.Type == "object"
	}
	return true
}

// toolConfig returns config with the API's names.
func (n *names) toolConfig(config *genai.ToolConfig) *genai.ToolConfig {
	if config == nil || config.FunctionCallingConfig == nil || n.AllPlain() {
		return config
	}
	changed, calling := *config, *config.FunctionCallingConfig
	calling.AllowedFunctionNames = slices.Clone(calling.AllowedFunctionNames)
	for i, name := range calling.AllowedFunctionNames {
		calling.AllowedFunctionNames[i] = n.Wire(name)
	}
	changed.FunctionCallingConfig = &calling
	return &changed
}

func isNameStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}

func isNameByte(c byte) bool {
	return isNameStart(c) || c >= '0' && c <= '9' || c == '.' || c == ':' || c == '-'
}
