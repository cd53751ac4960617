package fallbacktest_test

import (
	"fmt"
	"strings"
	"testing"
)

const responsesHi = `"input":"hi"`

func TestResponsesRefusesParameters(t *testing.T) {
	const tool = `"tools":[{"type":"function","name":"look","strict":false,"parameters":{"type":"object","properties":{}}}]`
	const bad = "400 tools[0].parameters invalid_function_parameters"
	params := func(rest string) string { return `"tools":[{"type":"function","name":"f",` + rest + `}]` }
	judge(t, responsesPath, responsesHi, []ruling{
		{"plain", "gpt-5", ``, ""},
		{"every setting", "gpt-4o", `"temperature":0.5,"top_p":0.5,"max_output_tokens":16,"metadata":{"a":"b"},"store":false,"include":["message.output_text.logprobs"],"top_logprobs":2,"user":"x"`, ""},
		{"stop", "gpt-4o", `"stop":["x"]`, "400 stop unknown_parameter"},
		{"seed", "gpt-4o", `"seed":1`, "400 seed unknown_parameter"},
		{"penalty", "gpt-4o", `"presence_penalty":1`, "400 presence_penalty unknown_parameter"},
		{"top_k", "gpt-4o", `"top_k":1`, "400 top_k unknown_parameter"},
		{"messages", "gpt-4o", `"messages":[]`, "400 null unsupported_parameter"},
		{"max_tokens", "gpt-4o", `"max_tokens":99`, "400 null unsupported_parameter"},
		{"reasoning_effort", "gpt-5", `"reasoning_effort":"low"`, "400 null unsupported_parameter"},
		{"response_format", "gpt-4o", `"response_format":{}`, "400 null unsupported_parameter"},
		{"15 tokens", "gpt-5", `"max_output_tokens":15`, "400 max_output_tokens integer_below_min_value"},
		{"hot", "gpt-4o", `"temperature":3`, "400 temperature decimal_above_max_value"},
		{"temperature on gpt-5", "gpt-5", `"temperature":0.5`, "400 temperature unsupported_value"},
		{"temperature on gpt-5.2 that thinks", "gpt-5.2", `"temperature":0.5,"reasoning":{"effort":"low"}`, "400 temperature null"},
		{"top_p on o3", "o3", `"top_p":0.5`, "400 top_p unsupported_parameter"},
		{"top_logprobs on gpt-5", "gpt-5", `"top_logprobs":1`, "400 top_logprobs unsupported_parameter"},
		{"effort", "gpt-5", `"reasoning":{"effort":"minimal","summary":"auto"}`, ""},
		{"effort on gpt-4o", "gpt-4o", `"reasoning":{"effort":"low"}`, "400 reasoning.effort unsupported_parameter"},
		{"summary on gpt-4o", "gpt-4o", `"reasoning":{"summary":"auto"}`, "400 reasoning.summary unsupported_parameter"},
		{"none on gpt-5", "gpt-5", `"reasoning":{"effort":"none"}`, "400 reasoning.effort unsupported_value"},
		{"max on gpt-6-astra", "gpt-6-astra", `"reasoning":{"effort":"max"}`, ""},
		{"no such summary", "gpt-5", `"reasoning":{"summary":"long"}`, "400 reasoning.summary invalid_value"},
		{"unknown key of reasoning", "gpt-5", `"reasoning":{"max_tokens":1}`, "400 reasoning.max_tokens unknown_parameter"},
		{"encrypted content", "gpt-5", `"include":["reasoning.encrypted_content"]`, ""},
		{"encrypted content of gpt-4o", "gpt-4o", `"include":["reasoning.encrypted_content"]`, "400 include null"},
		{"stream_options alone", "gpt-4o", `"stream_options":{}`, "400 stream_options null"},
		{"include_usage", "gpt-4o", `"stream":true,"stream_options":{"include_usage":true}`, "400 stream_options.include_usage unknown_parameter"},
		{"much metadata", "gpt-4o", `"metadata":{"a":1}`, "400 metadata.a invalid_type"},
		{"long identifier", "gpt-4o", `"safety_identifier":"` + strings.Repeat("x", 65) + `"`, "400 safety_identifier string_above_max_length"},

		{"tools on gpt-5.6", "gpt-5.6", tool, ""},
		{"tools on gpt-6-astra that thinks", "gpt-6-astra", tool + `,"reasoning":{"effort":"high"}`, ""},
		{"of OpenAI's own", "gpt-5", `"tools":[{"type":"web_search"}]`, ""},
		{"of chat's shape", "gpt-5", `"tools":[{"type":"function","function":{"name":"f"}}]`, "400 tools[0].name missing_required_parameter"},
		{"no type", "gpt-5", `"tools":[{"name":"f"}]`, "400 tools[0].type missing_required_parameter"},
		{"name", "gpt-5", `"tools":[{"type":"function","name":"a.b"}]`, "400 tools[0].name invalid_value"},
		{"no properties", "gpt-5", params(`"parameters":{"type":"object"}`), bad},
		{"strict, open", "gpt-5", params(`"strict":true,"parameters":{"type":"object","properties":{}}`), bad},
		{"129", "gpt-5", `"tools":[` + nTimes(129, `{"type":"function","name":"f"}`) + `]`, "400 tools array_above_max_length"},
		{"chosen", "gpt-5", tool + `,"tool_choice":{"type":"function","name":"look"}`, ""},
		{"chosen but absent", "gpt-5", tool + `,"tool_choice":{"type":"function","name":"other"}`, "400 tool_choice invalid_value"},
		{"required without tools", "gpt-5", `"tool_choice":"required"`, "400 tool_choice null"},

		{"json mode without the word", "gpt-5", `"text":{"format":{"type":"json_object"}}`, "400 input null"},
		{"json mode", "gpt-5", `"text":{"format":{"type":"json_object"}},"input":"as json"`, ""},
		{"schema", "gpt-5", `"text":{"format":{"type":"json_schema","name":"a","schema":{"type":"object"}}}`, ""},
		{"schema of chat's shape", "gpt-5", `"text":{"format":{"type":"json_schema","json_schema":{"name":"a","schema":{}}}}`, "400 text.format.json_schema unknown_parameter"},
		{"schema without name", "gpt-5", `"text":{"format":{"type":"json_schema","schema":{}}}`, "400 text.format.name missing_required_parameter"},
		{"strict schema", "gpt-5", `"text":{"format":{"type":"json_schema","name":"a","strict":true,"schema":{"type":"object","properties":{}}}}`, "400 text.format null"},
		{"unknown key of text", "gpt-5", `"text":{"schema":{}}`, "400 text.schema unknown_parameter"},
	})
}

