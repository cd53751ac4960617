package strict

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/wire"
)

// Dialect is whose chat completions are spoken, by the names that fallbacktest has
// for them. The zero value is OpenAI's.
type Dialect string

const (
	Mistral  Dialect = "mistral"
	DeepSeek Dialect = "deepseek"
	Ollama   Dialect = "ollama"
	Groq     Dialect = "groq"
)

// TakesID reports whether the dialect accepts the id of a call.
func (d Dialect) TakesID(id string) bool { return d != Mistral || mistralID.MatchString(id) }

func (d Dialect) check(in object, model string) complaint {
	messages := wire.List(in["messages"])
	switch d {
	case Mistral:
		return first(
			func() complaint { return checkMistralNames(in) },
			func() complaint { return checkPairs(messages) },
			func() complaint { return checkMistralMessages(messages) },
		)
	case DeepSeek:
		return first(
			func() complaint { return checkPairs(messages) },
			func() complaint { return checkDeepSeek(in, messages) },
		)
	case Ollama:
		return checkOllama(in, messages)
	case Groq:
		return first(
			func() complaint { return checkGroq(in, messages) },
			func() complaint { return checkPairs(messages) },
		)
	}
	return checkChat(in, model)
}

// checkPairs checks the order of calls and results alone.
func checkPairs(messages []object) complaint {
	if len(messages) == 0 {
		return emptyArray("messages")
	}
	pair := pairing{seen: map[string]bool{}}
	for i, m := range messages {
		if c := pair.message(m, fmt.Sprintf("messages.[%d]", i)); !c.ok() {
			return c
		}
		pair.add(m)
	}
	return pair.unanswered("messages")
}

// mistralOrder is the code of messages in the wrong order
// (https://github.com/0xPlaygrounds/rig/issues/1130).
const mistralOrder = "3230"

var (
	mistralID = regexp.MustCompile(`^[a-zA-Z0-9]{9}$`)
	// https://docs.mistral.ai/api (chat completion request)
	mistralNames = []string{
		"model", "messages", "temperature", "top_p", "max_tokens", "stream", "stream_options", "stop", "random_seed", "metadata",
		"response_format", "tools", "tool_choice", "presence_penalty", "frequency_penalty", "n", "prediction",
		"parallel_tool_calls", "prompt_mode", "reasoning_effort", "safe_prompt", "guardrails", "prompt_cache_key",
	}
)

func checkMistralNames(in object) complaint {
	for _, key := range wire.Keys(in) {
		if !slices.Contains(mistralNames, key) {
			return complaint{status: http.StatusUnprocessableEntity, message: "Extra inputs are not permitted", param: key}
		}
	}
	if tools, given := in["tools"].([]any); given && len(tools) == 0 {
		return emptyArray("tools")
	}
	return complaint{}
}

func checkMistralMessages(messages []object) complaint {
	last := ""
	for i, m := range messages {
		role := wire.Str(m, "role")
		for _, c := range wire.List(m["tool_calls"]) {
			if id := wire.Str(c, "id"); !mistralID.MatchString(id) { // https://github.com/yetone/avante.nvim/issues/2951
				return complaint{message: "Tool call id was " + id + " but must be a-z, A-Z, 0-9, with a length of 9."}
			}
		}
		if _, isText := m["content"].(string); role == "tool" && !isText {
			return complaint{message: fmt.Sprintf("Input should be a valid string: messages[%d].content.", i)}
		}
		if role == "user" && last == "tool" {
			return complaint{message: "Unexpected role 'user' after role 'tool'", code: mistralOrder}
		}
		last = role
	}
	final := messages[len(messages)-1]
	if last != "user" && last != "tool" && (last != "assistant" || final["prefix"] != true) {
		return complaint{message: "Expected last role User or Tool (or Assistant with prefix True) for serving but got " + last, code: mistralOrder}
	}
	return complaint{}
}

