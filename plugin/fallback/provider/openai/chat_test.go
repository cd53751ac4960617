package openai_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai"
)

func TestChatUsage(t *testing.T) {
	type usage = genai.GenerateContentResponseUsageMetadata
	for _, test := range []struct {
		name, body string
		want       *usage
	}{
		{"none", ``, nil},
		{"zeros", `,"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}`, nil},
		{"OpenAI", `,"usage":{"prompt_tokens":10,"completion_tokens":7,"total_tokens":17,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":5}}`,
			&usage{PromptTokenCount: 10, CachedContentTokenCount: 4, CandidatesTokenCount: 2, ThoughtsTokenCount: 5, TotalTokenCount: 17}},
		{"xAI counts reasoning apart", `,"usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":17,"completion_tokens_details":{"reasoning_tokens":5}}`,
			&usage{PromptTokenCount: 10, CandidatesTokenCount: 2, ThoughtsTokenCount: 5, TotalTokenCount: 17}},
		{"DeepSeek", `,"usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12,"prompt_cache_hit_tokens":8,"prompt_cache_miss_tokens":2}`,
			&usage{PromptTokenCount: 10, CachedContentTokenCount: 8, CandidatesTokenCount: 2, TotalTokenCount: 12}},
		{"Groq", `,"x_groq":{"usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12}}`, &usage{PromptTokenCount: 10, CandidatesTokenCount: 2, TotalTokenCount: 12}},
		{"no total, and numbers as text", `,"usage":{"prompt_tokens":"10","completion_tokens":2.0}`, &usage{PromptTokenCount: 10, CandidatesTokenCount: 2, TotalTokenCount: 12}},
		{"hostile", `,"usage":{"prompt_tokens":1e300,"completion_tokens":-4,"total_tokens":"NaN"}`, &usage{PromptTokenCount: 1<<31 - 1, TotalTokenCount: 1<<31 - 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := askChat(t, chatServer(t, 200, nil, `{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]`+test.body+`}`), false)
			if got.err != nil {
				t.Fatal(got.err)
			}
			if u := got.final.UsageMetadata; (u == nil) != (test.want == nil) || u != nil && fmt.Sprint(*u) != fmt.Sprint(*test.want) {
				t.Errorf("got %+v, want %+v", u, test.want)
			}
		})
	}
}

func TestChatLogprobsAndCitations(t *testing.T) {
	got := askChat(t, chatServer(t, 200, nil, chatSSE(
		`{"choices":[{"delta":{"content":"a","annotations":[{"type":"url_citation","url_citation":{"url":"https://a.example","title":"A","start_index":1,"end_index":3}},{"type":"other"}]},"logprobs":{"content":[{"token":"a","logprob":-1,"top_logprobs":[{"token":"a","logprob":-1},{"token":"b","logprob":-2}]}]}}]}`,
		`{"choices":[{"delta":{"content":"b"},"logprobs":{"content":[{"token":"b","logprob":-2,"top_logprobs":[]}]},"finish_reason":"stop"}]}`,
	)), true)
	if got.err != nil {
		t.Fatal(got.err)
	}
	result := got.final.LogprobsResult
	if got.final.AvgLogprobs != -1.5 || len(result.ChosenCandidates) != 2 || result.ChosenCandidates[1].LogProbability != -2 ||
		len(result.TopCandidates) != 2 || result.TopCandidates[0].Candidates[1].Token != "b" || *result.LogProbabilitySum != -3 {
		t.Errorf("average %v, result %+v", got.final.AvgLogprobs, result)
	}
	citations := got.final.CitationMetadata.Citations
	if len(citations) != 1 || citations[0].URI != "https://a.example" || citations[0].Title != "A" || citations[0].EndIndex != 3 {
		t.Errorf("citations %+v", citations)
	}
}

// B108: what is no content is not shown.
func TestChatShowsContentOnly(t *testing.T) {
	stream := ": hi\n\n" + chatSSE(chatDelta(`{"role":"assistant","content":""}`), `{"choices":[]}`, `{"choices":[{"index":0,"delta":{"content":null,"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{}"}}]}}]}`,
		chatDelta(`{"content":"a"}`), chatFinish("tool_calls"))
	got := askChat(t, chatServer(t, 200, chatStreamHeader, stream), true)
	if got.partials != 1 || got.text != "a" || len(got.final.Content.Parts) != 2 {
		t.Errorf("%d partial responses with %q, final %q", got.partials, got.text, chatSaid(got.final))
	}
}

