package strict

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/wire"
)

// chatNames are the parameters that chat completions have
// (https://github.com/openai/openai-openapi, CreateChatCompletionRequest).
var chatNames = []string{
	"audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs", "max_completion_tokens",
	"max_tokens", "messages", "metadata", "modalities", "model", "moderation", "n", "parallel_tool_calls", "prediction",
	"presence_penalty", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "reasoning_effort",
	"response_format", "safety_identifier", "seed", "service_tier", "stop", "store", "stream", "stream_options",
	"temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user", "verbosity", "web_search_options",
}

// Chat holds a request for chat completions to OpenAI's rules, or to those of the
// server whose dialect is spoken.
func Chat(r Request, d Dialect) *Violation {
	var in object
	if json.Unmarshal(r.Body, &in) != nil { // the server has read it before
		return nil
	}
	v := d.check(in, r.Model).violation()
	if v != nil && d == Mistral && v.Code == mistralOrder {
		v.Kind = "invalid_request_message_order"
	}
	return v
}

func checkChat(in object, model string) complaint {
	return first(
		func() complaint { return checkKeys(in, "", chatNames...) },
		func() complaint {
			return checkNotNull(in, "tools", "tool_choice", "parallel_tool_calls", "response_format", "user", "messages")
		},
		func() complaint { return checkChatFamily(in, openAIFamilyOf(model)) },
		func() complaint { return checkChatRanges(in) },
		func() complaint { return checkStop(in["stop"]) },
		func() complaint { return checkChatMetadata(in) },
		func() complaint { return checkChatTools(in) },
		func() complaint { return checkChatFormat(in) },
		func() complaint { return checkMessages(wire.List(in["messages"]), model) },
	)
}

// checkNotNull refuses null where a parameter may only be left out
// (https://github.com/openai/openai-openapi).
func checkNotNull(in object, keys ...string) complaint {
	for _, key := range keys {
		if v, there := in[key]; there && v == nil {
			return complaint{message: "Invalid type for '" + key + "': expected a value, but got null instead.", param: key, code: "invalid_type"}
		}
	}
	return complaint{}
}

// checkChatFamily holds the parameters to what the model's family takes. Sources
// stand at openAIFamilies.
func checkChatFamily(in object, f *family) complaint {
	if f == nil {
		return complaint{}
	}
	effort, given := in["reasoning_effort"].(string)
	switch {
	case given && f.efforts == nil:
		// https://github.com/AAswordman/Operit/issues/1048
		return complaint{message: "Unrecognized request argument supplied: reasoning_effort"}
	case given:
		if c := f.checkEffort(effort, "reasoning_effort"); !c.ok() {
			return c
		}
	}
	if in["max_tokens"] != nil && !f.maxOld {
		return complaint{message: "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
			param: "max_tokens", code: "unsupported_parameter"}
	}
	if c := f.checkSampling(in, effort, "logprobs", "top_logprobs"); !c.ok() {
		return c
	}
	if !f.biased {
		for _, key := range []string{"stop", "presence_penalty", "frequency_penalty", "logit_bias"} {
			if in[key] != nil {
				return unsupported(key)
			}
		}
	}
	if in["parallel_tool_calls"] != nil && f.noParallel {
		return unsupported("parallel_tool_calls")
	}
	if len(wire.List(in["tools"])) > 0 && f.toolEffort != "" && effort != f.toolEffort {
		// https://github.com/pipecat-ai/pipecat/issues/4043
		return complaint{message: "Function tools with reasoning_effort are not supported with this model in /v1/chat/completions. Use /v1/responses instead.", param: "reasoning_effort"}
	}
	if f.noSystem {
		for i, m := range wire.List(in["messages"]) {
			if role := wire.Str(m, "role"); role == "system" || role == "developer" {
				param := fmt.Sprintf("messages[%d].role", i)
				return complaint{message: "Unsupported value: '" + param + "' does not support '" + role + "' with this model.", param: param, code: "unsupported_value"}
			}
		}
	}
	return complaint{}
}

