package openaiwire_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/internal/sse"
)

func pointer[T any](v T) *T { return &v }

// full has every field.
func full() *openaiwire.Chat {
	return &openaiwire.Chat{
		Model: "m",
		Messages: []openaiwire.ChatMessage{
			{Role: "system", Content: openaiwire.ChatContent{Text: "be \"brief\"\n\t\\ <>& \u2028 😊 \x01"}, Name: "n"},
			{Role: "user", Content: openaiwire.ChatContent{Parts: []openaiwire.ChatPart{
				{Type: "text", Text: "look"}, {Type: "image_url", ImageURL: &openaiwire.ChatImage{URL: "https://a/b.png", Detail: "low"}},
				{Type: "input_audio", InputAudio: &openaiwire.ChatAudio{Data: "AAAA", Format: "wav"}},
				{Type: "file", File: &openaiwire.ChatFile{FileID: "f", Filename: "a.pdf", FileData: "data:application/pdf;base64,AAAA"}},
			}}},
			{
				Role: "assistant", Content: openaiwire.ChatContent{Null: true}, Reasoning: pointer("r"), ReasoningContent: pointer(""), ReasoningDetails: json.RawMessage(`[{"a":1}]`),
				ToolCalls: []openaiwire.ChatToolCall{{ID: "c", Function: openaiwire.ChatFunction{Name: "f", Arguments: `{"a":"b"}`}, ExtraContent: json.RawMessage(`{"google":{}}`)}},
			},
			{Role: "tool", ToolCallID: "c", Content: openaiwire.ChatContent{Text: "{}"}},
		},
		MaxTokens: pointer[int64](1), MaxCompletionTokens: pointer[int64](2), Temperature: pointer(0.7), TopP: pointer(1e-7), TopK: pointer[int64](3), N: pointer[int64](2), Stop: openaiwire.ChatStop{"a", "b"},
		PresencePenalty: pointer(0.0), FrequencyPenalty: pointer(-0.5), Seed: pointer[int64](0), RandomSeed: pointer[int64](9), Logprobs: true, TopLogprobs: 3,
		ReasoningEffort: "low", ResponseFormat: &openaiwire.ChatFormat{Type: "json_schema", JSONSchema: &openaiwire.ChatSchema{Name: "s", Description: "d", Schema: json.RawMessage(`{"type":"object"}`), Strict: true}},
		Modalities: []string{"text", "audio"}, Tools: []openaiwire.ChatTool{{Type: "function", Function: openaiwire.ChatDeclaration{Name: "f", Description: "d", Parameters: json.RawMessage(`{"type":"object"}`), Strict: true}}},
		ToolChoice: openaiwire.ForcedTool("f"), ParallelToolCalls: pointer(false), Metadata: map[string]string{"b": "2", "a": "1"}, Stream: true,
		StreamOptions: &openaiwire.ChatStreamOptions{IncludeUsage: true}, Extra: map[string]json.RawMessage{"prompt_cache_key": json.RawMessage(`"k"`), "chat_template_kwargs": json.RawMessage(`{"x":[1]}`)},
	}
}

