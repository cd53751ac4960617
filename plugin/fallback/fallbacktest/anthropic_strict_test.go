package fallbacktest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	ft "github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

func messages(string) string { return "/v1/messages" }

// claudeHeader is what every request needs.
func claudeHeader(version string) http.Header {
	return http.Header{"X-Api-Key": {"secret"}, "Anthropic-Version": {version}}
}

// claude is a case whose request has the model, a question and a limit, unless the
// fields say otherwise.
func claude(name, model, fields, want string) refusal {
	in := map[string]json.RawMessage{
		"model": json.RawMessage(fmt.Sprintf("%q", model)), "max_tokens": json.RawMessage("1000"),
		"messages": json.RawMessage(`[{"role":"user","content":"hi"}]`),
	}
	var more map[string]json.RawMessage
	if err := json.Unmarshal([]byte("{"+fields+"}"), &more); err != nil {
		return refusal{name, model, fields, want} // reported as no JSON
	}
	for key, value := range more {
		if in[key] = value; string(value) == `"-"` {
			delete(in, key)
		}
	}
	body, _ := json.Marshal(in)
	return refusal{name, model, string(body), want}
}

// dialogue is a case about the messages, each a role and its content.
func dialogue(name, model, want string, msgs ...string) refusal {
	for i := 0; i+1 < len(msgs); i += 2 {
		msgs[i/2] = fmt.Sprintf(`{"role":%q,"content":%s}`, msgs[i], msgs[i+1])
	}
	return claude(name, model, `"messages":[`+strings.Join(msgs[:len(msgs)/2], ",")+`]`, want)
}

