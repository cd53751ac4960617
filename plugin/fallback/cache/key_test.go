package cache_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// cacheStatus asks m for req and returns the answer's cache_status.
func cacheStatus(ctx context.Context, t *testing.T, m model.LLM, req *model.LLMRequest) string {
	t.Helper()
	for resp, err := range m.GenerateContent(ctx, req, false) {
		if err != nil {
			t.Fatal(err)
		}
		md, _ := call.ReadResponse(resp)
		return md.CacheStatus
	}
	return ""
}

// B86
func TestCacheKeysDifferByModelVersionAndTenant(t *testing.T) {
	c := newCache(t, cache.Config{})
	tenant := func(name string) context.Context { return call.With(t.Context(), call.Info{Tenant: name, User: "u"}) }
	for _, test := range []struct {
		ctx     context.Context
		model   string
		version []string
		want    string
	}{
		{tenant("acme"), "gemini-2.5-flash", nil, call.CacheMiss},
		{tenant("acme"), "gemini-2.5-flash", nil, call.CacheHit},
		{tenant("initech"), "gemini-2.5-flash", nil, call.CacheMiss},
		{tenant(""), "gemini-2.5-flash", nil, call.CacheMiss},
		{tenant("acme"), "gemini-2.5-flash-002", nil, call.CacheMiss},
		{tenant("acme"), "gpt-4o", nil, call.CacheMiss},
		{tenant("acme"), "default", []string{"gemini", "2.5"}, call.CacheMiss},
		{tenant("acme"), "default", []string{"gemini", "3"}, call.CacheMiss},
		{tenant("acme"), "default", []string{"gemma", "3"}, call.CacheMiss},
		{tenant("acme"), "default", []string{"gemini", "2.5"}, call.CacheHit},
		{call.With(tenant("acme"), call.Info{User: "other"}), "gemini-2.5-flash", nil, call.CacheHit},
	} {
		m := c.Middleware(test.version...)(llmtest.NewModel(test.model, llmtest.Text("text")))
		if got := cacheStatus(test.ctx, t, m, hello()); got != test.want {
			t.Errorf("%s %v for %q: %s, want %s", test.model, test.version, call.From(test.ctx).Tenant, got, test.want)
		}
	}
}

// B86
func TestCacheScope(t *testing.T) {
	c := newCache(t, cache.Config{Scope: func(ctx context.Context) []string {
		info := call.From(ctx)
		if info.User == "" {
			return nil
		}
		return []string{info.Tenant, info.User}
	}})
	m := c.Middleware()(llmtest.NewModel("flash", llmtest.Text("text")))
	for _, test := range []struct{ tenant, user, want string }{
		{"", "ada", call.CacheMiss},
		{"", "bob", call.CacheMiss},
		{"", "ada", call.CacheHit},
		{"t", "u\x00v", call.CacheMiss},
		{"t\x00u", "v", call.CacheMiss},
		{"tu", "v", call.CacheMiss},
		{"t", "", call.CacheBypass}, // nobody is known to be the same
		{"t", "", call.CacheBypass},
	} {
		ctx := call.With(t.Context(), call.Info{Tenant: test.tenant, User: test.user})
		if got := cacheStatus(ctx, t, m, hello()); got != test.want {
			t.Errorf("%q of %q: %s, want %s", test.user, test.tenant, got, test.want)
		}
	}
}

