package wrap

import (
	"maps"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/wireschema"
)

// Tool is the function that carries a response schema: ADK's own name for
// it, so that a request that ADK's flow has shaped that way is recognized.
const Tool = "set_model_response"

// wrapper is the property that holds an answer that is no object.
const wrapper = "response"

// Schema is a schema of an object, in one of its two forms.
type Schema struct {
	Plain   *genai.Schema
	JSON    any
	Wrapped bool // the answer is in a property of the object
}

// ObjectOf returns c's schema as that of an object.
func ObjectOf(c *genai.GenerateContentConfig) Schema {
	if c.ResponseJsonSchema == nil {
		schema := c.ResponseSchema
		if strings.EqualFold(string(schema.Type), string(genai.TypeObject)) || schema.Type == "" && len(schema.Properties) > 0 {
			return Schema{Plain: schema}
		}
		return Schema{Wrapped: true, Plain: &genai.Schema{
			Type: genai.TypeObject, Properties: map[string]*genai.Schema{wrapper: schema}, Required: []string{wrapper},
		}}
	}
	object, order, err := wireschema.Ordered(c.ResponseJsonSchema)
	if err != nil || isObject(object) {
		return Schema{JSON: c.ResponseJsonSchema} // the adapter reports a broken one
	}
	object = maps.Clone(order.Keep(object))
	root := map[string]any{"type": "object", "required": []any{wrapper}, "additionalProperties": false}
	for _, key := range []string{"$defs", "definitions"} { // references name them from the root
		if defs, ok := object[key]; ok {
			root[key] = defs
			delete(object, key)
		}
	}
	root["properties"] = map[string]any{wrapper: object}
	return Schema{JSON: root, Wrapped: true}
}

// isObject tells whether a JSON Schema describes an object. A reference, or a
// schema without a type, counts as one.
func isObject(schema map[string]any) bool {
	switch kind := schema["type"].(type) {
	case string:
		return kind == "object"
	case nil:
		return schema["enum"] == nil && schema["items"] == nil && schema["const"] == nil && schema["anyOf"] == nil && schema["oneOf"] == nil
	}
	return false
}

// HasTool tells whether c declares set_model_response already.
func HasTool(c *genai.GenerateContentConfig) bool {
	for _, tool := range c.Tools {
		if tool == nil {
			continue
		}
		for _, declaration := range tool.FunctionDeclarations {
			if declaration != nil && declaration.Name == Tool {
				return true
			}
		}
	}
	return false
}
