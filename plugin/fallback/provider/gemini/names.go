package gemini

import (
	"fmt"
	"slices"
	"strconv"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
)

// maxName is the longest name of a function. The SDK says 128, live errors say 64.
const maxName = 64

// names maps names of functions to those that the API takes, and back. The zero
// value maps each name to itself.
type names struct {
	out  map[string]string // nil while every name is fine
	back map[string]string
}

// newNames maps the names that a request has, declared or called. The same request
// gives the same names.
func newNames(config *genai.GenerateContentConfig, contents []*genai.Content) names {
	var odd []string
	eachName(config, contents, func(name string) {
		if !isName(name) && !slices.Contains(odd, name) {
			odd = append(odd, name)
		}
	})
	if len(odd) == 0 {
		return names{}
	}
	n := names{out: map[string]string{}, back: map[string]string{}}
	// Names that are fine stay as they are, so they are taken first.
	eachName(config, contents, func(name string) {
		if isName(name) {
			n.back[name] = name
		}
	})
	for _, name := range odd {
		n.add(name)
	}
	return n
}

func eachName(config *genai.GenerateContentConfig, contents []*genai.Content, visit func(string)) {
	if config != nil {
		for _, tool := range config.Tools {
			if tool == nil {
				continue
			}
			for _, declaration := range tool.FunctionDeclarations {
				if declaration != nil {
					visit(declaration.Name)
				}
			}
		}
	}
	for _, content := range contents {
		for _, part := range content.Parts {
			if part != nil && part.FunctionCall != nil {
				visit(part.FunctionCall.Name)
			}
		}
	}
}

// add gives name one of its own that is fine.
func (n *names) add(name string) {
	fine := []byte(name)
	for i, c := range fine {
		if !isNameByte(c) {
			fine[i] = '_'
		}
	}
	if len(fine) == 0 || !isNameStart(fine[0]) {
		fine = slices.Insert(fine, 0, '_')
	}
	plain := string(fine)
	short := plain[:min(len(plain), maxName)]
	for i := 2; n.back[short] != ""; i++ {
		suffix := "_" + strconv.Itoa(i)
		short = plain[:min(len(plain), maxName-len(suffix))] + suffix
	}
	n.out[name], n.back[short] = short, name
}

// wire returns the API's name for name.
func (n *names) wire(name string) string {
	if fine, ok := n.out[name]; ok {
		return fine
	}
	return name
}

// original returns the name that the API knows as name.
func (n *names) original(name string) string {
	if own, ok := n.back[name]; ok {
		return own
	}
	return name
}

// tools returns tools with the API's names, and each schema in one form: the API
// refuses both, and ADK may put a schema of genai's into the field for JSON Schema.
func (n *names) tools(tools []*genai.Tool) ([]*genai.Tool, error) {
	odd := func(d *genai.FunctionDeclaration) bool {
		_, isGemini := d.ParametersJsonSchema.(*genai.Schema)
		return d != nil && (isGemini || d.Parameters != nil && d.ParametersJsonSchema != nil || n.wire(d.Name) != d.Name)
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
			declaration.Name = n.wire(given.Name)
			if given.Parameters != nil {
				declaration.ParametersJsonSchema = nil
			} else if schema, ok := given.ParametersJsonSchema.(*genai.Schema); ok {
				converted, err := request.JSONSchema(schema)
				if err != nil {
					return nil, fmt.Errorf("gemini: function %s: %w", given.Name, err)
				}
				declaration.ParametersJsonSchema = converted
			}
			changed.FunctionDeclarations = append(changed.FunctionDeclarations, &declaration)
		}
		out = append(out, &changed)
	}
	return out, nil
}

// toolConfig returns config with the API's names.
func (n *names) toolConfig(config *genai.ToolConfig) *genai.ToolConfig {
	if config == nil || config.FunctionCallingConfig == nil || n.out == nil {
		return config
	}
	changed, calling := *config, *config.FunctionCallingConfig
	calling.AllowedFunctionNames = slices.Clone(calling.AllowedFunctionNames)
	for i, name := range calling.AllowedFunctionNames {
		calling.AllowedFunctionNames[i] = n.wire(name)
	}
	changed.FunctionCallingConfig = &calling
	return &changed
}

// isName tells whether the API takes a name: ^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$.
func isName(name string) bool {
	if name == "" || len(name) > maxName || !isNameStart(name[0]) {
		return false
	}
	for i := range len(name) {
		if !isNameByte(name[i]) {
			return false
		}
	}
	return true
}

func isNameStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}

func isNameByte(c byte) bool {
	return isNameStart(c) || c >= '0' && c <= '9' || c == '.' || c == ':' || c == '-'
}
