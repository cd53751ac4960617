package strict

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/wire"
)

// openAIName is the pattern of the names of functions, schemas and participants
// (https://github.com/openai/openai-openapi).
var openAIName = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)

// checkName checks a name's pattern and length.
func checkName(name, path string) complaint {
	switch {
	case name == "":
		return missing(path)
	case !openAIName.MatchString(name):
		return invalidValue(path, "Invalid '%s': string does not match pattern. Expected a string that matches '^[a-zA-Z0-9_-]+$'.", path)
	case len(name) > 64:
		return tooLong(path, 64, len(name))
	}
	return complaint{}
}

// checkFunction checks a function's declaration, which lies under path: its name,
// its keys and its parameters' schema. Only strict ones are held to the subset.
func checkFunction(f object, path string, keys ...string) complaint {
	name := wire.Str(f, "name")
	return first(
		func() complaint { return checkName(name, path+".name") },
		func() complaint { return checkKeys(f, path+".", keys...) },
		func() complaint {
			params, isObject := f["parameters"].(object)
			bad := func(reason string) complaint {
				return complaint{message: "Invalid schema for function '" + name + "': " + reason + ".", param: path + ".parameters", code: "invalid_function_parameters"}
			}
			if f["parameters"] == nil {
				return complaint{}
			}
			if !isObject {
				return bad("schema must be a JSON Schema of type object")
			}
			if reason := checkParameters(params); reason != "" {
				return bad(reason)
			}
			if f["strict"] == true {
				if reason := checkStrict(params); reason != "" {
					return bad(reason)
				}
			}
			return complaint{}
		},
	)
}

// checkParameters returns why a schema is none for a function, or "". Sources:
// https://github.com/langchain-ai/langchainjs/issues/9804 (alternatives),
// https://github.com/evalstate/fast-agent/issues/143 (properties),
// https://github.com/sigoden/aichat/issues/1049 (items).
func checkParameters(schema object) string {
	if schema["type"] != "object" {
		return fmt.Sprintf("schema must be a JSON Schema of type object, got type %v", schema["type"])
	}
	if hasAny(schema, "oneOf", "anyOf", "allOf", "enum", "not") {
		return "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level"
	}
	if _, ok := schema["properties"].(object); !ok && schema["$ref"] == nil {
		return "object schema missing properties"
	}
	return walkSchema(schema, "", 0, checkNode)
}

// hasAny reports whether an object has one of keys.
func hasAny(in object, keys ...string) bool {
	return slices.ContainsFunc(keys, func(key string) bool { return in[key] != nil })
}

var jsonTypes = []string{"string", "number", "integer", "boolean", "object", "array", "null"}

func checkNode(s object, at string, _ int) string {
	for _, t := range typesOf(s) {
		if !slices.Contains(jsonTypes, t) {
			return fmt.Sprintf("%s: %q is not valid under any of the given schemas", at, t)
		}
	}
	if v, there := s["required"]; there {
		if _, ok := v.([]any); !ok { // null, for instance: https://github.com/yomorun/yomo/issues/860
			return fmt.Sprintf("%s: %v is not of type array (required)", at, v)
		}
	}
	if v, there := s["properties"]; there {
		if _, ok := v.(object); !ok { // https://github.com/FoundationAgents/OpenManus/issues/1162
			return fmt.Sprintf("%s: %v is not of type object (properties)", at, v)
		}
	}
	if slices.Contains(typesOf(s), "array") && s["items"] == nil { // also beside prefixItems: https://github.com/AnswerDotAI/fastcore/issues/798
		return at + ": array schema missing items"
	}
	return ""
}

// typesOf returns the type or types of a schema.
func typesOf(s object) []string {
	switch t := s["type"].(type) {
	case string:
		return []string{t}
	case []any:
		var out []string
		for _, v := range t {
			out = append(out, fmt.Sprint(v))
		}
		return out
	}
	return nil
}

// notInStrict are the keywords that strict mode refuses
// (https://platform.openai.com/docs/guides/structured-outputs#supported-schemas,
// https://github.com/openai/openai-python, lib/_pydantic.py).
var notInStrict = []string{
	"allOf", "not", "dependentRequired", "dependentSchemas", "if", "then", "else",
	"oneOf", "propertyNames", "patternProperties", "default",
}

