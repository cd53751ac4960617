package fallbacktest_test

import (
	"fmt"
	"strings"
	"testing"
)

const (
	chatHi   = `"messages":[{"role":"user","content":"hi"}]`
	chatTool = `"tools":[{"type":"function","function":{"name":"look","parameters":{"type":"object","properties":{}}}}]`
	noParam  = "400 null null"
)

func TestChatRefusesParametersByFamily(t *testing.T) {
	judge(t, chatPath, chatHi, []ruling{
		{"plain", "gpt-4o", ``, ""},
		{"every setting", "gpt-4o", `"temperature":0.7,"top_p":0.5,"stop":["a","b","c","d"],"presence_penalty":1,"frequency_penalty":-2,"logprobs":true,"top_logprobs":3,"logit_bias":{"1":2},"n":2,"seed":3,"max_tokens":9`, ""},
		{"snapshot", "gpt-4.1-mini-2025-04-14", `"temperature":0.7,"max_tokens":9`, ""},
		{"no family", "llama3.2", `"temperature":0.7,"max_tokens":9,"reasoning_effort":"none","stop":"x"`, ""},

		{"max_tokens on o3", "o3", `"max_tokens":9`, "400 max_tokens unsupported_parameter"},
		{"max_tokens on gpt-5", "gpt-5-mini", `"max_tokens":9`, "400 max_tokens unsupported_parameter"},
		{"max_tokens on gpt-5.1", "gpt-5.1", `"max_tokens":9`, "400 max_tokens unsupported_parameter"},
		{"max_completion_tokens", "gpt-5", `"max_completion_tokens":9`, ""},
		{"max_completion_tokens on gpt-4o", "gpt-4o", `"max_completion_tokens":9`, ""},
		{"both", "gpt-4o", `"max_completion_tokens":9,"max_tokens":9`, "400 max_tokens invalid_value"},
		{"chat model of gpt-5", "gpt-5-chat-latest", `"max_tokens":9,"temperature":0.1`, ""},

		{"temperature on o4-mini", "o4-mini", `"temperature":0.7`, "400 temperature unsupported_parameter"},
		{"temperature on gpt-5", "gpt-5", `"temperature":0.7`, "400 temperature unsupported_value"},
		{"temperature 1 on gpt-5", "gpt-5", `"temperature":1`, ""},
		{"temperature on gpt-5.1", "gpt-5.1", `"temperature":0.7`, ""},
		{"temperature on gpt-5.1 that thinks", "gpt-5.1", `"temperature":0.7,"reasoning_effort":"low"`, "400 temperature null"},
		{"temperature on gpt-5.2 with none", "gpt-5.2", `"temperature":0.7,"reasoning_effort":"none"`, ""},
		{"temperature on gpt-5.4", "gpt-5.4", `"temperature":0.7`, "400 temperature null"},
		{"temperature on gpt-5.6 with none", "gpt-5.6-sol", `"temperature":0.7,"reasoning_effort":"none"`, ""},
		{"temperature 1 on gpt-6", "gpt-6-sol", `"temperature":1`, "400 temperature null"},
		{"top_p on gpt-5", "gpt-5-nano", `"top_p":0.5`, "400 top_p unsupported_parameter"},
		{"top_p 1 on gpt-6", "gpt-6-astra", `"top_p":1`, ""},
		{"stop on o3", "o3", `"stop":"x"`, "400 stop unsupported_parameter"},
		{"stop on gpt-5.1", "gpt-5.1", `"stop":["x"]`, "400 stop unsupported_parameter"},
		{"penalty on o1", "o1", `"presence_penalty":1`, "400 presence_penalty unsupported_parameter"},
		{"penalty on gpt-5", "gpt-5", `"frequency_penalty":0`, "400 frequency_penalty unsupported_parameter"},
		{"logit_bias on gpt-5", "gpt-5", `"logit_bias":{}`, "400 logit_bias unsupported_parameter"},
		{"logprobs on o3", "o3", `"logprobs":true`, "400 logprobs unsupported_parameter"},
		{"logprobs on gpt-5.1", "gpt-5.1", `"logprobs":true`, ""},
		{"logprobs on gpt-5.1 that thinks", "gpt-5.1", `"logprobs":true,"reasoning_effort":"high"`, "400 logprobs unsupported_parameter"},

		{"effort on gpt-4o", "gpt-4o", `"reasoning_effort":"none"`, noParam},
		{"effort on o3", "o3", `"reasoning_effort":"high"`, ""},
		{"minimal on o3", "o3", `"reasoning_effort":"minimal"`, "400 reasoning_effort unsupported_value"},
		{"none on gpt-5", "gpt-5", `"reasoning_effort":"none"`, "400 reasoning_effort unsupported_value"},
		{"minimal on gpt-5", "gpt-5", `"reasoning_effort":"minimal"`, ""},
		{"minimal on gpt-5.1", "gpt-5.1", `"reasoning_effort":"minimal"`, "400 reasoning_effort unsupported_value"},
		{"xhigh on gpt-5.1", "gpt-5.1", `"reasoning_effort":"xhigh"`, "400 reasoning_effort unsupported_value"},
		{"xhigh on gpt-5.2", "gpt-5.2", `"reasoning_effort":"xhigh"`, ""},
		{"max on gpt-5.6", "gpt-5.6-terra", `"reasoning_effort":"max"`, ""},
		{"none on gpt-6-astra", "gpt-6-astra", `"reasoning_effort":"none"`, "400 reasoning_effort unsupported_value"},
		{"low on gpt-5-pro", "gpt-5-pro", `"reasoning_effort":"low"`, "400 reasoning_effort unsupported_value"},

		{"tools on gpt-5.1 that thinks", "gpt-5.1", chatTool + `,"reasoning_effort":"high"`, ""},
		{"tools on gpt-5.4 that thinks", "gpt-5.4", chatTool + `,"reasoning_effort":"low"`, "400 reasoning_effort null"},
		{"tools on gpt-5.6", "gpt-5.6", chatTool, "400 reasoning_effort null"},
		{"tools on gpt-5.6 with none", "gpt-5.6", chatTool + `,"reasoning_effort":"none"`, ""},
		{"tools on gpt-6-luna with none", "gpt-6-luna", chatTool + `,"reasoning_effort":"none"`, ""},
		{"tools on gpt-6-astra", "gpt-6-astra", chatTool + `,"reasoning_effort":"low"`, "400 reasoning_effort null"},
		{"parallel on o4-mini", "o4-mini", chatTool + `,"parallel_tool_calls":false`, "400 parallel_tool_calls unsupported_parameter"},
		{"parallel on gpt-5", "gpt-5", chatTool + `,"parallel_tool_calls":false`, ""},
		{"system on o1-mini", "o1-mini", `"messages":[{"role":"system","content":"x"},{"role":"user","content":"x"}]`, "400 messages[0].role unsupported_value"},
		{"system on o3", "o3", `"messages":[{"role":"system","content":"x"},{"role":"user","content":"x"}]`, ""},
	})
}

