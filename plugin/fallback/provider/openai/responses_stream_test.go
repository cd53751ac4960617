package openai_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// Events of the tests.
const (
	evCreated   = `{"type":"response.created","response":{"id":"resp_1","model":"m-1","status":"in_progress","output":[],"instructions":"{\"x\": [1]}"}}`
	evHello     = `{"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":"Hel"}`
	evLo        = `{"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":"lo"}`
	evDone      = `{"type":"response.completed","response":{"status":"completed","model":"m-1","output":[]}}`
	evCallAdded = `{"type":"response.output_item.added","output_index":0,"item":{"id":"fc_1","type":"function_call","status":"in_progress","arguments":"","call_id":"call_1","name":"add"}}`
	evCallDone  = `{"type":"response.output_item.done","output_index":0,"item":{"id":"fc_1","type":"function_call","status":"completed","arguments":"{\"a\":1}","call_id":"call_1","name":"add"}}`
)

// completed is a response.completed event with output items.
func completed(items ...string) string {
	return `{"type":"response.completed","response":{"status":"completed","model":"m-1","output":[` + strings.Join(items, ",") +
		`],"usage":{"input_tokens":7,"input_tokens_details":{"cached_tokens":2},"output_tokens":5,"output_tokens_details":{"reasoning_tokens":3},"total_tokens":12}}}`
}

func incomplete(reason string, items ...string) string {
	return `{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"` + reason + `"},"model":"m-1","output":[` + strings.Join(items, ",") + `]}}`
}

func messageItem(text string) string {
	return `{"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[{"type":"output_text","text":"` + text + `","annotations":[]}]}`
}

func callItem(id, args string) string {
	return `{"type":"function_call","id":"fc_` + id + `","call_id":"` + id + `","name":"add","arguments":"` + args + `","status":"completed"}`
}

