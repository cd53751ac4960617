package wireschema

import "slices"

// strictFormats are the formats that strict mode checks.
// https://developers.openai.com/api/docs/guides/structured-outputs
var strictFormats = []string{"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}

// Strict returns schema, as [JSON] makes it, in the form that OpenAI's
// strict mode takes: objects say that they have no other properties than those
// named. ok is false if strict mode would refuse it or would change what it means,
// such as where a property is optional; schema then has to be sent as it is,
// without strict mode. The result may share parts with schema, which is not
// changed.
func Strict(schema map[string]any) (strict map[string]any, ok bool) {
	if schema["type"] != "object" || schema["anyOf"] != nil {
		return nil, false
	}
	converted, ok := strictly(schema)
	if !ok {
		return nil, false
	}
	return converted.(map[string]any), true
}

// strictly converts one schema and those within.
func strictly(v any) (any, bool) {
	schema, ok := v.(map[string]any)
	if !ok {
		return nil, false
	}
	if _, ok := schema["$ref"]; ok {
		return schema, len(schema) == 1
	}
	if len(schema) == 0 { // anything: each schema needs a type
		return nil, false
	}
	out := make(map[string]any, len(schema)+1)
	for key, value := range schema {
		ok := true
		switch key {
		case "type", "title", "description", "enum", "const", "pattern", "required", "minItems", "maxItems",
			"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf":
		case "format":
			format, _ := value.(string)
			ok = slices.Contains(strictFormats, format)
		case "additionalProperties":
			ok = value == false
		case "items":
			value, ok = strictly(value)
		case "anyOf":
			value, ok = eachStrictly(value)
		case "properties", "$defs":
			value, ok = namedStrictly(value)
		default:
			ok = false
		}
		if !ok {
			return nil, false
		}
		out[key] = value
	}
	if isOfType(schema, "object") {
		if !requiresAll(schema) {
			return nil, false
		}
		out["additionalProperties"] = false
	}
	if isOfType(schema, "array") && schema["items"] == nil {
		return nil, false
	}
	return out, true
}

func eachStrictly(v any) (any, bool) {
	list, _ := v.([]any)
	out := make([]any, len(list))
	for i := range list {
		var ok bool
		if out[i], ok = strictly(list[i]); !ok {
			return nil, false
		}
	}
	return out, len(list) > 0
}

func namedStrictly(v any) (any, bool) {
	named, ok := v.(map[string]any)
	out := make(map[string]any, len(named))
	for name, schema := range named {
		if out[name], ok = strictly(schema); !ok {
			return nil, false
		}
	}
	return out, ok
}

func isOfType(schema map[string]any, name string) bool {
	types, _ := schema["type"].([]any)
	return schema["type"] == name || slices.Contains(types, any(name))
}

// requiresAll tells whether an object names its properties and requires each.
func requiresAll(schema map[string]any) bool {
	properties, ok := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]any)
	for name := range properties {
		if !slices.Contains(required, any(name)) {
			return false
		}
	}
	return ok
}
