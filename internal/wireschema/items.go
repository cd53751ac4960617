package wireschema

// AddItems adds items, a schema of anything, to each array in schema that has none, even
// beside prefixItems: OpenAI requires it (AnswerDotAI/fastcore#798). It changes schema, which
// must come from [JSON].
func AddItems(schema map[string]any) {
	if isOfType(schema, "array") && schema["items"] == nil {
		schema["items"] = map[string]any{}
	}
	for _, key := range []string{"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"} {
		named, _ := schema[key].(map[string]any)
		for _, child := range named {
			addItems(child)
		}
	}
	for _, key := range []string{"anyOf", "oneOf", "allOf", "prefixItems", "items", "additionalProperties", "not", "if", "then", "else", "contains"} {
		addItems(schema[key])
	}
}

func addItems(v any) {
	switch v := v.(type) {
	case map[string]any:
		AddItems(v)
	case []any:
		for _, child := range v {
			addItems(child)
		}
	}
}
