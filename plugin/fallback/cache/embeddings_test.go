package cache_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

var _ cache.Embedder = genai.Client{}.Models

// embedder makes embeddings of two values: the length of the text, and the number of the
// call.
type embedder struct {
	mu     sync.Mutex
	calls  []string // the texts of each, joined; guarded by mu
	before func(ctx context.Context, n int) error
	change func(n int, resp *genai.EmbedContentResponse) *genai.EmbedContentResponse
}

func (e *embedder) EmbedContent(ctx context.Context, _ string, contents []*genai.Content, _ *genai.EmbedContentConfig) (*genai.EmbedContentResponse, error) {
	e.mu.Lock()
	texts := make([]string, len(contents))
	for i, c := range contents {
		texts[i] = c.Parts[0].Text
	}
	e.calls = append(e.calls, strings.Join(texts, " "))
	n := len(e.calls)
	e.mu.Unlock()
	if e.before != nil {
		if err := e.before(ctx, n); err != nil {
			return nil, err
		}
	}
	resp := &genai.EmbedContentResponse{Metadata: &genai.EmbedContentMetadata{BillableCharacterCount: int32(n)}}
	for _, text := range texts {
		resp.Embeddings = append(resp.Embeddings, &genai.ContentEmbedding{Values: []float32{float32(len(text)), float32(n)}})
	}
	if e.change != nil {
		resp = e.change(n, resp)
	}
	return resp, nil
}

