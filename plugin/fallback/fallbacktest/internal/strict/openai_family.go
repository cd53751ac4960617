package strict

import (
	"fmt"
	"slices"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/wire"
)

// family is what a group of OpenAI's models takes besides what all take. Each
// model is of the family with the longest name that it begins with; the models of
// other makers, and Azure deployments, are of none and take everything.
type family struct {
	names   []string
	maxOld  bool     // takes max_tokens in chat completions
	sampled sampling // temperature, top_p and logprobs
	biased  bool     // takes penalties, logit_bias and stop
	efforts []string // nil: no reasoning_effort at all
	effort  string   // if it is left out; "" is any but none
	// toolEffort is the only effort with which tools are taken in chat
	// completions; "never" is none at all. Responses takes tools at every effort.
	toolEffort string
	noParallel bool // refuses parallel_tool_calls
	noSystem   bool // takes neither system nor developer messages
	textOnly   bool
	noOne      bool // refuses a temperature of 1 too
	// temperature is the code of the refusal, which differs between models.
	temperature string
}

// sampling says when a model takes temperature and the like.
type sampling int

const (
	sampledAlways   sampling = iota
	sampledNever             // refused, but for the default of 1
	sampledAtNone            // only if the effort is none, left out or not
	sampledExplicit          // only if the request says effort none
)

var (
	efforts51 = []string{"none", "low", "medium", "high"}
	efforts52 = append(slices.Clone(efforts51), "xhigh")
	efforts56 = append(slices.Clone(efforts52), "max")
)

// openAIFamilies are OpenAI's models as of November 2026. Sources, where no other
// is given: https://github.com/openai/openai-openapi (openapi.json of August 2026),
// https://developers.openai.com/api/docs/guides/deployment-checklist,
// https://github.com/BerriAI/litellm (llms/openai/chat/gpt_5_transformation.py).
var openAIFamilies = []family{
	{names: []string{"gpt-4", "gpt-4o", "gpt-4.1", "gpt-4.5", "chatgpt-4o"}, maxOld: true, biased: true},
	{names: []string{"gpt-3.5-turbo"}, maxOld: true, biased: true, textOnly: true},
	// https://github.com/BerriAI/litellm/issues/13781
	{names: []string{"gpt-5-chat"}, maxOld: true, biased: true},
	// parallel_tool_calls: https://github.com/run-llama/llama_index/issues/20865,
	// https://github.com/tensorzero/tensorzero/issues/2805.
	// stop: https://github.com/huggingface/smolagents/issues/1662
	{names: []string{"o1", "o3", "o4", "o4-mini"}, sampled: sampledNever, efforts: []string{"low", "medium", "high"}, noParallel: true, temperature: "unsupported_parameter"},
	{names: []string{"o3-mini"}, sampled: sampledNever, efforts: []string{"low", "medium", "high"}, noParallel: true, textOnly: true, temperature: "unsupported_parameter"},
	// https://github.com/openai/openai-python/issues/2047
	{names: []string{"o1-mini", "o1-preview"}, sampled: sampledNever, noParallel: true, noSystem: true, textOnly: true, temperature: "unsupported_value"},
	{names: []string{"gpt-5"}, sampled: sampledNever, efforts: []string{"minimal", "low", "medium", "high"}, temperature: "unsupported_value"},
	// https://learn.microsoft.com/javascript/api/@azure/ai-projects/reasoningeffort
	{names: []string{"gpt-5-pro"}, sampled: sampledNever, efforts: []string{"high"}, toolEffort: "never"},
	{names: []string{"gpt-5.1"}, sampled: sampledAtNone, efforts: efforts51, effort: "none"},
	{names: []string{"gpt-5.2", "gpt-5.3"}, sampled: sampledAtNone, efforts: efforts52, effort: "none"},
	// https://github.com/openai/openai-openapi/issues/541; without an effort the
	// reports differ, and the stricter one holds here.
	{names: []string{"gpt-5.4", "gpt-5.5"}, sampled: sampledExplicit, efforts: efforts52, toolEffort: "none"},
	// https://github.com/anomalyco/opencode/issues/36141
	{names: []string{"gpt-5.6"}, sampled: sampledExplicit, efforts: efforts56, toolEffort: "none"},
	{names: []string{"gpt-6"}, noOne: true, sampled: sampledNever, efforts: efforts56, toolEffort: "none"},
	{names: []string{"gpt-6-astra", "gpt-6.1"}, noOne: true, sampled: sampledNever, efforts: []string{"low", "medium", "high", "xhigh"}, toolEffort: "never"},
}

// openAIFamilyOf returns the family of a model, or nil.
func openAIFamilyOf(model string) *family {
	best, length := (*family)(nil), 0
	for i := range openAIFamilies {
		for _, name := range openAIFamilies[i].names {
			rest, ok := strings.CutPrefix(model, name)
			if ok && (rest == "" || rest[0] == '-') && len(name) > length {
				best, length = &openAIFamilies[i], len(name)
			}
		}
	}
	return best
}

// isTextOnly reports whether a model takes no images. Any name with "text-only"
// in it is one.
func isTextOnly(model string) bool {
	f := openAIFamilyOf(model)
	return f != nil && f.textOnly || strings.Contains(model, "text-only")
}