// B100, B64: what a history may look like.
func TestAnthropicRefusesMessages(t *testing.T) {
	const (
		opus, haiku = "claude-opus-5", "claude-haiku-4-5"
		u, a        = "user", "assistant"
		hi, ok      = `"hi"`, `"hello"`
		use         = `{"type":"tool_use","id":"t1","name":"f","input":{}}`
		use2        = `{"type":"tool_use","id":"t2","name":"f","input":{}}`
		res         = `{"type":"tool_result","tool_use_id":"t1","content":"ok"}`
		res2        = `{"type":"tool_result","tool_use_id":"t2","content":[{"type":"text","text":"ok"}]}`
		text        = `{"type":"text","text":"a"}`
	)
	blocks := func(b ...string) string { return "[" + strings.Join(b, ",") + "]" }
	image := func(mime string) string {
		return blocks(`{"type":"image","source":{"type":"base64","media_type":"` + mime + `","data":"aGk="}}`)
	}
	const pdf = `{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"aGk="}}`
	checkRefusals(t, []refusal{
		dialogue("question", opus, "", u, hi),
		dialogue("dialogue", opus, "", u, hi, a, ok, u, hi),
		dialogue("none", opus, "at least one message"),
		dialogue("no content", opus, "input should be a string", u, "null"),
		dialogue("empty content", opus, "non-empty content", u, hi, a, "[]", u, hi),
		dialogue("empty text", opus, "must be non-empty", u, `""`),
		dialogue("empty text block", opus, "must be non-empty", u, hi, a, blocks(`{"type":"text","text":""}`), u, hi),
		dialogue("assistant first", opus, "first message", a, ok, u, hi),
		dialogue("same role twice", opus, "", u, hi, u, hi, a, ok, a, ok, u, hi),
		dialogue("role of another vendor", opus, "unexpected role", u, hi, "model", ok, u, hi),
		dialogue("role tool", opus, "unexpected role", u, hi, "tool", ok),
		dialogue("system among messages", opus, "", u, hi, "system", hi),
		dialogue("system first", opus, "must follow a user turn", "system", hi, u, hi),
		dialogue("system before a user turn", opus, "must follow a user turn", u, hi, "system", hi, u, hi),
		dialogue("system among messages", "claude-sonnet-5", "is not supported", u, hi, "system", hi),

		dialogue("prefill", haiku, "", u, hi, a, `"{"`),
		dialogue("prefill with a space at its end", haiku, "trailing whitespace", u, hi, a, `"a "`),
		dialogue("prefill", "claude-opus-4-6", "prefill", u, hi, a, ok),
		dialogue("prefill", opus, "prefill", u, hi, a, ok),
		dialogue("prefill", "claude-haiku-4-5-20251001", "", u, hi, a, ok),
		dialogue("prefill", "some-model", "", u, hi, a, ok),

		dialogue("loop", opus, "", u, hi, a, blocks(text, use), u, blocks(res)),
		dialogue("two calls", opus, "", u, hi, a, blocks(use, use2), u, blocks(res2, res, text)),
		dialogue("two calls in two messages", opus, "", u, hi, a, blocks(use), a, blocks(use2), u, blocks(res), u, blocks(res2)),
		dialogue("text before the results", opus, "must come before other content", u, hi, a, blocks(use), u, blocks(text, res)),
		dialogue("call without a result", opus, "without `tool_result`", u, hi, a, blocks(use), u, hi),
		dialogue("call at the end", opus, "without `tool_result`", u, hi, a, blocks(use)),
		dialogue("one result of two", opus, "without `tool_result`", u, hi, a, blocks(use, use2), u, blocks(res)),
		dialogue("orphan result", opus, "unexpected `tool_use_id`", u, hi, a, ok, u, blocks(res)),
		dialogue("orphan result at the start", opus, "unexpected `tool_use_id`", u, blocks(res)),
		dialogue("result twice", opus, "unexpected `tool_use_id`", u, hi, a, blocks(use), u, blocks(res, res)),
		dialogue("id twice", opus, "must be unique", u, hi, a, blocks(use), u, blocks(res), a, blocks(use), u, blocks(res)),
		dialogue("id with a dot", opus, "tool_use.id", u, hi, a, blocks(`{"type":"tool_use","id":"a.b","name":"f","input":{}}`), u, hi),
		dialogue("no id", opus, "tool_use.id", u, hi, a, blocks(`{"type":"tool_use","name":"f","input":{}}`), u, hi),
		dialogue("name with a dot", opus, "tool_use.name", u, hi, a, blocks(`{"type":"tool_use","id":"a","name":"f.g","input":{}}`), u, hi),
		dialogue("input that is a string", opus, "tool_use.input", u, hi, a, blocks(`{"type":"tool_use","id":"a","name":"f","input":"{}"}`), u, hi),
		dialogue("no input", opus, "tool_use.input", u, hi, a, blocks(`{"type":"tool_use","id":"a","name":"f","input":null}`), u, hi),
		dialogue("result without an id", opus, "should match pattern", u, hi, a, blocks(use), u, blocks(`{"type":"tool_result","content":"ok"}`)),
		dialogue("result without content", opus, "", u, hi, a, blocks(use), u, blocks(`{"type":"tool_result","tool_use_id":"t1"}`)),
		dialogue("result that is an object", opus, "tool_result.content", u, hi, a, blocks(use), u, blocks(`{"type":"tool_result","tool_use_id":"t1","content":{}}`)),
		dialogue("empty text in a result", opus, "must be non-empty", u, hi, a, blocks(use), u, blocks(`{"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":""}]}`)),
		dialogue("call in a result", opus, "not allowed", u, hi, a, blocks(use), u, blocks(`{"type":"tool_result","tool_use_id":"t1","content":[`+use2+`]}`)),
		dialogue("call of the user", opus, "not allowed in a message", u, blocks(use)),
		dialogue("result of the assistant", opus, "not allowed in a message", u, hi, a, blocks(res), u, hi),
		dialogue("block of another vendor", opus, "not allowed in a message", u, blocks(`{"type":"input_text","text":"a"}`)),

		dialogue("gif", opus, "", u, image("image/gif")),
		dialogue("heic", opus, "media_type", u, image("image/heic")),
		dialogue("empty image", opus, "cannot be empty", u, blocks(`{"type":"image","source":{"type":"base64","media_type":"image/png","data":""}}`)),
		dialogue("image by URL", opus, "", u, blocks(`{"type":"image","source":{"type":"url","url":"https://host/a.png"}}`)),
		dialogue("image of Cloud Storage", opus, "http and https", u, blocks(`{"type":"image","source":{"type":"url","url":"gs://b/a.png"}}`)),
		dialogue("text as an image", opus, "source.type", u, blocks(`{"type":"image","source":{"type":"text","data":"a"}}`)),
		dialogue("no source", opus, "source.type", u, blocks(`{"type":"image"}`)),
		dialogue("image of the assistant", opus, "not allowed in a message", u, hi, a, image("image/png"), u, hi),
		dialogue("document", opus, "", u, blocks(pdf)),
		dialogue("document that is no PDF", opus, "media_type", u, blocks(strings.Replace(pdf, "pdf", "msword", 1))),
		dialogue("document of the assistant", opus, "not allowed in an assistant", u, hi, a, blocks(pdf), u, hi),
		dialogue("citations of the user", opus, "citations", u, blocks(`{"type":"text","text":"a","citations":[{"type":"page_location"}]}`)),

		dialogue("foreign thought", opus, "Invalid `signature`", u, hi, a, blocks(`{"type":"thinking","thinking":"Hm.","signature":"foreign"}`, text), u, hi), // B104
		dialogue("foreign redacted thought", opus, "Invalid `signature`", u, hi, a, blocks(`{"type":"redacted_thinking","data":"foreign"}`, text), u, hi),
		dialogue("thought without a signature", opus, "signature are required", u, hi, a, blocks(`{"type":"thinking","thinking":"Hm."}`, text), u, hi),
		dialogue("cached thought", opus, "cannot be cached", u, hi, a, blocks(`{"type":"thinking","thinking":"Hm.","signature":"a","cache_control":{"type":"ephemeral"}}`, text), u, hi),
		claude("loop without a thought", haiku, `"max_tokens":2000,"thinking":{"type":"enabled","budget_tokens":1024},"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[`+use+`]},{"role":"user","content":[`+res+`]}]`, "Expected `thinking`"),
		claude("loop without a thought", opus, `"thinking":{"type":"adaptive"},"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[`+use+`]},{"role":"user","content":[`+res+`]}]`, ""),
	}, messages, claudeHeader("2026-10-21"), "invalid_request_error")
}

