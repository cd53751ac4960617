package strict

import (
	"fmt"
	"slices"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/wire"
)

// messageKeys are the keys that a message of each role may have
// (https://github.com/openai/openai-openapi; "annotations" comes back when an answer
// is sent as it was received, and "name" of a tool is of old).
var messageKeys = map[string][]string{
	"system":    {"role", "content", "name"},
	"developer": {"role", "content", "name"},
	"user":      {"role", "content", "name"},
	"assistant": {"role", "content", "name", "refusal", "annotations", "audio", "function_call", "tool_calls"},
	"tool":      {"role", "content", "name", "tool_call_id"},
	"function":  {"role", "content", "name"},
}

// pairing follows the calls and results of a conversation.
type pairing struct {
	open []string        // ids of the last turn's calls that have no result yet
	last []string        // ids of the last turn's calls, while results may follow
	seen map[string]bool // ids of all calls
}

// checkMessages checks roles, contents and the order of calls and results.
func checkMessages(messages []object, model string) complaint {
	if len(messages) == 0 {
		return emptyArray("messages")
	}
	pair := pairing{seen: map[string]bool{}}
	for i, m := range messages {
		role := wire.Str(m, "role")
		path := fmt.Sprintf("messages[%d]", i)
		dotted := fmt.Sprintf("messages.[%d]", i) // older checks of OpenAI write it so
		c := first(
			func() complaint {
				if messageKeys[role] == nil {
					return invalidValue(path+".role", "Invalid value: '%s'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'.", role)
				}
				return checkKeys(m, path+".", messageKeys[role]...)
			},
			func() complaint {
				if name := wire.Str(m, "name"); name != "" {
					return checkName(name, path+".name")
				}
				return complaint{}
			},
			func() complaint { return pair.message(m, dotted) },
			func() complaint { return checkCalls(m, path, pair.seen) },
			func() complaint { return checkContent(m, path, dotted, model) },
		)
		if !c.ok() {
			return c
		}
		pair.add(m)
	}
	return pair.unanswered("messages")
}

// message checks a message's place: results follow their calls directly, in any
// order, and nothing else does before the last of them. Sources:
// https://github.com/langgenius/dify/issues/32222 (no result),
// https://github.com/run-llama/llama_index/issues/10493 (no call).
func (p *pairing) message(m object, path string) complaint {
	if wire.Str(m, "role") != "tool" {
		return p.unanswered(path + ".role")
	}
	id := wire.Str(m, "tool_call_id")
	switch {
	case id == "":
		return missing(path + ".tool_call_id")
	case p.last == nil:
		return complaint{message: "Invalid parameter: messages with role 'tool' must be a response to a preceding message with 'tool_calls'.", param: path + ".role"}
	case !slices.Contains(p.last, id):
		return complaint{message: "Invalid parameter: 'tool_call_id' of '" + id + "' not found in 'tool_calls' of previous message.", param: path + ".tool_call_id"}
	case !slices.Contains(p.open, id):
		return complaint{message: "Invalid parameter: duplicate value for 'tool_call_id' of '" + id + "'.", param: path + ".tool_call_id"}
	}
	return complaint{}
}

func (p *pairing) unanswered(param string) complaint {
	if len(p.open) == 0 {
		return complaint{}
	}
	return complaint{message: "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. " +
		"These have no response: " + strings.Join(p.open, ", "), param: param}
}

// add notes a message that has been accepted.
func (p *pairing) add(m object) {
	if wire.Str(m, "role") == "tool" {
		id := wire.Str(m, "tool_call_id")
		p.open = slices.DeleteFunc(p.open, func(s string) bool { return s == id })
		return
	}
	p.open, p.last = nil, nil
	for _, c := range wire.List(m["tool_calls"]) {
		p.open, p.last = append(p.open, wire.Str(c, "id")), append(p.last, wire.Str(c, "id"))
		p.seen[wire.Str(c, "id")] = true
	}
}

// checkCalls checks the calls of an assistant's message. That an id which comes
// again is refused is a rule of this package: pairs would be right by luck only.
func checkCalls(m object, path string, seen map[string]bool) complaint {
	v, there := m["tool_calls"]
	if !there {
		return complaint{}
	}
	calls := wire.List(v)
	path += ".tool_calls"
	switch {
	case v == nil:
		return complaint{message: "Invalid type for '" + path + "': expected an array of objects, but got null instead.", param: path, code: "invalid_type"}
	case len(calls) == 0: // https://github.com/openai/openai-node/issues/1341
		return emptyArray(path)
	case len(calls) > 128: // https://github.com/openai/openai-dotnet/issues/317
		return complaint{message: "Invalid '" + path + "': array too long. The maximum length is 128.", param: path, code: "array_above_max_length"}
	}
	here := map[string]bool{}
	for j, c := range calls {
		at := fmt.Sprintf("%s[%d]", path, j)
		id, f := wire.Str(c, "id"), wire.Sub(c, "function")
		_, hasArguments := f["arguments"].(string)
		switch {
		case id == "":
			return missing(at + ".id")
		case len(id) > 40: // https://github.com/microsoft/autogen/issues/6377
			return tooLong(at+".id", 40, len(id))
		case seen[id] || here[id]:
			return invalidValue(at+".id", "Duplicate value for '%s.id': '%s'.", at, id)
		case c["type"] != "function":
			return invalidValue(at+".type", "Invalid value: '%v'. Supported values are: 'function'.", c["type"])
		case f == nil:
			return missing(at + ".function")
		case !hasArguments:
			return complaint{message: "Invalid type for '" + at + ".function.arguments': expected a string.", param: at + ".function.arguments", code: "invalid_type"}
		}
		here[id] = true
		if bad := first(
			func() complaint { return checkKeys(c, at+".", "id", "type", "function") },
			func() complaint { return checkName(wire.Str(f, "name"), at+".function.name") },
			func() complaint { return checkKeys(f, at+".function.", "name", "arguments") },
		); !bad.ok() {
			return bad
		}
	}
	return complaint{}
}

