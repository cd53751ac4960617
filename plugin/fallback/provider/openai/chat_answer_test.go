package openai_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai"
)

// chatServer starts a server that answers each request with body, and returns a
// model that asks it.
func chatServer(t testing.TB, status int, header http.Header, body string) *openai.Model {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return openai.MustNew("m", openai.Config{BaseURL: server.URL, APIKey: "key-of-the-test"})
}

// chatAsked is what a model answers: what was shown, and the final response.
type chatAsked struct {
	text, thoughts string // of the partial responses
	partials       int
	final          *model.LLMResponse
	err            error
}

func askChat(t testing.TB, m model.LLM, stream bool) chatAsked {
	t.Helper()
	req := &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText("hi", genai.RoleUser)}}
	var a chatAsked
	for resp, err := range m.GenerateContent(t.Context(), req, stream) {
		switch {
		case a.final != nil || a.err != nil:
			t.Fatal("something follows the end")
		case err != nil:
			a.err = err
		case resp.Partial:
			a.partials++
			for _, part := range resp.Content.Parts {
				if part.FunctionCall != nil {
					t.Error("a partial response holds a call")
				}
				if part.Thought {
					a.thoughts += part.Text
				} else {
					a.text += part.Text
				}
			}
		default:
			a.final = resp
		}
	}
	if a.final == nil && a.err == nil {
		t.Fatal("neither an answer nor an error")
	}
	return a
}

// chatSaid writes the parts of a final response in short.
func chatSaid(resp *model.LLMResponse) []string {
	var list []string
	for _, part := range resp.Content.Parts {
		switch {
		case part.Thought:
			list = append(list, "thought "+part.Text)
		case part.FunctionCall != nil:
			args, _ := json.Marshal(part.FunctionCall.Args)
			list = append(list, part.FunctionCall.ID+" "+part.FunctionCall.Name+string(args))
		case part.InlineData != nil:
			list = append(list, part.InlineData.MIMEType+" "+string(part.InlineData.Data))
		default:
			list = append(list, part.Text)
		}
	}
	return list
}

// chatSSE makes a stream of the chunks, with the mark of its end.
func chatSSE(chunks ...string) string {
	return "data: " + strings.Join(append(chunks, "[DONE]"), "\n\ndata: ") + "\n\n"
}

// chatDelta is a chunk with that delta.
func chatDelta(d string) string { return `{"model":"v1","choices":[{"index":0,"delta":` + d + `}]}` }

func chatFinish(reason string) string {
	return `{"model":"v1","choices":[{"index":0,"delta":{},"finish_reason":"` + reason + `"}]}`
}

var chatStreamHeader = http.Header{"Content-Type": {"text/event-stream"}}

