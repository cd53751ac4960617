package cache_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// newCache returns a cache that is closed with the test.
func newCache(t testing.TB, config cache.Config) *cache.Cache {
	t.Helper()
	c, err := cache.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func hello() *model.LLMRequest { return llmtest.UserSays("hi") }

// ask makes one call and collects what comes.
func ask(ctx context.Context, m model.LLM, streamed bool) llmtest.Seen {
	return llmtest.Collect(m.GenerateContent(ctx, hello(), streamed))
}

// status returns the cache_status of an answer.
func status(s llmtest.Seen) string { return s.Metadata().CacheStatus }

// expect asks m once and checks the answer and its cache_status.
func expect(t *testing.T, m model.LLM, text, cacheStatus string) llmtest.Seen {
	t.Helper()
	got := ask(t.Context(), m, false)
	if got.Err != nil || got.Text() != text || status(got) != cacheStatus {
		t.Errorf("%q, %q, error %v; want %q, %q", got.Text(), status(got), got.Err, text, cacheStatus)
	}
	return got
}

// numbered answers "answer 1", "answer 2" and so on, each after d.
func numbered(d time.Duration) *llmtest.Model {
	var n atomic.Int64
	return llmtest.NewModel("flash", llmtest.Within(d, func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
		llmtest.Text(fmt.Sprint("answer ", n.Add(1)))(ctx, req, stream, yield)
	}))
}

// B85
func TestCacheHitCallsNoModel(t *testing.T) {
	flash := llmtest.NewModel("flash", llmtest.Text("one"), llmtest.Text("two"))
	m := newCache(t, cache.Config{}).Middleware()(flash)
	expect(t, m, "one", call.CacheMiss)
	expect(t, m, "one", call.CacheHit)
	if n := len(flash.Requests()); n != 1 {
		t.Errorf("the model was called %d times, want 1", n)
	}
}

// B85
func TestCacheHitIsStreamedForUserInterfaces(t *testing.T) {
	m := newCache(t, cache.Config{}).Middleware()(llmtest.NewModel("flash", llmtest.Text("a few words")))
	ask(t.Context(), m, false)
	var got []string
	for resp, err := range m.GenerateContent(t.Context(), hello(), true) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(resp.Partial, " ", resp.Content.Parts[0].Text))
	}
	if diff := cmp.Diff([]string{"true a few words", "false a few words"}, got); diff != "" {
		t.Errorf("responses (-want +got):\n%s", diff)
	}
}

// B85
func TestCacheHitIsACopy(t *testing.T) {
	m := newCache(t, cache.Config{}).Middleware()(llmtest.NewModel("flash", llmtest.Respond(func() *model.LLMResponse {
		return &model.LLMResponse{
			Content:           genai.NewContentFromText("whole", genai.RoleModel),
			FinishReason:      genai.FinishReasonStop,
			GroundingMetadata: &genai.GroundingMetadata{WebSearchQueries: []string{"query"}},
			CustomMetadata:    map[string]any{"source": "whole"},
		}
	})))
	for i := range 3 { // the first is the model's own
		got := ask(t.Context(), m, false)
		if got.Text() != "whole" || got.Final.GroundingMetadata.WebSearchQueries[0] != "query" || got.Final.CustomMetadata["source"] != "whole" {
			t.Fatalf("answer %d was changed by an earlier consumer: %+v", i, got.Final)
		}
		got.Final.Content.Parts[0].Text = "changed"
		got.Final.GroundingMetadata.WebSearchQueries[0] = "changed"
		got.Final.CustomMetadata["source"] = "changed"
	}
}

