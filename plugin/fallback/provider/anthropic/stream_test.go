package anthropic_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/anthropic"
)

// events writes each line as the data of an event, with the name that is its type.
func events(data ...string) string {
	var b strings.Builder
	for _, d := range data {
		_, kind, _ := strings.Cut(d, `"type":"`)
		kind, _, _ = strings.Cut(kind, `"`)
		fmt.Fprintf(&b, "event: %s\ndata: %s\n\n", kind, d)
	}
	return b.String()
}

const (
	start   = `{"type":"message_start","message":{"type":"message","model":"claude-x","content":[],"stop_reason":null,"usage":{"input_tokens":10,"cache_read_input_tokens":5,"cache_creation_input_tokens":2,"output_tokens":1}}}`
	ping    = `{"type":"ping"}`
	text0   = `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`
	stop0   = `{"type":"content_block_stop","index":0}`
	ended   = `{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":9,"output_tokens_details":{"thinking_tokens":4}}}`
	stopped = `{"type":"message_stop"}`
)

func piece(index int, kind, key, text string) string {
	return fmt.Sprintf(`{"type":"content_block_delta","index":%d,"delta":{"type":%q,%q:%q}}`, index, kind, key, text)
}

func begin(index int, block string) string {
	return fmt.Sprintf(`{"type":"content_block_start","index":%d,"content_block":%s}`, index, block)
}

func ends(reason string) string {
	return fmt.Sprintf(`{"type":"message_delta","delta":{"stop_reason":%q},"usage":{"output_tokens":9}}`, reason)
}

// Every body is served in writes of 1, 7 and 97 bytes and whole, so that letters,
// line ends and JSON are split, and once to a caller that wants no stream.
func eachWrite(t *testing.T, body string, check func(t *testing.T, s *server, stream bool)) {
	t.Helper()
	for _, n := range []int{1, 7, 97, 0} {
		t.Run(fmt.Sprintf("%d bytes a write", n), func(t *testing.T) { check(t, serve(t, reply{body: body, write: n}), true) })
	}
	t.Run("unary", func(t *testing.T) { check(t, serve(t, reply{body: body, kind: "text/event-stream"}), false) })
}