// checkSampling checks temperature, top_p and logprobs for a request with the
// given effort, "" if it has none.
func (f *family) checkSampling(in object, effort string, logprobs ...string) complaint {
	if effort == "" {
		effort = f.effort
	}
	switch {
	case f.sampled == sampledAlways,
		f.sampled == sampledAtNone && effort == "none",
		f.sampled == sampledExplicit && effort == "none":
		return complaint{}
	}
	if t, ok := wire.Number(in, "temperature"); ok && (t != 1 || f.noOne) {
		if f.temperature == "unsupported_value" {
			return complaint{message: fmt.Sprintf("Unsupported value: 'temperature' does not support %v with this model. Only 1, the default, is supported.", t),
				param: "temperature", code: f.temperature}
		}
		// Newer models say so without a code: https://github.com/OpenHands/software-agent-sdk/issues/1837
		return complaint{message: "Unsupported parameter: 'temperature' is not supported with this model.", param: "temperature", code: f.temperature}
	}
	if p, ok := wire.Number(in, "top_p"); ok && p != 1 {
		return unsupported("top_p")
	}
	for _, name := range logprobs {
		if v := in[name]; v != nil && v != false {
			return unsupported(name)
		}
	}
	return complaint{}
}

// checkEffort checks an effort that a request gives, under its parameter's name.
func (f *family) checkEffort(effort, param string) complaint {
	if slices.Contains(f.efforts, effort) {
		return complaint{}
	}
	// https://github.com/anomalyco/opencode/issues/4451
	return complaint{message: fmt.Sprintf("Unsupported value: '%s' is not supported with this model. Supported values are: %s.", effort, strings.Join(f.efforts, ", ")),
		param: param, code: "unsupported_value"}
}

// unsupported is the refusal of a parameter that other models take
// (https://github.com/vercel/ai, openai/src/chat/__fixtures__).
func unsupported(param string) complaint {
	return complaint{message: "Unsupported parameter: '" + param + "' is not supported with this model.", param: param, code: "unsupported_parameter"}
}

// unknown is the refusal of a name that no model takes
// (https://github.com/teabranch/open-responses-server/issues/41).
func unknown(path string) complaint {
	return complaint{message: "Unknown parameter: '" + path + "'.", param: path, code: "unknown_parameter"}
}

// checkKeys refuses what is in o and not allowed; prefix is the path of o with a
// dot at its end.
func checkKeys(o object, prefix string, allowed ...string) complaint {
	for _, key := range wire.Keys(o) {
		if !slices.Contains(allowed, key) {
			return unknown(prefix + key)
		}
	}
	return complaint{}
}

// valueRange bounds a number.
type valueRange struct {
	key    string
	lo, hi float64
	kind   string // of number: decimal or integer
}

func checkRanges(in object, ranges []valueRange) complaint {
	for _, r := range ranges {
		if c := r.check(in); !c.ok() {
			return c
		}
	}
	return complaint{}
}

// check checks the number, if it is given. The code of the refusal names the type.
func (r *valueRange) check(in object) complaint {
	v, isNumber := wire.Number(in, r.key)
	switch {
	case in[r.key] == nil:
	case !isNumber:
		return complaint{message: fmt.Sprintf("Invalid type for '%s': expected a %s.", r.key, r.kind), param: r.key, code: "invalid_type"}
	case v < r.lo:
		return complaint{message: fmt.Sprintf("Invalid '%s': %s below minimum value. Expected a value >= %v, but got %v instead.", r.key, r.kind, r.lo, v), param: r.key, code: r.kind + "_below_min_value"}
	case v > r.hi:
		return complaint{message: fmt.Sprintf("Invalid '%s': %s above maximum value. Expected a value <= %v, but got %v instead.", r.key, r.kind, r.hi, v), param: r.key, code: r.kind + "_above_max_value"}
	}
	return complaint{}
}

func tooLong(path string, limit, got int) complaint {
	return complaint{message: fmt.Sprintf("Invalid '%s': string too long. Expected a string with maximum length %d, but got one with length %d.", path, limit, got),
		param: path, code: "string_above_max_length"}
}

func emptyArray(path string) complaint {
	return complaint{message: "Invalid '" + path + "': empty array. Expected an array with at least one element.", param: path, code: "empty_array"}
}

func invalidValue(path, format string, args ...any) complaint {
	return complaint{message: fmt.Sprintf(format, args...), param: path, code: "invalid_value"}
}

func missing(path string) complaint {
	return complaint{message: "Missing required parameter: '" + path + "'.", param: path, code: "missing_required_parameter"}
}

// checkMetadata checks the limits of labels
// (https://platform.openai.com/docs/api-reference/chat/create#chat-create-metadata).
func checkMetadata(in object) complaint {
	labels, isObject := in["metadata"].(object)
	switch {
	case in["metadata"] == nil:
		return complaint{}
	case !isObject:
		return complaint{message: "Invalid type for 'metadata': expected an object.", param: "metadata", code: "invalid_type"}
	case len(labels) > 16:
		return complaint{message: fmt.Sprintf("Invalid 'metadata': too many properties. Expected at most 16, but got %d.", len(labels)), param: "metadata", code: "object_above_max_properties"}
	}
	for _, key := range wire.Keys(labels) {
		value, isString := labels[key].(string)
		switch {
		case len(key) > 64:
			return complaint{message: "Invalid property name in 'metadata': string too long. The maximum length is 64.", param: "metadata", code: "property_name_above_max_length"}
		case !isString:
			return complaint{message: "Invalid type for 'metadata." + key + "': expected a string.", param: "metadata." + key, code: "invalid_type"}
		case len(value) > 512:
			return tooLong("metadata."+key, 512, len(value))
		}
	}
	return complaint{}
}