func (e *embedder) expectCalls(t *testing.T, want ...string) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if diff := cmp.Diff(want, e.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func newEmbeddings(t testing.TB, e cache.Embedder, config cache.EmbeddingsConfig) *cache.Embeddings {
	t.Helper()
	c, err := cache.NewEmbeddings(e, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// embed returns the values of the embeddings of words, and the error.
func embed(ctx context.Context, e cache.Embedder, words string) (string, error) {
	var contents []*genai.Content
	for _, word := range strings.Fields(words) {
		contents = append(contents, genai.NewContentFromText(word, genai.RoleUser))
	}
	resp, err := e.EmbedContent(ctx, "embedding-1", contents, nil)
	if err != nil {
		return "", err
	}
	var values []string
	for _, e := range resp.Embeddings {
		values = append(values, fmt.Sprint(e.Values))
	}
	return strings.Join(values, " "), nil
}

func expectEmbeddings(t *testing.T, e cache.Embedder, words, want string) {
	t.Helper()
	if got, err := embed(t.Context(), e, words); err != nil || got != want {
		t.Errorf("%s: %s, error %v; want %s", words, got, err, want)
	}
}

// B85
func TestKnownEmbeddingsAreNotFetchedAgain(t *testing.T) {
	e := &embedder{}
	c := newEmbeddings(t, e, cache.EmbeddingsConfig{})
	expectEmbeddings(t, c, "a bb", "[1 1] [2 1]")
	expectEmbeddings(t, c, "bb a", "[2 1] [1 1]")
	expectEmbeddings(t, c, "dddd bb ccc a dddd", "[4 2] [2 1] [3 2] [1 1] [4 2]")
	expectEmbeddings(t, c, "ccc", "[3 2]")
	e.expectCalls(t, "a bb", "dddd ccc")

	resp, err := c.EmbedContent(t.Context(), "embedding-1", genai.Text("ccc"), nil)
	if err != nil || resp.Metadata != nil {
		t.Errorf("metadata %v, error %v; a hit is billed to nobody", resp.Metadata, err)
	}
	resp, err = c.EmbedContent(t.Context(), "embedding-1", append(genai.Text("ccc"), genai.Text("fffff")...), nil)
	if err != nil || resp.Metadata == nil || resp.Metadata.BillableCharacterCount != 3 {
		t.Errorf("metadata %v, error %v; want those of the third call", resp.Metadata, err)
	}
}

// B86
func TestEmbeddingKeys(t *testing.T) {
	text := func(text string) []*genai.Content { return genai.Text(text) }
	image := []*genai.Content{genai.NewContentFromParts([]*genai.Part{{Text: "a"}, genai.NewPartFromBytes([]byte("png"), "image/png")}, genai.RoleUser)}
	size := int32(8)
	tenant := call.With(t.Context(), call.Info{Tenant: "acme"})
	for name, test := range map[string]struct {
		ctx      context.Context
		model    string
		contents []*genai.Content
		config   *genai.EmbedContentConfig
		hit      bool
	}{
		"the same":          {contents: text("a"), hit: true},
		"an empty config":   {contents: text("a"), config: &genai.EmbedContentConfig{}, hit: true},
		"other headers":     {contents: text("a"), config: &genai.EmbedContentConfig{HTTPOptions: &genai.HTTPOptions{Headers: map[string][]string{"X": {"1"}}}}, hit: true},
		"another text":      {contents: text("b")},
		"an image besides":  {contents: image},
		"another model":     {contents: text("a"), model: "embedding-2"},
		"another tenant":    {contents: text("a"), ctx: tenant},
		"another task":      {contents: text("a"), config: &genai.EmbedContentConfig{TaskType: "CLUSTERING"}},
		"another title":     {contents: text("a"), config: &genai.EmbedContentConfig{Title: "a"}},
		"another dimension": {contents: text("a"), config: &genai.EmbedContentConfig{OutputDimensionality: &size}},
		"cut if too long":   {contents: text("a"), config: &genai.EmbedContentConfig{AutoTruncate: true}},
		"another server":    {contents: text("a"), config: &genai.EmbedContentConfig{HTTPOptions: &genai.HTTPOptions{BaseURL: "http://127.0.0.1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			e := &embedder{}
			c := newEmbeddings(t, e, cache.EmbeddingsConfig{})
			expectEmbeddings(t, c, "a", "[1 1]")
			ctx, model := test.ctx, test.model
			if ctx == nil {
				ctx = t.Context()
			}
			if model == "" {
				model = "embedding-1"
			}
			if _, err := c.EmbedContent(ctx, model, test.contents, test.config); err != nil {
				t.Fatal(err)
			}
			if hit := len(e.calls) == 1; hit != test.hit {
				t.Errorf("hit is %v, want %v", hit, test.hit)
			}
		})
	}
}

// What cannot be shared, or has no key, reaches the provider each time.
func TestEmbeddingsWithoutAKeyAreNotCached(t *testing.T) {
	unknown := &genai.EmbedContentConfig{HTTPOptions: &genai.HTTPOptions{ExtrasRequestProvider: func(body map[string]any) map[string]any { return body }}}
	for name, test := range map[string]struct {
		scope    func(context.Context) []string
		contents []*genai.Content
		config   *genai.EmbedContentConfig
	}{
		"no scope":             {scope: func(context.Context) []string { return nil }, contents: genai.Text("a")},
		"a scope that panics":  {scope: func(context.Context) []string { panic("scope") }, contents: genai.Text("a")},
		"a function inside":    {contents: genai.Text("a"), config: unknown},
		"a request of nothing": {},
	} {
		t.Run(name, func(t *testing.T) {
			e := &embedder{}
			c := newEmbeddings(t, e, cache.EmbeddingsConfig{Scope: test.scope})
			for range 2 {
				if _, err := c.EmbedContent(t.Context(), "embedding-1", test.contents, test.config); err != nil {
					t.Fatal(err)
				}
			}
			if len(e.calls) != 2 {
				t.Errorf("%d calls, want 2", len(e.calls))
			}
		})
	}
}

// B86: nothing is kept of a failure, and it is returned as it is.
func TestFailedEmbeddingsAreNotKept(t *testing.T) {
	down := errors.New("down")
	type response = genai.EmbedContentResponse
	for name, test := range map[string]struct {
		before func(context.Context, int) error
		change func(int, *response) *response
		err    string
	}{
		"an error":           {before: func(context.Context, int) error { return down }, err: "down"},
		"a panic":            {before: func(context.Context, int) error { panic("boom") }, err: "the Embedder panicked"},
		"neither":            {change: func(int, *response) *response { return nil }, err: "neither a response nor an error"},
		"an empty embedding": {change: func(_ int, r *response) *response { r.Embeddings[0].Values = nil; return r }},
		"a nil embedding":    {change: func(_ int, r *response) *response { r.Embeddings[0] = nil; return r }},
	} {
		t.Run(name, func(t *testing.T) {
			e := &embedder{before: test.before, change: test.change}
			c := newEmbeddings(t, e, cache.EmbeddingsConfig{})
			var last *response
			for _, contents := range [][]*genai.Content{genai.Text("a"), genai.Text("a"), append(genai.Text("a"), genai.Text("bb")...)} {
				resp, err := c.EmbedContent(t.Context(), "embedding-1", contents, nil)
				if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
					t.Errorf("error %v, want %q", err, test.err)
				}
				last = resp
			}
			e.expectCalls(t, "a", "a", "a bb")
			if test.err == "" && len(last.Embeddings) != 2 {
				t.Errorf("%d embeddings, want what the provider gave", len(last.Embeddings))
			}
		})
	}
}

// A model that makes one embedding of all contents is not cached content by content.
func TestJointEmbeddingsPassThrough(t *testing.T) {
	e := &embedder{change: func(_ int, r *genai.EmbedContentResponse) *genai.EmbedContentResponse {
		r.Embeddings = r.Embeddings[:1]
		return r
	}}
	c := newEmbeddings(t, e, cache.EmbeddingsConfig{})
	expectEmbeddings(t, c, "a bb", "[1 1]")
	expectEmbeddings(t, c, "a bb", "[1 2]")
	expectEmbeddings(t, c, "a", "[1 3]")
	expectEmbeddings(t, c, "a bb ccc", "[1 5]") // the fourth call was for two of them
	e.expectCalls(t, "a bb", "a bb", "a", "bb ccc", "a bb ccc")
}

// B85
func TestConcurrentEmbeddingsMakeOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &embedder{before: func(context.Context, int) error { time.Sleep(time.Second); return nil }}
		c := newEmbeddings(t, e, cache.EmbeddingsConfig{})
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() { expectEmbeddings(t, c, "a bb", "[1 1] [2 1]") })
		}
		wg.Wait()
		e.expectCalls(t, "a bb")
	})
}