func TestChatRefusesParametersOfAnyModel(t *testing.T) {
	many := func(n, key, value int) string {
		pairs := make([]string, n)
		for i := range pairs {
			pairs[i] = fmt.Sprintf("%q:%q", fmt.Sprint(i)+strings.Repeat("k", key), strings.Repeat("v", value))
		}
		return `"store":true,"metadata":{` + strings.Join(pairs, ",") + `}`
	}
	judge(t, chatPath, chatHi, []ruling{
		{"top_k", "gpt-4o", `"top_k":3`, "400 top_k unknown_parameter"},
		{"thinking", "m", `"thinking":{}`, "400 thinking unknown_parameter"},
		{"reasoning", "o3", `"reasoning":{}`, "400 reasoning unknown_parameter"},
		{"null temperature", "gpt-4o", `"temperature":null,"stop":null,"seed":null,"stream_options":null`, ""},
		{"null tools", "gpt-4o", `"tools":null`, "400 tools invalid_type"},
		{"null response_format", "gpt-4o", `"response_format":null`, "400 response_format invalid_type"},
		{"five stops", "gpt-4o", `"stop":["1","2","3","4","5"]`, "400 stop array_above_max_length"},
		{"no stop", "gpt-4o", `"stop":[]`, "400 stop empty_array"},
		{"hot", "gpt-4o", `"temperature":2.5`, "400 temperature decimal_above_max_value"},
		{"cold", "gpt-4o", `"temperature":-1`, "400 temperature decimal_below_min_value"},
		{"temperature as text", "gpt-4o", `"temperature":"1"`, "400 temperature invalid_type"},
		{"top_p", "gpt-4o", `"top_p":1.5`, "400 top_p decimal_above_max_value"},
		{"penalty", "gpt-4o", `"presence_penalty":3`, "400 presence_penalty decimal_above_max_value"},
		{"n zero", "gpt-4o", `"n":0`, "400 n integer_below_min_value"},
		{"max zero", "gpt-4o", `"max_completion_tokens":0`, "400 max_completion_tokens integer_below_min_value"},
		{"many logprobs", "gpt-4o", `"logprobs":true,"top_logprobs":21`, "400 top_logprobs integer_above_max_value"},
		{"top_logprobs alone", "gpt-4o", `"top_logprobs":2`, "400 top_logprobs null"},
		{"stream_options alone", "gpt-4o", `"stream_options":{"include_usage":true}`, "400 stream_options null"},
		{"metadata not stored", "gpt-4o", `"metadata":{"a":"b"}`, "400 metadata null"},
		{"metadata", "gpt-4o", many(16, 62, 512), ""},
		{"much metadata", "gpt-4o", many(17, 1, 1), "400 metadata object_above_max_properties"},
		{"long key", "gpt-4o", many(1, 64, 1), "400 metadata property_name_above_max_length"},
		{"long value", "gpt-4o", many(1, 0, 513), "400 metadata.0 string_above_max_length"},
		{"number as label", "gpt-4o", `"store":true,"metadata":{"a":1}`, "400 metadata.a invalid_type"},
		{"long identifier", "gpt-4o", `"safety_identifier":"` + strings.Repeat("x", 65) + `"`, "400 safety_identifier string_above_max_length"},

		{"json mode without the word", "gpt-4o", `"response_format":{"type":"json_object"}`, "400 messages null"},
		{"json mode", "gpt-4o", `"response_format":{"type":"json_object"},"messages":[{"role":"user","content":"as JSON"}]`, ""},
		{"text", "gpt-4o", `"response_format":{"type":"text"}`, ""},
		{"no such format", "gpt-4o", `"response_format":{"type":"xml"}`, "400 response_format.type invalid_value"},
		{"unknown key", "gpt-4o", `"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{}},"schema":{}}`, "400 response_format.schema unknown_parameter"},
		{"schema", "gpt-4o", `"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object"}}}`, ""},
		{"schema without name", "gpt-4o", `"response_format":{"type":"json_schema","json_schema":{"schema":{}}}`, "400 response_format.json_schema.name missing_required_parameter"},
		{"schema's name", "gpt-4o", `"response_format":{"type":"json_schema","json_schema":{"name":"a b","schema":{}}}`, "400 response_format.json_schema.name invalid_value"},
		{"no schema", "gpt-4o", `"response_format":{"type":"json_schema","json_schema":{"name":"a"}}`, "400 response_format.json_schema.schema missing_required_parameter"},
	})
}

