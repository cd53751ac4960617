package clone

import (
	"reflect"
	"testing"

	"google.golang.org/genai"
)

// B60: a field that typed code does not know, because a newer genai added it, is
// copied by reflection. Here typed code is made to take a known field for such a one.
func TestTypedCodeCopiesNewerFields(t *testing.T) {
	args := map[string]any{"a": 1.0}
	for name, test := range map[string]struct {
		newer newerFields
		copy  func(*copier)
	}{
		"config": {newerFields{config: fieldsBut[genai.GenerateContentConfig]("Labels")}, func(c *copier) {
			c.config(&genai.GenerateContentConfig{ToolConfig: &genai.ToolConfig{}}, maxDepth)
		}},
		"content": {newerFields{content: fieldsBut[genai.Content]()}, func(c *copier) {
			c.contents([]*genai.Content{{Parts: []*genai.Part{{FunctionCall: &genai.FunctionCall{Args: args}}}}}, maxDepth)
		}},
		"part": {newerFields{part: fieldsBut[genai.Part]()}, func(c *copier) {
			c.part(&genai.Part{}, &genai.Part{FunctionCall: &genai.FunctionCall{Args: args}}, maxDepth)
		}},
		"call": {newerFields{call: fieldsBut[genai.FunctionCall]()}, func(c *copier) { c.call(&genai.FunctionCall{Args: args}, maxDepth) }},
		"response": {newerFields{response: fieldsBut[genai.FunctionResponse]()}, func(c *copier) {
			c.response(&genai.FunctionResponse{Response: args}, maxDepth)
		}},
		"schema": {newerFields{schema: fieldsBut[genai.Schema]("Items")}, func(c *copier) { c.schema(&genai.Schema{Default: args}, maxDepth) }},
		"declaration": {newerFields{declaration: fieldsBut[genai.FunctionDeclaration]()}, func(c *copier) {
			c.declarationList([]*genai.FunctionDeclaration{{ParametersJsonSchema: args}}, maxDepth)
		}},
	} {
		known, unknown := copier{left: maxTyped, newer: &newerFields{}}, copier{left: maxTyped, newer: &test.newer}
		test.copy(&known)
		test.copy(&unknown)
		if unknown.left >= known.left {
			t.Errorf("%s: a field that typed code does not know was not copied", name)
		}
	}
}

func TestFieldsBut(t *testing.T) {
	type grown struct {
		Text         string
		Known, Added *int
		hidden       *int
		More         [1][]string
	}
	if got := fieldsBut[grown]("Known"); !reflect.DeepEqual(got, []int{2, 4}) {
		t.Errorf("fields %v, want those of Added and More", got)
	}
	n, c := 1, copier{left: maxTyped}
	value := grown{Known: &n, Added: &n, hidden: &n, More: [1][]string{{"a"}}}
	source := value
	c.also(&value, fieldsBut[grown]("Known"), maxDepth)
	if value.Added == &n || &value.More[0][0] == &source.More[0][0] || !reflect.DeepEqual(value, source) {
		t.Errorf("copied to %+v, want equal fields that share nothing", value)
	}
}
