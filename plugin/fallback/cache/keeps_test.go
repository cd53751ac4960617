package cache_test

import (
	"context"
	"iter"
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// B85: a consumer may change an answer as soon as it has it.
func TestCacheKeepsTheAnswerAsTheModelGaveIt(t *testing.T) {
	m := newCache(t, cache.Config{}).Middleware()(llmtest.NewModel("flash", llmtest.Text("whole")))
	for resp := range m.GenerateContent(t.Context(), hello(), false) {
		resp.Content.Parts[0].Text = "changed"
	}
	expect(t, m, "whole", call.CacheHit)
}

func TestCacheBypass(t *testing.T) {
	for name, config := range map[string]cache.Config{
		"skipped":           {Skip: func(*model.LLMRequest) bool { return true }},
		"Skip panics":       {Skip: func(*model.LLMRequest) bool { panic("skip") }},     // B80
		"Scope panics":      {Scope: func(context.Context) []string { panic("scope") }}, // B80
		"not a plain value": {},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCache(t, config)
			flash := numbered(0)
			m := c.Middleware()(flash)
			req := hello()
			if name == "not a plain value" {
				req.Config = &genai.GenerateContentConfig{HTTPOptions: &genai.HTTPOptions{
					ExtrasRequestProvider: func(body map[string]any) map[string]any { return body },
				}}
			}
			for i := range 2 {
				for resp, err := range m.GenerateContent(t.Context(), req, false) {
					md, _ := call.ReadResponse(resp)
					if err != nil || md.CacheStatus != call.CacheBypass {
						t.Errorf("call %d: status %q, error %v; want bypass", i, md.CacheStatus, err)
					}
				}
			}
			if len(flash.Requests()) != 2 || c.Bytes() != 0 {
				t.Errorf("%d calls, %d bytes kept; want 2 and none", len(flash.Requests()), c.Bytes())
			}
		})
	}
}

// B86
func TestCacheNeverKeeps(t *testing.T) {
	answer := func(change func(*model.LLMResponse)) llmtest.Step {
		return llmtest.Respond(func() *model.LLMResponse {
			resp := &model.LLMResponse{Content: genai.NewContentFromText("text", genai.RoleModel), FinishReason: genai.FinishReasonStop}
			change(resp)
			return resp
		})
	}
	for name, step := range map[string]llmtest.Step{
		"an error":              llmtest.Fail(llmtest.ErrUnavailable),
		"a refusal":             answer(func(r *model.LLMResponse) { r.FinishReason = genai.FinishReasonSafety }),
		"a truncated answer":    answer(func(r *model.LLMResponse) { r.FinishReason = genai.FinishReasonMaxTokens }),
		"an unfinished answer":  answer(func(r *model.LLMResponse) { r.FinishReason = "" }),
		"an interrupted answer": answer(func(r *model.LLMResponse) { r.Interrupted = true }),
		"an answer with a code": answer(func(r *model.LLMResponse) { r.ErrorCode = string(genai.FinishReasonMaxTokens) }),
		"a function call":       llmtest.Call("1", "pay", "", nil),
		"text and function call": answer(func(r *model.LLMResponse) {
			r.Content.Parts = append(r.Content.Parts, genai.NewPartFromFunctionCall("pay", nil))
		}),
		"a degraded answer":     answer(func(r *model.LLMResponse) { call.Metadata{Degraded: "template"}.WriteTo(r) }),
		"metadata without copy": answer(func(r *model.LLMResponse) { r.CustomMetadata = map[string]any{"handle": func() {}} }),
		"half of two responses": func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
			resp := func(text string) *model.LLMResponse {
				return &model.LLMResponse{Content: genai.NewContentFromText(text, genai.RoleModel), FinishReason: genai.FinishReasonStop}
			}
			_ = yield(resp("one"), nil) && yield(resp("two"), nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCache(t, cache.Config{})
			m := c.Middleware()(llmtest.NewModel("flash", step))
			ask(t.Context(), m, false)
			if got := ask(t.Context(), m, false); status(got) == call.CacheHit || c.Bytes() != 0 {
				t.Errorf("%+v is a hit, %d bytes kept", got, c.Bytes())
			}
		})
	}
}

