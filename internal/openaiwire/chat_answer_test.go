package openaiwire_test

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
)

// A field of another type than expected costs that field, not the answer.
func TestAnswerWithOddFields(t *testing.T) {
	const chunk = `{"id":7,"model":["x"],"created":"now","usage":"none","choices":[{"index":"0","finish_reason":{"a":1},"logprobs":3,"delta":{
		"role":null,"content":"text","refusal":false,"reasoning":{"x":1},"reasoning_details":"none","tool_calls":[null,"x",{"index":"a","id":5,"function":"f"}]}},null,"x"]}`
	var a openaiwire.ChatAnswer
	if err := a.Decode([]byte(chunk)); err != nil {
		t.Fatal(err)
	}
	if a.Failed != nil || a.Usage != nil || len(a.Choices) != 3 {
		t.Fatalf("read %+v", a)
	}
	delta := a.Choices[0].Delta
	if delta.Content == nil || *delta.Content != "text" || delta.Refusal != "" || delta.Reasoning != "" || delta.ReasoningDetails != nil {
		t.Errorf("the delta is %+v", delta)
	}
	want := []openaiwire.ChatCallDelta{{Index: -1, ID: "5"}}
	if diff := cmp.Diff(want, delta.ToolCalls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestAnswerReusesItsMemory(t *testing.T) {
	var a openaiwire.ChatAnswer
	decode := func(chunk string) {
		if err := a.Decode([]byte(chunk)); err != nil {
			t.Fatal(err)
		}
	}
	decode(`{"model":"m","choices":[{"index":0,"delta":{"content":"a","tool_calls":[{"index":0,"id":"c"}]},"finish_reason":"stop"}],"usage":{"prompt_tokens":5}}`)
	decode(`{"choices":[{"delta":{}}]}`)
	if a.Usage != nil || a.Choices[0].FinishReason != nil || a.Choices[0].Delta.Content != nil || len(a.Choices[0].Delta.ToolCalls) != 0 {
		t.Errorf("the second chunk has parts of the first: %+v", a.Choices[0])
	}
	chunk := []byte(`{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1762939965,"model":"m","choices":[{"index":0,"delta":{"content":"hello"},"logprobs":null,"finish_reason":null}],"usage":null}`)
	_ = a.Decode(chunk)
	if allocs := testing.AllocsPerRun(100, func() { _ = a.Decode(chunk) }); allocs > 1 {
		t.Errorf("a chunk of text takes %v allocations, more than its text", allocs)
	}
}

func TestAnswersThatAreErrors(t *testing.T) {
	for body, failed := range map[string]bool{
		`{"error":{"message":"x"}}`:                         true,
		`{"error":"x","choices":[]}`:                        true,
		`{"object":"error","message":"x"}`:                  true,
		`{"detail":"x"}`:                                    true,
		`{"message":"x"}`:                                   true,
		`{"errors":[{"message":"x"}]}`:                      true,
		`{"choices":[{"error":{"code":502}}]}`:              true,
		`{"x_groq":{"error":"over capacity"},"choices":[]}`: true,
		`{"error":null,"choices":[]}`:                       false,
		`{"error":{},"choices":[]}`:                         false,
		`{"error":"","choices":[]}`:                         false,
		`{"message":"x","choices":[]}`:                      false,
		`{"id":"x"}`:                                        false,
		`{}`:                                                false,
	} {
		var a openaiwire.ChatAnswer
		if err := a.Decode([]byte(body)); err != nil || (a.Failed != nil) != failed {
			t.Errorf("%s: failed %q, %v; want %v", body, a.Failed, err, failed)
		}
	}
}

func TestAnswerCutOff(t *testing.T) {
	const whole = `{"choices":[{"index":0,"delta":{"content":"a\"b"}}],"usage":{"prompt_tokens":5}}`
	for n := range len(whole) {
		var a openaiwire.ChatAnswer
		if err := a.Decode([]byte(whole[:n])); err == nil {
			t.Errorf("%s passed as whole", whole[:n])
		}
	}
}

func FuzzChatAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"choices":[{"index":0,"delta":{"content":[{"type":"thinking","thinking":[{"text":"a"}]},{"text":"b"}],"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{}"}}]}}]}`,
		`{"choices":[{"message":{"content":"\ud83d\ude0a","function_call":{"name":"f","arguments":{"a":1}}},"logprobs":{"content":[{"token":"a","logprob":-1}]}}],"usage":{"prompt_tokens":1e3}}`,
		`{"x_groq":{"usage":{}},"choices":[[{}]],"error":[]}`, `{"choices":[{"delta":{"content":"\x"}}]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var fresh, used openaiwire.ChatAnswer
		_ = used.Decode([]byte(`{"id":"a","model":"m","choices":[{"delta":{"role":"assistant","content":"x","tool_calls":[{"id":"c"}]},"finish_reason":"stop"}],"usage":{"total_tokens":1}}`))
		errFresh, errUsed := fresh.Decode(data), used.Decode(data)
		if (errFresh == nil) != (errUsed == nil) || len(fresh.Choices) != len(used.Choices) {
			t.Fatalf("%v and %d choices, with used memory %v and %d", errFresh, len(fresh.Choices), errUsed, len(used.Choices))
		}
		for i := range fresh.Choices {
			a, _ := json.Marshal(fresh.Choices[i])
			b, _ := json.Marshal(used.Choices[i])
			if utf8.Valid(data) && string(a) != string(b) && fresh.Choices[i].Part() != nil && fresh.Choices[i].Part().Role != "" {
				t.Fatalf("fresh %s, with used memory %s", a, b)
			}
		}
		var v any
		if json.Unmarshal(data, &v) == nil {
			if _, isObject := v.(map[string]any); isObject && errFresh != nil {
				t.Fatalf("valid JSON is refused: %v", errFresh)
			}
		}
	})
}
