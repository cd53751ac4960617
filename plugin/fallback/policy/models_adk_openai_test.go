//go:build !adkv1

package policy_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// openAI is a server of OpenAI's Responses API that answers "hi".
type openAI struct {
	usage      string // a JSON object; empty for none
	incomplete string // why the answer is not whole
	silent     bool   // nothing of the answer is text
	cut        bool   // a stream ends before its last event
	requests   atomic.Int64
}

func (s *openAI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	body, _ := io.ReadAll(r.Body)
	status, more := "completed", ""
	if s.usage != "" {
		more = `,"usage":` + s.usage
	}
	if s.incomplete != "" {
		status, more = "incomplete", more+`,"incomplete_details":{"reason":"`+s.incomplete+`"}`
	}
	response := func(status, more string) string {
		return `{"id":"r","object":"response","model":"gpt-4o","status":"` + status + `","output":[{"type":"message","id":"m","role":"assistant",` +
			`"status":"completed","content":[{"type":"output_text","text":"hi","annotations":[]}]}]` + more + `}`
	}
	if !strings.Contains(string(body), `"stream":true`) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, response(status, more))
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	send := func(event, data string) {
		_, _ = fmt.Fprintf(w, "event: %s\ndata: {\"type\":%q,%s}\n\n", event, event, data)
		w.(http.Flusher).Flush()
	}
	send("response.created", `"response":`+response("in_progress", ""))
	if !s.silent {
		// What is said of an ending does not end anything.
		send("response.output_text.delta", `"item_id":"m","output_index":0,"content_index":0,"delta":"hi","note":"response.completed"`)
	}
	if !s.cut {
		// Longer than what is read at once.
		send("response."+status, `"response":`+response(status, `,"instructions":"`+strings.Repeat("be brief ", 10_000)+`"`+more))
	}
}

// serve starts s, and returns the text of a policy's models with a gpt-4o there,
// at a dollar for a million tokens of output.
func (s *openAI) serve(t *testing.T) string {
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return "\nmodels: {gpt-4o: {base_url: '" + srv.URL + "', price: {input: 0, output: 1}}, b: {price: {input: 0, output: 0}}}"
}

var openAIKey = env(map[string]string{"OPENAI_API_KEY": "key"})

const (
	// 100,000 tokens, most of which are thoughts.
	spentUsage   = `{"input_tokens":7,"output_tokens":100000,"total_tokens":100007,"input_tokens_details":{"cached_tokens":3},"output_tokens_details":{"reasoning_tokens":90000}}`
	nothingUsage = `{"input_tokens":0,"output_tokens":0,"total_tokens":0,"input_tokens_details":{"cached_tokens":0},"output_tokens_details":{"reasoning_tokens":0}}`
)

// What OpenAI counted and why it ended gets through ADK's adapter, streamed or
// not: thoughts once, and nothing where nothing was counted.
func TestOpenAIAnswersTellHowTheyEnded(t *testing.T) {
	for _, streamed := range []bool{false, true} {
		for _, test := range []struct {
			name   string
			server *openAI
			counts bool
			reason genai.FinishReason
		}{
			{"whole", &openAI{usage: spentUsage}, true, genai.FinishReasonStop},
			{"cut at its bound", &openAI{usage: spentUsage, incomplete: "max_output_tokens"}, true, genai.FinishReasonMaxTokens},
			{"refused", &openAI{usage: spentUsage, incomplete: "content_filter"}, true, genai.FinishReasonSafety},
			{"no usage", &openAI{}, false, genai.FinishReasonStop},
			{"null", &openAI{usage: "null"}, false, genai.FinishReasonStop},
			{"a usage of nothing", &openAI{usage: nothingUsage}, false, genai.FinishReasonStop},
		} {
			got := ask(t.Context(), build(t, "primary: gpt-4o"+test.server.serve(t), openAIKey), streamed)
			if got.err != nil || got.text != "hi" || got.final.FinishReason != test.reason {
				t.Errorf("%s, streamed %v: %q, finish reason %q (%v); want %q", test.name, streamed, got.text, got.final.FinishReason, got.err, test.reason)
				continue
			}
			u := got.final.UsageMetadata
			if counts := u != nil; counts != test.counts {
				t.Errorf("%s, streamed %v: usage %+v", test.name, streamed, u)
			} else if counts && (u.PromptTokenCount != 7 || u.CachedContentTokenCount != 3 || u.CandidatesTokenCount != 10_000 || u.ThoughtsTokenCount != 90_000 || u.TotalTokenCount != 100_007) {
				t.Errorf("%s, streamed %v: usage %+v", test.name, streamed, u)
			}
		}
	}
}