// checkChatRanges checks bounds that hold for every model
// (https://github.com/openai/openai-openapi).
func checkChatRanges(in object) complaint {
	if c := checkRanges(in, []valueRange{
		{"temperature", 0, 2, "decimal"},
		{"top_p", 0, 1, "decimal"},
		{"presence_penalty", -2, 2, "decimal"},
		{"frequency_penalty", -2, 2, "decimal"},
		{"n", 1, 128, "integer"},
		{"top_logprobs", 0, 20, "integer"},
		{"max_tokens", 1, 1 << 30, "integer"},
		{"max_completion_tokens", 1, 1 << 30, "integer"},
	}); !c.ok() {
		return c
	}
	switch {
	case in["max_tokens"] != nil && in["max_completion_tokens"] != nil:
		return invalidValue("max_tokens", "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.")
	case in["top_logprobs"] != nil && in["logprobs"] != true:
		return complaint{message: "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.", param: "top_logprobs"}
	case in["stream_options"] != nil && in["stream"] != true:
		return complaint{message: "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param: "stream_options"}
	case len(wire.Str(in, "safety_identifier")) > 64:
		return tooLong("safety_identifier", 64, len(wire.Str(in, "safety_identifier")))
	}
	return complaint{}
}

// checkStop allows a string or one to four of them
// (https://platform.openai.com/docs/api-reference/chat/create#chat-create-stop; the
// refusal's body is inferred from that of other arrays).
func checkStop(v any) complaint {
	words, isArray := v.([]any)
	switch {
	case isArray && len(words) == 0:
		return emptyArray("stop")
	case len(words) > 4:
		return complaint{message: fmt.Sprintf("Invalid 'stop': array too long. Expected an array with maximum length 4, but got one with length %d.", len(words)),
			param: "stop", code: "array_above_max_length"}
	}
	return complaint{}
}

// checkChatMetadata adds to the limits that chat completions take labels for
// stored answers only (https://github.com/tmc/langchaingo/issues/1484).
func checkChatMetadata(in object) complaint {
	if in["metadata"] != nil && in["store"] != true {
		return complaint{message: "The 'metadata' parameter is only allowed when 'store' is enabled.", param: "metadata"}
	}
	return checkMetadata(in)
}

func checkChatTools(in object) complaint {
	v, given := in["tools"].([]any)
	switch {
	case given && len(v) == 0:
		return emptyArray("tools") // https://github.com/vllm-project/vllm/issues/39780
	case !given:
		for _, key := range []string{"tool_choice", "parallel_tool_calls"} {
			if in[key] != nil { // https://github.com/openai/swarm/issues/30
				return complaint{message: "Invalid value for '" + key + "': '" + key + "' is only allowed when 'tools' are specified.", param: key}
			}
		}
	}
	names := []string{}
	check := func(i int, t object) complaint {
		path := fmt.Sprintf("tools[%d]", i)
		if t["type"] == "custom" {
			return complaint{}
		}
		f := wire.Sub(t, "function")
		names = append(names, wire.Str(f, "name"))
		switch {
		case t["type"] == nil:
			return missing(path + ".type")
		case t["type"] != "function":
			return invalidValue(path+".type", "Invalid value: '%v'. Supported values are: 'function' and 'custom'.", t["type"])
		case f == nil:
			return missing(path + ".function")
		}
		return first(
			func() complaint { return checkKeys(t, path+".", "type", "function") },
			func() complaint {
				return checkFunction(f, path+".function", "name", "description", "parameters", "strict")
			},
		)
	}
	return checkToolList(in, check, func(choice object) string { return wire.Str(wire.Sub(choice, "function"), "name") }, &names)
}

// checkToolList checks what both protocols have in common about tools: how many,
// each by check, and the choice among the names that check has found.
func checkToolList(
	in object, check func(int, object) complaint, chosen func(object) string, names *[]string,
) complaint {
	tools := wire.List(in["tools"])
	if len(tools) > 128 { // https://github.com/musistudio/claude-code-router/issues/686
		return complaint{message: fmt.Sprintf("Invalid 'tools': array too long. Expected an array with maximum length 128, but got one with length %d.", len(tools)), param: "tools", code: "array_above_max_length"}
	}
	for i, t := range tools {
		if c := check(i, t); !c.ok() {
			return c
		}
	}
	switch choice := in["tool_choice"].(type) {
	case string:
		if !slices.Contains([]string{"none", "auto", "required"}, choice) {
			return invalidValue("tool_choice", "Invalid value: '%s'. Supported values are: 'none', 'auto', and 'required'.", choice)
		}
	case object:
		if choice["type"] != "function" {
			return complaint{} // allowed_tools and what is not a function
		}
		if name := chosen(choice); !slices.Contains(*names, name) {
			return complaint{message: "Tool choice '" + name + "' not found in 'tools' parameter.", param: "tool_choice", code: "invalid_value"}
		}
	}
	return complaint{}
}

func checkChatFormat(in object) complaint {
	if in["response_format"] == nil {
		return complaint{}
	}
	words := false
	for _, m := range wire.List(in["messages"]) {
		words = words || mentionsJSON(m["content"])
	}
	return checkFormat(wire.Sub(in, "response_format"), "response_format", "messages", false, words)
}