// Requests with contents in common wait for each other's, in whatever order.
func TestOverlappingEmbeddingsAreFetchedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &embedder{before: func(context.Context, int) error { time.Sleep(time.Second); return nil }}
		c := newEmbeddings(t, e, cache.EmbeddingsConfig{})
		var wg sync.WaitGroup
		start := time.Now()
		wg.Go(func() { expectEmbeddings(t, c, "a bb", "[1 1] [2 1]") })
		synctest.Wait()
		wg.Go(func() { expectEmbeddings(t, c, "bb ccc", "[2 1] [3 2]") })
		synctest.Wait()
		wg.Go(func() { expectEmbeddings(t, c, "ccc a", "[3 2] [1 1]") })
		wg.Wait()
		e.expectCalls(t, "a bb", "ccc")
		if took := time.Since(start); took != time.Second {
			t.Errorf("it took %v, want 1s", took)
		}
	})
}

func TestEmbeddingsOfACallerThatGivesUpAreFetchedByTheNext(t *testing.T) {
	for name, leave := range map[string]func(ctx context.Context) error{
		"cancelled":       func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"ended goroutine": func(ctx context.Context) error { <-ctx.Done(); runtime.Goexit(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &embedder{before: func(ctx context.Context, n int) error {
					if n == 1 {
						return leave(ctx)
					}
					time.Sleep(time.Second)
					return nil
				}}
				c := newEmbeddings(t, e, cache.EmbeddingsConfig{})
				ctx, cancel := context.WithCancel(t.Context())
				var wg sync.WaitGroup
				wg.Go(func() {
					if _, err := embed(ctx, c, "a"); !errors.Is(err, context.Canceled) {
						t.Errorf("error %v, want the caller's", err)
					}
				})
				synctest.Wait()
				for range 10 {
					wg.Go(func() { expectEmbeddings(t, c, "a", "[1 2]") })
				}
				waiter, cancelWaiter := context.WithCancel(t.Context())
				wg.Go(func() {
					if _, err := embed(waiter, c, "a"); !errors.Is(err, context.Canceled) {
						t.Errorf("error %v, want the waiter's", err)
					}
				})
				synctest.Wait()
				cancelWaiter()
				synctest.Wait()
				cancel()
				wg.Wait()
				e.expectCalls(t, "a", "a")
			})
		})
	}
}

