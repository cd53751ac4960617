package fallbacktest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genai"

	ft "github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// listen posts a request and returns one line for each event that comes, in the
// order of coming, and the error that the body ends with. A unary answer is one line.
func listen(t *testing.T, srv *ft.Server, path, body string) []string {
	t.Helper()
	resp := post(t, srv, path, body)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	var lines []string
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		lines = append(lines, fmt.Sprint(resp.StatusCode, " ", outline(string(b))))
	} else {
		for event := range strings.SplitSeq(strings.TrimSuffix(string(b), "\n\n"), "\n\n") {
			name, data, found := strings.Cut(event, "data: ")
			if !found {
				lines = append(lines, name)
				continue
			}
			lines = append(lines, strings.ReplaceAll(name, "\n", " ")+outline(data))
		}
	}
	if err != nil {
		lines = append(lines, short(err))
	}
	return lines
}

// outline is what matters of one chunk, event or document: no ids, no times.
func outline(data string) string {
	var v map[string]any
	if json.Unmarshal([]byte(data), &v) != nil {
		return data
	}
	say := func(v any) string {
		b, _ := json.Marshal(v)
		return string(b)
	}
	if choices, ok := v["choices"].([]any); ok {
		out := ""
		for _, c := range choices {
			c := c.(map[string]any)
			for _, key := range []string{"delta", "message", "finish_reason", "logprobs"} {
				if c[key] != nil {
					out += say(c[key]) + " "
				}
			}
		}
		if u, ok := v["usage"].(map[string]any); ok {
			out += fmt.Sprintf("%v+%v=%v", u["prompt_tokens"], u["completion_tokens"], u["total_tokens"])
		}
		return strings.TrimSpace(out)
	}
	response := v
	if r, ok := v["response"].(map[string]any); ok {
		response = r
	}
	if output, ok := response["output"].([]any); ok {
		u, _ := response["usage"].(map[string]any)
		out := fmt.Sprint(response["status"], " ")
		for _, it := range output {
			out += fmt.Sprint(it.(map[string]any)["type"], " ")
		}
		if u != nil {
			out += fmt.Sprintf("%v+%v=%v ", u["input_tokens"], u["output_tokens"], u["total_tokens"])
		}
		return out + say(response["incomplete_details"])
	}
	out := ""
	for _, key := range []string{"error", "delta", "text", "arguments", "refusal"} {
		if v[key] != nil {
			out += say(v[key])
		}
	}
	return out
}

const (
	chatAsk      = `{"model":"m","messages":[{"role":"user","content":"how are you"}]`
	responsesAsk = `{"model":"m","input":"how are you"`
)