// partTypes are the types of part that each role's content may have.
var partTypes = map[string][]string{
	"system":    {"text"},
	"developer": {"text"},
	"tool":      {"text"},
	"assistant": {"text", "refusal"},
	"user":      {"text", "image_url", "input_audio", "file"},
}

// checkContent checks a message's content. Sources:
// https://github.com/langchain-ai/langchainjs/issues/4153 (null),
// https://github.com/openai/openai-node/issues/1030 (images).
func checkContent(m object, path, dotted, model string) complaint {
	role := wire.Str(m, "role")
	switch v := m["content"].(type) {
	case string:
		return complaint{}
	case nil:
		if role == "assistant" && (m["tool_calls"] != nil || m["function_call"] != nil || m["refusal"] != nil) || role == "function" {
			return complaint{}
		}
		return complaint{message: "Invalid value for 'content': expected a string, got null.", param: dotted + ".content"}
	case []any:
		if len(v) == 0 {
			return emptyArray(path + ".content")
		}
		for j, p := range wire.List(v) {
			if c := checkPart(p, role, fmt.Sprintf("%s.content[%d]", path, j), model); !c.ok() {
				return c
			}
		}
		return complaint{}
	}
	return complaint{message: "Invalid type for '" + path + ".content': expected a string or an array of objects.", param: path + ".content", code: "invalid_type"}
}

func checkPart(p object, role, path, model string) complaint {
	kind := wire.Str(p, "type")
	switch {
	case kind == "image_url" && role != "user":
		return invalidValue(path, "Invalid value: image_url is only allowed for messages with role 'user', but this one has role '%s'.", role)
	case !slices.Contains(partTypes[role], kind):
		return invalidValue(path, "Invalid value: '%s'. Supported values are: '%s'.", kind, strings.Join(partTypes[role], "', '"))
	case kind == "image_url" && isTextOnly(model):
		return complaint{message: "Invalid content type. image_url is only supported by certain models.", param: path + ".type"}
	case kind == "image_url":
		image := wire.Sub(p, "image_url")
		return checkImage(wire.Str(image, "url"), wire.Str(image, "detail"), path+".image_url")
	case kind == "file": // https://github.com/pydantic/pydantic-ai/issues/4445
		file := wire.Sub(p, "file")
		mime, _, isData := wire.DataURL(wire.Str(file, "file_data"))
		if wire.Str(file, "file_id") == "" && (!isData || mime != "application/pdf" || wire.Str(file, "filename") == "") {
			return invalidValue(path+".file", "Invalid file data: expected 'file_id', or 'filename' and 'file_data' as a base64 data URL of type application/pdf.")
		}
	case kind == "input_audio":
		if f := wire.Str(wire.Sub(p, "input_audio"), "format"); f != "wav" && f != "mp3" {
			return invalidValue(path+".input_audio.format", "Invalid value: '%s'. Supported values are: 'wav' and 'mp3'.", f)
		}
	}
	return complaint{}
}

// checkImage checks an image's address and detail
// (https://platform.openai.com/docs/guides/images-vision).
func checkImage(url, detail, path string) complaint {
	mime, _, isData := wire.DataURL(url)
	switch {
	case detail != "" && !slices.Contains([]string{"auto", "low", "high", "original"}, detail):
		return invalidValue(path+".detail", "Invalid value: '%s'. Supported values are: 'auto', 'low', and 'high'.", detail)
	case strings.HasPrefix(url, "https://"), strings.HasPrefix(url, "http://"):
	case !isData:
		return invalidValue(path, "Invalid '%s': expected a URL, or a base64 data URL.", path)
	case !slices.Contains([]string{"image/png", "image/jpeg", "image/webp", "image/gif"}, mime):
		// https://github.com/Future-House/paper-qa/issues/1273
		return complaint{message: "You uploaded an unsupported image. The image must have one of these formats: png, jpeg, gif, webp.", param: path, code: "invalid_image_format"}
	}
	return complaint{}
}