// Each answer costs 0.10 USD, which is what is charged whatever the server tells
// of it. B78
func TestOpenAIAnswersAreChargedWhatTheyCost(t *testing.T) {
	for _, streamed := range []bool{false, true} {
		for name, server := range map[string]*openAI{
			"thoughts":           {usage: spentUsage},
			"cut at its bound":   {usage: spentUsage, incomplete: "max_output_tokens"},
			"no usage":           {},
			"a usage of nothing": {usage: nothingUsage},
		} {
			m := build(t, "primary: gpt-4o\nbudgets: {usd_per_day: 0.55, max_output_tokens: 100000}"+server.serve(t), openAIKey)
			for range 9 {
				askFor(t.Context(), m, streamed, asking(100_000))
			}
			if n := server.requests.Load(); n != 5 {
				t.Errorf("%s, streamed %v: %d answers of 0.10 USD under a budget of 0.55, want 5", name, streamed, n)
			}
		}
	}
}

// A stream that has no end, or an unknown one, is no answer. B54
func TestOpenAIStreamsThatDoNotEndFail(t *testing.T) {
	for name, server := range map[string]*openAI{
		"cut off":           {cut: true, usage: spentUsage},
		"not whole somehow": {incomplete: "a reason of tomorrow", usage: spentUsage},
	} {
		got := ask(t.Context(), build(t, "primary: gpt-4o\nfallbacks: [{name: b}]"+server.serve(t), openAIKey, named("b")), true)
		if got.text != "b" || got.md.FallbackModel != "b" {
			t.Errorf("%s: %q (%v)", name, got.text, got.err)
		}
	}
	got := ask(t.Context(), build(t, "primary: gpt-4o"+(&openAI{cut: true}).serve(t), openAIKey), true)
	if !errors.Is(got.err, failure.ErrTruncated) {
		t.Errorf("cut off: error %v, want %v", got.err, failure.ErrTruncated)
	}
}

// An answer that was all thoughts, of which ADK tells nothing, moves on and is
// paid for. B78
func TestOpenAIStreamsWithoutText(t *testing.T) {
	server := &openAI{silent: true, usage: spentUsage, incomplete: "max_output_tokens"}
	m := build(t, "primary: gpt-4o\nfallbacks: [{name: b}]\nbudgets: {usd_per_day: 0.15, max_output_tokens: 100000}"+server.serve(t), openAIKey, named("b"))
	for call, want := range []string{"MAX_TOKENS", ""} {
		got := ask(t.Context(), m, true)
		if got.text != "b" || want != "" && got.md.ErrorCode != want {
			t.Errorf("call %d: %q, error code %s (%v)", call, got.text, got.md.ErrorCode, got.err)
		}
	}
	if n := server.requests.Load(); n != 1 {
		t.Errorf("%d answers of 0.10 USD under a budget of 0.15, want 1", n)
	}
	alone := build(t, "primary: gpt-4o"+(&openAI{silent: true, incomplete: "content_filter"}).serve(t), openAIKey)
	for resp, err := range alone.GenerateContent(t.Context(), &model.LLMRequest{Contents: genai.Text("hello")}, true) {
		if err != nil || resp.ErrorCode != string(genai.FinishReasonSafety) {
			t.Errorf("a refusal without a word: error code %q (%v)", resp.ErrorCode, err)
		}
	}
}

// Conditions and the cache know the end of a stream, too. B85
func TestOpenAIStreamsAreJudgedAndKept(t *testing.T) {
	cut := &openAI{usage: spentUsage, incomplete: "max_output_tokens"}
	m := build(t, "primary: gpt-4o\nfallbacks: [{name: b, condition: \"finish_reason == 'MAX_TOKENS'\"}]"+cut.serve(t), openAIKey, named("b"))
	if got := ask(t.Context(), m, true); got.text != "b" {
		t.Errorf("an answer that was cut: %q (%v), want that of b", got.text, got.err)
	}
	for _, server := range []*openAI{{usage: spentUsage}, cut} {
		server.requests.Store(0)
		l, err := policy.NewLive(t.Context(), parsed(t, "primary: gpt-4o\ncache: {}"+server.serve(t)), quiet, openAIKey)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ask(t.Context(), l.Model(), true)
		hit := ask(t.Context(), l.Model(), true).md.CacheStatus == call.CacheHit
		if whole := server.incomplete == ""; hit != whole {
			t.Errorf("incomplete %q: the second call was a hit: %v", server.incomplete, hit)
		}
	}
}

// What the SDK drops of a failure in another envelope than OpenAI's, such as that
// of Google's endpoint for it, the transport keeps. B33, B35
func TestOpenAIModelsKeepWhatFailuresSay(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"quota","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure",`+
			`"violations":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}]}}]`)
	}))
	defer srv.Close()
	m := build(t, "primary: gpt-4o\nmodels: {gpt-4o: {base_url: "+srv.URL+"}}", openAIKey)
	for _, streamed := range []bool{false, true} {
		got := ask(t.Context(), m, streamed)
		failed, ok := errors.AsType[*stream.AttemptError](got.err)
		if !ok || failed.Means.HTTPStatus != 429 || failed.Means.Action != failure.Fallback || failed.Means.Cooldown < time.Minute {
			t.Errorf("streamed %v: %v; want a quota of the day", streamed, got.err)
		}
	}
}