// A failure is one caller's: a deadline or a quota of its own may be the reason.
func TestWaitersOfAFailedEmbeddingCallThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &embedder{before: func(_ context.Context, n int) error {
			time.Sleep(time.Second)
			if n == 1 {
				return errors.New("down")
			}
			return nil
		}}
		c := newEmbeddings(t, e, cache.EmbeddingsConfig{})
		var wg sync.WaitGroup
		failed := 0
		var mu sync.Mutex
		for range 3 {
			wg.Go(func() {
				if _, err := embed(t.Context(), c, "a"); err != nil {
					mu.Lock()
					failed++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if failed != 1 {
			t.Errorf("%d callers failed, want 1", failed)
		}
	})
}

func TestNobodyWaitsLongerThanMaxWaitForEmbeddings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &embedder{before: func(_ context.Context, n int) error {
			if n == 1 {
				time.Sleep(time.Hour)
			}
			return nil
		}}
		c := newEmbeddings(t, e, cache.EmbeddingsConfig{MaxWait: time.Second})
		var wg sync.WaitGroup
		wg.Go(func() { expectEmbeddings(t, c, "a bb", "[1 1] [2 1]") })
		synctest.Wait()
		start := time.Now()
		expectEmbeddings(t, c, "bb a bb", "[2 2] [1 2] [2 2]")
		e.expectCalls(t, "a bb", "bb a")
		if took := time.Since(start); took != time.Second {
			t.Errorf("it waited %v, want 1s for both", took)
		}
		wg.Wait()
	})
}

func TestEmbeddingsExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		forever, minute := &embedder{}, &embedder{}
		a, b := newEmbeddings(t, forever, cache.EmbeddingsConfig{}), newEmbeddings(t, minute, cache.EmbeddingsConfig{TTL: time.Minute})
		expectEmbeddings(t, a, "a", "[1 1]")
		expectEmbeddings(t, b, "a", "[1 1]")
		time.Sleep(time.Minute - 1)
		expectEmbeddings(t, b, "a", "[1 1]")
		time.Sleep(time.Nanosecond)
		expectEmbeddings(t, b, "a", "[1 2]")
		time.Sleep(100 * time.Hour)
		expectEmbeddings(t, a, "a", "[1 1]")
	})
}

