package cache_test

import (
	"context"
	"fmt"
	"log"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// statusFor asks m and returns the cache_status of the answer.
func statusFor(t testing.TB, ctx context.Context, m model.LLM, contents ...*genai.Content) string {
	t.Helper()
	for resp, err := range m.GenerateContent(ctx, &model.LLMRequest{Contents: contents}, false) {
		if err != nil {
			t.Fatal(err)
		}
		md, _ := call.ReadResponse(resp)
		return md.CacheStatus
	}
	t.Fatal("no answer")
	return ""
}

func user(text string) *genai.Content { return genai.NewContentFromText(text, genai.RoleUser) }

// B85, B86
func TestCacheRules(t *testing.T) {
	rules := []cache.Rule{
		{Labels: map[string]string{"topic": "prices", "live": "yes"}, Skip: true},
		{Labels: map[string]string{"topic": "prices"}, TTL: time.Minute},
		{Prompt: regexp.MustCompile(`(?i)\bpolicy\b`)}, // the default, whoever asks
		{Agent: "librarian", TTL: 24 * time.Hour},
		{Prompt: regexp.MustCompile(`^What time`), TTL: time.Second},
	}
	long := "What time" + strings.Repeat(" x", cache.MaxRuleBytes)
	for name, test := range map[string]struct {
		info     call.Info
		contents []*genai.Content
		ttl      time.Duration // 0 for none
	}{
		"no rule":                 {contents: []*genai.Content{user("hi")}, ttl: time.Hour},
		"a label":                 {info: call.Info{Labels: map[string]string{"topic": "prices"}}, contents: []*genai.Content{user("hi")}, ttl: time.Minute},
		"another value":           {info: call.Info{Labels: map[string]string{"topic": "news"}}, contents: []*genai.Content{user("hi")}, ttl: time.Hour},
		"two labels":              {info: call.Info{Labels: map[string]string{"topic": "prices", "live": "yes"}}, contents: []*genai.Content{user("hi")}},
		"an agent":                {info: call.Info{Agent: "librarian"}, contents: []*genai.Content{user("hi")}, ttl: 24 * time.Hour},
		"an exception before it":  {info: call.Info{Agent: "librarian"}, contents: []*genai.Content{user("our Policy?")}, ttl: time.Hour},
		"a prompt":                {contents: []*genai.Content{user("What time is it?")}, ttl: time.Second},
		"a long prompt":           {contents: []*genai.Content{user(long)}, ttl: time.Second},
		"an earlier prompt":       {contents: []*genai.Content{user("What time is it?"), genai.NewContentFromText("Nine.", genai.RoleModel), user("Thanks")}, ttl: time.Hour},
		"the model's own words":   {contents: []*genai.Content{user("hi"), genai.NewContentFromText("What time", genai.RoleModel)}, ttl: time.Hour},
		"told of another agent's": {contents: []*genai.Content{user("hi"), {Role: genai.RoleUser, Parts: []*genai.Part{{Text: "For context:"}, {Text: "policy"}}}}, ttl: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := cache.MustNew(cache.Config{TTL: time.Hour, StaleWhileRevalidate: time.Minute, Rules: rules})
				defer c.Close()
				m := c.Middleware()(llmtest.NewModel("flash", llmtest.Text("hi")))
				ctx := call.With(t.Context(), test.info)
				if test.ttl == 0 {
					for range 2 {
						if got := statusFor(t, ctx, m, test.contents...); got != call.CacheBypass {
							t.Errorf("status %q, want bypass", got)
						}
					}
					if _, _, ok := c.Lookup(ctx, &model.LLMRequest{Model: "flash", Contents: test.contents}); ok {
						t.Error("the answer is kept for Lookup")
					}
					return
				}
				var got []string
				got = append(got, statusFor(t, ctx, m, test.contents...))
				time.Sleep(test.ttl - 1)
				got = append(got, statusFor(t, ctx, m, test.contents...))
				_, fresh, ok := c.Lookup(ctx, &model.LLMRequest{Model: "flash", Contents: test.contents})
				if !ok || !fresh {
					t.Errorf("Lookup: fresh is %v, ok is %v", fresh, ok)
				}
				time.Sleep(time.Nanosecond)
				_, fresh, _ = c.Lookup(ctx, &model.LLMRequest{Model: "flash", Contents: test.contents})
				got = append(got, statusFor(t, ctx, m, test.contents...))
				if want := "[miss hit stale] false"; fmt.Sprint(got, fresh) != want {
					t.Errorf("%v %v, want %s", got, fresh, want)
				}
			})
		})
	}
}