// checkDeepSeek sources: https://github.com/earendil-works/pi/issues/1048 (role),
// https://github.com/anomalyco/opencode/issues/24722 (thoughts),
// https://github.com/theopenco/llmgateway/issues/3462 (schemas). Its refusals have
// a code that says no more than the type.
func checkDeepSeek(in object, messages []object) complaint {
	const code = "invalid_request_error"
	tools, given := in["tools"].([]any)
	format := wire.Str(wire.Sub(in, "response_format"), "type")
	switch {
	case given && len(tools) == 0:
		return complaint{message: "Invalid 'tools': empty array. Expected an array with minimum length 1.", code: code}
	case format != "" && format != "text" && format != "json_object":
		return complaint{message: "This response_format type is unavailable now", code: code}
	}
	thinks := wire.Str(wire.Sub(in, "thinking"), "type") != "disabled"
	for i, m := range messages {
		_, thought := m["reasoning_content"].(string)
		switch {
		case !slices.Contains([]string{"system", "user", "assistant", "tool"}, wire.Str(m, "role")):
			return complaint{message: fmt.Sprintf("Failed to deserialize the JSON body: messages[%d].role: unknown variant `%s`", i, wire.Str(m, "role")), code: code}
		case thinks && m["tool_calls"] != nil && !thought:
			return complaint{message: "The reasoning_content in the thinking mode must be passed back to the API.", code: code}
		}
	}
	return complaint{}
}

// checkOllama follows openai/openai.go of https://github.com/ollama/ollama.
func checkOllama(in object, messages []object) complaint {
	if len(messages) == 0 {
		return complaint{message: "[] is too short - 'messages'"}
	}
	if e := wire.Str(in, "reasoning_effort"); e != "" && !slices.Contains([]string{"none", "minimal", "low", "medium", "high", "xhigh", "ultra", "max"}, e) {
		return complaint{message: "invalid reasoning value: '" + e + "'"}
	}
	for _, m := range messages {
		if m["content"] == nil && len(wire.List(m["tool_calls"])) == 0 {
			return complaint{message: "invalid message content type: <nil>"}
		}
		for _, p := range wire.List(m["content"]) {
			url := wire.Str(wire.Sub(p, "image_url"), "url")
			mime, _, isData := wire.DataURL(url)
			kind := wire.Str(p, "type")
			switch {
			case kind != "text" && kind != "image_url":
				return complaint{message: "invalid message format"}
			case kind == "image_url" && (!isData || !slices.Contains([]string{"image/jpeg", "image/jpg", "image/png", "image/webp"}, mime)):
				return complaint{message: "invalid image input"}
			}
		}
		for _, c := range wire.List(m["tool_calls"]) {
			var args object
			if json.Unmarshal([]byte(wire.Str(wire.Sub(c, "function"), "arguments")), &args) != nil || args == nil {
				return complaint{message: "invalid tool call arguments"}
			}
		}
	}
	return complaint{}
}

// checkGroq sources: https://console.groq.com/docs/openai (parameters),
// https://github.com/karthink/gptel/issues/774 (thoughts).
func checkGroq(in object, messages []object) complaint {
	for _, key := range []string{"logprobs", "top_logprobs", "logit_bias"} {
		if v := in[key]; v != nil && v != false {
			return complaint{message: "'" + key + "' is not supported by this model", param: key}
		}
	}
	if n, given := wire.Number(in, "n"); given && n != 1 {
		return complaint{message: "'n' : number must be at most 1", param: "n"}
	}
	for i, m := range messages {
		for _, key := range []string{"name", "reasoning_content"} {
			if m[key] != nil {
				return complaint{message: fmt.Sprintf("'messages.%d' : for 'role:%s' the following must be satisfied[('messages.%d' : property '%s' is unsupported)]", i, wire.Str(m, "role"), i, key)}
			}
		}
	}
	return complaint{}
}