func TestCacheKeyIsStable(t *testing.T) {
	request := func(reverse bool, signature string) *model.LLMRequest {
		args := make(map[string]any)
		for i := range 50 {
			if reverse {
				i = 49 - i
			}
			var n any = i
			if reverse {
				n = float64(i) // as in a stored session
			}
			args[fmt.Sprint("key", i)] = map[string]any{"n": n, "list": []any{1, "1", nil, true}}
		}
		req := hello()
		req.Contents = append(req.Contents, &genai.Content{Role: genai.RoleModel, Parts: []*genai.Part{{
			FunctionCall: &genai.FunctionCall{Name: "f", Args: args}, ThoughtSignature: []byte(signature),
		}}})
		req.Config = &genai.GenerateContentConfig{ResponseJsonSchema: map[string]any{"a": "1", "b": "2"}, StopSequences: []string{}}
		if reverse {
			req.Config.StopSequences = nil
		}
		return req
	}
	m := newCache(t, cache.Config{}).Middleware()(llmtest.NewModel("flash", llmtest.Text("text")))
	cacheStatus(t.Context(), t, m, request(false, "one session's"))
	if got := cacheStatus(t.Context(), t, m, request(true, "another's")); got != call.CacheHit {
		t.Errorf("the same request is a %s", got)
	}
}

// B86: neighbours must not run into each other, nor values of different types.
func TestCacheKeysOfSimilarRequestsDiffer(t *testing.T) {
	m := newCache(t, cache.Config{}).Middleware()(llmtest.NewModel("flash", llmtest.Text("text")))
	texts := func(texts ...string) *model.LLMRequest {
		req := hello()
		for _, text := range texts {
			req.Contents[0].Parts = append(req.Contents[0].Parts, genai.NewPartFromText(text))
		}
		return req
	}
	argument := func(v any) *model.LLMRequest {
		req := hello()
		req.Contents[0].Parts = append(req.Contents[0].Parts, genai.NewPartFromFunctionCall("f", map[string]any{"v": v}))
		return req
	}
	headers := func(headers map[string]string) *model.LLMRequest {
		req := hello()
		req.Config = &genai.GenerateContentConfig{Tools: []*genai.Tool{{MCPServers: []*genai.MCPServer{{
			StreamableHTTPTransport: &genai.StreamableHTTPTransport{Headers: headers},
		}}}}}
		return req
	}
	properties := func(a, b genai.Type) *model.LLMRequest {
		req := hello()
		req.Config = &genai.GenerateContentConfig{ResponseSchema: &genai.Schema{Properties: map[string]*genai.Schema{
			"a": {Type: a, Properties: map[string]*genai.Schema{"x": {Type: b}}}, "b": {Type: b},
		}}}
		return req
	}
	long := strings.Repeat("x", 10_000)
	for name, req := range map[string]*model.LLMRequest{
		"ab":       texts("ab"),
		"a, b":     texts("a", "b"),
		"b, a":     texts("b", "a"),
		"a, empty": texts("a", ""),
		"long":     texts(long),
		"long, +1": texts(long + "x"),
		"1":        argument(1.0),
		"text 1":   argument("1"),
		"null":     argument(nil),
		"false":    argument(false),
		"list":     argument([]any{}),
		"map":      argument(map[string]any{}),
		"a=bc":     headers(map[string]string{"a": "bc"}),
		"ab=c":     headers(map[string]string{"ab": "c"}),
		"number":   properties(genai.TypeNumber, genai.TypeString),
		"text":     properties(genai.TypeString, genai.TypeNumber),
		"int":      argument(math.MaxInt64), // no float64 is the same
		"float":    argument(float64(math.MaxInt64)),
		"texts":    argument([]string{"a"}),
		"[[1],2]":  argument([]any{[]any{1.0}, 2.0}),
		"[[1,2]]":  argument([]any{[]any{1.0, 2.0}}),
	} {
		if got := cacheStatus(t.Context(), t, m, req); got != call.CacheMiss {
			t.Errorf("%s: %s, want a miss", name, got)
		}
	}
}

func TestCacheLeavesCyclesAlone(t *testing.T) {
	cycle := map[string]any{}
	cycle["self"] = cycle
	req := hello()
	req.Config = &genai.GenerateContentConfig{ResponseJsonSchema: cycle}
	m := newCache(t, cache.Config{}).Middleware()(llmtest.NewModel("flash", llmtest.Text("text")))
	if got := cacheStatus(t.Context(), t, m, req); got != call.CacheBypass {
		t.Errorf("a request without end is a %s, want a bypass", got)
	}
}
