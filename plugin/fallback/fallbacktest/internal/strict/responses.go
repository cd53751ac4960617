package strict

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/wire"
)

// responsesNames are the parameters that Responses has
// (https://github.com/openai/openai-go, ResponseNewParams of v3.98.0).
var responsesNames = []string{
	"access_programs", "background", "context_management", "conversation", "include", "input", "instructions",
	"max_output_tokens", "max_tool_calls", "metadata", "model", "moderation", "parallel_tool_calls", "previous_response_id",
	"prompt", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "reasoning", "safety_identifier",
	"service_tier", "store", "stream", "stream_options", "temperature", "text", "tool_choice", "tools", "top_logprobs",
	"top_p", "truncation", "user",
}

// moved are parameters of chat completions that have another name here
// (https://github.com/lobehub/lobehub/issues/8116).
var moved = map[string]string{
	"messages": "input", "max_tokens": "max_output_tokens", "max_completion_tokens": "max_output_tokens",
	"response_format": "text.format", "reasoning_effort": "reasoning.effort", "verbosity": "text.verbosity",
}

// Responses holds a request for OpenAI's Responses to its rules.
func Responses(r Request) *Violation {
	var in object
	if json.Unmarshal(r.Body, &in) != nil { // the server has read it before
		return nil
	}
	return checkResponses(in, r.Model).violation()
}

func checkResponses(in object, model string) complaint {
	return first(
		func() complaint {
			for _, key := range wire.Keys(in) {
				if to := moved[key]; to != "" {
					return complaint{message: "Unsupported parameter: '" + key + "'. In the Responses API, this parameter has moved to '" + to + "'.", code: "unsupported_parameter"}
				}
			}
			return checkKeys(in, "", responsesNames...)
		},
		func() complaint { return checkResponsesFamily(in, openAIFamilyOf(model)) },
		func() complaint { return checkResponsesRanges(in) },
		func() complaint { return checkMetadata(in) },
		func() complaint { return checkResponsesTools(in) },
		func() complaint { return checkText(in) },
		func() complaint { return checkInput(in, model) },
	)
}

func checkResponsesFamily(in object, f *family) complaint {
	reasoning := wire.Sub(in, "reasoning")
	if c := checkKeys(reasoning, "reasoning.", "effort", "summary", "generate_summary", "context"); !c.ok() {
		return c // https://github.com/bestruirui/octopus/issues/31
	}
	if s := wire.Str(reasoning, "summary"); s != "" && !slices.Contains([]string{"auto", "concise", "detailed"}, s) {
		return invalidValue("reasoning.summary", "Invalid value: '%s'. Supported values are: 'concise', 'detailed', and 'auto'.", s)
	}
	if f == nil {
		return complaint{}
	}
	effort := wire.Str(reasoning, "effort")
	switch {
	case effort != "" && f.efforts == nil:
		return unsupported("reasoning.effort")
	case effort == "max" && f.toolEffort == "never": // taken here, though not in chat completions
	case effort != "":
		if c := f.checkEffort(effort, "reasoning.effort"); !c.ok() {
			return c
		}
	}
	if wire.Str(reasoning, "summary") != "" && f.efforts == nil {
		return unsupported("reasoning.summary")
	}
	// https://github.com/ddutchie/cairn/pull/127
	if include, _ := in["include"].([]any); f.efforts == nil && slices.Contains(include, any("reasoning.encrypted_content")) {
		return complaint{message: "Encrypted content is not supported with this model.", param: "include"}
	}
	return f.checkSampling(in, effort, "top_logprobs")
}

// checkResponsesRanges checks bounds that hold for every model. The least output is
// 16 tokens: https://github.com/vectorize-io/hindsight/issues/58.
func checkResponsesRanges(in object) complaint {
	if c := checkRanges(in, []valueRange{
		{"temperature", 0, 2, "decimal"},
		{"top_p", 0, 1, "decimal"},
		{"top_logprobs", 0, 20, "integer"},
		{"max_output_tokens", 16, 1 << 30, "integer"},
	}); !c.ok() {
		return c
	}
	switch {
	case in["stream_options"] != nil && in["stream"] != true:
		return complaint{message: "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param: "stream_options"}
	case wire.Sub(in, "stream_options")["include_usage"] != nil:
		return unknown("stream_options.include_usage")
	case len(wire.Str(in, "safety_identifier")) > 64:
		return tooLong("safety_identifier", 64, len(wire.Str(in, "safety_identifier")))
	}
	return complaint{}
}

func checkResponsesTools(in object) complaint {
	names := []string{}
	check := func(i int, t object) complaint {
		path := fmt.Sprintf("tools[%d]", i)
		switch {
		case t["type"] == nil:
			return missing(path + ".type")
		case t["type"] != "function":
			return complaint{} // tools of OpenAI's own
		case t["function"] != nil: // the shape of chat completions
			return missing(path + ".name")
		}
		names = append(names, wire.Str(t, "name"))
		return checkFunction(t, path, "type", "name", "description", "parameters", "strict")
	}
	if len(wire.List(in["tools"])) == 0 && (in["tool_choice"] == "required" || wire.Sub(in, "tool_choice") != nil) {
		return complaint{message: "'tool_choice' other than 'auto' or 'none' must be specified with 'tools'.", param: "tool_choice"}
	}
	return checkToolList(in, check, func(choice object) string { return wire.Str(choice, "name") }, &names)
}

func checkText(in object) complaint {
	text := wire.Sub(in, "text")
	if c := checkKeys(text, "text.", "format", "verbosity"); !c.ok() {
		return c
	}
	if text["format"] == nil {
		return complaint{}
	}
	// That the instructions do not count is inferred from the parameter that the error names.
	words := strings.Contains(strings.ToLower(wire.Str(in, "input")), "json")
	for _, item := range wire.List(in["input"]) {
		words = words || mentionsJSON(item["content"])
	}
	return checkFormat(wire.Sub(text, "format"), "text.format", "input", true, words)
}