// What servers really stream, and what is whole in the end.
func TestResponsesStream(t *testing.T) {
	for name, test := range map[string]struct {
		body   string
		shown  string
		final  string
		reason genai.FinishReason // default STOP
	}{
		"deltas alone": {body: sse(evCreated, evHello, evLo, evDone), shown: "Hello", final: "Hello"},
		"event names": {
			body:  "event: response.output_text.delta\ndata: {\"delta\":\"Hi\"}\n\nevent: response.completed\ndata: {\"response\":{\"status\":\"completed\"}}\n\n",
			shown: "Hi", final: "Hi",
		},
		"CRLF, comments, no space, [DONE]": {
			body:  ": OPENROUTER PROCESSING\r\n\r\ndata:" + evHello + "\r\n\r\ndata:" + evLo + "\r\n\r\n:\r\n\r\ndata:" + evDone + "\r\n\r\ndata: [DONE]\r\n\r\n",
			shown: "Hello", final: "Hello",
		},
		"last event is not terminated": {body: strings.TrimRight(sse(evHello, evLo, evDone), "\n"), shown: "Hello", final: "Hello"},
		"no deltas":                    {body: sse(evCreated, completed(messageItem("Hello"))), shown: "Hello", final: "Hello"},
		"last event tells more":        {body: sse(evHello, completed(messageItem("Hello there"))), shown: "Hello there", final: "Hello there"},
		"last event has the last token alone": {
			body:  sse(evHello, evLo, completed(strings.Replace(messageItem("lo"), "msg_1", "msg_2", 1))),
			shown: "Hello", final: "Hello",
		},
		"last event has no space at the end": {body: sse(strings.Replace(evHello, "Hel", "Hello ", 1), completed(messageItem("Hello"))), shown: "Hello ", final: "Hello "},
		"only deltas have the space at the end": {
			body: sse(strings.Replace(evHello, "Hel", "Hello ", 1), `{"type":"response.output_text.done","item_id":"msg_1","output_index":0,"content_index":0,"text":"Hello"}`,
				`{"type":"response.output_item.done","output_index":0,"item":`+messageItem("Hello")+`}`, completed(messageItem("Hello"))),
			shown: "Hello ", final: "Hello ",
		},
		"last event has another text": {body: sse(evHello, completed(messageItem("[removed]"))), shown: "Hel", final: "[removed]"},
		"filter cuts the text": {
			body:  sse(evHello, incomplete("content_filter", strings.Replace(messageItem("He"), "completed", "incomplete", 1))),
			shown: "Hel", final: "He", reason: genai.FinishReasonSafety,
		},
		"text only in done": {
			body:  sse(`{"type":"response.output_text.done","output_index":0,"content_index":0,"text":"Hello"}`, evDone),
			shown: "Hello", final: "Hello",
		},
		"text only in the item": {body: sse(`{"type":"response.output_item.done","output_index":0,"item":`+messageItem("Hello")+`}`, evDone), shown: "Hello", final: "Hello"},
		"unknown events and items": {
			body: sse(`{"type":"keepalive","sequence_number":3}`, `{"type":"response.output_item.added","output_index":0,"item":{"id":"ws_1","type":"web_search_call"}}`,
				`{"type":"response.web_search_call.searching","output_index":0,"item_id":"ws_1"}`, `{"type":"response.output_text.delta","item_id":"m","output_index":1,"delta":"Hi"}`,
				completed(`{"id":"ws_1","type":"web_search_call","action":{"query":"x"}}`, messageItem("Hi"))),
			shown: "Hi", final: "Hi",
		},
		"arguments in deltas": {
			body: sse(evCallAdded, `{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":0,"delta":"{\"a\""}`,
				`{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":0,"delta":":1}"}`, evDone),
			final: `call_1:add{"a":1}`,
		},
		"arguments in done": {
			body:  sse(evCallAdded, `{"type":"response.function_call_arguments.done","item_id":"fc_1","output_index":0,"arguments":"{\"a\":1}"}`, evDone),
			final: `call_1:add{"a":1}`,
		},
		"call only in the item":       {body: sse(evCallDone, evDone), final: `call_1:add{"a":1}`},
		"call only in the last event": {body: sse(evCreated, completed(callItem("call_1", `{\"a\":1}`))), final: `call_1:add{"a":1}`},
		"call that the last event lacks": {
			body:  sse(evCallDone, `{"type":"response.output_text.delta","item_id":"msg_1","output_index":1,"delta":"Hi"}`, completed(messageItem("Hi"))),
			shown: "Hi", final: `call_1:add{"a":1}|Hi`,
		},
		"no arguments":           {body: sse(completed(callItem("call_1", ""))), final: `call_1:add{}`},
		"arguments as an object": {body: sse(completed(`{"type":"function_call","call_id":"call_1","name":"add","arguments":{"a":1}}`)), final: `call_1:add{"a":1}`},
		"all items at one index": {body: sse(evCallDone, strings.ReplaceAll(evCallDone, "_1", "_2"), evDone), final: `call_1:add{"a":1}|call_2:add{"a":1}`},
		"ids that change":        {body: sse(evCallAdded, `{"type":"response.function_call_arguments.delta","item_id":"other","output_index":0,"delta":"{\"a\":2}"}`, strings.Replace(evCallDone, "fc_1", "third", 1), completed(strings.Replace(callItem("call_1", `{\"a\":1}`), "fc_", "fourth_", 1))), final: `call_1:add{"a":1}`},
		"items in another order": {body: sse(`{"type":"response.output_text.delta","item_id":"b","output_index":1,"delta":"B"}`, `{"type":"response.output_text.delta","item_id":"a","output_index":0,"delta":"A"}`, evDone), shown: "BA", final: "A|B"},
		"order of thoughts, calls and text": {
			body: sse(`{"type":"response.reasoning_summary_text.delta","item_id":"rs_1","output_index":0,"summary_index":0,"delta":"hm"}`,
				`{"type":"response.output_text.delta","item_id":"msg_1","output_index":1,"delta":"Hi"}`,
				completed(`{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"hm"}]}`, messageItem("Hi"), callItem("c1", "{}"),
					`{"type":"reasoning","id":"rs_2","summary":[{"type":"summary_text","text":"so"}]}`, callItem("c2", "{}"))),
			shown: "(hm)Hi", final: "(hm)|Hi|c1:add{}|(so)|c2:add{}",
		},
		"reasoning itself": {
			body: sse(`{"type":"response.reasoning_text.delta","item_id":"rs_1","output_index":0,"content_index":0,"delta":"because"}`,
				`{"type":"response.output_text.delta","item_id":"msg_1","output_index":1,"delta":"4"}`, evDone),
			shown: "(because)4", final: "(because)|4",
		},
		"reasoning and its summary are one thought": {
			body: sse(`{"type":"response.reasoning_text.delta","item_id":"rs_1","output_index":0,"content_index":0,"delta":"because"}`,
				`{"type":"response.reasoning_summary_text.delta","item_id":"rs_1","output_index":0,"summary_index":0,"delta":"short"}`,
				completed(`{"type":"reasoning","id":"rs_1","content":[{"type":"reasoning_text","text":"because"}],"summary":[{"type":"summary_text","text":"short"}]}`, messageItem("4"))),
			shown: "(because)4", final: "(because)|4",
		},
		"image": {
			body:  sse(completed(`{"type":"image_generation_call","id":"ig_1","status":"completed","result":"UE5H","output_format":"webp"}`, messageItem("Here."))),
			shown: "Here.", final: "image/webp:PNG|Here.",
		},
		"whole answer instead of a stream": {body: `{"id":"resp_1","object":"response","status":"completed","output":[` + messageItem("Hello") + `]}`, shown: "Hello", final: "Hello"},
		"response.done":                    {body: sse(evHello, `{"type":"response.done","response":{"status":"completed"}}`), shown: "Hel", final: "Hel"},
		"status in progress in the last":   {body: sse(evHello, `{"type":"response.completed","response":{"status":"in_progress","output":[]}}`), shown: "Hel", final: "Hel"},
		"null and empty fields":            {body: sse(`{"type":"response.output_text.delta","delta":"","logprobs":null}`, `{"type":"response.completed","response":{"error":null,"incomplete_details":null,"usage":null,"output":[{"type":"message","content":null},{"type":"reasoning","summary":null,"content":null}]}}`), final: ""},
		"cut at the limit":                 {body: sse(evHello, incomplete("max_output_tokens", messageItem("Hel"))), shown: "Hel", final: "Hel", reason: genai.FinishReasonMaxTokens},
		"call that the limit cuts": {
			body:  sse(evCallAdded, `{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":0,"delta":"{\"a\""}`, incomplete("max_output_tokens")),
			final: "", reason: genai.FinishReasonMaxTokens,
		},
		"call that the limit cuts before its arguments": {body: sse(evCallAdded, incomplete("max_output_tokens")), final: "", reason: genai.FinishReasonMaxTokens},
		"call before the limit":                         {body: sse(incomplete("max_output_tokens", callItem("call_1", "{}"), messageItem("and"))), shown: "and", final: "call_1:add{}|and", reason: genai.FinishReasonMaxTokens},
		"content filter":                                {body: sse(evHello, incomplete("content_filter")), shown: "Hel", final: "Hel", reason: genai.FinishReasonSafety},
		"unknown reason":                                {body: sse(evHello, incomplete("tired")), shown: "Hel", final: "Hel", reason: genai.FinishReasonOther},
		"refusal": {
			body: sse(`{"type":"response.refusal.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":"I can"}`,
				`{"type":"response.refusal.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":"not."}`, evDone),
			final: "", reason: genai.FinishReasonSafety,
		},
		"arguments that are no object": {body: sse(completed(callItem("call_1", `[1]`))), final: "", reason: genai.FinishReasonMalformedFunctionCall},
		"arguments that are no JSON":   {body: sse(completed(callItem("call_1", `{\"a\":`))), final: "", reason: genai.FinishReasonMalformedFunctionCall},
	} {
		t.Run(name, func(t *testing.T) {
			got := ask(t, serveResponses(t, "text/event-stream", test.body).model("gpt-5.1"), say("hi"), true)
			if got.err != nil {
				t.Fatal(got.err)
			}
			if shown := got.shown(); shown != test.shown {
				t.Errorf("shown: %q, want %q", shown, test.shown)
			}
			if final := told(got.final.Content.Parts...); final != test.final {
				t.Errorf("final: %s, want %s", final, test.final)
			}
			if test.reason == "" {
				test.reason = genai.FinishReasonStop
			}
			if got.final.FinishReason != test.reason || !got.final.TurnComplete {
				t.Errorf("finish reason %s, turn complete %v; want %s, true", got.final.FinishReason, got.final.TurnComplete, test.reason)
			}
			if odd := test.reason != genai.FinishReasonStop && test.reason != genai.FinishReasonMaxTokens; odd != (got.final.ErrorCode == string(test.reason)) {
				t.Errorf("error code %q for finish reason %s", got.final.ErrorCode, test.reason)
			}
		})
	}
}