// B101, B103, B105: which settings and tools a model takes.
func TestAnthropicRefusesSettings(t *testing.T) {
	const opus, haiku = "claude-opus-5", "claude-haiku-4-5"
	tool := func(name, schema string) string {
		return `{"name":"` + name + `","input_schema":` + schema + `}`
	}
	tools := func(t ...string) string { return `"tools":[` + strings.Join(t, ",") + `]` }
	f := tool("f", `{"type":"object"}`)
	choice := func(c string) string { return tools(f) + `,"tool_choice":` + c }
	thinking := func(t string) string { return `"max_tokens":4000,"thinking":` + t }
	effort := func(e string) string { return `"output_config":{"effort":"` + e + `"}` }
	schema := func(s string) string {
		return `"output_config":{"format":{"type":"json_schema","schema":` + s + `}}`
	}
	const enabled = `{"type":"enabled","budget_tokens":1024}`
	cached := func(n int) string {
		one := `{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}`
		return `"system":[` + one + strings.Repeat(","+one, n-1) + `]`
	}
	checkRefusals(t, []refusal{
		claude("no limit", opus, `"max_tokens":"-"`, "max_tokens: field required"),
		claude("limit of a string", opus, `"max_tokens":"9"`, "max_tokens"),
		claude("largest limit", opus, `"max_tokens":128000`, ""),
		claude("large limit", opus, `"max_tokens":128001`, "128001 > 128000"),
		claude("large limit", haiku, `"max_tokens":64001`, "64001 > 64000"),
		claude("cache warming", opus, `"max_tokens":0`, ""),
		claude("unknown field", opus, `"max_completion_tokens":3`, "max_completion_tokens: Extra inputs"),
		claude("field of a beta", opus, `"fallbacks":"default"`, "fallbacks: Extra inputs"),
		claude("user", opus, `"metadata":{"user_id":"a"}`, ""),
		claude("user that is a number", opus, `"metadata":{"user_id":1}`, "user_id"),
		claude("stop sequences", opus, `"stop_sequences":["a","b","c","d","e","f"]`, ""),
		claude("blank stop sequence", opus, `"stop_sequences":["\n"]`, "stop_sequences.0"),
		claude("stop sequence", opus, `"stop_sequences":"a"`, "array"),
		claude("temperature", opus, `"temperature":1`, "temperature: Extra inputs"),
		claude("temperature", haiku, `"temperature":0.5`, "temperature: Extra inputs"),
		claude("top_p", haiku, `"top_p":0.5`, "top_p: Extra inputs"),
		claude("top_k", haiku, `"top_k":5`, "top_k: Extra inputs"),

		claude("system", opus, `"system":"be brief"`, ""),
		claude("system in blocks", opus, cached(4), ""),
		claude("five cache marks", opus, cached(5), "maximum of 4"),
		claude("five cache marks, one for all", opus, cached(4)+`,"cache_control":{"type":"ephemeral"}`, "maximum of 4"),
		claude("ttl", opus, `"cache_control":{"type":"ephemeral","ttl":"2h"}`, "ttl"),
		claude("empty system block", opus, `"system":[{"type":"text","text":""}]`, "system.0"),
		claude("image in the system prompt", opus, `"system":[{"type":"image"}]`, "should be a text block"),
		claude("system that is a message", opus, `"system":{"role":"system"}`, "system: input"),

		claude("tool", opus, tools(f), ""),
		claude("tool of the API", opus, tools(`{"type":"web_search_20260318","name":"web_search"}`), ""),
		claude("tool twice", opus, tools(f, f), "must be unique"),
		claude("name with a dot", opus, tools(tool("a.b", `{"type":"object"}`)), "custom.name"),
		claude("long name", opus, tools(tool(strings.Repeat("a", 65), `{"type":"object"}`)), "custom.name"),
		claude("no schema", opus, tools(`{"name":"f"}`), "input_schema: field required"),
		claude("schema of genai", opus, tools(tool("f", `{"type":"OBJECT"}`)), "input_schema.type"),
		claude("alternatives at the root", opus, tools(tool("f", `{"type":"object","oneOf":[{"required":["a"]}]}`)), "at the top level"),
		claude("argument of other letters", opus, tools(tool("f", `{"type":"object","properties":{"$top":{}}}`)), "Property keys"),
		claude("argument with a dot", opus, tools(tool("f", `{"type":"object","properties":{"a.b":{}}}`)), ""),
		claude("strict schema that is open", opus, tools(`{"name":"f","strict":true,"input_schema":{"type":"object"}}`), "additionalProperties"),
		claude("strict schema", opus, tools(`{"name":"f","strict":true,"input_schema":{"type":"object","additionalProperties":false}}`), ""),
		claude("forced tool", opus, choice(`{"type":"tool","name":"f"}`), ""),
		claude("forced tool that does not exist", opus, choice(`{"type":"tool","name":"g"}`), "not found"),
		claude("forced tool", "claude-opus-5-5", choice(`{"type":"any"}`), "not supported for this model"),
		claude("forced tool", "claude-fable-5-1", choice(`{"type":"tool","name":"f"}`), "not supported for this model"),
		claude("free choice", "claude-opus-5-5", choice(`{"type":"auto"}`), ""),
		claude("choice of another vendor", opus, choice(`"required"`), "tool_choice.type"),
		claude("forced tool while thinking", haiku, choice(`{"type":"any"}`)+`,`+thinking(enabled), "thinking may not be enabled"),
		claude("forced tool while thinking", "claude-opus-4-6", choice(`{"type":"any"}`)+`,"thinking":{"type":"adaptive"}`, ""),

		claude("enabled", haiku, thinking(enabled), ""),
		claude("enabled", "claude-sonnet-4-6", thinking(enabled), ""),
		claude("enabled", opus, thinking(enabled), "thinking.type.enabled"),
		claude("enabled", "claude-opus-4-7", thinking(enabled), "thinking.type.enabled"),
		claude("adaptive", opus, thinking(`{"type":"adaptive"}`), ""),
		claude("adaptive", haiku, thinking(`{"type":"adaptive"}`), "thinking.type.adaptive"),
		claude("disabled", opus, thinking(`{"type":"disabled"}`), ""),
		claude("disabled", "claude-opus-5-5", thinking(`{"type":"disabled"}`), "thinking.type.disabled"),
		claude("disabled", "claude-fable-5-2", thinking(`{"type":"disabled"}`), "thinking.type.disabled"),
		claude("between tools", "claude-sonnet-5-5", thinking(`{"type":"between_tools"}`), ""),
		claude("between tools", opus, thinking(`{"type":"between_tools"}`), "thinking.type.between_tools"),
		claude("type of another vendor", "some-model", thinking(`{"type":"auto"}`), "thinking.type"),
		claude("budget of adaptive", opus, thinking(`{"type":"adaptive","budget_tokens":2000}`), "budget_tokens: Extra inputs"),
		claude("no budget", haiku, thinking(`{"type":"enabled"}`), "budget_tokens: field required"),
		claude("small budget", haiku, thinking(`{"type":"enabled","budget_tokens":1023}`), "greater than or equal to 1024"),
		claude("budget beyond the limit", haiku, thinking(`{"type":"enabled","budget_tokens":4000}`), "must be greater than"),
		claude("prefill while thinking", haiku, thinking(enabled)+`,"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"a"}]`, "prefill"),

		claude("effort", opus, effort("xhigh"), ""),
		claude("effort of another vendor", "some-model", effort("minimal"), "effort"),
		claude("xhigh", "claude-opus-4-6", effort("xhigh"), "is not supported"),
		claude("max", "claude-opus-4-6", effort("max"), ""),
		claude("max", "claude-opus-4-5", effort("max"), "is not supported"),
		claude("high", "claude-opus-4-5", effort("high"), ""),
		claude("effort", haiku, effort("low"), "does not support the effort"),
		claude("disabled with xhigh", opus, effort("xhigh")+`,"thinking":{"type":"disabled"}`, "with effort xhigh"),
		claude("disabled with max", "claude-haiku-5-5", effort("max")+`,"thinking":{"type":"disabled"}`, "with effort max"),
		claude("between tools with max", "claude-sonnet-5-5", effort("max")+`,"thinking":{"type":"between_tools"}`, "with effort max"),
		claude("disabled with max", "claude-sonnet-5", effort("max")+`,"thinking":{"type":"disabled"}`, ""),

		claude("format", opus, schema(`{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}`), ""),
		claude("open schema", opus, schema(`{"type":"object"}`), "additionalProperties"),
		claude("open schema within", opus, schema(`{"type":"object","additionalProperties":false,"properties":{"a":{"type":"array","items":{"type":"object"}}}}`), "additionalProperties"),
		claude("bounds", opus, schema(`{"type":"object","additionalProperties":false,"properties":{"a":{"type":"integer","minimum":1}}}`), `"minimum" is not supported`),
		claude("length", opus, schema(`{"type":"string","maxLength":3}`), `"maxLength" is not supported`),
		claude("two items", opus, schema(`{"type":"array","items":{"type":"string"},"minItems":2}`), "minItems"),
		claude("one item", opus, schema(`{"type":"array","items":{"type":"string"},"minItems":1}`), ""),
		claude("definition", opus, schema(`{"$defs":{"a":{"type":"string"}},"type":"object","additionalProperties":false,"properties":{"a":{"$ref":"#/$defs/a"}}}`), ""),
		claude("recursion", opus, schema(`{"$defs":{"a":{"type":"array","items":{"$ref":"#/$defs/a"}}},"$ref":"#/$defs/a"}`), "recursive"),
		claude("recursion to the root", opus, schema(`{"type":"object","additionalProperties":false,"properties":{"a":{"$ref":"#"}}}`), "$ref"),
		claude("external definition", opus, schema(`{"$ref":"https://host/a.json"}`), "$ref"),
		claude("allOf with a reference", opus, schema(`{"$defs":{"a":{"type":"string"}},"allOf":[{"$ref":"#/$defs/a"}]}`), "allOf"),
		claude("format of another vendor", opus, `"output_config":{"format":{"type":"json_object"}}`, "output_config.format"),
		claude("format and prefill", haiku, schema(`{"type":"string"}`)+`,"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"a"}]`, "prefill"),
	}, messages, claudeHeader("2026-10-21"), "invalid_request_error")
}