// A caller whose answers must be young is not given another's old one.
func TestCacheRuleOfTheCallerDecides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := cache.MustNew(cache.Config{TTL: time.Hour, Rules: []cache.Rule{{Agent: "clerk", TTL: time.Minute}}})
		defer c.Close()
		m := c.Middleware()(llmtest.NewModel("flash", llmtest.Text("hi")))
		clerk := call.With(t.Context(), call.Info{Agent: "clerk"})
		statusFor(t, t.Context(), m, user("hi"))
		time.Sleep(30 * time.Minute)
		if got := statusFor(t, t.Context(), m, user("hi")); got != call.CacheHit {
			t.Errorf("status %q, want hit", got)
		}
		if got := statusFor(t, clerk, m, user("hi")); got != call.CacheMiss {
			t.Errorf("clerk: status %q, want miss", got)
		}
	})
}

func TestCacheRulesAreChecked(t *testing.T) {
	_, err := cache.New(cache.Config{Rules: []cache.Rule{{}, {TTL: -1}, {Skip: true, TTL: 1}}})
	for _, text := range []string{"Rules[1].TTL is -1ns", "Rules[2] has both Skip and a TTL"} {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("error %v, want one with %q", err, text)
		}
	}
}

// Answers about prices are kept for a minute, and those about the time not at all.
func ExampleRule() {
	c, err := cache.New(cache.Config{
		TTL: time.Hour,
		Rules: []cache.Rule{
			{Prompt: regexp.MustCompile(`(?i)what time`), Skip: true},
			{Labels: map[string]string{"topic": "prices"}, TTL: time.Minute},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	m := c.Middleware()(llmtest.NewModel("flash", llmtest.Text("Nine.")))
	for _, question := range []string{"When do you open?", "When do you open?", "What time is it?"} {
		for resp, err := range m.GenerateContent(context.Background(), &model.LLMRequest{Contents: genai.Text(question)}, false) {
			if err != nil {
				log.Fatal(err)
			}
			md, _ := call.ReadResponse(resp)
			fmt.Println(question, md.CacheStatus)
		}
	}
	// Output:
	// When do you open? miss
	// When do you open? hit
	// What time is it? bypass
}

// A rule's Prompt sees the first MaxRuleBytes of the message, trimmed, and no more.
func TestCacheRuleSeesABoundedPrompt(t *testing.T) {
	rules := []cache.Rule{{Prompt: regexp.MustCompile(`secret`), Skip: true}}
	fill := func(n int) string { return strings.Repeat("x", n) }
	for name, test := range map[string]struct {
		text   string
		status string
	}{
		"at the beginning":         {"secret" + fill(2*cache.MaxRuleBytes), call.CacheBypass},
		"just within":              {fill(cache.MaxRuleBytes-6) + "secret" + fill(9), call.CacheBypass},
		"over the bound":           {fill(cache.MaxRuleBytes-5) + "secret" + fill(9), call.CacheMiss},
		"beyond":                   {fill(cache.MaxRuleBytes) + "secret", call.CacheMiss},
		"behind white space":       {strings.Repeat(" ", 2*cache.MaxRuleBytes) + "secret", call.CacheBypass},
		"exactly as long":          {fill(cache.MaxRuleBytes-6) + "secret", call.CacheBypass},
		"a letter over the bound":  {"secret" + fill(cache.MaxRuleBytes-7) + "é", call.CacheBypass},
		"a prompt without letters": {"", call.CacheMiss},
	} {
		c := cache.MustNew(cache.Config{TTL: time.Hour, Rules: rules})
		m := c.Middleware()(llmtest.NewModel("flash", llmtest.Text("hi")))
		if got := statusFor(t, t.Context(), m, user(test.text)); got != test.status {
			t.Errorf("%s: status %q, want %q", name, got, test.status)
		}
		_ = c.Close()
	}
}