func TestStream(t *testing.T) {
	hello := []string{start, text0, ping, piece(0, "text_delta", "text", "Hé"), piece(0, "text_delta", "text", "llo ☂"), stop0, ended, stopped}
	helloParts := []*genai.Part{{Text: "Héllo ☂"}}
	for _, c := range []struct {
		name   string
		body   string
		parts  []*genai.Part
		finish genai.FinishReason
		code   string
	}{
		{"text", events(hello...), helloParts, genai.FinishReasonStop, ""},
		{"CRLF", strings.ReplaceAll(events(hello...), "\n", "\r\n"), helloParts, genai.FinishReasonStop, ""},
		{"no names of events, comments, unknown events", ": hi\n\n" + strings.ReplaceAll(events(append([]string{`{"type":"tomorrow","x":[{"y":"}"}]}`}, hello...)...), "event:", ":"),
			helloParts, genai.FinishReasonStop, ""},
		{"the last event is unterminated", strings.TrimRight(events(hello...), "\n"), helloParts, genai.FinishReasonStop, ""},
		{"no message_stop", events(hello[:len(hello)-1]...), helloParts, genai.FinishReasonStop, ""},
		{"a mark of another protocol", events(hello...) + "data: [DONE]\n\n", helloParts, genai.FinishReasonStop, ""},
		{"no pings, no beginning of the block, text in the beginning", events(start, piece(0, "text_delta", "text", "a"), begin(1, `{"type":"text","text":"b"}`), ends("stop_sequence"), stopped),
			[]*genai.Part{{Text: "a"}, {Text: "b"}}, genai.FinishReasonStop, ""},
		{"thinking with a signature, redacted, a call", events(start,
			begin(0, `{"type":"thinking","thinking":"","signature":""}`), piece(0, "thinking_delta", "thinking", "hm"), piece(0, "signature_delta", "signature", "c2ln"), stop0,
			begin(1, `{"type":"redacted_thinking","data":"xx"}`),
			begin(2, `{"type":"tool_use","id":"t","name":"f","input":{}}`), piece(2, "input_json_delta", "partial_json", `{"a": "☂`), piece(2, "input_json_delta", "partial_json", `"}`),
			ends("tool_use"), stopped),
			[]*genai.Part{
				{Text: "hm", Thought: true, ThoughtSignature: request.Seal("anthropic", []byte("thinking/c2ln"))},
				{Thought: true, ThoughtSignature: request.Seal("anthropic", []byte("redacted_thinking/xx"))},
				{FunctionCall: &genai.FunctionCall{ID: "t", Name: "f", Args: map[string]any{"a": "☂"}}},
			}, genai.FinishReasonStop, ""},
		{"thinking whose text is left out", events(start, begin(0, `{"type":"thinking","thinking":"","signature":""}`), piece(0, "signature_delta", "signature", "s"),
			begin(1, `{"type":"text","text":"x"}`), ends("end_turn"), stopped),
			[]*genai.Part{{Thought: true, ThoughtSignature: request.Seal("anthropic", []byte("thinking/s"))}, {Text: "x"}}, genai.FinishReasonStop, ""},
		{"parallel calls without arguments, and with all at once", events(start,
			begin(0, `{"type":"tool_use","id":"1","name":"f","input":{}}`), piece(0, "input_json_delta", "partial_json", ""), stop0,
			begin(1, `{"type":"tool_use","id":"2","name":"f","input":{"x":1}}`), ends("tool_use"), stopped),
			[]*genai.Part{
				{FunctionCall: &genai.FunctionCall{ID: "1", Name: "f", Args: map[string]any{}}},
				{FunctionCall: &genai.FunctionCall{ID: "2", Name: "f", Args: map[string]any{"x": 1.0}}},
			}, genai.FinishReasonStop, ""},
		{"input that the limit cut is no call", events(start, begin(0, `{"type":"text","text":"a"}`), begin(1, `{"type":"tool_use","id":"1","name":"f","input":{}}`),
			piece(1, "input_json_delta", "partial_json", `{"x": "`), ends("max_tokens"), stopped),
			[]*genai.Part{{Text: "a"}}, genai.FinishReasonMaxTokens, ""},
		{"a call that the limit cut before its first argument", events(start, begin(0, `{"type":"tool_use","id":"1","name":"f","input":{}}`), piece(0, "input_json_delta", "partial_json", ""), stop0,
			begin(1, `{"type":"tool_use","id":"2","name":"g","input":{}}`), piece(1, "input_json_delta", "partial_json", ""), ends("max_tokens"), stopped),
			[]*genai.Part{{FunctionCall: &genai.FunctionCall{ID: "1", Name: "f", Args: map[string]any{}}}}, genai.FinishReasonMaxTokens, ""},
		{"a call without arguments before the limit", events(start, begin(0, `{"type":"tool_use","id":"1","name":"f","input":{}}`), piece(0, "input_json_delta", "partial_json", "{}"), stop0, ends("max_tokens"), stopped),
			[]*genai.Part{{FunctionCall: &genai.FunctionCall{ID: "1", Name: "f", Args: map[string]any{}}}}, genai.FinishReasonMaxTokens, ""},
		{"input that is no object", events(start, begin(1, `{"type":"tool_use","id":"1","name":"f","input":{}}`), piece(1, "input_json_delta", "partial_json", `[1]`), ends("tool_use"), stopped),
			nil, genai.FinishReasonMalformedFunctionCall, "MALFORMED_FUNCTION_CALL"},
		{"the window is full", events(start, begin(0, `{"type":"text","text":"a"}`), ends("model_context_window_exceeded"), stopped), []*genai.Part{{Text: "a"}}, genai.FinishReasonMaxTokens, ""},
		{"tools that the provider runs, and unknown blocks", events(start,
			begin(0, `{"type":"server_tool_use","id":"s","name":"web_search","input":{}}`), piece(0, "input_json_delta", "partial_json", `{"q":1}`), stop0,
			begin(1, `{"type":"web_search_tool_result","tool_use_id":"s","content":[{"type":"web_search_result","title":"t"}],"citations":{"enabled":true}}`),
			begin(2, `{"type":"compaction","content":null}`), piece(2, "compaction_delta", "content", "c"), begin(3, `{"type":"fallback"}`),
			begin(4, `{"type":"text","text":"a"}`), ends("end_turn"), stopped),
			[]*genai.Part{{Text: "a"}}, genai.FinishReasonStop, ""},
		{"a pause", events(start, begin(0, `{"type":"text","text":"a"}`), ends("pause_turn"), stopped), []*genai.Part{{Text: "a"}}, genai.FinishReasonOther, "OTHER"},
		{"nothing to add to results of tools", events(start, ends("end_turn"), stopped), nil, genai.FinishReasonStop, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachWrite(t, c.body, func(t *testing.T, s *server, stream bool) {
				partial, final, err := ask(t, newModel(t, s, "claude-x", anthropic.Config{}), says("hi"), stream)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.parts, final.Content.Parts); diff != "" {
					t.Errorf("parts (-want +got):\n%s", diff)
				}
				if final.FinishReason != c.finish || final.ErrorCode != c.code || !final.TurnComplete || final.ModelVersion != "claude-x" {
					t.Errorf("%s, %q, complete %v, of %q", final.FinishReason, final.ErrorCode, final.TurnComplete, final.ModelVersion)
				}
				var text, thoughts string
				for _, p := range c.parts {
					if p.Thought {
						thoughts += p.Text
					} else {
						text += p.Text
					}
				}
				gotText, gotThoughts := texts(partial)
				if stream && (gotText != text || gotThoughts != thoughts) {
					t.Errorf("streamed %q and %q, want %q and %q", gotText, gotThoughts, text, thoughts)
				}
				if !stream && len(partial) > 0 {
					t.Errorf("%d partial responses without a stream", len(partial))
				}
			})
		})
	}
}