// B104, B108: what servers send, in the many forms in which they send it.
func TestChatStreams(t *testing.T) {
	call := func(piece string) string { return chatDelta(`{"tool_calls":[` + piece + `]}`) }
	for _, test := range []struct {
		name, stream string
		want         []string
		reason       genai.FinishReason // default: STOP
		code         string
	}{
		{name: "text", stream: chatSSE(chatDelta(`{"role":"assistant","content":""}`), chatDelta(`{"content":"a"}`), chatDelta(`{"content":"b"}`), chatFinish("stop")), want: []string{"ab"}},
		{name: "no mark of the end", stream: strings.TrimSuffix(chatSSE(chatDelta(`{"content":"a"}`), chatFinish("stop")), "data: [DONE]\n\n"), want: []string{"a"}},
		{name: "no finish reason", stream: chatSSE(chatDelta(`{"content":"a"}`)), want: []string{"a"}},
		{name: "finish with the last text", stream: chatSSE(`{"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}`), want: []string{"a"}},
		{name: "finish twice", stream: chatSSE(chatDelta(`{"content":"a"}`), chatFinish("stop"), chatFinish("stop")), want: []string{"a"}},
		{name: "the last event has no end", stream: "data: " + chatDelta(`{"content":"a"}`) + "\n\ndata: " + chatFinish("stop"), want: []string{"a"}},
		{name: "CRLF, comments, no space", stream: ": hi\r\n\r\ndata:" + chatDelta(`{"content":"a"}`) + "\r\n\r\n:\r\n\r\ndata:" + chatFinish("stop") + "\r\n\r\n", want: []string{"a"}},
		{name: "empty chunks", stream: chatSSE(`{}`, `{"choices":[]}`, `{"choices":null}`, `{"choices":[{"index":0}]}`, `{"choices":[{"index":0,"delta":null}]}`, chatDelta(`{"content":"a"}`), chatFinish("stop")), want: []string{"a"}},
		{name: "other choices", stream: chatSSE(`{"choices":[{"index":1,"delta":{"content":"x"},"finish_reason":"length"},{"index":0,"delta":{"content":"a"}}]}`, chatFinish("stop"), `{"choices":[{"index":1,"delta":{},"finish_reason":"length"}]}`), want: []string{"a"}},
		{name: "parts", stream: chatSSE(chatDelta(`{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]}]}`), chatDelta(`{"content":[{"type":"text","text":"a"}]}`), chatDelta(`{"content":"b"}`), chatFinish("stop")), want: []string{"thought hm", "ab"}},
		{name: "thoughts in two fields", stream: chatSSE(chatDelta(`{"reasoning":"h","reasoning_content":"h"}`), chatDelta(`{"reasoning":"m","reasoning_details":[{"type":"reasoning.text","text":"m","index":0}]}`), chatDelta(`{"content":"a"}`), chatFinish("stop")), want: []string{"thought hm", "a"}},
		{name: "thoughts in details", stream: chatSSE(chatDelta(`{"reasoning_details":[{"type":"reasoning.summary","summary":"h","index":0}]}`), chatDelta(`{"reasoning_details":[{"type":"reasoning.text","text":"m"},{"type":"reasoning.encrypted","data":"x"}]}`), chatDelta(`{"content":"a"}`), chatFinish("stop")), want: []string{"thought hm", "a"}},
		{name: "the whole message behind its pieces", stream: chatSSE(chatDelta(`{"content":"a"}`), `{"choices":[{"index":0,"message":{"content":"a"},"finish_reason":"stop"}]}`), want: []string{"a"}},
		{name: "delta and message in each chunk", stream: chatSSE(`{"choices":[{"delta":{"content":"a"},"message":{"content":"a"}}]}`, `{"choices":[{"delta":{"content":"b"},"message":{"content":"ab"},"finish_reason":"stop"}]}`), want: []string{"ab"}},
		{name: "text in place of a delta", stream: chatSSE(`{"choices":[{"index":0,"text":"a"}]}`, chatFinish("stop")), want: []string{"a"}},
		{name: "a whole answer", stream: `{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}`, want: []string{"a"}},
		{name: "a whole answer behind a byte order mark", stream: "\ufeff" + `{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}`, want: []string{"a"}},
		{name: "a list of chunks", stream: "[" + chatDelta(`{"content":"a"}`) + ",\n" + chatFinish("stop") + "]", want: []string{"a"}},
		{name: "a picture", stream: chatSSE(chatDelta(`{"content":"","images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,YWJj"}}]}`), chatFinish("stop")), want: []string{"image/png abc"}},

		{name: "call in pieces", stream: chatSSE(call(`{"index":0,"id":"c1","type":"function","function":{"name":"f","arguments":""}}`), call(`{"index":0,"function":{"arguments":"{\"a\""}}`), call(`{"index":0,"function":{"arguments":":1}"}}`), chatFinish("tool_calls")), want: []string{`c1 f{"a":1}`}},
		{name: "calls side by side", stream: chatSSE(call(`{"index":0,"id":"c1","function":{"name":"f"}},{"index":1,"id":"c2","function":{"name":"g"}}`), call(`{"index":1,"function":{"arguments":"{}"}},{"index":0,"function":{"arguments":"{\"a\":1}"}}`), chatFinish("tool_calls")), want: []string{`c1 f{"a":1}`, `c2 g{}`}},
		{name: "calls without index", stream: chatSSE(call(`{"id":"c1","function":{"name":"f","arguments":"{\"a\":1}"}},{"id":"c2","function":{"name":"f","arguments":"{\"a\":1}"}}`), chatFinish("stop")), want: []string{`c1 f{"a":1}`, `c2 f{"a":1}`}},
		{name: "calls without index and id", stream: chatSSE(call(`{"function":{"name":"f","arguments":"{\"a\":1}"}}`), call(`{"function":{"name":"f","arguments":"{\"a\":2}"}}`), chatFinish("stop")), want: []string{` f{"a":1}`, ` f{"a":2}`}},
		{name: "pieces without index", stream: chatSSE(call(`{"id":"c1","function":{"name":"f","arguments":"{\"a\":"}}`), call(`{"function":{"arguments":"1}"}}`), call(`{"id":"c2","function":{"name":"g","arguments":""}}`), call(`{"id":"c2","function":{"arguments":"{}"}}`), chatFinish("stop")), want: []string{`c1 f{"a":1}`, `c2 g{}`}},
		{name: "the first piece has no index", stream: chatSSE(call(`{"id":"c1","function":{"name":"f","arguments":""}}`), call(`{"index":0,"function":{"arguments":"{\"a\":"}}`), call(`{"index":0,"function":{"arguments":"1}"}}`), chatFinish("tool_calls")), want: []string{`c1 f{"a":1}`}},
		{name: "each call is number 0", stream: chatSSE(call(`{"index":0,"id":"c1","function":{"name":"f","arguments":"{}"}}`), call(`{"index":0,"id":"c2","function":{"name":"g","arguments":"{}"}}`), chatFinish("stop")), want: []string{`c1 f{}`, `c2 g{}`}},
		{name: "each call is number 0, no ids", stream: chatSSE(call(`{"index":0,"id":"","function":{"name":"f","arguments":"{\"a\":1}"}}`), call(`{"index":0,"id":"","function":{"name":"f","arguments":"{\"a\":2}"}}`), chatFinish("stop")), want: []string{` f{"a":1}`, ` f{"a":2}`}},
		{name: "name and id in each piece", stream: chatSSE(call(`{"index":0,"id":"c1","function":{"name":"f","arguments":""}}`), call(`{"index":0,"id":"c1","function":{"name":"f","arguments":"{\"a\":"}}`), call(`{"index":0,"id":"c1","function":{"name":"f","arguments":"1}"}}`), chatFinish("tool_calls")), want: []string{`c1 f{"a":1}`}},
		{name: "empty name and id later", stream: chatSSE(call(`{"index":0,"id":"c1","function":{"name":"f","arguments":""}}`), call(`{"index":0,"id":"","function":{"name":"","arguments":"{}"}}`), chatFinish("tool_calls")), want: []string{`c1 f{}`}},
		{name: "another id in each piece", stream: chatSSE(call(`{"index":0,"id":"c1","function":{"name":"f","arguments":"{\"a\":"}}`), call(`{"index":0,"id":"c9","function":{"arguments":"1}"}}`), chatFinish("tool_calls")), want: []string{`c1 f{"a":1}`}},
		{name: "name after the id", stream: chatSSE(call(`{"index":0,"id":"c1"}`), call(`{"index":0,"function":{"name":"f"}}`), call(`{"index":0,"function":{"arguments":"{}"}}`), chatFinish("tool_calls")), want: []string{`c1 f{}`}},
		{name: "the whole call again at the end", stream: chatSSE(call(`{"index":0,"id":"c1","function":{"name":"f","arguments":"{\"a\":1}"}}`), call(`{"index":0,"id":"c1","function":{"name":"f","arguments":"{\"a\":1}"}}`), chatFinish("tool_calls")), want: []string{`c1 f{"a":1}`}},
		{name: "arguments as an object", stream: chatSSE(call(`{"index":0,"id":"c1","function":{"name":"f","arguments":{"a":1}}}`), chatFinish("tool_calls")), want: []string{`c1 f{"a":1}`}},
		{name: "no arguments", stream: chatSSE(call(`{"index":0,"id":"c1","function":{"name":"f"}},{"index":1,"id":"c2","function":{"name":"g","arguments":"null"}}`), chatFinish("tool_calls")), want: []string{`c1 f{}`, `c2 g{}`}},
		{name: "the same id twice", stream: chatSSE(call(`{"index":0,"id":"c","function":{"name":"f","arguments":"{}"}}`), call(`{"index":1,"id":"c","function":{"name":"g","arguments":"{}"}}`), chatFinish("tool_calls")), want: []string{`c f{}`, ` g{}`}},
		{name: "function_call", stream: chatSSE(chatDelta(`{"function_call":{"name":"f","arguments":"{\"a\":"}}`), chatDelta(`{"function_call":{"arguments":"1}"}}`), chatFinish("function_call")), want: []string{` f{"a":1}`}},

		{name: "length", stream: chatSSE(chatDelta(`{"content":"a"}`), chatFinish("length")), want: []string{"a"}, reason: genai.FinishReasonMaxTokens},
		{name: "call cut by length", stream: chatSSE(chatDelta(`{"content":"a"}`), call(`{"index":0,"id":"c1","function":{"name":"f","arguments":"{\"a\""}}`), chatFinish("length")), want: []string{"a"}, reason: genai.FinishReasonMaxTokens},
		{name: "broken arguments", stream: chatSSE(call(`{"index":0,"id":"c1","function":{"name":"f","arguments":"{\"a\""}}`), chatFinish("tool_calls")), reason: genai.FinishReasonMalformedFunctionCall, code: "MALFORMED_FUNCTION_CALL"},
		{name: "arguments that are a list", stream: chatSSE(call(`{"index":0,"id":"c1","function":{"name":"f","arguments":"[1]"}}`), chatFinish("tool_calls")), reason: genai.FinishReasonMalformedFunctionCall, code: "MALFORMED_FUNCTION_CALL"},
		{name: "refusal", stream: chatSSE(chatDelta(`{"refusal":"no"}`), chatDelta(`{"refusal":", sorry"}`), chatFinish("stop")), reason: genai.FinishReasonSafety, code: "SAFETY"},
		{name: "filtered", stream: chatSSE(chatDelta(`{"content":"a"}`), chatFinish("content_filter")), want: []string{"a"}, reason: genai.FinishReasonSafety, code: "SAFETY"},
		{name: "Gemini's reason behind a gateway", stream: chatSSE(chatDelta(`{"content":"a"}`), `{"choices":[{"delta":{},"finish_reason":"stop","native_finish_reason":"PROHIBITED_CONTENT"}]}`), want: []string{"a"}, reason: genai.FinishReasonProhibitedContent, code: "PROHIBITED_CONTENT"},
		{name: "end_turn", stream: chatSSE(chatDelta(`{"content":"a"}`), chatFinish("end_turn")), want: []string{"a"}},
		{name: "eos_token", stream: chatSSE(chatDelta(`{"content":"a"}`), chatFinish("eos_token")), want: []string{"a"}},
		{name: "call cut by length before its arguments", stream: chatSSE(chatDelta(`{"content":"a"}`), call(`{"index":0,"id":"c1","function":{"name":"f","arguments":"{}"}}`), call(`{"index":1,"id":"c2","function":{"name":"g","arguments":""}}`), chatFinish("length")), want: []string{"a", "c1 f{}"}, reason: genai.FinishReasonMaxTokens},
		{name: "usage cut behind the finish", stream: strings.TrimSuffix(chatSSE(chatDelta(`{"content":"a"}`), chatFinish("stop"), `{"choices":[],"usage":{"prompt_to`), "\n\ndata: [DONE]\n\n"), want: []string{"a"}},
		{name: "model_length", stream: chatSSE(chatDelta(`{"content":"a"}`), chatFinish("model_length")), want: []string{"a"}, reason: genai.FinishReasonMaxTokens},
		{name: "a word of tomorrow", stream: chatSSE(chatDelta(`{"content":"a"}`), chatFinish("bored")), want: []string{"a"}, reason: genai.FinishReasonOther, code: "OTHER"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := askChat(t, chatServer(t, 200, chatStreamHeader, test.stream), true)
			if got.err != nil {
				t.Fatal(got.err)
			}
			if diff := gocmp.Diff(test.want, chatSaid(got.final)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if want := cmp.Or(test.reason, genai.FinishReasonStop); got.final.FinishReason != want || got.final.ErrorCode != test.code {
				t.Errorf("finish reason %s, error code %q; want %s, %q", got.final.FinishReason, got.final.ErrorCode, want, test.code)
			}
			if !got.final.TurnComplete {
				t.Error("the turn is not complete")
			}
			if strings.HasPrefix(test.stream, "data:") && got.text != strings.Join(chatTexts(got.final, false), "") || got.thoughts != strings.Join(chatTexts(got.final, true), "") {
				t.Errorf("shown were %q and thoughts %q", got.text, got.thoughts)
			}
		})
	}
}