func TestResponsesRefusalIsNoText(t *testing.T) {
	body := sse(completed(`{"type":"message","content":[{"type":"output_text","text":"Well. "},{"type":"refusal","refusal":"I cannot."}]}`))
	got := ask(t, serveResponses(t, "text/event-stream", body).model("gpt-5"), say("hi"), true)
	if got.err != nil || told(got.final.Content.Parts...) != "Well. " || got.final.ErrorCode != "SAFETY" || got.final.ErrorMessage != "I cannot." {
		t.Errorf("got %+v, %v", got.final, got.err)
	}
}

// B54, B58: a stream without its end is an error, never a short success, and what
// cannot be read is passed on as nothing.
func TestResponsesStreamWithoutEnd(t *testing.T) {
	for name, test := range map[string]struct {
		body string
		want error
	}{
		"nothing":             {"", failure.ErrEmpty},
		"comments":            {": ping\n\n: ping\n\n", failure.ErrEmpty},
		"done alone":          {"data: [DONE]\n\n", failure.ErrEmpty},
		"after created":       {sse(evCreated), failure.ErrTruncated},
		"after text":          {sse(evCreated, evHello), failure.ErrTruncated},
		"after whole items":   {sse(evCallDone), failure.ErrTruncated},
		"after text and DONE": {sse(evHello) + "data: [DONE]\n\n", failure.ErrTruncated},
		"within an event":     {sse(evHello) + "data: " + evDone[:len(evDone)-9], failure.ErrTruncated},
		"malformed event":     {sse(evHello, `{"type":"response.output_text.delta","delta":"a`, evDone), failure.ErrTruncated},
		"malformed text":      {sse(evHello, `{"type":"response.output_text.delta","delta":"\ud8z"}`, evDone), failure.ErrTruncated},
		"malformed items":     {sse(evHello, `{"type":"response.completed","response":{"output":[{"type":}]}}`), failure.ErrTruncated},
	} {
		t.Run(name, func(t *testing.T) {
			got := ask(t, serveResponses(t, "text/event-stream", test.body).model("gpt-5"), say("hi"), true)
			if !errors.Is(got.err, test.want) {
				t.Errorf("got %v, %v; want %v", got.final, got.err, test.want)
			}
		})
	}
}