// A hit has cost nothing, and has no story of attempts: behind another model that
// failed, it has that of this call.
func TestCacheHitTellsOfItself(t *testing.T) {
	pro := llmtest.NewModel("pro", llmtest.Respond(func() *model.LLMResponse {
		return &model.LLMResponse{
			Content:       &genai.Content{Role: genai.RoleModel, Parts: []*genai.Part{{Text: "hello", ThoughtSignature: []byte("pro's")}}},
			FinishReason:  genai.FinishReasonStop,
			ModelVersion:  "pro-001",
			AvgLogprobs:   -0.5,
			TurnComplete:  true,
			UsageMetadata: &genai.GenerateContentResponseUsageMetadata{TotalTokenCount: 7},
		}
	}))
	m := newCache(t, cache.Config{}).Middleware()(pro)
	down := llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable))
	if md, _ := call.ReadResponse(ask(t.Context(), router.MustFallback(router.Config{}, down, m), false).Final); !md.Triggered || md.CacheStatus != call.CacheMiss {
		t.Fatalf("the first answer's metadata is %+v, want a fallback and a miss", md)
	}
	got := ask(t.Context(), m, false).Final
	want := &model.LLMResponse{
		Content: genai.NewContentFromText("hello", genai.RoleModel), FinishReason: genai.FinishReasonStop, ModelVersion: "pro-001",
		AvgLogprobs: -0.5, TurnComplete: true,
		CustomMetadata: map[string]any{call.KeyModelName: "pro", call.KeyModelVersion: "pro-001", call.KeyCacheStatus: call.CacheHit},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("hit (-want +got):\n%s", diff)
	}
}

// Signatures are of the session in which they were made.
func TestCacheHitHasNoSignatures(t *testing.T) {
	m := newCache(t, cache.Config{}).Middleware()(llmtest.NewModel("flash", llmtest.Respond(func() *model.LLMResponse {
		return &model.LLMResponse{
			Content:      &genai.Content{Role: genai.RoleModel, Parts: []*genai.Part{{Text: "hello", ThoughtSignature: []byte("flash's")}}},
			FinishReason: genai.FinishReasonStop,
		}
	})))
	for i, want := range []string{"flash's", ""} {
		if got := string(ask(t.Context(), m, false).Final.Content.Parts[0].ThoughtSignature); got != want {
			t.Errorf("answer %d has the signature %q, want %q", i, got, want)
		}
	}
}

// B51
func TestCacheHitVoidsWhatAFailedModelHeldBack(t *testing.T) {
	pro := newCache(t, cache.Config{}).Middleware()(llmtest.NewModel("pro", llmtest.Text("kept")))
	ask(t.Context(), pro, false)
	broken := llmtest.NewModel("flash", func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		if yield(&model.LLMResponse{Partial: true, ModelVersion: "flash-001"}, nil) {
			yield(nil, llmtest.ErrUnavailable)
		}
	})
	for resp, err := range router.MustFallback(router.Config{}, broken, pro).GenerateContent(t.Context(), hello(), true) {
		md, _ := call.ReadResponse(resp)
		if err != nil || resp.ModelVersion == "flash-001" || md.ModelVersion == "flash-001" {
			t.Errorf("%+v, %v; want nothing of the failed model", resp, err)
		}
	}
}

func TestCacheAnswersExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newCache(t, cache.Config{TTL: time.Minute}).Middleware()(numbered(0))
		expect(t, m, "answer 1", call.CacheMiss)
		time.Sleep(time.Minute - 1)
		expect(t, m, "answer 1", call.CacheHit)
		time.Sleep(time.Nanosecond)
		expect(t, m, "answer 2", call.CacheMiss)
	})
}

func TestCacheLookup(t *testing.T) {
	for name, lookupAge := range map[string]time.Duration{"beyond TTL": time.Hour, "within TTL": 10 * time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCache(t, cache.Config{TTL: time.Minute, LookupAge: lookupAge})
				m := c.Middleware()(llmtest.NewModel("flash", llmtest.Text("kept"), llmtest.Fail(llmtest.ErrUnavailable)))
				req := hello()
				req.Model = "flash"
				lookup := func(wantFresh, wantOK bool) {
					t.Helper()
					resp, fresh, ok := c.Lookup(t.Context(), req)
					if fresh != wantFresh || ok != wantOK || ok && resp.Content.Parts[0].Text != "kept" {
						t.Errorf("Lookup = %+v, %v, %v; want fresh %v, ok %v", resp, fresh, ok, wantFresh, wantOK)
					}
				}
				lookup(false, false)
				ask(t.Context(), m, false)
				lookup(true, true)
				time.Sleep(lookupAge - 1)
				lookup(lookupAge < time.Minute, true)
				time.Sleep(time.Nanosecond)
				lookup(false, false)
			})
		})
	}
	if _, _, ok := (*cache.Cache)(nil).Lookup(t.Context(), hello()); ok {
		t.Error("a nil cache has an answer")
	}
}