func TestChatStream(t *testing.T) {
	const start, stop, done = `{"content":"","refusal":null,"role":"assistant"}`, `{} "stop"`, "[DONE]"
	word := func(s string) string { return fmt.Sprintf(`{"content":%q}`, s) }
	it := ft.Text("It is fine")
	for _, tt := range []struct {
		name, options string
		step          ft.Step
		want          []string
	}{
		{"text", ``, it, []string{start, word("It "), word("is "), word("fine"), stop, done}},
		{"usage", `,"stream_options":{"include_usage":true}`, ft.Text("It is"), []string{start, word("It "), word("is"), stop, "3+2=5", done}},
		{"usage given", `,"stream_options":{"include_usage":true}`, ft.Chunks("a").Usage(7, 2), []string{start, word("a"), stop, "7+2=9", done}},
		{"thoughts", ``, ft.Thoughts("Well then"), []string{start, `{"reasoning_content":"Well "}`, `{"reasoning_content":"then"}`, stop, done}},
		{"call", ``, ft.Parts(&genai.Part{FunctionCall: &genai.FunctionCall{ID: "c1", Name: "f", Args: map[string]any{"a": 1}}}), []string{
			`{"content":null,"refusal":null,"role":"assistant"}`,
			`{"tool_calls":[{"function":{"arguments":"","name":"f"},"id":"c1","index":0,"type":"function"}]}`,
			`{"tool_calls":[{"function":{"arguments":"{\"a"},"index":0}]}`, `{"tool_calls":[{"function":{"arguments":"\":1"},"index":0}]}`, `{"tool_calls":[{"function":{"arguments":"}"},"index":0}]}`,
			`{} "tool_calls"`, done,
		}},
		{"length", ``, ft.Chunks("a").Finish(genai.FinishReasonMaxTokens), []string{start, word("a"), `{} "length"`, done}},
		{"safety", ``, ft.Chunks("a").Finish(genai.FinishReasonSafety), []string{start, word("a"), `{} "content_filter"`, done}},
		{"other", ``, ft.Chunks("a").Finish(genai.FinishReasonOther), []string{start, word("a"), `{} "other"`, done}},
		{"no finish", ``, ft.Chunks("a").NoFinish(), []string{start, word("a")}},
		{"empty", ``, ft.Empty(), []string{start, stop, done}},
		{"no candidates", `,"stream_options":{"include_usage":true}`, ft.NoCandidates(), []string{"3+0=3", done}},
		{"refused", ``, ft.Blocked(genai.BlockedReasonSafety), []string{`{"content":null,"refusal":"","role":"assistant"}`, `{"refusal":"I'm sorry, but I can't assist with that request."}`, stop, done}},
		{"logprobs", `,"logprobs":true`, ft.Chunks("a"), []string{
			start,
			word("a") + ` {"content":[{"bytes":[97],"logprob":-0.25,"token":"a","top_logprobs":[{"bytes":[97],"logprob":-0.25,"token":"a"}]}],"refusal":null}`,
			stop, done,
		}},

		// B54, B108: faults count the parts of the answer, as they do for Gemini.
		{"cut", ``, it.CutAfter(1), []string{start, word("It ")}},
		{"abort", ``, it.AbortAfter(2), []string{start, word("It "), word("is "), "unexpected EOF"}},
		{"error", ``, it.ErrorAt(2, ft.Exhausted()), []string{start, word("It "), `{"code":"rate_limit_exceeded","message":"Rate limit reached for m.","param":null,"type":"tokens"}`}},
		{"role first", ``, it.MetadataFirst().CutAfter(1), []string{start}},
		{"keep-alives", ``, ft.Chunks("a").KeepAlive(2).CutAfter(3), []string{": keep-alive", ": keep-alive", start, word("a"), stop, done}},
		{"keep-alives alone", ``, it.KeepAlive(2).CutAfter(2), []string{": keep-alive", ": keep-alive"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *ft.Server) {
				srv.Script("m", tt.step)
				got := listen(t, srv, chatPath, chatAsk+`,"stream":true`+tt.options+`}`)
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestChatDocument(t *testing.T) {
	message := func(fields string) string {
		return `{"annotations":[],"content":` + fields + `,"refusal":null,"role":"assistant"}`
	}
	call := &genai.Part{FunctionCall: &genai.FunctionCall{ID: "c1", Name: "f", Args: map[string]any{"city": "Paris"}}}
	for _, tt := range []struct {
		name string
		step ft.Step
		want string
	}{
		{"text", ft.Text("It is"), "200 " + message(`"It is"`) + ` "stop" 3+2=5`},
		{"call", ft.Parts(call), `200 {"annotations":[],"content":null,"refusal":null,"role":"assistant","tool_calls":[{"function":{"arguments":"{\"city\":\"Paris\"}","name":"f"},"id":"c1","type":"function"}]} "tool_calls" 3+1=4`},
		{"call without end", ft.Parts(call).Finish(genai.FinishReasonMaxTokens), `200 {"annotations":[],"content":null,"refusal":null,"role":"assistant","tool_calls":[{"function":{"arguments":"{\"city\":","name":"f"},"id":"c1","type":"function"}]} "length" 3+1=4`},
		{"thoughts", ft.Thoughts("Well"), `200 {"annotations":[],"content":"","reasoning_content":"Well","refusal":null,"role":"assistant"} "stop" 3+1=4`},
		{"empty", ft.Empty(), "200 " + message(`""`) + ` "stop" 3+0=3`},
		{"no candidates", ft.NoCandidates(), "200 3+0=3"},
		{"refused", ft.Blocked(genai.BlockedReasonSafety), `200 {"annotations":[],"content":null,"refusal":"I'm sorry, but I can't assist with that request.","role":"assistant"} "stop" 3+0=3`},
		{"no finish", ft.Text("It").NoFinish(), "200 " + message(`"It"`) + ` 3+1=4`},
		{"error", ft.Text("It").ErrorAt(1, ft.InvalidKey()), `401 {"code":"invalid_api_key","message":"Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys.","param":null,"type":"invalid_request_error"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *ft.Server) {
				srv.Script("m", tt.step)
				if diff := cmp.Diff([]string{tt.want}, listen(t, srv, chatPath, chatAsk+"}")); diff != "" {
					t.Errorf("answer (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestResponsesStream(t *testing.T) {
	opening := []string{"event: response.created in_progress null", "event: response.in_progress in_progress null"}
	message := func(rest ...string) []string {
		return append([]string{"event: response.output_item.added ", "event: response.content_part.added "}, rest...)
	}
	const itemDone, partDone = "event: response.output_item.done ", "event: response.content_part.done "
	text := func(s string) string { return fmt.Sprintf(`event: response.output_text.delta %q`, s) }
	textDone := func(s string) string { return fmt.Sprintf(`event: response.output_text.done %q`, s) }
	call := &genai.Part{FunctionCall: &genai.FunctionCall{Name: "f", Args: map[string]any{"a": 1}}}
	thought := &genai.Part{Text: "Hm", Thought: true}
	join := func(lists ...[]string) []string {
		var out []string
		for _, l := range lists {
			out = append(out, l...)
		}
		return out
	}
	for _, tt := range []struct {
		name string
		step ft.Step
		want []string
	}{
		{"text", ft.Text("It is"), join(opening, message(text("It "), text("is"), textDone("It is"), partDone, itemDone), []string{"event: response.completed completed message 3+2=5 null"})},
		{"call", ft.Parts(call), join(opening, []string{
			"event: response.output_item.added ", `event: response.function_call_arguments.delta "{\"a"`, `event: response.function_call_arguments.delta "\":1"`, `event: response.function_call_arguments.delta "}"`,
			`event: response.function_call_arguments.done "{\"a\":1}"`, itemDone, "event: response.completed completed function_call 3+1=4 null",
		})},
		{"thought and text", ft.Parts(thought, &genai.Part{Text: "a"}), join(opening, []string{
			"event: response.output_item.added ", "event: response.reasoning_summary_part.added ", `event: response.reasoning_summary_text.delta "Hm"`, `event: response.reasoning_summary_text.done "Hm"`, "event: response.reasoning_summary_part.done ", itemDone,
		}, message(text("a"), textDone("a"), partDone, itemDone), []string{"event: response.completed completed reasoning message 3+2=5 null"})},
		{"length", ft.Chunks("a").Finish(genai.FinishReasonMaxTokens), join(opening, message(text("a"), textDone("a"), partDone, itemDone), []string{`event: response.incomplete incomplete message 3+1=4 {"reason":"max_output_tokens"}`})},
		{"safety", ft.Chunks("a").Finish(genai.FinishReasonSafety), join(opening, message(text("a"), textDone("a"), partDone, itemDone), []string{`event: response.incomplete incomplete message 3+1=4 {"reason":"content_filter"}`})},
		{"no finish", ft.Chunks("a").NoFinish(), join(opening, message(text("a"), textDone("a"), partDone, itemDone))},
		{"empty", ft.Empty(), join(opening, message(textDone(""), partDone, itemDone), []string{"event: response.completed completed message 3+0=3 null"})},
		{"no candidates", ft.NoCandidates(), join(opening, []string{"event: response.completed completed 3+0=3 null"})},
		{"refused", ft.Blocked(genai.BlockedReasonSafety), join(opening, message(`event: response.refusal.delta "I'm sorry, but I can't assist with that request."`, `event: response.refusal.done "I'm sorry, but I can't assist with that request."`, partDone, itemDone), []string{"event: response.completed completed message 3+0=3 null"})},

		// B54, B108: faults count the parts of the answer, as they do for Gemini.
		{"cut", ft.Text("It is").CutAfter(1), join(opening, message(text("It ")))},
		{"abort", ft.Text("It is").AbortAfter(1), join(opening, message(text("It "), "unexpected EOF"))},
		{"error", ft.Text("It is").ErrorAt(2, ft.Overloaded()), join(opening, message(text("It ")), []string{`event: error {"code":null,"message":"The server is currently overloaded with other requests. Please try again later.","param":null,"type":"server_error"}`})},
		{"created first", ft.Text("It is").MetadataFirst().CutAfter(1), opening},
		{"keep-alives", ft.Text("It is").KeepAlive(1).CutAfter(1), []string{": keep-alive"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *ft.Server) {
				srv.Script("m", tt.step)
				if diff := cmp.Diff(tt.want, listen(t, srv, responsesPath, responsesAsk+`,"stream":true}`)); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// B108: while a model is slow to begin, a comment comes every so often; Gemini's
// protocol has them too.
func TestKeepAlivesArePaced(t *testing.T) {
	for path, body := range map[string]string{
		chatPath:      chatAsk + `,"stream":true}`,
		responsesPath: responsesAsk + `,"stream":true}`,
		"/v1beta/models/m:streamGenerateContent?alt=sse": `{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}`,
	} {
		t.Run(path, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *ft.Server) {
				srv.Script("m", ft.Chunks("a").KeepAlive(3).Pace(5*time.Second))
				begin := time.Now()
				lines := listen(t, srv, path, body)
				if took := time.Since(begin); took != 15*time.Second || strings.Join(lines[:3], "") != strings.Repeat(": keep-alive", 3) {
					t.Errorf("after %v: %q", took, lines)
				}
			})
		})
	}
}

// A script sees the same request, whichever protocol it came in.
func TestOpenAIRequestsInGenaiTerms(t *testing.T) {
	const image = `data:image/png;base64,AAAA`
	for path, body := range map[string]string{
		chatPath: `{"model":"m","tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}],"messages":[
			{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"look"},{"type":"image_url","image_url":{"url":"` + image + `"}}]},
			{"role":"assistant","content":"I do.","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}},{"id":"b","type":"function","function":{"name":"g","arguments":""}}]},
			{"role":"tool","tool_call_id":"a","content":"{\"y\":2}"},{"role":"tool","tool_call_id":"b","content":"plain"}]}`,
		responsesPath: `{"model":"m","instructions":"Be brief.","tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object"}}],"input":[
			{"role":"user","content":[{"type":"input_text","text":"look"},{"type":"input_image","image_url":"` + image + `"}]},
			{"role":"assistant","content":[{"type":"output_text","text":"I do."}]},{"type":"function_call","call_id":"a","name":"f","arguments":"{\"x\":1}"},{"type":"function_call","call_id":"b","name":"g","arguments":""},
			{"type":"function_call_output","call_id":"a","output":"{\"y\":2}"},{"type":"function_call_output","call_id":"b","output":[{"type":"input_text","text":"plain"}]}]}`,
	} {
		t.Run(path, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *ft.Server) {
				srv.Script("m", ft.Text("fine"))
				listen(t, srv, path, body)
				r := srv.Requests()[0]
				want := []*genai.Content{
					{Role: "user", Parts: []*genai.Part{{Text: "look"}, {InlineData: &genai.Blob{MIMEType: "image/png", Data: []byte{0, 0, 0}}}}},
					{Role: "model", Parts: []*genai.Part{{Text: "I do."}, {FunctionCall: &genai.FunctionCall{ID: "a", Name: "f", Args: map[string]any{"x": 1.0}}}, {FunctionCall: &genai.FunctionCall{ID: "b", Name: "g"}}}},
					{Role: "user", Parts: []*genai.Part{
						{FunctionResponse: &genai.FunctionResponse{ID: "a", Name: "f", Response: map[string]any{"y": 2.0}}},
						{FunctionResponse: &genai.FunctionResponse{ID: "b", Name: "g", Response: map[string]any{"output": "plain"}}},
					}},
				}
				if diff := cmp.Diff(want, r.Contents); diff != "" {
					t.Errorf("contents (-want +got):\n%s", diff)
				}
				tools := []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "f", Description: "d", ParametersJsonSchema: map[string]any{"type": "object"}}}}}
				if diff := cmp.Diff(tools, r.Tools); diff != "" {
					t.Errorf("tools (-want +got):\n%s", diff)
				}
				if r.System == nil || r.System.Parts[0].Text != "Be brief." || r.FunctionResponse("g") == nil {
					t.Errorf("system = %+v, result of g = %+v", r.System, r.FunctionResponse("g"))
				}
			})
		})
	}
}

func TestOpenAIPaths(t *testing.T) {
	const azureFilter = `400 {"code":"content_filter","innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":{"violence":{"filtered":true,"severity":"high"}}},"message":"The response was filtered due to the prompt triggering the content management policy.","param":"prompt","status":400,"type":null}`
	for path, tt := range map[string]struct {
		body, want string // what Blocked leads to there
	}{
		"/chat/completions":           {chatAsk + "}", "refusal"},
		"/api/v1/chat/completions":    {chatAsk + "}", "refusal"},
		"/openai/v1/chat/completions": {chatAsk + "}", azureFilter},
		"/openai/deployments/m/chat/completions?api-version=2025-04-01": {`{"messages":[]}`, azureFilter},
		"/responses":            {responsesAsk + "}", "completed message"},
		"/openai/v1/responses":  {responsesAsk + "}", "completed message"},
		"/chat/completions/":    {chatAsk + "}", "404"},
		"/chat/completions?x=1": {`{"messages":[]}`, `400 {"code":null,"message":"fallbacktest: you must provide a model parameter","param":null,"type":"invalid_request_error"}`},
		"/v1/responses?x=1":     {`[]`, `400 {"code":null`},
		"/v2/responses":         {`{"model":"other"}`, `404 {"code":"model_not_found"`},
	} {
		t.Run(path, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *ft.Server) {
				srv.Script("m", ft.Blocked(genai.BlockedReasonSafety))
				if got := listen(t, srv, path, tt.body); len(got) != 1 || !strings.Contains(got[0], tt.want) {
					t.Errorf("answer = %q, want %q in it", got, tt.want)
				}
			})
		})
	}
}

// B104: the server knows the thoughts that it has made, and no others.
func TestResponsesTakesItsOwnThoughtsBack(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ft.Server) {
		srv.Strict()
		srv.Script("gpt-5", ft.Parts(&genai.Part{Text: "Hm", Thought: true, ThoughtSignature: []byte("sig")}, &genai.Part{Text: "a"}))
		resp := post(t, srv, responsesPath, `{"model":"gpt-5","store":false,"include":["reasoning.encrypted_content"],"input":"hi"}`)
		defer func() { _ = resp.Body.Close() }()
		var answer struct{ Output []json.RawMessage }
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || len(answer.Output) != 2 {
			t.Fatalf("answer = %s, %v", answer.Output, err)
		}
		back := fmt.Sprintf(`{"model":"gpt-5","store":false,"input":[{"role":"user","content":"hi"},%s,%s,{"role":"user","content":"go on"}]}`, answer.Output[0], answer.Output[1])
		if got := listen(t, srv, responsesPath, back); !strings.HasPrefix(got[0], "200 completed") {
			t.Errorf("its own thoughts are refused: %q\n%s", got, back)
		}
		thought := srv.Requests()[1].Contents[1].Parts[0]
		if !thought.Thought || thought.Text != "Hm" || string(thought.ThoughtSignature) != "sig" {
			t.Errorf("thought = %+v", thought)
		}
	})
}

// Ids of calls differ between the turns of a conversation and between models.
func TestOpenAICallIDs(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ft.Server) {
		ids := map[string]bool{}
		for _, model := range []string{"a", "b"} {
			srv.Script(model, ft.ToolCall("f", nil))
			for range 2 {
				resp := post(t, srv, chatPath, fmt.Sprintf(`{"model":%q,"messages":[]}`, model))
				var answer struct {
					Choices []struct {
						Message struct {
							ToolCalls []struct{ ID string } `json:"tool_calls"`
						}
					}
				}
				err := json.NewDecoder(resp.Body).Decode(&answer)
				_ = resp.Body.Close()
				if err != nil || len(answer.Choices) != 1 {
					t.Fatalf("answer = %+v, %v", answer, err)
				}
				id := answer.Choices[0].Message.ToolCalls[0].ID
				if !strings.HasPrefix(id, "call_") || len(id) > 40 {
					t.Errorf("id = %q", id)
				}
				ids[id] = true
			}
		}
		if len(ids) != 4 {
			t.Errorf("ids = %v, want 4", ids)
		}
	})
}