// checkStrict returns what strict mode does not permit in a schema, or "".
func checkStrict(schema object) string {
	if schema["type"] != "object" || schema["anyOf"] != nil {
		return "schema must have type object and no anyOf at the top level"
	}
	properties, enums := 0, 0
	return walkSchema(schema, "", 0, func(s object, at string, depth int) string {
		if depth > 10 {
			return at + ": more than 10 levels of nesting"
		}
		for _, key := range notInStrict {
			if _, there := s[key]; there {
				return at + ": '" + key + "' is not permitted"
			}
		}
		if s["$ref"] != nil && len(s) > 1 {
			return at + ": $ref cannot have keywords beside it"
		}
		if values, ok := s["enum"].([]any); ok {
			enums += len(values)
		}
		props := wire.Sub(s, "properties")
		if properties += len(props); properties > 5000 || enums > 1000 {
			return "too many properties or enum values"
		}
		if !slices.Contains(typesOf(s), "object") {
			return checkNode(s, at, depth)
		}
		if s["additionalProperties"] != false {
			return at + ": 'additionalProperties' is required to be supplied and to be false"
		}
		required, _ := s["required"].([]any)
		for _, key := range wire.Keys(props) {
			if !slices.Contains(required, any(key)) {
				return at + ": 'required' is required to include every key in properties. Missing '" + key + "'"
			}
		}
		return checkNode(s, at, depth)
	})
}

// walkSchema calls check for a schema and all within it, and returns the first
// thing that it says. depth counts objects and arrays.
func walkSchema(s object, at string, depth int, check func(s object, at string, depth int) string) string {
	if depth > 64 {
		return at + ": schema is nested too deeply"
	}
	if bad := check(s, "In context=("+at+")", depth); bad != "" {
		return bad
	}
	for _, key := range []string{"properties", "$defs", "definitions"} {
		inner := wire.Sub(s, key)
		for _, name := range wire.Keys(inner) {
			if child, ok := inner[name].(object); ok {
				if bad := walkSchema(child, at+"/"+key+"/"+name, depth+1, check); bad != "" {
					return bad
				}
			}
		}
	}
	for _, key := range []string{"items", "additionalProperties"} {
		if child, ok := s[key].(object); ok {
			if bad := walkSchema(child, at+"/"+key, depth+1, check); bad != "" {
				return bad
			}
		}
	}
	for _, key := range []string{"anyOf", "oneOf", "allOf", "prefixItems"} {
		for i, child := range wire.List(s[key]) {
			if bad := walkSchema(child, fmt.Sprintf("%s/%s/%d", at, key, i), depth+1, check); bad != "" {
				return bad
			}
		}
	}
	return ""
}

// checkFormat checks a structured-output format, which lies under path; in
// Responses its name, schema and strict lie in it directly. words is whether the
// word JSON occurs in the messages.
func checkFormat(format object, path, messages string, flat, words bool) complaint {
	switch wire.Str(format, "type") {
	case "text":
		return checkKeys(format, path+".", "type")
	case "json_object":
		if !words { // https://github.com/zeeyado/xray.koplugin/issues/33
			return complaint{message: "'" + messages + "' must contain the word 'json' in some form, to use '" + path + "' of type 'json_object'.", param: messages}
		}
		return checkKeys(format, path+".", "type")
	case "json_schema":
	default:
		return invalidValue(path+".type", "Invalid value: '%s'. Supported values are: 'text', 'json_object', and 'json_schema'.", wire.Str(format, "type"))
	}
	spec, at := format, path
	keys := []string{"name", "schema", "strict", "description"}
	if flat {
		keys = append(keys, "type")
	} else {
		// https://github.com/spring-projects/spring-ai/issues/2969
		if c := checkKeys(format, path+".", "type", "json_schema"); !c.ok() {
			return c
		}
		spec, at = wire.Sub(format, "json_schema"), path+".json_schema"
		if spec == nil {
			return missing(at)
		}
	}
	return first(
		func() complaint { return checkKeys(spec, at+".", keys...) },
		func() complaint { return checkName(wire.Str(spec, "name"), at+".name") },
		func() complaint {
			schema, ok := spec["schema"].(object)
			if !ok {
				return missing(at + ".schema")
			}
			if spec["strict"] != true {
				return complaint{}
			}
			if reason := checkStrict(schema); reason != "" { // https://github.com/agentscope-ai/agentscope-java/issues/2548
				return complaint{message: "Invalid schema for response_format '" + wire.Str(spec, "name") + "': " + reason + ".", param: path}
			}
			return complaint{}
		},
	)
}