// A content type that says JSON does not spoil a stream, nor does a byte order
// mark spoil an answer. An event of a kind to come may have any words.
func TestMislabelledAnswers(t *testing.T) {
	for name, r := range map[string]reply{
		"stream":          {kind: "application/json", body: events(start, text0, piece(0, "text_delta", "text", "ok"), ended, stopped)},
		"comment first":   {kind: "application/json", body: ": hi\n\n" + events(start, text0, piece(0, "text_delta", "text", "ok"), ended, stopped)},
		"byte order mark": {kind: "application/json", body: "\ufeff" + done},
		"unknown event":   {body: events(start, `{"type":"notice","message":"x","detail":"y"}`, text0, piece(0, "text_delta", "text", "ok"), ended, stopped) + "event: later\ndata: {\"message\":\"x\"}\n\n"},
	} {
		_, final, err := ask(t, newModel(t, serve(t, r), "claude-x", anthropic.Config{}), says("hi"), true)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if text, _ := texts([]*model.LLMResponse{final}); text != "ok" || final.FinishReason != genai.FinishReasonStop {
			t.Errorf("%s: %q, %s", name, text, final.FinishReason)
		}
	}
}

// B108: what holds no content yields nothing.
func TestOnlyContentIsPartial(t *testing.T) {
	s := serve(t, reply{body: events(start, ping, text0, piece(0, "text_delta", "text", ""), ping, piece(0, "text_delta", "text", "a"), stop0,
		begin(1, `{"type":"thinking","thinking":""}`), piece(1, "signature_delta", "signature", "s"), begin(2, `{"type":"tool_use","id":"1","name":"f","input":{}}`), ends("tool_use"), stopped)})
	partial, _, err := ask(t, newModel(t, s, "claude-x", anthropic.Config{}), says("hi"), true)
	if err != nil || len(partial) != 1 || partial[0].ModelVersion != "claude-x" || partial[0].UsageMetadata.PromptTokenCount != 17 {
		t.Errorf("%d partial responses, %v: %+v", len(partial), err, partial)
	}
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		name string
		body string
		want genai.GenerateContentResponseUsageMetadata
	}{
		{"what the end does not say stays", events(start, ended, stopped),
			genai.GenerateContentResponseUsageMetadata{PromptTokenCount: 17, CachedContentTokenCount: 5, CandidatesTokenCount: 5, ThoughtsTokenCount: 4, TotalTokenCount: 26}},
		{"input grows", events(start, `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":100,"cache_read_input_tokens":50,"cache_creation_input_tokens":0,"output_tokens":9}}`, stopped),
			genai.GenerateContentResponseUsageMetadata{PromptTokenCount: 150, CachedContentTokenCount: 50, CandidatesTokenCount: 9, TotalTokenCount: 159}},
		{"a zero at the end", events(start, `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":0,"output_tokens":9}}`, `{"type":"message_delta","delta":{},"usage":null}`, stopped),
			genai.GenerateContentResponseUsageMetadata{PromptTokenCount: 17, CachedContentTokenCount: 5, CandidatesTokenCount: 9, TotalTokenCount: 26}},
		{"in one piece", `{"type":"message","content":[],"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":4}}`,
			genai.GenerateContentResponseUsageMetadata{PromptTokenCount: 3, CandidatesTokenCount: 4, TotalTokenCount: 7}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, final, err := ask(t, newModel(t, serve(t, reply{body: c.body}), "claude-x", anthropic.Config{}), says("hi"), true)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&c.want, final.UsageMetadata); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	_, final, err := ask(t, newModel(t, serve(t, reply{body: `{"type":"message","content":[],"stop_reason":"end_turn"}`}), "claude-x", anthropic.Config{}), says("hi"), false)
	if err != nil || final.UsageMetadata != nil {
		t.Errorf("usage that the server has not told: %+v, %v", final, err)
	}
}