func TestChatRefusesTools(t *testing.T) {
	tool := func(fields string) string {
		return `"tools":[{"type":"function","function":{` + fields + `}}]`
	}
	params := func(schema string) string { return tool(`"name":"f","parameters":` + schema) }
	strict := func(schema string) string { return tool(`"name":"f","strict":true,"parameters":` + schema) }
	const bad = "400 tools[0].function.parameters invalid_function_parameters"
	nested := func(depth int) string {
		open := `{"type":"object","additionalProperties":false,"required":["a"],"properties":{"a":`
		return strings.Repeat(open, depth) + `{"type":"string"}` + strings.Repeat("}}", depth)
	}
	judge(t, chatPath, chatHi, []ruling{
		{"no parameters", "gpt-4o", tool(`"name":"f"`), ""},
		{"empty", "gpt-4o", `"tools":[]`, "400 tools empty_array"},
		{"128", "gpt-4o", `"tools":[` + nTimes(128, `{"type":"function","function":{"name":"f"}}`) + `]`, ""},
		{"129", "gpt-4o", `"tools":[` + nTimes(129, `{"type":"function","function":{"name":"f"}}`) + `]`, "400 tools array_above_max_length"},
		{"no name", "gpt-4o", tool(`"description":"x"`), "400 tools[0].function.name missing_required_parameter"},
		{"dotted name", "gpt-4o", tool(`"name":"a.b"`), "400 tools[0].function.name invalid_value"},
		{"long name", "gpt-4o", tool(`"name":"` + strings.Repeat("f", 65) + `"`), "400 tools[0].function.name string_above_max_length"},
		{"unknown key", "gpt-4o", tool(`"name":"f","parametersJsonSchema":{}`), "400 tools[0].function.parametersJsonSchema unknown_parameter"},
		{"no type", "gpt-4o", `"tools":[{"function":{"name":"f"}}]`, "400 tools[0].type missing_required_parameter"},
		{"of Responses' shape", "gpt-4o", `"tools":[{"type":"function","name":"f"}]`, "400 tools[0].function missing_required_parameter"},

		{"no object", "gpt-4o", params(`{"type":"string"}`), bad},
		{"no properties", "gpt-4o", params(`{"type":"object"}`), bad},
		{"no type of schema", "gpt-4o", params(`{"properties":{}}`), bad},
		{"alternatives at the root", "gpt-4o", params(`{"type":"object","properties":{},"anyOf":[{"required":["a"]}]}`), bad},
		{"Gemini's types", "gpt-4o", params(`{"type":"object","properties":{"a":{"type":"STRING"}}}`), bad},
		{"array without items", "gpt-4o", params(`{"type":"object","properties":{"a":{"type":"array"}}}`), bad},
		{"tuple without items", "gpt-4o", params(`{"type":"object","properties":{"a":{"type":"array","prefixItems":[{}]}}}`), bad},
		{"array", "gpt-4o", params(`{"type":"object","properties":{"a":{"type":"array","items":{"type":"string"}}}}`), ""},
		{"nested array without items", "gpt-4o", params(`{"type":"object","properties":{"a":{"anyOf":[{"type":"array"}]}}}`), bad},
		{"required null", "gpt-4o", params(`{"type":"object","properties":{},"required":null}`), bad},
		{"properties as array", "gpt-4o", params(`{"type":"object","properties":{"a":{"type":"object","properties":[]}}}`), bad},

		{"strict", "gpt-4o", strict(`{"type":"object","properties":{"a":{"type":["string","null"]}},"required":["a"],"additionalProperties":false}`), ""},
		{"strict, open", "gpt-4o", strict(`{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}`), bad},
		{"strict, optional", "gpt-4o", strict(`{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}`), bad},
		{"strict, default", "gpt-4o", strict(`{"type":"object","properties":{"a":{"type":"string","default":"x"}},"required":["a"],"additionalProperties":false}`), bad},
		{"strict, oneOf", "gpt-4o", strict(`{"type":"object","properties":{"a":{"oneOf":[]}},"required":["a"],"additionalProperties":false}`), bad},
		{"strict, anyOf at the root", "gpt-4o", strict(`{"type":"object","anyOf":[],"properties":{},"required":[],"additionalProperties":false}`), bad},
		{"strict, $ref with company", "gpt-4o", strict(`{"type":"object","properties":{"a":{"$ref":"#","title":"x"}},"required":["a"],"additionalProperties":false}`), bad},
		{"strict, inner object open", "gpt-4o", strict(`{"type":"object","properties":{"a":{"type":"object","properties":{}}},"required":["a"],"additionalProperties":false}`), bad},
		{"strict, deep", "gpt-4o", strict(nested(10)), ""},
		{"strict, too deep", "gpt-4o", strict(nested(12)), bad},
		{"strict format", "gpt-4o", `"response_format":{"type":"json_schema","json_schema":{"name":"a","strict":true,"schema":{"type":"object","properties":{}}}}`, "400 response_format null"},

		{"choice without tools", "gpt-4o", `"tool_choice":"auto"`, "400 tool_choice null"},
		{"parallel without tools", "gpt-4o", `"parallel_tool_calls":true`, "400 parallel_tool_calls null"},
		{"choice", "gpt-4o", chatTool + `,"tool_choice":"required"`, ""},
		{"no such choice", "gpt-4o", chatTool + `,"tool_choice":"any"`, "400 tool_choice invalid_value"},
		{"chosen", "gpt-4o", chatTool + `,"tool_choice":{"type":"function","function":{"name":"look"}}`, ""},
		{"chosen but absent", "gpt-4o", chatTool + `,"tool_choice":{"type":"function","function":{"name":"other"}}`, "400 tool_choice invalid_value"},
	})
}

