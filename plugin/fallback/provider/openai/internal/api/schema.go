package api

import (
	"encoding/json"
	"fmt"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/wireschema"
)

// Schema is the schema that the text of an answer must follow.
type Schema struct {
	Name string         // the API requires one
	JSON map[string]any // JSON Schema

	order wireschema.Order
}

// Text returns the schema, or its form for strict mode, as JSON.
func (s *Schema) Text(form map[string]any) (json.RawMessage, error) {
	text, err := s.order.Marshal(form)
	if err != nil {
		return nil, fmt.Errorf("openai: the response schema: %w", err)
	}
	return text, nil
}

// AnswerSchema returns the schema that config demands; nil if it demands none.
func AnswerSchema(config *genai.GenerateContentConfig) (*Schema, error) {
	var schema any = config.ResponseJsonSchema
	if schema == nil && config.ResponseSchema != nil {
		schema = config.ResponseSchema
	}
	if schema == nil {
		return nil, nil
	}
	converted, order, err := wireschema.Ordered(schema)
	if err != nil {
		return nil, fmt.Errorf("openai: the response schema: %w", err)
	}
	if len(converted) == 0 {
		converted["type"] = "object" // an empty schema would be omitted, and OpenAI requires one
	}
	wireschema.AddItems(converted)
	name := "response"
	if title, isText := converted["title"].(string); isText && title != "" {
		name = AllowedID(title, maxName)
	}
	return &Schema{name, converted, order}, nil
}
