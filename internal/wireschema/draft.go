package wireschema

// modern replaces keywords of older drafts by those of JSON Schema 2020-12. The schemas of MCP
// servers may have any draft, and Anthropic refuses what is not valid in 2020-12:
// "JSON schema is invalid. It must match JSON Schema draft 2020-12" (Dokploy/mcp#74).
func modern(schema map[string]any) {
	// Before 2020-12: a list of the first items, and what follows them.
	if first, ok := schema["items"].([]any); ok {
		delete(schema, "items")
		if _, both := schema["prefixItems"]; !both && len(first) > 0 {
			schema["prefixItems"] = first
		}
		if rest, ok := schema["additionalItems"]; ok {
			schema["items"] = rest
		}
	}
	delete(schema, "additionalItems")
	// Draft 4: whether the bound itself is excluded.
	for exclusive, bound := range map[string]string{"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"} {
		excluded, ok := schema[exclusive].(bool)
		if !ok {
			continue
		}
		delete(schema, exclusive)
		if n, ok := schema[bound]; ok && excluded {
			schema[exclusive] = n
			delete(schema, bound)
		}
	}
	// Draft 3: whether the property is required.
	if _, ok := schema["required"].(bool); ok {
		delete(schema, "required")
	}
}