// B64, B100, B104: what a conversation must look like.
func TestResponsesRefusesInput(t *testing.T) {
	input := func(items ...string) string { return `"input":[` + strings.Join(items, ",") + `]` }
	say := func(role, content string) string {
		return fmt.Sprintf(`{"role":%q,"content":%s}`, role, content)
	}
	call := func(id string) string {
		return fmt.Sprintf(`{"type":"function_call","call_id":%q,"name":"f","arguments":"{}"}`, id)
	}
	output := func(id string) string {
		return fmt.Sprintf(`{"type":"function_call_output","call_id":%q,"output":"ok"}`, id)
	}
	thought := func(fields string) string { return `{"type":"reasoning","id":"rs_1"` + fields + `}` }
	hi, bye := say("user", `"hi"`), say("assistant", `[{"type":"output_text","text":"x"}]`)
	const pixel = `{"type":"input_image","image_url":"data:image/png;base64,AAAA"}`
	id64, id65 := strings.Repeat("i", 64), strings.Repeat("i", 65)
	judge(t, responsesPath, responsesHi, []ruling{
		{"none", "gpt-5", `"input":null`, "400 input missing_required_parameter"},
		{"empty", "gpt-5", input(), "400 input empty_array"},
		{"number", "gpt-5", `"input":1`, "400 input invalid_type"},
		{"roles", "gpt-5", input(say("developer", `[{"type":"input_text","text":"x"}]`), say("system", `"x"`), say("user", `[{"type":"input_text","text":"x"},`+pixel+`]`), bye, say("assistant", `"x"`), hi), ""},
		{"role tool", "gpt-5", input(say("tool", `"x"`)), "400 input[0].role invalid_value"},
		{"model's text as input", "gpt-5", input(hi, say("assistant", `[{"type":"input_text","text":"x"}]`)), "400 input[1].content[0] invalid_value"},
		{"user's text as output", "gpt-5", input(say("user", `[{"type":"output_text","text":"x"}]`)), "400 input[0].content[0] invalid_value"},
		{"text of chat's type", "gpt-5", input(say("user", `[{"type":"text","text":"x"}]`)), "400 input[0].content[0] invalid_value"},
		{"image of developer", "gpt-5", input(say("developer", `[`+pixel+`]`)), "400 input[0].content[0] invalid_value"},
		{"image at a text model", "text-only", input(say("user", `[`+pixel+`]`)), "400 input[0].content[0].type null"},
		{"image's type", "gpt-5", input(say("user", `[{"type":"input_image","image_url":"data:image/bmp;base64,AAAA"}]`)), "400 input[0].content[0].image_url invalid_image_format"},
		{"null content", "gpt-5", input(say("user", `null`)), "400 input[0].content invalid_type"},
		{"unknown key", "gpt-5", input(`{"role":"assistant","content":"x","reasoning_content":"x"}`), "400 input[0].reasoning_content unknown_parameter"},
		{"calls of chat's shape", "gpt-5", input(`{"role":"assistant","content":"x","tool_calls":[]}`), "400 input[0].tool_calls unknown_parameter"},
		{"system at o1-mini", "o1-mini", input(say("system", `"x"`)), "400 input[0].role unsupported_value"},

		{"calls", "gpt-5", input(hi, call("a"), call("b"), bye, output("b"), output("a"), hi), ""},
		{"output with an image", "gpt-5", input(hi, call("a"), `{"type":"function_call_output","call_id":"a","output":[{"type":"input_text","text":"x"},`+pixel+`]}`), ""},
		{"output of chat's type", "gpt-5", input(hi, call("a"), `{"type":"function_call_output","call_id":"a","output":[{"type":"text","text":"x"}]}`), "400 input[2].output[0] invalid_value"},
		{"no output", "gpt-5", input(hi, call("a"), `{"type":"function_call_output","call_id":"a"}`), "400 input[2].output missing_required_parameter"},
		{"output without call", "gpt-5", input(hi, output("a")), "400 input null"},
		{"output before its call", "gpt-5", input(hi, output("a"), call("a")), "400 input null"},
		{"call without output", "gpt-5", input(hi, call("a"), hi), "400 input null"},
		{"output twice", "gpt-5", input(hi, call("a"), output("a"), output("a")), "400 input[3].call_id invalid_value"},
		{"call twice", "gpt-5", input(hi, call("a"), output("a"), call("a"), output("a")), "400 input[3].call_id invalid_value"},
		{"no call_id", "gpt-5", input(hi, `{"type":"function_call","name":"f","arguments":"{}"}`), "400 input[1].call_id missing_required_parameter"},
		{"empty call_id", "gpt-5", input(hi, call("")), "400 input[1].call_id empty_string"},
		{"call_id of 64", "gpt-5", input(hi, call(id64), output(id64)), ""},
		{"call_id of 65", "gpt-5", input(hi, call(id65), output(id65)), "400 input[1].call_id string_above_max_length"},
		{"name of a past call", "gpt-5", input(hi, `{"type":"function_call","call_id":"a","name":"a.b","arguments":"{}"}`, output("a")), "400 input[1].name invalid_value"},
		{"arguments as object", "gpt-5", input(hi, `{"type":"function_call","call_id":"a","name":"f","arguments":{}}`, output("a")), "400 input[1].arguments invalid_type"},
		{"id of a call", "gpt-5", input(hi, `{"type":"function_call","id":"call_1","call_id":"a","name":"f","arguments":"{}"}`, output("a")), "400 input[1].id invalid_value"},
		{"id of a message", "gpt-5", input(`{"type":"message","id":"item_1","role":"assistant","content":"x"}`), "400 input[0].id invalid_value"},
		{"empty id", "gpt-5", input(`{"type":"message","id":"","role":"assistant","content":"x"}`), "400 input[0].id invalid_value"},
		{"long id", "gpt-5", input(`{"type":"message","id":"msg_` + id64 + `","role":"assistant","content":"x"}`), "400 input[0].id string_above_max_length"},
		{"id twice", "gpt-5", input(nTimes(2, `{"type":"message","id":"msg_1","role":"assistant","content":"x"}`)), "400 input null"},

		{"thought that is kept", "gpt-5", input(hi, thought(`,"summary":[]`), bye), ""},
		{"thought that nobody has", "gpt-5", `"store":false,` + input(hi, thought(`,"summary":[]`), bye), "404 input null"},
		{"thought of another vendor", "gpt-5", `"store":false,` + input(hi, thought(`,"summary":[],"encrypted_content":"EqQBCgIYAhIM"`), bye), "400 null invalid_encrypted_content"},
		{"thought without summary", "gpt-5", input(hi, thought(``), bye), "400 input[1].summary missing_required_parameter"},
		{"thought with status", "gpt-5", input(hi, thought(`,"summary":[],"status":"completed"`), bye), "400 input[1].status unknown_parameter"},
		{"thought in the clear", "gpt-5", input(hi, thought(`,"summary":[],"content":[{"type":"reasoning_text","text":"x"}]`), bye), "400 input[1].content array_above_max_length"},
		{"thought that leads nowhere", "gpt-5", input(hi, thought(`,"summary":[]`), hi), "400 input null"},
		{"thought at the end", "gpt-5", input(hi, thought(`,"summary":[]`)), "400 input null"},
	})
}