func chatTexts(resp *model.LLMResponse, thoughts bool) (texts []string) {
	for _, part := range resp.Content.Parts {
		if part.Thought == thoughts {
			texts = append(texts, part.Text)
		}
	}
	return texts
}

// B54: what is not a whole answer is an error, with the verdict of its cause.
func TestChatFailures(t *testing.T) {
	const whole = `{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}`
	text := chatDelta(`{"content":"a"}`)
	for _, test := range []struct {
		name   string
		unary  bool
		status int // default: 200
		header http.Header
		body   string
		action failure.Action
		kind   failure.Kind
		is     error
		says   string
	}{
		{name: "cut between chunks", body: "data: " + text + "\n\n", action: failure.Retry, kind: failure.KindTruncated, is: failure.ErrTruncated},
		{name: "cut within a chunk", body: "data: " + text + "\n\ndata: " + text[:20], action: failure.Retry, kind: failure.KindTruncated, is: failure.ErrTruncated},
		{name: "cut within the calls", body: "data: " + chatDelta(`{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{}"}}]}`) + "\n\n", action: failure.Retry, kind: failure.KindTruncated, is: failure.ErrTruncated},
		{name: "nothing", body: "", action: failure.Retry, kind: failure.KindEmpty, is: failure.ErrEmpty},
		{name: "only the end", body: chatSSE(), action: failure.Retry, kind: failure.KindEmpty, is: failure.ErrEmpty},
		{name: "only keep-alives", body: ": hi\n\n: hi\n\n", action: failure.Retry, kind: failure.KindEmpty, is: failure.ErrEmpty},
		{name: "no choices", unary: true, body: `{"id":"x","choices":[]}`, action: failure.Retry, kind: failure.KindEmpty, is: failure.ErrEmpty},
		{name: "cut body", unary: true, body: whole[:30], action: failure.Retry, kind: failure.KindTruncated, is: failure.ErrTruncated},
		{name: "aborted", body: chatSSE(text, chatFinish("abort")), action: failure.Retry, kind: failure.KindTruncated, is: failure.ErrTruncated},
		{name: "finish error", body: chatSSE(text, chatFinish("error")), action: failure.Retry},
		{name: "out of resources", body: chatSSE(text, chatFinish("insufficient_system_resource")), action: failure.Retry, kind: failure.KindOverloaded},
		{name: "error in the stream", body: chatSSE(text, `{"error":{"message":"Rate limit reached","type":"tokens","code":"rate_limit_exceeded"}}`), action: failure.Retry, kind: failure.KindRateLimit},
		{name: "error event", body: "data: " + text + "\n\nevent: error\ndata: {\"error\":{\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\",\"message\":\"You exceeded your current quota\"}}\n\n", action: failure.Fallback, kind: failure.KindBilling},
		{name: "error event without error", body: "event: error\ndata: {\"message\":\"The engine is currently overloaded\",\"code\":503}\n\n", action: failure.Retry, kind: failure.KindOverloaded},
		{name: "error line", body: "data: " + text + "\n\nerror: {\"code\":500,\"message\":\"slot gone\",\"type\":\"server_error\"}\n\n", action: failure.Retry},
		{name: "error in a choice", body: chatSSE(text, `{"choices":[{"delta":{"content":""},"finish_reason":"error","error":{"code":502,"message":"Upstream error"}}]}`), action: failure.Retry},
		{name: "error before the text", body: "data: " + `{"error":{"message":"no such model","type":"invalid_request_error","code":"model_not_found"}}` + "\n\n", action: failure.Fallback, kind: failure.KindModel},
		{name: "error after the end", body: chatSSE(text, chatFinish("stop"), `{"error":{"code":500,"message":"lost"}}`), action: failure.Retry},
		{name: "error body in place of a stream", body: `{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","code":"invalid_api_key"}}`, action: failure.Fail, kind: failure.KindAuth},
		{name: "error list", body: `[{"error":{"code":429,"message":"Resource has been exhausted","status":"RESOURCE_EXHAUSTED"}}]`, action: failure.Retry, kind: failure.KindRateLimit},
		{name: "plain words in place of a stream", body: "upstream timed out\n", action: failure.Fallback, kind: failure.KindTimeout, says: "upstream timed out"},
		{name: "plain words in place of an answer", unary: true, body: "rate limit exceeded, code 429", action: failure.Retry, kind: failure.KindRateLimit, says: "rate limit exceeded"},
		{name: "unknown fields beside an answer that breaks off", body: "x: 500 Internal Server Error\ndata: " + text + "\n\n", action: failure.Retry, kind: failure.KindTruncated, is: failure.ErrTruncated},
		{name: "words in place of a stream", body: "data: upstream connect error: 503 Service Unavailable\n\n", action: failure.Retry},
		{name: "error with status 200", unary: true, body: `{"error":{"message":"The response was filtered","code":"content_filter","status":400}}`, action: failure.Fail, kind: failure.KindContent},
		{name: "a page with status 200", unary: true, header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}, body: "<html><title>502 Bad Gateway</title></html>", action: failure.Retry},
		{name: "a page", unary: true, status: 503, header: http.Header{"Content-Type": {"text/html"}}, body: "<html><title>503 Service Unavailable</title></html>", action: failure.Retry},
		{name: "wrong key", status: 401, body: `{"error":{"message":"Incorrect API key provided: key-of-the-test","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`, action: failure.Fail, kind: failure.KindAuth},
		{name: "too long", status: 400, body: `{"error":{"message":"This model's maximum context length is 8192 tokens","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`, action: failure.Fallback, kind: failure.KindContextLength},
		{name: "a call that the server could not read", status: 400, body: `{"error":{"message":"Failed to call a function","type":"invalid_request_error","code":"tool_use_failed","failed_generation":"x"}}`, action: failure.Retry, kind: failure.KindMalformed},
		{name: "busy", status: 429, header: http.Header{"Retry-After": {"7"}}, body: `{"error":{"message":"slow down","code":"rate_limit_exceeded"}}`, action: failure.Retry, kind: failure.KindRateLimit},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := askChat(t, chatServer(t, cmp.Or(test.status, 200), test.header, test.body), !test.unary)
			if got.err == nil {
				t.Fatalf("answered with %q", chatSaid(got.final))
			}
			verdict := failure.Classify(got.err)
			if verdict.Action != test.action || test.kind != "" && verdict.Kind != test.kind {
				t.Errorf("%v is %s, %s; want %s, %s", got.err, verdict.Action, verdict.Kind, test.action, test.kind)
			}
			if test.is != nil && !errors.Is(got.err, test.is) {
				t.Errorf("%v is not %v", got.err, test.is)
			}
			if !strings.Contains(got.err.Error(), test.says) {
				t.Errorf("%v does not say %q", got.err, test.says)
			}
			if strings.Contains(got.err.Error(), "key-of-the-test") || strings.Contains(verdict.Message, "key-of-the-test") {
				t.Errorf("the key is in %v", got.err)
			}
		})
	}
}