func TestChatConsumerStops(t *testing.T) {
	gone := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "data: "+chatDelta(`{"content":"a"}`)+"\n\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		close(gone)
	}))
	defer server.Close()
	for resp, err := range openai.MustNew("m", openai.Config{BaseURL: server.URL}).GenerateContent(t.Context(), &model.LLMRequest{Contents: genai.Text("hi")}, true) {
		if err != nil || !resp.Partial {
			t.Errorf("got %v, %v", resp, err)
		}
		break
	}
	<-gone
}

func TestChatCanceled(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "data: "+chatDelta(`{"content":"a"}`)+"\n\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for _, err := range openai.MustNew("m", openai.Config{BaseURL: server.URL}).GenerateContent(ctx, &model.LLMRequest{Contents: genai.Text("hi")}, true) {
		cancel()
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("ended with %v", last)
	}
}

func TestChatUnreachable(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	got := askChat(t, openai.MustNew("m", openai.Config{BaseURL: server.URL, APIKey: "key-of-the-test"}), true)
	if v := failure.Classify(got.err); v.Kind != failure.KindNetwork || strings.Contains(got.err.Error(), "key-of-the-test") {
		t.Errorf("%v is %s", got.err, v.Kind)
	}
}

// A key that is too short to be one cuts nothing out of what a server says.
func TestOnlyRealKeysAreRedacted(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(401)
		_, _ = io.WriteString(w, `{"error":{"message":"key k of the keys"}}`)
	}))
	defer server.Close()
	for key, want := range map[string]string{"k": "key k of the keys", "key k of": "[redacted] the keys"} {
		got := askChat(t, openai.MustNew("m", openai.Config{BaseURL: server.URL, APIKey: key}), true)
		if wire := (*openaiwire.Error)(nil); !errors.As(got.err, &wire) || wire.Message() != want {
			t.Errorf("with the key %q: %v, want %q", key, got.err, want)
		}
	}
}

// A line of 10 MiB is read; a longer answer than 16 MiB is not, and takes bounded
// memory.
func TestChatLongLines(t *testing.T) {
	const most = 256 << 20
	for _, stream := range []bool{true, false} {
		body := func(size int) string {
			text := strings.Repeat("x", size)
			if stream {
				return chatSSE(chatDelta(`{"content":"`+text+`"}`), chatFinish("stop"))
			}
			return `{"choices":[{"message":{"content":"` + text + `"},"finish_reason":"stop"}]}`
		}
		got := askChat(t, chatServer(t, 200, nil, body(10<<20)), stream)
		if got.err != nil || len(got.final.Content.Parts[0].Text) != 10<<20 {
			t.Errorf("stream %v: %v", stream, got.err)
		}
		m := chatServer(t, 200, nil, body(40<<20))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got = askChat(t, m, stream)
		runtime.ReadMemStats(&after)
		if !errors.Is(got.err, failure.ErrTruncated) {
			t.Errorf("stream %v: 40 MiB end in %v", stream, got.err)
		}
		if memory := after.TotalAlloc - before.TotalAlloc; memory > most {
			t.Errorf("stream %v: %d bytes of memory", stream, memory)
		}
	}
}

// BenchmarkChat asks over loopback.
func BenchmarkChat(b *testing.B) {
	chunks := make([]string, 64)
	for i := range chunks {
		chunks[i] = `{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1762939965,"model":"v1","choices":[{"index":0,"delta":{"content":"hello "},"logprobs":null,"finish_reason":null}],"usage":null}`
	}
	for _, bench := range []struct {
		name, body string
		stream     bool
	}{
		{"unary", `{"id":"chatcmpl-1","model":"v1","choices":[{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":1,"total_tokens":6}}`, false},
		{"stream", chatSSE(append(chunks, chatFinish("stop"))...), true},
	} {
		b.Run(bench.name, func(b *testing.B) {
			m := chatServer(b, 200, nil, bench.body)
			b.ReportAllocs()
			for b.Loop() {
				for _, err := range m.GenerateContent(b.Context(), &model.LLMRequest{Contents: genai.Text("hi")}, bench.stream) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(len(bench.body)), "answer-bytes")
		})
	}
}