// Whatever an answer is made of counts.
func TestCacheCountsAllOfAnAnswer(t *testing.T) {
	large := strings.Repeat("x", 1<<20)
	for name, resp := range map[string]*model.LLMResponse{
		"text":     {Content: genai.NewContentFromText(large, genai.RoleModel)},
		"an image": {Content: genai.NewContentFromBytes([]byte(large), "image/png", genai.RoleModel)},
		"what is said of it": {
			Content: genai.NewContentFromText("hi", genai.RoleModel), GroundingMetadata: &genai.GroundingMetadata{WebSearchQueries: []string{large}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			resp.FinishReason = genai.FinishReasonStop
			c := newCache(t, cache.Config{})
			for range c.Middleware()(llmtest.NewModel("flash", llmtest.Respond(func() *model.LLMResponse { return resp }))).GenerateContent(t.Context(), hello(), false) {
				continue
			}
			if got := c.Bytes(); got < len(large) || got > 2*len(large) {
				t.Errorf("%d bytes, want %d and little more", got, len(large))
			}
		})
	}
}

// An answer of one cache does not live longer for having passed another.
func TestCacheDoesNotKeepWhatAnotherCacheKept(t *testing.T) {
	inner, outer := newCache(t, cache.Config{}), newCache(t, cache.Config{})
	m := inner.Middleware()(llmtest.NewModel("flash", llmtest.Text("kept")))
	ask(t.Context(), m, false)
	ask(t.Context(), outer.Middleware()(m), false)
	if outer.Bytes() != 0 {
		t.Error("the outer cache has kept the inner one's answer")
	}
}

func TestCacheWithinCache(t *testing.T) {
	inner, outer := newCache(t, cache.Config{}), newCache(t, cache.Config{})
	ask(t.Context(), middleware.Chain(numbered(0), outer.Middleware(), inner.Middleware()), false)
	if inner.Bytes() == 0 || outer.Bytes() == 0 {
		t.Errorf("the inner keeps %d bytes, the outer %d, want both the answer", inner.Bytes(), outer.Bytes())
	}
}

// B56
func TestCacheKeepsAnAnswerWhoseConsumerTookOnlyThat(t *testing.T) {
	flash := numbered(0)
	m := newCache(t, cache.Config{}).Middleware()(flash)
	for range m.GenerateContent(t.Context(), hello(), false) {
		break
	}
	expect(t, m, "answer 1", call.CacheHit)
}

// An answer of a model that counts as the cached one is returned again, but not as a
// fallback's answer. B86
func TestCacheInFrontOfSeveralModels(t *testing.T) {
	for name, test := range map[string]struct {
		also []string
		root string
		want int // calls of two
	}{
		"alone": {nil, "lite", 2}, "counts": {[]string{"lite"}, "lite", 1}, "counts, but is a fallback": {[]string{"lite"}, "flash", 2},
	} {
		c := cache.MustNew(cache.Config{})
		defer func() { _ = c.Close() }()
		lite := llmtest.NewModel("lite", llmtest.Text("hi"))
		m := c.MiddlewareFor(test.also)(&renamed{lite, "flash", test.root})
		for range 2 {
			for _, err := range m.GenerateContent(t.Context(), &model.LLMRequest{Contents: genai.Text("x")}, false) {
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		if calls := len(lite.Asked()); calls != test.want {
			t.Errorf("%s: %d calls, want %d", name, calls, test.want)
		}
	}
}

// renamed is a model under another name, whose call starts at root.
type renamed struct {
	*llmtest.Model
	name, root string
}

func (r *renamed) Name() string { return r.name }

func (r *renamed) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(r, ctx, req, streamed)
}

func (r *renamed) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	out.Root = r.root
	return stream.Of(r.Model).Do(ctx, req, streamed, out)
}