// The one says how long an answer is good enough for the last resort, the other
// for any call.
func TestCacheLookupAgeIsNotStaleWhileRevalidate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache(t, cache.Config{TTL: time.Minute, LookupAge: time.Hour})
		m := c.Middleware()(llmtest.NewModel("flash", llmtest.Text("kept"), llmtest.Fail(llmtest.ErrUnavailable)))
		ask(t.Context(), m, false)
		time.Sleep(time.Minute)
		if got := ask(t.Context(), m, false); got.Err == nil {
			t.Errorf("an answer out of date was given: %+v", got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		c := newCache(t, cache.Config{TTL: time.Minute, LookupAge: time.Nanosecond, StaleWhileRevalidate: time.Hour})
		m := c.Middleware()(numbered(0))
		ask(t.Context(), m, false)
		time.Sleep(2 * time.Minute)
		req := hello()
		req.Model = "flash"
		if _, _, ok := c.Lookup(t.Context(), req); ok {
			t.Error("Lookup found what is to be looked up for a nanosecond")
		}
		expect(t, m, "answer 1", call.CacheStale)
	})
}

// Within a call, requests carry other models' names, or none.
func TestCacheLookupWithinACallFindsTheCallsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache(t, cache.Config{TTL: time.Minute})
		found := false
		last := llmtest.NewModel("last", func(ctx context.Context, req *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
			_, _, found = c.Lookup(ctx, req)
			yield(nil, llmtest.ErrUnavailable)
		})
		m := c.Middleware()(router.MustFallback(router.Config{}, llmtest.NewModel("flash", llmtest.Text("kept"), llmtest.Fail(llmtest.ErrUnavailable)), last))
		ask(t.Context(), m, false)
		time.Sleep(time.Minute)
		ask(t.Context(), m, false)
		if !found {
			t.Error("the target found no answer")
		}
	})
}

func TestConfigNamesEveryWrongField(t *testing.T) {
	_, err := cache.New(cache.Config{MaxBytes: -1, TTL: -1, StaleWhileRevalidate: -1, LookupAge: -1, MaxWait: -1})
	for _, field := range []string{"MaxBytes", "TTL", "StaleWhileRevalidate", "LookupAge", "MaxWait"} {
		if err == nil || !strings.Contains(err.Error(), "cache: Config."+field) {
			t.Errorf("error %v, want one that names %s", err, field)
		}
	}
}

func TestCacheLongestDurationsAreAllowed(t *testing.T) {
	const forever = time.Duration(1<<63 - 1)
	m := newCache(t, cache.Config{TTL: forever, StaleWhileRevalidate: forever, LookupAge: forever}).Middleware()(numbered(0))
	expect(t, m, "answer 1", call.CacheMiss)
	expect(t, m, "answer 1", call.CacheHit)
}

func TestCachePassesErrorsOn(t *testing.T) {
	m := newCache(t, cache.Config{}).Middleware()(llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrQuota)))
	var api genai.APIError
	if got := ask(t.Context(), m, false); !errors.As(got.Err, &api) || api.Code != 429 {
		t.Errorf("error %v, want the model's own", got.Err)
	}
}

func ExampleCache() {
	answers, err := cache.New(cache.Config{TTL: time.Hour})
	if err != nil {
		log.Fatal(err)
	}
	defer answers.Close()
	m := answers.Middleware()(llmtest.NewModel("flash", llmtest.Text("Paris.")))
	for range 2 {
		for resp, err := range m.GenerateContent(context.Background(), hello(), false) {
			if err != nil {
				log.Fatal(err)
			}
			md, _ := call.ReadResponse(resp)
			fmt.Println(resp.Content.Parts[0].Text, md.CacheStatus)
		}
	}
	// Output:
	// Paris. miss
	// Paris. hit
}