// An error within a stream, or in a 200, means what it would mean with its status.
func TestResponsesErrorsInBand(t *testing.T) {
	failed := func(err string) string {
		return sse(evCreated, evHello, `{"type":"response.failed","response":{"status":"failed","model":"m-1","output":[],"error":`+err+`}}`)
	}
	for name, test := range map[string]struct {
		body   string
		unary  bool
		action failure.Action
		kind   failure.Kind
	}{
		"failed, server":             {body: failed(`{"code":"server_error","message":"The server had an error."}`), action: failure.Retry, kind: failure.KindServer},
		"failed, rate limit":         {body: failed(`{"code":"rate_limit_exceeded","message":"Rate limit reached for gpt-5 in organization org-x on tokens per min (TPM): Limit 30000. Please try again in 1.5s."}`), action: failure.Retry, kind: failure.KindRateLimit},
		"failed, prompt":             {body: failed(`{"code":"invalid_prompt","message":"Your prompt was flagged."}`), action: failure.Fail, kind: failure.KindContent},
		"failed without a reason":    {body: failed(`null`), action: failure.Retry, kind: failure.KindServer},
		"cancelled":                  {body: sse(evHello, `{"type":"response.cancelled","response":{"status":"cancelled"}}`), action: failure.Retry, kind: failure.KindServer},
		"status failed":              {body: sse(evHello, `{"type":"response.completed","response":{"status":"failed","error":{"code":"server_error","message":"x"}}}`), action: failure.Retry, kind: failure.KindServer},
		"flat error":                 {body: sse(evHello, `{"type":"error","code":"rate_limit_exceeded","message":"Rate limit reached","param":null,"sequence_number":3}`), action: failure.Retry, kind: failure.KindRateLimit},
		"nested error":               {body: sse(evHello, `{"type":"error","sequence_number":2,"error":{"type":"insufficient_quota","code":"insufficient_quota","message":"You exceeded your current quota.","param":null}}`), action: failure.Fallback, kind: failure.KindBilling},
		"error, then failed":         {body: sse(`{"type":"error","error":{"type":"server_error","code":"server_error","message":"x"}}`, `{"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"x"}}}`), action: failure.Retry, kind: failure.KindServer},
		"error without a code":       {body: sse(`{"type":"error","code":null,"message":"An error occurred while processing your request. You can retry your request.","param":null}`), action: failure.Retry, kind: failure.KindServer},
		"event name alone":           {body: "event: error\ndata: {\"code\":\"server_error\",\"message\":\"x\"}\n\n", action: failure.Retry, kind: failure.KindServer},
		"error without a type":       {body: sse(evHello, `{"error":{"message":"overloaded","code":503}}`), action: failure.Retry, kind: failure.KindOverloaded},
		"words":                      {body: "event: error\ndata: upstream connect error: 503 Service Unavailable\n\n", action: failure.Retry, kind: failure.KindOverloaded},
		"plain words":                {body: "upstream timed out\n", action: failure.Fallback, kind: failure.KindTimeout},
		"words as data":              {body: "data: 503 Service Unavailable\n\n", action: failure.Retry, kind: failure.KindOverloaded},
		"error body without framing": {body: `{"error":{"message":"Rate limit reached","type":"requests","code":"rate_limit_exceeded"}}`, action: failure.Retry, kind: failure.KindRateLimit},
		"unary error":                {body: `{"error":{"code":502,"message":"Provider returned error"}}`, unary: true, action: failure.Retry, kind: failure.KindServer},
		"unary, byte order mark":     {body: "\ufeff" + `{"error":{"code":502,"message":"Provider returned error"}}`, unary: true, action: failure.Retry, kind: failure.KindServer},
		"unary failed":               {body: `{"status":"failed","output":[],"error":{"code":"server_error","message":"x"}}`, unary: true, action: failure.Retry, kind: failure.KindServer},
		"unary, still going on":      {body: `{"status":"in_progress","output":[]}`, unary: true, action: failure.Retry, kind: failure.KindTruncated},
		"unary, cut":                 {body: `{"status":"completed","output":[{"type":"mess`, unary: true, action: failure.Retry, kind: failure.KindTruncated},
		"unary, empty":               {body: ``, unary: true, action: failure.Retry, kind: failure.KindEmpty},
		"unary, array":               {body: `[{"error":{"code":429,"message":"Resource exhausted","status":"RESOURCE_EXHAUSTED"}}]`, unary: true, action: failure.Retry, kind: failure.KindRateLimit},
	} {
		t.Run(name, func(t *testing.T) {
			kind := "text/event-stream"
			if test.unary {
				kind = "application/json"
			}
			got := ask(t, serveResponses(t, kind, test.body).model("gpt-5"), say("hi"), !test.unary)
			if got.err == nil {
				t.Fatalf("got an answer: %v", told(got.final.Content.Parts...))
			}
			if v := failure.Classify(got.err); v.Action != test.action || v.Kind != test.kind {
				t.Errorf("%v: got %s %s, want %s %s", got.err, v.Action, v.Kind, test.action, test.kind)
			}
		})
	}
}

