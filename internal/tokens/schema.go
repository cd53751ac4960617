package tokens

import (
	"github.com/google/jsonschema-go/jsonschema"
	"google.golang.org/genai"
)

// typeSize is about the length of "type":"string" with the brackets of its schema.
const typeSize = len(`{"type":"string"}`)

func (s *sizer) declarations(fs []*genai.FunctionDeclaration) int {
	size := 0
	for _, f := range fs {
		if f == nil {
			continue
		}
		size += typeSize + len(f.Name) + keyedSize("description", f.Description) +
			s.schema(f.Parameters) + s.jsonSchema(f.ParametersJsonSchema) +
			s.schema(f.Response) + s.jsonSchema(f.ResponseJsonSchema)
	}
	return size
}

// schema returns about the length of t as JSON.
func (s *sizer) schema(t *genai.Schema) int {
	if t == nil {
		return 0
	}
	if s.spent() {
		return bytesPerToken
	}
	size := typeSize + keyedSize("title", t.Title) + keyedSize("description", t.Description) + keyedSize("format", t.Format) +
		keyedSize("pattern", t.Pattern) + listSize("enum", t.Enum) + listSize("required", t.Required) +
		s.schema(t.Items)
	for name, property := range t.Properties {
		size += quotes + len(name) + colon + s.schema(property) + comma
	}
	for _, option := range t.AnyOf {
		size += s.schema(option) + comma
	}
	return size
}

// jsonSchema does the same for a JSON Schema; ADK's own tools declare theirs as *jsonschema.Schema.
func (s *sizer) jsonSchema(schema any) int {
	t, ok := schema.(*jsonschema.Schema)
	if !ok {
		if schema == nil {
			return 0
		}
		return s.value(schema)
	}
	if t == nil {
		return 0
	}
	if s.spent() {
		return bytesPerToken
	}
	size := typeSize + keyedSize("title", t.Title) + keyedSize("description", t.Description) + keyedSize("format", t.Format) +
		keyedSize("pattern", t.Pattern) + listSize("required", t.Required) + s.jsonSchema(t.Items)
	for _, value := range t.Enum {
		size += s.value(value) + comma
	}
	for _, named := range []map[string]*jsonschema.Schema{t.Properties, t.Defs, t.Definitions} {
		for name, property := range named {
			size += quotes + len(name) + colon + s.jsonSchema(property) + comma
		}
	}
	for _, options := range [][]*jsonschema.Schema{t.AnyOf, t.AllOf, t.OneOf} {
		for _, option := range options {
			size += s.jsonSchema(option) + comma
		}
	}
	return size
}

// keyedSize returns the length of a string member, 0 if it is empty and so left out.
func keyedSize(key, value string) int {
	if value == "" {
		return 0
	}
	return quotes + len(key) + colon + quotes + len(value) + comma
}

func listSize(key string, values []string) int {
	if len(values) == 0 {
		return 0
	}
	size := quotes + len(key) + colon + brackets
	for _, v := range values {
		size += quotes + len(v) + comma
	}
	return size
}