func TestEmbeddingsAreBounded(t *testing.T) {
	const limit = 64 << 10
	c := newEmbeddings(t, &embedder{}, cache.EmbeddingsConfig{MaxBytes: limit})
	for i := range 1000 {
		if _, err := embed(t.Context(), c, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if n := c.Bytes(); n > limit || n < limit/2 {
		t.Errorf("%d bytes are kept, want up to %d", n, limit)
	}
}

// Callers normalize embeddings in place.
func TestEmbeddingsAreTheCallersToChange(t *testing.T) {
	full := func(_ int, r *genai.EmbedContentResponse) *genai.EmbedContentResponse {
		for _, e := range r.Embeddings {
			e.Statistics = &genai.ContentEmbeddingStatistics{TokenCount: 7, TokensDetails: []*genai.ModalityTokenCount{{TokenCount: 7}, nil}}
		}
		return r
	}
	c := newEmbeddings(t, &embedder{change: full}, cache.EmbeddingsConfig{})
	var contents []*genai.Content
	for _, text := range []string{"a", "a", "bb"} {
		contents = append(contents, genai.Text(text)...)
	}
	want := &genai.ContentEmbedding{Values: []float32{1, 1}, Statistics: &genai.ContentEmbeddingStatistics{
		TokenCount: 7, TokensDetails: []*genai.ModalityTokenCount{{TokenCount: 7}, nil}}}
	for range 3 {
		resp, err := c.EmbedContent(t.Context(), "embedding-1", contents, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range resp.Embeddings[:2] {
			if diff := cmp.Diff(want, e); diff != "" {
				t.Fatalf("embedding (-want +got):\n%s", diff)
			}
			e.Values[0], e.Statistics.TokenCount, e.Statistics.TokensDetails[0].TokenCount = 0, 0, 0
		}
	}
	for _, count := range []struct{ got, want int }{
		{reflect.TypeFor[genai.ContentEmbedding]().NumField(), 2}, {reflect.TypeFor[genai.ContentEmbeddingStatistics]().NumField(), 3},
		{reflect.TypeFor[genai.ModalityTokenCount]().NumField(), 2},
	} {
		if count.got != count.want {
			t.Errorf("a struct of embeddings has %d fields, want %d; copy the new one in cloneEmbedding", count.got, count.want)
		}
	}
}

// B86: also of a response of which only a part can be kept.
func TestEmbeddingsOfAPartAreTheCallersToChange(t *testing.T) {
	e := &embedder{change: func(_ int, r *genai.EmbedContentResponse) *genai.EmbedContentResponse {
		r.Embeddings[0].Values = nil
		return r
	}}
	c := newEmbeddings(t, e, cache.EmbeddingsConfig{})
	resp, err := c.EmbedContent(t.Context(), "embedding-1", append(genai.Text("a"), genai.Text("bb")...), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Embeddings[1].Values[0] = 0
	expectEmbeddings(t, c, "bb", "[2 1]")
}

func TestEmbeddingsConfigNamesEveryWrongField(t *testing.T) {
	_, err := cache.NewEmbeddings(nil, cache.EmbeddingsConfig{MaxBytes: -1, TTL: -1, MaxWait: -1})
	for _, text := range []string{"MaxBytes", "TTL", "MaxWait", "the Embedder is nil"} {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("error %v, want one that names %s", err, text)
		}
	}
}

func ExampleNewEmbeddings() {
	// In an application: cache.NewEmbeddings(client.Models, …), with a genai.Client.
	provider := &embedder{before: func(_ context.Context, n int) error {
		fmt.Println("call", n)
		return nil
	}}
	vectors, err := cache.NewEmbeddings(provider, cache.EmbeddingsConfig{MaxBytes: 16 << 20})
	if err != nil {
		log.Fatal(err)
	}
	defer vectors.Close()
	for _, texts := range [][]string{{"red", "green"}, {"green", "blue"}, {"blue", "red"}} {
		var contents []*genai.Content
		for _, text := range texts {
			contents = append(contents, genai.Text(text)...)
		}
		resp, err := vectors.EmbedContent(context.Background(), "gemini-embedding-001", contents, nil)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(texts, len(resp.Embeddings))
	}
	// Output:
	// call 1
	// [red green] 2
	// call 2
	// [green blue] 2
	// [blue red] 2
}

func BenchmarkCachedEmbedding(b *testing.B) {
	c := newEmbeddings(b, &embedder{change: func(_ int, r *genai.EmbedContentResponse) *genai.EmbedContentResponse {
		for _, e := range r.Embeddings {
			e.Values = make([]float32, 768)
		}
		return r
	}}, cache.EmbeddingsConfig{})
	contents := genai.Text(strings.Repeat("word ", 100))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.EmbedContent(b.Context(), "embedding-1", contents, nil); err != nil {
			b.Fatal(err)
		}
	}
}