// B56: a consumer that stops closes the stream.
func TestResponsesConsumerStops(t *testing.T) {
	closed := make(chan struct{})
	s := serveResponses(t, "text/event-stream", "")
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(closed)
		_, _ = io.Copy(io.Discard, r.Body) // else the server does not notice that the client has gone
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte(sse(evHello)))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	for resp, err := range s.model("gpt-5").GenerateContent(t.Context(), say("hi"), true) {
		if err != nil || !resp.Partial {
			t.Errorf("got %v, %v", resp, err)
		}
		break
	}
	<-closed
}

// A server that keeps the connection open behind the last event delays nobody for
// long.
func TestResponsesLingeringServer(t *testing.T) {
	s := serveResponses(t, "text/event-stream", "")
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte(sse(evHello, evDone)))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	started := time.Now()
	got := ask(t, s.model("gpt-5"), say("hi"), true)
	if took := time.Since(started); got.err != nil || took > 5*time.Second {
		t.Errorf("got %v after %v", got.err, took)
	}
}

func TestResponsesUsage(t *testing.T) {
	for name, test := range map[string]struct {
		usage string
		want  *genai.GenerateContentResponseUsageMetadata
	}{
		"reasoning within the output": {
			`{"input_tokens":7,"input_tokens_details":{"cached_tokens":2},"output_tokens":5,"output_tokens_details":{"reasoning_tokens":3},"total_tokens":12}`,
			&genai.GenerateContentResponseUsageMetadata{PromptTokenCount: 7, CachedContentTokenCount: 2, CandidatesTokenCount: 2, ThoughtsTokenCount: 3, TotalTokenCount: 12},
		},
		"reasoning beside the output": {
			`{"input_tokens":7,"output_tokens":5,"output_tokens_details":{"reasoning_tokens":3},"total_tokens":15}`,
			&genai.GenerateContentResponseUsageMetadata{PromptTokenCount: 7, CandidatesTokenCount: 5, ThoughtsTokenCount: 3, TotalTokenCount: 15},
		},
		"no total, no details": {
			`{"input_tokens":7,"output_tokens":5,"input_tokens_details":null}`,
			&genai.GenerateContentResponseUsageMetadata{PromptTokenCount: 7, CandidatesTokenCount: 5, TotalTokenCount: 12},
		},
		"none": {`null`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := ask(t, serveResponses(t, "application/json", `{"status":"completed","output":[`+messageItem("x")+`],"usage":`+test.usage+`}`).model("gpt-5"), say("hi"), false)
			if got.err != nil {
				t.Fatal(got.err)
			}
			if u := got.final.UsageMetadata; (u == nil) != (test.want == nil) || u != nil && (u.PromptTokenCount != test.want.PromptTokenCount ||
				u.CachedContentTokenCount != test.want.CachedContentTokenCount || u.CandidatesTokenCount != test.want.CandidatesTokenCount ||
				u.ThoughtsTokenCount != test.want.ThoughtsTokenCount || u.TotalTokenCount != test.want.TotalTokenCount) {
				t.Errorf("got %+v, want %+v", u, test.want)
			}
		})
	}
}