func TestCitations(t *testing.T) {
	body := events(start, begin(0, `{"type":"text","text":"é "}`), begin(1, `{"type":"text","text":"","citations":[]}`),
		`{"type":"content_block_delta","index":1,"delta":{"type":"citations_delta","citation":{"type":"web_search_result_location","url":"https://x","title":"X","cited_text":"{"}}}`,
		piece(1, "text_delta", "text", "abc"), ends("end_turn"), stopped)
	_, final, err := ask(t, newModel(t, serve(t, reply{body: body}), "claude-x", anthropic.Config{}), says("hi"), true)
	if err != nil {
		t.Fatal(err)
	}
	want := &genai.CitationMetadata{Citations: []*genai.Citation{{StartIndex: 3, EndIndex: 6, URI: "https://x", Title: "X"}}}
	if diff := cmp.Diff(want, final.CitationMetadata); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A refusal has status 200. What the model had begun to say is not the answer.
func TestRefusal(t *testing.T) {
	const details = `{"type":"refusal","category":"cyber","explanation":"This is not for me.","recommended_model":"claude-opus-4-8"}`
	for name, body := range map[string]string{
		"in a stream": events(start, begin(0, `{"type":"thinking","thinking":"hm","signature":"s"}`), begin(1, `{"type":"text","text":"Well, "}`), begin(2, `{"type":"tool_use","id":"1","name":"f","input":{}}`),
			`{"type":"message_delta","delta":{"stop_reason":"refusal","stop_details":`+details+`},"usage":{"output_tokens":3}}`, stopped),
		"in one piece": `{"type":"message","model":"claude-x","content":[{"type":"text","text":"Well"}],"stop_reason":"refusal","stop_details":` + details + `,"usage":{"input_tokens":1,"output_tokens":3}}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, final, err := ask(t, newModel(t, serve(t, reply{body: body}), "claude-x", anthropic.Config{}), says("hi"), true)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range final.Content.Parts {
				if !part.Thought {
					t.Errorf("the final answer has %+v", part)
				}
			}
			if final.FinishReason != genai.FinishReasonSafety || final.ErrorCode != "SAFETY" || final.ErrorMessage != "This is not for me." ||
				final.CustomMetadata[anthropic.RecommendedModelKey] != "claude-opus-4-8" || final.UsageMetadata == nil {
				t.Errorf("%+v", final)
			}
			if v, bad := failure.ClassifyResponse(final, failure.Expect{}); !bad || v.Kind != failure.KindContent {
				t.Errorf("%+v", v)
			}
		})
	}
}

// B54: an answer without its end is a failure, never a short success.
func TestCutAnswers(t *testing.T) {
	whole := events(start, text0, piece(0, "text_delta", "text", "abc"), ended, stopped)
	for _, c := range []struct {
		name string
		body string
		kind string
		want error
	}{
		{"at the border of an event", whole[:strings.Index(whole, "event: message_delta")], "", failure.ErrTruncated},
		{"within an event", whole[:strings.Index(whole, "end_turn")], "", failure.ErrTruncated},
		{"no stop reason", events(start, text0, piece(0, "text_delta", "text", "abc"), stopped), "", failure.ErrTruncated},
		{"damaged in the middle", strings.Replace(whole, `{"type":"content_block_delta"`, `{"type" "content_block_delta"`, 1), "", failure.ErrTruncated},
		{"nothing", ": \n\n", "text/event-stream", failure.ErrEmpty},
		{"only pings", events(ping, ping), "", failure.ErrEmpty},
		{"JSON that is cut", done[:len(done)-20], "", failure.ErrTruncated},
		{"JSON without a stop reason", `{"type":"message","content":[{"type":"text","text":"a"}],"stop_reason":null}`, "", failure.ErrTruncated},
		{"an empty body", " ", "application/json", failure.ErrEmpty},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, stream := range []bool{true, false} {
				_, final, err := ask(t, newModel(t, serve(t, reply{body: c.body, kind: c.kind}), "claude-x", anthropic.Config{}), says("hi"), stream)
				if !errors.Is(err, c.want) || final != nil {
					t.Errorf("stream %v: %v and %+v, want %v", stream, err, final, c.want)
				}
			}
		})
	}
}

// A line that never ends takes no more memory than an answer may.
func TestLongLines(t *testing.T) {
	long := strings.Repeat("x", 17<<20)
	for name, r := range map[string]reply{
		"event":   {body: events(start) + "data: " + long},
		"unary":   {body: `{"x":"` + long},
		"content": {body: events(start, text0) + strings.Repeat(events(piece(0, "text_delta", "text", long[:1<<20])), 17)},
	} {
		_, final, err := ask(t, newModel(t, serve(t, r), "claude-x", anthropic.Config{}), says("hi"), true)
		if !errors.Is(err, failure.ErrTruncated) || !strings.Contains(err.Error(), "longer than 16 MiB") || final != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A consumer that stops ends the call: the connection is closed.
func TestConsumerStops(t *testing.T) {
	gone := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte(events(start, text0, piece(0, "text_delta", "text", "a"))))
		w.(http.Flusher).Flush()
		<-req.Context().Done()
		close(gone)
	}))
	defer s.Close()
	m := anthropic.MustNew("claude-x", anthropic.Config{BaseURL: s.URL})
	for range m.GenerateContent(t.Context(), says("hi"), true) {
		break
	}
	<-gone
}

// The caller's cancellation is its own error.
func TestCancellation(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte(events(start, text0, piece(0, "text_delta", "text", "a"))))
		w.(http.Flusher).Flush()
		<-req.Context().Done()
	}))
	defer s.Close()
	m := anthropic.MustNew("claude-x", anthropic.Config{BaseURL: s.URL})
	var last error
	for _, err := range m.GenerateContent(ctx, says("hi"), true) {
		last = err
		cancel()
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("%v", last)
	}
}