// What is written is read again as it was: what a gateway gets, it hands on.
func TestChatRoundTrip(t *testing.T) {
	want := full()
	data := want.Append(nil)
	if !json.Valid(data) {
		t.Fatalf("not JSON: %s", data)
	}
	var got openaiwire.Chat
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, &got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestChatLeavesOutWhatIsNotSet(t *testing.T) {
	data := (&openaiwire.Chat{Model: "m", Messages: []openaiwire.ChatMessage{{Role: "user", Content: openaiwire.ChatContent{Text: "a\xffb"}}}}).Append(nil)
	if want := `{"model":"m","messages":[{"role":"user","content":"a` + "\uFFFD" + `b"}]}`; string(data) != want {
		t.Errorf("got %s, want %s", data, want)
	}
}

func TestChatReadsEitherForm(t *testing.T) {
	var got openaiwire.Chat
	err := json.Unmarshal([]byte(`{"model":"m","stop":"x","messages":[{"role":"assistant","content":null},{"role":"user","content":[]}],"tool_choice":"auto","UNKNOWN":1}`), &got)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Messages[0].Content.Null || got.Messages[1].Content.Parts == nil || len(got.Stop) != 1 || string(got.ToolChoice) != `"auto"` || string(got.Extra["UNKNOWN"]) != "1" {
		t.Errorf("read %+v", got)
	}
	if err := json.Unmarshal([]byte(`{"messages":{}}`), &got); err == nil {
		t.Error("messages that are no list are read")
	}
}

// agentRequest is what an agent in the middle of its work sends.
func agentRequest() *openaiwire.Chat {
	r := &openaiwire.Chat{Model: "gpt-4o", Temperature: pointer(0.5), Stream: true}
	for range 10 {
		r.Messages = append(r.Messages,
			openaiwire.ChatMessage{Role: "user", Content: openaiwire.ChatContent{Text: strings.Repeat("This is \"some\" text\nin lines. ", 10)}},
			openaiwire.ChatMessage{Role: "assistant", Content: openaiwire.ChatContent{Null: true}, ToolCalls: []openaiwire.ChatToolCall{{ID: "call_1", Function: openaiwire.ChatFunction{Name: "weather", Arguments: `{"city":"Paris"}`}}}},
			openaiwire.ChatMessage{Role: "tool", ToolCallID: "call_1", Content: openaiwire.ChatContent{Text: `{"sky":"clear"}`}})
	}
	for range 5 {
		r.Tools = append(r.Tools, openaiwire.ChatTool{Function: openaiwire.ChatDeclaration{Name: "weather", Description: "tells the weather of a city",
			Parameters: json.RawMessage(`{"type":"object","properties":{"city":{"type":"string","description":"the city"},"days":{"type":"integer"}},"required":["city"]}`)}})
	}
	return r
}

// BenchmarkEncode compares the encoder with package json on the same types, which
// also writes the fields that are not set.
func BenchmarkEncode(b *testing.B) {
	r := agentRequest()
	size := float64(len(r.Append(nil)))
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		b.ReportMetric(size, "request-bytes")
		for b.Loop() {
			r.Append(nil)
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(r); err != nil {
				b.Fatal(err)
			}
		}
	})
}

var benchChunk = []byte(`{"id":"chatcmpl-Cb1VVndPQ10wMqZ2h3wHvfsfsveiL","object":"chat.completion.chunk","created":1762939965,"model":"gpt-4o","service_tier":"default","system_fingerprint":null,"choices":[{"index":0,"delta":{"content":"hello\n"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"zcIC8hejx"}`)

// BenchmarkDecode compares the decoder of chunks with package json on a struct
// with the same fields.
func BenchmarkDecode(b *testing.B) {
	b.Run("scan", func(b *testing.B) {
		b.ReportAllocs()
		b.ReportMetric(float64(len(benchChunk)), "chunk-bytes")
		var a openaiwire.ChatAnswer
		for b.Loop() {
			if err := a.Decode(benchChunk); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var a openaiwire.ChatAnswer
			if err := json.Unmarshal(benchChunk, &a); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkStream reads a stream of 64 chunks.
func BenchmarkStream(b *testing.B) {
	var stream []byte
	for range 64 {
		stream = sse.AppendEvent(stream, "", benchChunk)
	}
	stream = sse.AppendDone(stream)
	b.ReportAllocs()
	b.ReportMetric(64, "chunks")
	for b.Loop() {
		r := sse.NewReader(bytes.NewReader(stream))
		var a openaiwire.ChatAnswer
		for {
			event, err := r.Next()
			if err != nil || event.Done() {
				break
			}
			if err := a.Decode(event.Data); err != nil {
				b.Fatal(err)
			}
		}
	}
}
