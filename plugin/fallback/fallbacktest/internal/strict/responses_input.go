package strict

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/signature"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/wire"
)

// checkInput checks the items of the input: their shapes, and that calls and
// outputs belong together.
func checkInput(in object, model string) complaint {
	switch v := in["input"].(type) {
	case nil:
		if in["prompt"] != nil || in["previous_response_id"] != nil || in["conversation"] != nil {
			return complaint{}
		}
		return missing("input")
	case string:
		return complaint{}
	case []any:
		if len(v) == 0 {
			return emptyArray("input")
		}
	default:
		return complaint{message: "Invalid type for 'input': expected a string or an array of objects.", param: "input", code: "invalid_type"}
	}
	items := wire.List(in["input"])
	ids := map[string]bool{}
	for i, it := range items {
		path := fmt.Sprintf("input[%d]", i)
		c := first(
			func() complaint { return checkItem(it, path, model) },
			func() complaint { return checkItemID(it, path, ids) },
		)
		if !c.ok() {
			return c
		}
	}
	return first(
		func() complaint { return checkOutputs(items, in["previous_response_id"] != nil) },
		func() complaint { return checkReasoning(items, in["store"] == false) },
	)
}

// itemKeys are the keys that an item of each type may have; items of other types
// are not checked (https://github.com/openai/openai-go, package responses).
var itemKeys = map[string][]string{
	"message":              {"type", "role", "content", "id", "status", "phase"},
	"function_call":        {"type", "id", "call_id", "name", "arguments", "status", "namespace", "caller", "async"},
	"function_call_output": {"type", "id", "call_id", "output", "status", "name", "namespace", "caller"},
	// A status is refused: https://github.com/BerriAI/litellm/issues/13420.
	"reasoning": {"type", "id", "summary", "content", "encrypted_content"},
}

func checkItem(it object, path, model string) complaint {
	kind := wire.Str(it, "type")
	if kind == "" {
		kind = "message"
	}
	if keys := itemKeys[kind]; keys != nil {
		if c := checkKeys(it, path+".", keys...); !c.ok() {
			return c
		}
	}
	switch kind {
	case "message":
		return checkItemMessage(it, path, model)
	case "function_call":
		_, hasArguments := it["arguments"].(string)
		return first(
			func() complaint { return checkCallID(it, path) },
			func() complaint { return checkName(wire.Str(it, "name"), path+".name") },
			func() complaint {
				if !hasArguments {
					return complaint{message: "Invalid type for '" + path + ".arguments': expected a string.", param: path + ".arguments", code: "invalid_type"}
				}
				return complaint{}
			},
		)
	case "function_call_output":
		return first(
			func() complaint { return checkCallID(it, path) },
			func() complaint { return checkOutput(it["output"], path+".output", model) },
		)
	case "reasoning":
		return checkReasoningItem(it, path)
	}
	return complaint{}
}

func checkItemMessage(it object, path, model string) complaint {
	role := wire.Str(it, "role")
	if !slices.Contains([]string{"user", "assistant", "system", "developer"}, role) {
		return invalidValue(path+".role", "Invalid value: '%s'. Supported values are: 'assistant', 'system', 'developer', and 'user'.", role)
	}
	if f := openAIFamilyOf(model); f != nil && f.noSystem && (role == "system" || role == "developer") {
		return complaint{message: "Unsupported value: '" + path + ".role' does not support '" + role + "' with this model.", param: path + ".role", code: "unsupported_value"}
	}
	switch v := it["content"].(type) {
	case string:
		return complaint{}
	case []any:
		// https://github.com/epam/ai-dial-adapter-openai/issues/511
		types := []string{"input_text", "input_image", "input_file", "input_audio"}
		switch role {
		case "assistant":
			types = []string{"output_text", "refusal"}
		case "system", "developer":
			types = []string{"input_text"}
		}
		return checkItemParts(wire.List(v), path+".content", types, model)
	}
	return complaint{message: "Invalid type for '" + path + ".content': expected a string or an array of objects.", param: path + ".content", code: "invalid_type"}
}

func checkItemParts(parts []object, path string, types []string, model string) complaint {
	for j, p := range parts {
		at, kind := fmt.Sprintf("%s[%d]", path, j), wire.Str(p, "type")
		switch {
		case !slices.Contains(types, kind):
			return invalidValue(at, "Invalid value: '%s'. Supported values are: '%s'.", kind, strings.Join(types, "', '"))
		case kind == "input_image" && isTextOnly(model):
			return complaint{message: "Invalid content type. input_image is only supported by certain models.", param: at + ".type"}
		case kind == "input_image" && wire.Str(p, "file_id") == "":
			if c := checkImage(wire.Str(p, "image_url"), wire.Str(p, "detail"), at+".image_url"); !c.ok() {
				return c
			}
		}
	}
	return complaint{}
}

// checkOutput checks a function's output: a string, or parts of input
// (https://platform.openai.com/docs/guides/function-calling).
func checkOutput(v any, path, model string) complaint {
	switch v := v.(type) {
	case string:
		return complaint{}
	case []any:
		return checkItemParts(wire.List(v), path, []string{"input_text", "input_image", "input_file"}, model)
	}
	return missing(path)
}