func TestResponsesLogprobsAndCitations(t *testing.T) {
	body := sse(
		`{"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":"Hé","logprobs":[{"token":"Hé","logprob":-0.5,"bytes":[72],"top_logprobs":[{"token":"Ho","logprob":-1.5}]}]}`,
		completed(`{"type":"message","id":"msg_1","content":[{"type":"output_text","text":"Hé","logprobs":[{"token":"Hé","logprob":-0.0,"top_logprobs":[]}],"annotations":[{"type":"file_citation","file_id":"f"}]},{"type":"output_text","text":" you","logprobs":[{"token":" you","logprob":-1.5}],"annotations":[{"type":"url_citation","url":"https://example.com/a","title":"A","start_index":1,"end_index":4}]}]}`))
	got := ask(t, serveResponses(t, "text/event-stream", body).model("gpt-4o"), say("hi"), true)
	if got.err != nil {
		t.Fatal(got.err)
	}
	if probabilities := got.final.LogprobsResult; len(probabilities.ChosenCandidates) != 2 || probabilities.ChosenCandidates[1].Token != " you" {
		t.Errorf("got %+v", probabilities)
	}
	if len(got.final.CitationMetadata.Citations) != 1 {
		t.Fatalf("citations: %+v", got.final.CitationMetadata)
	}
	if c := got.final.CitationMetadata.Citations[0]; c.URI != "https://example.com/a" || c.Title != "A" || c.StartIndex != 3 || c.EndIndex != 6 {
		t.Errorf("got %+v", c)
	}
}
