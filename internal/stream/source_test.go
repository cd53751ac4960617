package stream_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/price"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// B56: what a model has left behind has no part in the attempts that follow.
func TestSourceDropsWhatComesAfterTheEnd(t *testing.T) {
	var late func(*model.LLMResponse, error) bool
	m := llmtest.NewModel("flash", func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		if late == nil {
			late = yield
			return // nothing is a failure
		}
		if late(final("ghost"), nil) {
			t.Error("the iterator of the first attempt goes on")
		}
		yield(final("a"), nil)
	})
	r, source := newRecorder(), stream.NewSource(m, stream.Options{})
	if err := source.Do(t.Context(), &model.LLMRequest{}, false, r.Sink); err == nil {
		t.Error("nothing was an answer")
	}
	if err := source.Do(t.Context(), &model.LLMRequest{}, false, r.Sink); err != nil || r.String() != "[a]" {
		t.Errorf("%q and error %v, want the second attempt's answer", r, err)
	}
	gone := make(chan bool)
	go func() { gone <- late(final("ghost"), nil) }()
	if <-gone || r.String() != "[a]" {
		t.Errorf("%q, want the answer alone", r)
	}
}

// B60: an attempt may keep what it was given, and change it.
func TestAttemptsShareNoMemory(t *testing.T) {
	var kept *model.LLMRequest
	var contexts []context.Context
	m := llmtest.NewModel("flash", func(ctx context.Context, req *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		contexts = append(contexts, ctx)
		if kept == nil {
			kept = req
			req.Contents[0].Parts[0].Text = "edited"
			yield(nil, llmtest.ErrUnavailable)
			return
		}
		kept.Contents[0].Parts[0].Text = "edited again"
		yield(final(req.Contents[0].Parts[0].Text), nil)
	})
	r, source := newRecorder(), stream.NewSource(m, stream.Options{})
	req := &model.LLMRequest{Contents: genai.Text("a question")}
	_ = source.Do(t.Context(), req, false, r.Sink)
	_ = source.Do(t.Context(), req, false, r.Sink)
	if r.String() != "[a question]" || req.Contents[0].Parts[0].Text != "a question" {
		t.Errorf("the second attempt saw %q, and the caller has %q", r, req.Contents[0].Parts[0].Text)
	}
	if contexts[0] == contexts[1] {
		t.Error("both attempts have one context")
	}
}

// What most answers carry is copied from one call to the next; nobody notices.
func TestPlainMetadataIsEachAnswersOwn(t *testing.T) {
	versions := []string{"v1", "v1", "", "v2", "v1"}
	calls := 0
	m := llmtest.NewModel("flash", llmtest.Respond(func() *model.LLMResponse {
		resp := final("a")
		resp.ModelVersion = versions[calls%len(versions)]
		calls++
		return resp
	}))
	source := stream.NewSource(m, stream.Options{})
	for i, version := range versions {
		for _, status := range []string{call.CacheMiss, call.CacheBypass} {
			calls = i
			var got map[string]any
			out := stream.NewSink(t.Context(), func(resp *model.LLMResponse, _ error) bool { got = resp.CustomMetadata; return true })
			out.Root, out.Notes.CacheStatus = "flash", status
			if err := source.Do(t.Context(), &model.LLMRequest{}, false, out); err != nil {
				t.Fatal(err)
			}
			want := call.Metadata{ModelName: "flash", ModelVersion: version, CacheStatus: status}.Map()
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("answer %d (-want +got):\n%s", i, diff)
			}
			got["mine"], got[call.KeyModelName] = fmt.Sprint(i), "another" // as a plugin may
		}
	}
}

// Who keeps a part of a request's copy, as an answer made of it does, keeps no
// more of the call alive: neither its context nor its consumer.
func TestARequestsCopyKeepsNothingElseAlive(t *testing.T) {
	type keyOfThisTest struct{}
	m := llmtest.NewModel("flash", func(_ context.Context, req *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		yield(&model.LLMResponse{Content: req.Contents[0]}, nil)
	})
	collected := make(chan struct{})
	var answer *model.LLMResponse
	func() {
		session := new([1 << 20]byte)
		runtime.AddCleanup(session, func(struct{}) { close(collected) }, struct{}{})
		out := stream.NewSink(t.Context(), func(resp *model.LLMResponse, _ error) bool { answer = resp; return true })
		ctx := context.WithValue(t.Context(), keyOfThisTest{}, session)
		_ = stream.NewSource(m, stream.Options{}).Do(ctx, &model.LLMRequest{Contents: genai.Text("a question")}, false, out)
	}()
	for range 3 {
		runtime.GC()
	}
	select {
	case <-collected:
	case <-time.After(10 * time.Second):
		t.Error("the context of the call is still there")
	}
	runtime.KeepAlive(answer)
}

// B123: a request that names another model of the same client is charged at that model's
// price.
func TestPriceOfAModelThatIsNamed(t *testing.T) {
	m := llmtest.NewModel("mine", llmtest.Respond(func() *model.LLMResponse {
		resp := final("hello")
		resp.UsageMetadata = &genai.GenerateContentResponseUsageMetadata{PromptTokenCount: 100_000}
		return resp
	}))
	source := stream.NewSource(m, stream.Options{Price: &price.Price{Rates: price.Rates{Input: 7}}})
	for named, want := range map[string]float64{"": 0.7, "gemini-2.5-pro": 0.125, "another": 0} {
		var got call.Attempt
		out := stream.NewSink(t.Context(), func(*model.LLMResponse, error) bool { return true })
		out.Chosen = named
		hooks := call.Hooks{OnAttempt: func(_ context.Context, a call.Attempt) { got = a }}
		if err := out.Observe(t.Context(), &hooks, "mine", func() error { return source.Do(t.Context(), &model.LLMRequest{}, false, out) }); err != nil {
			t.Fatal(err)
		}
		if got.Cost != want {
			t.Errorf("%q costs %v USD, want %v", named, got.Cost, want)
		}
	}
}