// Under the older version sampling is for the model to refuse. B101
func TestAnthropicSamplingOfTheOlderVersion(t *testing.T) {
	const opus, haiku = "claude-opus-5", "claude-haiku-4-5"
	const enabled = `,"max_tokens":4000,"thinking":{"type":"enabled","budget_tokens":1024}`
	checkRefusals(t, []refusal{
		claude("temperature", haiku, `"temperature":0.5`, ""),
		claude("temperature", "some-model", `"temperature":0.5,"top_p":0.5`, ""),
		claude("too hot", haiku, `"temperature":1.5`, "temperature: range"),
		claude("top_p", haiku, `"top_p":2`, "top_p: range"),
		claude("both", haiku, `"temperature":0.5,"top_p":0.5`, "cannot both"),
		claude("default temperature", opus, `"temperature":1`, ""),
		claude("temperature", opus, `"temperature":0.5`, "not supported for this model"),
		claude("top_k", opus, `"top_k":5`, "not supported for this model"),
		claude("temperature while thinking", haiku, `"temperature":0.5`+enabled, "when thinking is enabled"),
		claude("default temperature while thinking", haiku, `"temperature":1`+enabled, ""),
		claude("top_k while thinking", haiku, `"top_k":5`+enabled, "when thinking is enabled"),
		claude("top_p while thinking", haiku, `"top_p":0.9`+enabled, "at least 0.95"),
		claude("document of the assistant", opus, `"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"document","source":{"type":"text","media_type":"text/plain","data":"a"}}]},{"role":"user","content":"hi"}]`, ""),
	}, messages, claudeHeader("2023-06-01"), "invalid_request_error")
}