// checkCallID sources: https://github.com/decolua/9router/issues/393 (length),
// https://github.com/BigPizzaV3/CodexPlusPlus/issues/315 (empty).
func checkCallID(it object, path string) complaint {
	id, given := it["call_id"].(string)
	path += ".call_id"
	switch {
	case !given:
		return missing(path)
	case id == "":
		return complaint{message: "Invalid '" + path + "': empty string. Expected a string with minimum length 1.", param: path, code: "empty_string"}
	case len(id) > 64:
		return tooLong(path, 64, len(id))
	}
	return complaint{}
}

var (
	itemID      = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)
	itemIDBegin = map[string]string{"": "msg", "message": "msg", "function_call": "fc", "reasoning": "rs"}
)

// checkItemID sources: https://github.com/langchain-ai/langchainjs/issues/11044
// (characters), https://github.com/Wei-Shaw/sub2api/issues/3981 (beginnings),
// https://github.com/microsoft/agent-framework-go/pull/784 (duplicates).
func checkItemID(it object, path string, seen map[string]bool) complaint {
	id, given := it["id"].(string)
	if !given {
		return complaint{}
	}
	path += ".id"
	begin := itemIDBegin[wire.Str(it, "type")]
	switch {
	case !itemID.MatchString(id):
		return invalidValue(path, "Invalid '%s': '%s'. Expected an ID that contains letters, numbers, underscores, or dashes only.", path, id)
	case len(id) > 64:
		return tooLong(path, 64, len(id))
	case !strings.HasPrefix(id, begin):
		return invalidValue(path, "Invalid '%s': '%s'. Expected an ID that begins with '%s'.", path, id, begin)
	case seen[id]:
		return complaint{message: "Duplicate item found with id " + id + ". Remove duplicate items from your input and try again.", param: "input"}
	}
	seen[id] = true
	return complaint{}
}

// checkOutputs checks that calls and outputs are in pairs. Sources:
// https://github.com/continuedev/continue/issues/10092 (no call),
// https://github.com/symgraph/GhidrAssist/issues/78 (no output). Unlike chat
// completions, other items may stand between. That an id which comes again is
// refused is a rule of this package: pairs would be right by luck only.
func checkOutputs(items []object, earlier bool) complaint {
	called, answered := map[string]bool{}, map[string]bool{}
	var calls []string
	for i, it := range items {
		id, param := wire.Str(it, "call_id"), fmt.Sprintf("input[%d].call_id", i)
		switch wire.Str(it, "type") {
		case "function_call":
			if called[id] {
				return invalidValue(param, "Duplicate value for '%s': '%s'.", param, id)
			}
			called[id], calls = true, append(calls, id)
		case "function_call_output":
			switch {
			case !called[id] && !earlier:
				return complaint{message: "No tool call found for function call output with call_id " + id + ".", param: "input"}
			case answered[id]:
				return invalidValue(param, "Duplicate value for '%s': '%s'.", param, id)
			}
			answered[id] = true
		}
	}
	for _, id := range calls {
		if !answered[id] {
			return complaint{message: "No tool output found for function call " + id + ".", param: "input"}
		}
	}
	return complaint{}
}

// checkReasoningItem sources: https://github.com/microsoft/agent-framework-go/pull/784,
// https://github.com/openai/codex/issues/8132.
func checkReasoningItem(it object, path string) complaint {
	sealed, isSealed := it["encrypted_content"].(string)
	content, _ := it["content"].([]any)
	if it["summary"] == nil {
		return missing(path + ".summary")
	}
	if len(content) > 0 {
		return complaint{message: "Invalid '" + path + ".content': array too long. Expected an array with maximum length 0.", param: path + ".content", code: "array_above_max_length"}
	}
	if _, ok := signature.Open(sealed); isSealed && !ok {
		return complaint{message: "The encrypted content could not be verified.", code: "invalid_encrypted_content"}
	}
	return complaint{}
}

// checkReasoning checks that a reasoning item carries what the server does not keep
// and is followed by what it led to. Sources:
// https://github.com/vercel/ai/issues/7543 (nothing kept; 404 in
// https://github.com/NousResearch/hermes-agent/pull/10217),
// https://github.com/continuedev/continue/issues/8933 (nothing follows).
func checkReasoning(items []object, stateless bool) complaint {
	for i, it := range items {
		if it["type"] != "reasoning" {
			continue
		}
		id := wire.Str(it, "id")
		if wire.Str(it, "encrypted_content") == "" && stateless {
			return complaint{status: 404, param: "input", message: "Item with id '" + id + "' not found. Items are not persisted when `store` is set to false. " +
				"Try again with `store` set to true, or remove this item from your input."}
		}
		if i+1 == len(items) || !ofModel(items[i+1]) {
			return complaint{message: "Item '" + id + "' of type 'reasoning' was provided without its required following item.", param: "input"}
		}
	}
	return complaint{}
}

func ofModel(it object) bool {
	return it["role"] == "assistant" || it["type"] == "function_call" || it["type"] == "reasoning"
}