// B64, B100: what a conversation must look like.
func TestChatRefusesMessages(t *testing.T) {
	talk := func(messages ...string) string { return `"messages":[` + strings.Join(messages, ",") + `]` }
	say := func(role, content string) string {
		return fmt.Sprintf(`{"role":%q,"content":%s}`, role, content)
	}
	calls := func(ids ...string) string {
		var out []string
		for _, id := range ids {
			out = append(out, fmt.Sprintf(`{"id":%q,"type":"function","function":{"name":"f","arguments":"{}"}}`, id))
		}
		return `{"role":"assistant","content":null,"tool_calls":[` + strings.Join(out, ",") + `]}`
	}
	result := func(id string) string { return fmt.Sprintf(`{"role":"tool","tool_call_id":%q,"content":"ok"}`, id) }
	hi := say("user", `"hi"`)
	const pixel = `{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}`
	id40, id41 := strings.Repeat("i", 40), strings.Repeat("i", 41)
	judge(t, chatPath, chatHi, []ruling{
		{"none", "gpt-4o", talk(), "400 messages empty_array"},
		{"no such role", "gpt-4o", talk(say("model", `"hi"`)), "400 messages[0].role invalid_value"},
		{"parts", "gpt-4o", talk(say("developer", `[{"type":"text","text":"x"}]`), say("user", `[{"type":"text","text":"x"},`+pixel+`]`), say("assistant", `[{"type":"text","text":"x"}]`), hi), ""},
		{"one role after itself", "gpt-4o", talk(hi, hi, say("assistant", `"a"`), say("assistant", `"b"`)), ""},
		{"null for user", "gpt-4o", talk(say("user", `null`)), "400 messages.[0].content null"},
		{"null for assistant", "gpt-4o", talk(hi, say("assistant", `null`)), "400 messages.[1].content null"},
		{"null for assistant that calls", "gpt-4o", talk(hi, calls("a"), result("a")), ""},
		{"number", "gpt-4o", talk(say("user", `1`)), "400 messages[0].content invalid_type"},
		{"no parts", "gpt-4o", talk(say("user", `[]`)), "400 messages[0].content empty_array"},
		{"no such part", "gpt-4o", talk(say("user", `[{"type":"input_text","text":"x"}]`)), "400 messages[0].content[0] invalid_value"},
		{"image of assistant", "gpt-4o", talk(hi, say("assistant", `[`+pixel+`]`)), "400 messages[1].content[0] invalid_value"},
		{"image of system", "gpt-4o", talk(say("system", `[`+pixel+`]`), hi), "400 messages[0].content[0] invalid_value"},
		{"image of tool", "gpt-4o", talk(hi, calls("a"), `{"role":"tool","tool_call_id":"a","content":[`+pixel+`]}`), "400 messages[2].content[0] invalid_value"},
		{"image at a text model", "my-text-only-model", talk(say("user", `[`+pixel+`]`)), "400 messages[0].content[0].type null"},
		{"image at o3-mini", "o3-mini", talk(say("user", `[`+pixel+`]`)), "400 messages[0].content[0].type null"},
		{"image's type", "gpt-4o", talk(say("user", `[{"type":"image_url","image_url":{"url":"data:image/tiff;base64,AAAA"}}]`)), "400 messages[0].content[0].image_url invalid_image_format"},
		{"image elsewhere", "gpt-4o", talk(say("user", `[{"type":"image_url","image_url":{"url":"gs://a/b"}}]`)), "400 messages[0].content[0].image_url invalid_value"},
		{"image's detail", "gpt-4o", talk(say("user", `[{"type":"image_url","image_url":{"url":"https://a/b","detail":"best"}}]`)), "400 messages[0].content[0].image_url.detail invalid_value"},
		{"file", "gpt-4o", talk(say("user", `[{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,AAAA"}}]`)), ""},
		{"file of text", "gpt-4o", talk(say("user", `[{"type":"file","file":{"filename":"a.md","file_data":"data:text/markdown;base64,AAAA"}}]`)), "400 messages[0].content[0].file invalid_value"},
		{"audio", "gpt-4o", talk(say("user", `[{"type":"input_audio","input_audio":{"data":"AAAA","format":"ogg"}}]`)), "400 messages[0].content[0].input_audio.format invalid_value"},
		{"name", "gpt-4o", talk(`{"role":"user","content":"x","name":"a b"}`), "400 messages[0].name invalid_value"},
		{"thoughts", "gpt-4o", talk(hi, `{"role":"assistant","content":"x","reasoning_content":"x"}`), "400 messages[1].reasoning_content unknown_parameter"},

		{"calls", "gpt-4o", talk(hi, calls("a", "b"), result("b"), result("a"), hi), ""},
		{"no calls", "gpt-4o", talk(hi, `{"role":"assistant","content":"x","tool_calls":[]}`), "400 messages[1].tool_calls empty_array"},
		{"null calls", "gpt-4o", talk(hi, `{"role":"assistant","content":"x","tool_calls":null}`), "400 messages[1].tool_calls invalid_type"},
		{"one result missing", "gpt-4o", talk(hi, calls("a", "b"), result("a"), hi), "400 messages.[3].role null"},
		{"results missing at the end", "gpt-4o", talk(hi, calls("a")), "400 messages null"},
		{"result after another message", "gpt-4o", talk(hi, calls("a"), hi, result("a")), "400 messages.[2].role null"},
		{"result without call", "gpt-4o", talk(hi, result("a")), "400 messages.[1].role null"},
		{"result of another call", "gpt-4o", talk(hi, calls("a"), result("b")), "400 messages.[2].tool_call_id null"},
		{"result twice", "gpt-4o", talk(hi, calls("a"), result("a"), result("a")), "400 messages.[3].tool_call_id null"},
		{"result without id", "gpt-4o", talk(hi, calls("a"), say("tool", `"ok"`)), "400 messages.[2].tool_call_id missing_required_parameter"},
		{"call without id", "gpt-4o", talk(hi, calls("")), "400 messages[1].tool_calls[0].id missing_required_parameter"},
		{"id of 40", "gpt-4o", talk(hi, calls(id40), result(id40)), ""},
		{"id of 41", "gpt-4o", talk(hi, calls(id41), result(id41)), "400 messages[1].tool_calls[0].id string_above_max_length"},
		{"id twice in a turn", "gpt-4o", talk(hi, calls("a", "a"), result("a")), "400 messages[1].tool_calls[1].id invalid_value"},
		{"id twice", "gpt-4o", talk(hi, calls("a"), result("a"), calls("a"), result("a")), "400 messages[3].tool_calls[0].id invalid_value"},
		{"name of a past call", "gpt-4o", talk(hi, `{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"a.b","arguments":"{}"}}]}`), "400 messages[1].tool_calls[0].function.name invalid_value"},
		{"arguments as object", "gpt-4o", talk(hi, `{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":{}}}]}`), "400 messages[1].tool_calls[0].function.arguments invalid_type"},
		{"type of a call", "gpt-4o", talk(hi, `{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]}`), "400 messages[1].tool_calls[0].type invalid_value"},
		{"signature of a call", "gpt-4o", talk(hi, `{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{}}]}`), "400 messages[1].tool_calls[0].extra_content unknown_parameter"},
		{"129 calls", "gpt-4o", talk(hi, calls(make([]string, 129)...)), "400 messages[1].tool_calls array_above_max_length"},
	})
}