func TestAnthropicBetasOpenTheirFields(t *testing.T) {
	header := claudeHeader("2026-10-21")
	header.Set("Anthropic-Beta", "server-side-fallback-2026-07-01,interleaved-thinking-2025-05-14")
	checkRefusals(t, []refusal{
		claude("field of a beta", "claude-opus-5", `"fallbacks":"default"`, ""),
		claude("interleaved budget", "claude-haiku-4-5", `"thinking":{"type":"enabled","budget_tokens":9000}`, ""),
	}, messages, header, "")
}

func TestAnthropicWantsHeaders(t *testing.T) {
	for name, tt := range map[string]struct {
		header http.Header
		code   int
		kind   string
	}{
		"key":             {claudeHeader("2026-10-21"), http.StatusOK, "end_turn"},
		"bearer":          {http.Header{"Authorization": {"Bearer a"}, "Anthropic-Version": {"2023-06-01"}}, http.StatusOK, "end_turn"},
		"no key":          {http.Header{"Anthropic-Version": {"2023-06-01"}}, http.StatusUnauthorized, "authentication_error"},
		"no version":      {http.Header{"X-Api-Key": {"a"}}, http.StatusBadRequest, "invalid_request_error"},
		"unknown version": {claudeHeader("2024-01-01"), http.StatusBadRequest, "invalid_request_error"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *ft.Server) {
				srv.Strict()
				srv.Script("claude-opus-5", ft.Text("fine"))
				code, answer := send(t, srv, "/v1/messages", claude("", "claude-opus-5", "", "").body, tt.header)
				if code != tt.code || !strings.Contains(answer, tt.kind) {
					t.Errorf("status = %d %s, want %d with %s", code, answer, tt.code, tt.kind)
				}
			})
		})
	}
}
