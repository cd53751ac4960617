package fallbacktest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// Dialect is whose chat completions a model speaks, for [Provider.StrictAs]. The
// servers differ in what they refuse, and a little in what they send.
type Dialect string

const (
	// OpenAI is what every model speaks without [Provider.StrictAs].
	OpenAI Dialect = ""
	// Mistral refuses unknown names, ids that are not nine letters and digits, and a
	// user who speaks right after a tool. Its errors are flat.
	Mistral Dialect = "mistral"
	// DeepSeek wants the thoughts of a turn with calls back, and knows neither the
	// role developer nor JSON schemas.
	DeepSeek Dialect = "deepseek"
	// Ollama ignores unknown names, takes images as data URLs only, and past calls
	// only with a JSON object as arguments. Thoughts are in the field "reasoning".
	Ollama Dialect = "ollama"
	// Groq refuses logprobs, logit_bias, names of participants and more than one
	// answer. Thoughts are in the field "reasoning".
	Groq Dialect = "groq"
)

// StrictAs is [Provider.Strict], and from now on holds the models to the rules of
// the given server instead of OpenAI's when they are asked through chat completions.
// Only the few rules that make a request for OpenAI fail there are known of each.
func (p *Provider) StrictAs(d Dialect, models ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.strict = true
	if p.dialects == nil {
		p.dialects = map[string]Dialect{}
	}
	for _, m := range models {
		p.dialects[m] = d
	}
}

func (p *Provider) dialectOf(model string) Dialect {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dialects[model]
}

// violation is the complaint in the shape of the dialect's errors.
func (d Dialect) violation(c complaint) *violation {
	v := c.violation()
	if v == nil || d != Mistral {
		return v
	}
	kind := "invalid_request_error"
	if c.code == mistralOrder {
		kind = "invalid_request_message_order"
	}
	v.status.body = string(encode(object{"object": "error", "message": c.message, "type": kind, "param": nil, "code": orNull(c.code)}))
	if c.status == http.StatusUnprocessableEntity {
		// https://github.com/partITech/php-mistral/issues/76
		v.status.body = string(encode(object{"object": "error", "type": "invalid_request_error", "param": nil, "code": "3001",
			"message": object{"detail": []any{object{"type": "extra_forbidden", "loc": []string{"body", c.param}, "msg": c.message}}}}))
	}
	return v
}

func (d Dialect) check(in object, model string) complaint {
	messages := list(in["messages"])
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
	for _, key := range sortedKeys(in) {
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
		role := str(m, "role")
		for _, c := range list(m["tool_calls"]) {
			if id := str(c, "id"); !mistralID.MatchString(id) { // https://github.com/yetone/avante.nvim/issues/2951
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
	format := str(sub(in, "response_format"), "type")
	switch {
	case given && len(tools) == 0:
		return complaint{message: "Invalid 'tools': empty array. Expected an array with minimum length 1.", code: code}
	case format != "" && format != "text" && format != "json_object":
		return complaint{message: "This response_format type is unavailable now", code: code}
	}
	thinks := str(sub(in, "thinking"), "type") != "disabled"
	for i, m := range messages {
		_, thought := m["reasoning_content"].(string)
		switch {
		case !slices.Contains([]string{"system", "user", "assistant", "tool"}, str(m, "role")):
			return complaint{message: fmt.Sprintf("Failed to deserialize the JSON body: messages[%d].role: unknown variant `%s`", i, str(m, "role")), code: code}
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
	if e := str(in, "reasoning_effort"); e != "" && !slices.Contains([]string{"none", "minimal", "low", "medium", "high", "xhigh", "ultra", "max"}, e) {
		return complaint{message: "invalid reasoning value: '" + e + "'"}
	}
	for _, m := range messages {
		if m["content"] == nil && len(list(m["tool_calls"])) == 0 {
			return complaint{message: "invalid message content type: <nil>"}
		}
		for _, p := range list(m["content"]) {
			url := str(sub(p, "image_url"), "url")
			mime, _, isData := parseDataURL(url)
			kind := str(p, "type")
			switch {
			case kind != "text" && kind != "image_url":
				return complaint{message: "invalid message format"}
			case kind == "image_url" && (!isData || !slices.Contains([]string{"image/jpeg", "image/jpg", "image/png", "image/webp"}, mime)):
				return complaint{message: "invalid image input"}
			}
		}
		for _, c := range list(m["tool_calls"]) {
			var args object
			if json.Unmarshal([]byte(str(sub(c, "function"), "arguments")), &args) != nil || args == nil {
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
	if n, given := number(in, "n"); given && n != 1 {
		return complaint{message: "'n' : number must be at most 1", param: "n"}
	}
	for i, m := range messages {
		for _, key := range []string{"name", "reasoning_content"} {
			if m[key] != nil {
				return complaint{message: fmt.Sprintf("'messages.%d' : for 'role:%s' the following must be satisfied[('messages.%d' : property '%s' is unsupported)]", i, str(m, "role"), i, key)}
			}
		}
	}
	return complaint{}
}

// callID is an id that the dialect itself accepts.
func (d Dialect) callID(id string) string {
	if d != Mistral || mistralID.MatchString(id) {
		return id
	}
	return strings.ReplaceAll(id[max(len(id)-9, 0):], "_", "0")
}

// thoughts is the name of the field that has the thoughts of an answer. OpenAI's
// own models never tell theirs here; those of a script are told as most others do.
func (d Dialect) thoughts() string {
	if d == Ollama || d == Groq {
		return "reasoning"
	}
	return "reasoning_content"
}
