package fallbacktest_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/genai"

	ft "github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// What one server accepts another refuses: each body goes to all of them.
func TestDialectsRefuse(t *testing.T) {
	const hi = `{"role":"user","content":"hi"}`
	call := func(id, args, more string) string {
		return fmt.Sprintf(`{"role":"assistant","content":"","tool_calls":[{"id":%q,"type":"function","function":{"name":"f","arguments":%s}}]%s}`, id, args, more)
	}
	result := func(id string) string { return fmt.Sprintf(`{"role":"tool","tool_call_id":%q,"content":"ok"}`, id) }
	talk := func(messages ...string) string { return `"messages":[` + strings.Join(messages, ",") + `]` }
	image := func(url string) string {
		return fmt.Sprintf(`{"role":"user","content":[{"type":"image_url","image_url":{"url":%q}}]}`, url)
	}
	all := []ft.Dialect{ft.OpenAI, ft.Mistral, ft.DeepSeek, ft.Ollama, ft.Groq}
	for name, tt := range map[string]struct {
		fields string
		refuse map[ft.Dialect]string // what is in the answer
	}{
		"plain":                 {talk(hi), nil},
		"seed":                  {talk(hi) + `,"seed":1`, map[ft.Dialect]string{ft.Mistral: `422 {"code":"3001"`}},
		"max_completion_tokens": {talk(hi) + `,"max_completion_tokens":9`, map[ft.Dialect]string{ft.Mistral: `extra_forbidden`}},
		"top_k":                 {talk(hi) + `,"top_k":1`, map[ft.Dialect]string{ft.OpenAI: "unknown_parameter", ft.Mistral: "extra_forbidden"}},
		"no tools":              {talk(hi) + `,"tools":[]`, map[ft.Dialect]string{ft.OpenAI: "empty_array", ft.Mistral: "empty_array", ft.DeepSeek: `"code":"invalid_request_error"`}},
		"schema":                {talk(hi) + `,"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{}}}`, map[ft.Dialect]string{ft.DeepSeek: "unavailable"}},
		"logprobs":              {talk(hi) + `,"logprobs":true`, map[ft.Dialect]string{ft.Groq: `"param":"logprobs"`, ft.Mistral: "extra_forbidden"}},
		"two answers":           {talk(hi) + `,"n":2`, map[ft.Dialect]string{ft.Groq: `"param":"n"`}},
		"effort":                {talk(hi) + `,"reasoning_effort":"extreme"`, map[ft.Dialect]string{ft.Ollama: "invalid reasoning value"}},
		"developer":             {talk(`{"role":"developer","content":"x"}`, hi), map[ft.Dialect]string{ft.DeepSeek: "unknown variant"}},
		"name":                  {talk(`{"role":"user","content":"x","name":"ann"}`), map[ft.Dialect]string{ft.Groq: "property 'name'"}},
		"model last":            {talk(hi, `{"role":"assistant","content":"x"}`), map[ft.Dialect]string{ft.Mistral: `"3230"`}},
		"model last as prefix":  {talk(hi, `{"role":"assistant","content":"x","prefix":true}`), map[ft.Dialect]string{ft.OpenAI: "unknown_parameter"}},
		"id of nine":            {talk(hi, call("abc123XYZ", `"{}"`, ``), result("abc123XYZ")), map[ft.Dialect]string{ft.DeepSeek: "reasoning_content"}},
		"longer id":             {talk(hi, call("call_1", `"{}"`, ``), result("call_1")), map[ft.Dialect]string{ft.Mistral: "length of 9", ft.DeepSeek: "reasoning_content"}},
		"thoughts of the turn":  {talk(hi, call("abc123XYZ", `"{}"`, `,"reasoning_content":""`), result("abc123XYZ")), map[ft.Dialect]string{ft.OpenAI: "unknown_parameter", ft.Groq: "property 'reasoning_content'"}},
		"user after tool":       {talk(hi, call("abc123XYZ", `"{}"`, ``), result("abc123XYZ"), hi), map[ft.Dialect]string{ft.Mistral: "invalid_request_message_order", ft.DeepSeek: "reasoning_content"}},
		"no arguments":          {talk(hi, call("abc123XYZ", `""`, ``), result("abc123XYZ")), map[ft.Dialect]string{ft.Ollama: "invalid tool call arguments", ft.DeepSeek: "reasoning_content"}},
		"arguments as array":    {talk(hi, call("abc123XYZ", `"[]"`, ``), result("abc123XYZ")), map[ft.Dialect]string{ft.Ollama: "invalid tool call arguments", ft.DeepSeek: "reasoning_content"}},
		"no result":             {talk(hi, call("abc123XYZ", `"{}"`, `,"content":"x"`), hi), map[ft.Dialect]string{ft.OpenAI: "messages.[2].role", ft.Mistral: "no response", ft.DeepSeek: "messages.[2].role", ft.Groq: "messages.[2].role"}},
		"image":                 {talk(image("data:image/png;base64,AAAA")), nil},
		"gif":                   {talk(image("data:image/gif;base64,AAAA")), map[ft.Dialect]string{ft.Ollama: "invalid image input"}},
		"image elsewhere":       {talk(image("https://example.com/a.png")), map[ft.Dialect]string{ft.Ollama: "invalid image input"}},
		"nothing said":          {talk(hi, `{"role":"assistant","content":null}`, hi), map[ft.Dialect]string{ft.OpenAI: "messages.[1].content", ft.Ollama: "invalid message content type"}},
		"no messages":           {talk(), map[ft.Dialect]string{ft.OpenAI: "empty_array", ft.Mistral: "empty_array", ft.DeepSeek: "empty_array", ft.Ollama: "too short", ft.Groq: "empty_array"}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *ft.Server) {
				for _, d := range all {
					model := "m-" + string(d)
					srv.StrictAs(d, model)
					srv.Script(model, ft.Text("fine"))
					code, answer := send(t, srv, chatPath, fmt.Sprintf(`{"model":%q,%s}`, model, tt.fields), nil)
					got := fmt.Sprint(code, " ", answer)
					want, refused := tt.refuse[d]
					if refused && (code/100 != 4 || !strings.Contains(got, want)) || !refused && code != 200 {
						t.Errorf("%q answers %s, want %q", d, got, want)
					}
				}
			})
		})
	}
}

// A server's own ids and thoughts are what it takes back.
func TestDialectsSpeakTheirOwnWay(t *testing.T) {
	for d, want := range map[ft.Dialect]string{
		ft.OpenAI: `"reasoning_content":"Hm"`, ft.Mistral: `"reasoning_content":"Hm"`, ft.DeepSeek: `"reasoning_content":"Hm"`,
		ft.Ollama: `"reasoning":"Hm"`, ft.Groq: `"reasoning":"Hm"`,
	} {
		inBubble(t, func(t *testing.T, srv *ft.Server) {
			srv.StrictAs(d, "m")
			srv.Script("m", ft.Parts(&genai.Part{Text: "Hm", Thought: true}, &genai.Part{FunctionCall: &genai.FunctionCall{Name: "f"}}))
			_, answer := send(t, srv, chatPath, `{"model":"m","messages":[{"role":"user","content":"hi"}]}`, nil)
			if !strings.Contains(answer, want) {
				t.Errorf("%q answers %s, want %s in it", d, answer, want)
			}
			_, calls, _ := strings.Cut(answer, `"tool_calls"`)
			_, rest, _ := strings.Cut(calls, `"id":"`)
			id, _, _ := strings.Cut(rest, `"`)
			if (d == ft.Mistral) != (len(id) == 9) {
				t.Errorf("%q makes the id %q", d, id)
			}
		})
	}
}
