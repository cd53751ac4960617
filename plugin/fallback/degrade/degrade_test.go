package degrade_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

func hello() *model.LLMRequest {
	return &model.LLMRequest{Model: "flash", Contents: []*genai.Content{genai.NewContentFromText("hi", genai.RoleUser)}}
}

// ask makes one call and returns the texts of the responses, with "…" behind
// partial ones, the metadata of the final one, and the error.
func ask(ctx context.Context, m model.LLM, req *model.LLMRequest, streamed bool) (texts []string, md call.Metadata, err error) {
	for resp, e := range m.GenerateContent(ctx, req, streamed) {
		if e != nil {
			return texts, md, e
		}
		text := ""
		for _, part := range resp.Content.Parts {
			text += part.Text
		}
		if resp.Partial {
			text += "…"
		} else {
			md, _ = call.ReadResponse(resp)
			if resp.FinishReason != genai.FinishReasonStop {
				return texts, md, fmt.Errorf("finish reason %q", resp.FinishReason)
			}
		}
		texts = append(texts, text)
	}
	return texts, md, nil
}

func want(t *testing.T, got, want []string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("responses (-want +got):\n%s", diff)
	}
}

var down = llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable))

// B87
func TestTemplateSaysSo(t *testing.T) {
	last := degrade.Template("Sorry.")
	for name, m := range map[string]model.LLM{
		"alone":           last,
		"behind a router": router.MustFallback(router.Config{}, down, last),
		"in a plain chain": middleware.Chain(last, middleware.MustRetry(middleware.RetryConfig{}),
			middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Minute, Grace: time.Second})),
	} {
		for _, streamed := range []bool{false, true} {
			texts, md, err := ask(t.Context(), m, hello(), streamed)
			if err != nil || md.Degraded != "template-response" {
				t.Errorf("%s: degraded %q, error %v", name, md.Degraded, err)
			}
			if streamed {
				want(t, texts, []string{"Sorry.…", "Sorry."})
			} else {
				want(t, texts, []string{"Sorry."})
			}
		}
	}
}

// B87
func TestTemplateBehindARouterTellsOfTheFailureToo(t *testing.T) {
	_, md, err := ask(t.Context(), router.MustFallback(router.Config{}, down, degrade.Template("")), hello(), false)
	if err != nil || !md.Triggered || md.OriginalModel != "flash" || md.FallbackModel != "template-response" || md.ModelName != "template-response" {
		t.Errorf("metadata %+v, error %v", md, err)
	}
}

func TestTemplateFields(t *testing.T) {
	m := degrade.MustTemplate(degrade.TemplateConfig{Name: "sorry", Text: "{{.Agent}} of {{.App}}{{if .Tenant}} for {{.Tenant}}{{end}} cannot reach {{.Model}}."})
	ctx := call.With(t.Context(), call.Info{App: "shop", Agent: "clerk", Tenant: "acme"})
	texts, md, err := ask(ctx, router.MustFallback(router.Config{}, down, m), hello(), false)
	if err != nil || md.Degraded != "sorry" {
		t.Errorf("degraded %q, error %v", md.Degraded, err)
	}
	want(t, texts, []string{"clerk of shop for acme cannot reach flash."})
}

func TestTemplateFunc(t *testing.T) {
	m := degrade.MustTemplate(degrade.TemplateConfig{Func: func(_ context.Context, req *model.LLMRequest) string {
		return fmt.Sprintf(`{"error": %q}`, req.Model)
	}})
	texts, _, err := ask(t.Context(), m, hello(), false)
	if err != nil {
		t.Error(err)
	}
	want(t, texts, []string{`{"error": "flash"}`})
}

// B80
func TestTemplateFuncThatFailsLeavesItToTheNext(t *testing.T) {
	for name, say := range map[string]func(context.Context, *model.LLMRequest) string{
		"panics":       func(context.Context, *model.LLMRequest) string { panic("say") },
		"says nothing": func(context.Context, *model.LLMRequest) string { return "" },
	} {
		t.Run(name, func(t *testing.T) {
			m := degrade.MustTemplate(degrade.TemplateConfig{Name: "custom", Func: say})
			if _, _, err := ask(t.Context(), m, hello(), true); failure.Classify(err).Action != failure.Fallback {
				t.Errorf("error %v, want a verdict to fall back", err)
			}
			texts, md, err := ask(t.Context(), router.MustFallback(router.Config{}, down, m, degrade.Template("Sorry.")), hello(), false)
			if err != nil || md.Degraded != "template-response" {
				t.Errorf("degraded %q, error %v", md.Degraded, err)
			}
			want(t, texts, []string{"Sorry."})
		})
	}
}

// CheckTemplate takes what NewTemplate takes; package phrase says what that is.
func TestCheckTemplate(t *testing.T) {
	for text, found := range map[string]string{
		"": "", "Sorry.": "", "{{or .Agent \"Somebody\"}} is away.": "",
		"{{.Prompt}}": ".Prompt in {{.Prompt}} is not supported", "{{if .Tenant}}Sorry{{end}}": "{{if .Tenant}} may be blank",
	} {
		_, newErr := degrade.NewTemplate(degrade.TemplateConfig{Text: text})
		for what, err := range map[string]error{"CheckTemplate": degrade.CheckTemplate(text), "NewTemplate": newErr} {
			if (err == nil) != (found == "") || err != nil && !strings.HasPrefix(err.Error(), "degrade: TemplateConfig.Text: "+found) {
				t.Errorf("%s(%q) = %v, want %q", what, text, err, found)
			}
		}
	}
}

func TestTemplateConfigNamesEveryWrongField(t *testing.T) {
	for text, config := range map[string]degrade.TemplateConfig{
		"not a template":     {Text: "{{.Agent"},
		"unknown field":      {Text: "{{.Prompt}}"},
		"in a branch":        {Text: "{{if .Agent}}{{.Prompt}}{{end}}"},
		"in the other":       {Text: "{{if .Agent}}{{else}}{{.Prompt}}{{end}}"},
		"function beside it": {Text: "hi", Func: func(context.Context, *model.LLMRequest) string { return "" }},
	} {
		_, err := degrade.NewTemplate(config)
		if err == nil || !strings.Contains(err.Error(), "degrade: TemplateConfig.") {
			t.Errorf("%s: error %v, want one that names the field", text, err)
		}
	}
}

// B87
func TestCachedAnswerSaysSo(t *testing.T) {
	for name, test := range map[string]struct {
		config degrade.CachedAnswerConfig
		mime   string
		schema *genai.Schema
		text   string
	}{
		"by default":      {text: degrade.DefaultPrefix + "Paris."},
		"in own words":    {config: degrade.CachedAnswerConfig{Name: "old", Prefix: "Earlier: ", Suffix: " (old)"}, text: "Earlier: Paris. (old)"},
		"at the end":      {config: degrade.CachedAnswerConfig{Suffix: " (old)"}, text: "Paris. (old)"},
		"not inside JSON": {mime: "application/json", text: "Paris."},
		"nor by a schema": {schema: &genai.Schema{Type: genai.TypeString}, text: "Paris."},
		"in plain text":   {mime: "text/plain", text: degrade.DefaultPrefix + "Paris."},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := cache.MustNew(cache.Config{TTL: time.Minute})
				defer c.Close()
				test.config.Cache = c
				flash := llmtest.NewModel("flash", llmtest.Text("Paris."), llmtest.Fail(llmtest.ErrUnavailable))
				m := middleware.Chain(router.MustFallback(router.Config{}, flash, degrade.MustCachedAnswer(test.config)), c.Middleware())
				req := hello()
				req.Model = "" // the cache knows whom it was asked of
				req.Config = &genai.GenerateContentConfig{ResponseMIMEType: test.mime, ResponseSchema: test.schema}
				if _, md, err := ask(t.Context(), m, req, false); err != nil || md.Degraded != "" {
					t.Fatalf("degraded %q, error %v, want an answer of the model's", md.Degraded, err)
				}
				time.Sleep(time.Hour)
				for _, streamed := range []bool{false, true} { // the second time too: it is not fresh for having been given
					texts, md, err := ask(t.Context(), m, req, streamed)
					if err != nil || md.Degraded == "" || md.CacheStatus != call.CacheStale || md.ModelName != md.Degraded {
						t.Errorf("metadata %+v, error %v; want a degraded, stale answer", md, err)
					}
					if streamed {
						want(t, texts, []string{test.text + "…", test.text})
					} else {
						want(t, texts, []string{test.text})
					}
				}
			})
		})
	}
}

// B87: outside of the cache's own calls it goes by the request.
func TestCachedAnswerAlone(t *testing.T) {
	c := cache.MustNew(cache.Config{})
	defer c.Close()
	m := degrade.CachedAnswer(c)
	if _, _, err := ask(t.Context(), m, hello(), false); failure.Classify(err).Action != failure.Fallback {
		t.Errorf("error %v, want a verdict to fall back", err)
	}
	if _, _, err := ask(t.Context(), c.Middleware()(llmtest.NewModel("flash", llmtest.Text("Paris."))), hello(), false); err != nil {
		t.Fatal(err)
	}
	texts, md, err := ask(t.Context(), m, hello(), false)
	if err != nil || md.Degraded != "cached-answer" || md.CacheStatus != call.CacheHit {
		t.Errorf("metadata %+v, error %v", md, err)
	}
	want(t, texts, []string{degrade.DefaultPrefix + "Paris."})
}

func TestCachedAnswerWithoutAnAnswerIsSkipped(t *testing.T) {
	c := cache.MustNew(cache.Config{})
	defer c.Close()
	for name, cached := range map[string]model.LLM{"empty": degrade.CachedAnswer(c), "none": degrade.CachedAnswer(nil)} {
		m := router.MustFallback(router.Config{}, down, cached, degrade.Template("Sorry."))
		_, md, err := ask(t.Context(), m, hello(), false)
		if err != nil || md.Degraded != "template-response" || len(md.Attempts) != 3 || md.Attempts[1].Outcome != call.Skipped {
			t.Errorf("%s: metadata %+v, error %v; want the cached answer skipped", name, md, err)
		}
		var refused *middleware.RefusedError
		if _, _, err := ask(t.Context(), router.MustFallback(router.Config{}, down, cached), hello(), false); !errors.As(err, &refused) || refused.By != "cache" {
			t.Errorf("%s: error %v, want one that tells of the cache", name, err)
		}
	}
}

// The prefix of a picture is a text before it.
func TestCachedAnswerWithoutText(t *testing.T) {
	c := cache.MustNew(cache.Config{})
	defer c.Close()
	picture := llmtest.Respond(func() *model.LLMResponse {
		return &model.LLMResponse{
			Content: genai.NewContentFromBytes([]byte("png"), "image/png", genai.RoleModel), FinishReason: genai.FinishReasonStop,
		}
	})
	if _, _, err := ask(t.Context(), c.Middleware()(llmtest.NewModel("flash", picture)), hello(), false); err != nil {
		t.Fatal(err)
	}
	for resp, err := range degrade.MustCachedAnswer(degrade.CachedAnswerConfig{Cache: c, Prefix: "Earlier:", Suffix: "(old)"}).
		GenerateContent(t.Context(), hello(), false) {
		if err != nil {
			t.Fatal(err)
		}
		got := []string{resp.Content.Parts[0].Text, string(resp.Content.Parts[1].InlineData.Data), resp.Content.Parts[2].Text}
		want(t, got, []string{"Earlier:", "png", "(old)"})
	}
}

// B86
func TestDegradedAnswersAreNotCached(t *testing.T) {
	c := cache.MustNew(cache.Config{})
	defer c.Close()
	flash := llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable), llmtest.Text("Paris."))
	m := middleware.Chain(router.MustFallback(router.Config{}, flash, degrade.Template("Sorry.")), c.Middleware())
	ask(t.Context(), m, hello(), false)
	texts, _, _ := ask(t.Context(), m, hello(), false)
	want(t, texts, []string{"Paris."})
}

func TestCachedAnswerNeedsACache(t *testing.T) {
	if _, err := degrade.NewCachedAnswer(degrade.CachedAnswerConfig{}); err == nil || !strings.Contains(err.Error(), "CachedAnswerConfig.Cache") {
		t.Errorf("error %v, want one that names Cache", err)
	}
}

func Example() {
	c, err := cache.New(cache.Config{TTL: time.Nanosecond})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	flash := llmtest.NewModel("flash", llmtest.Text("Paris."), llmtest.Fail(llmtest.ErrUnavailable))
	m := middleware.Chain(
		router.MustFallback(router.Config{}, flash, degrade.CachedAnswer(c), degrade.Template("Please try again later.")),
		c.Middleware(),
	)
	for _, question := range []string{"What is the capital of France?", "What is the capital of France?", "And of Italy?"} {
		req := &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText(question, genai.RoleUser)}}
		for resp, err := range m.GenerateContent(context.Background(), req, false) {
			if err != nil {
				log.Fatal(err)
			}
			md, _ := call.ReadResponse(resp)
			fmt.Printf("%q degraded=%q cache=%s\n", resp.Content.Parts[0].Text, md.Degraded, md.CacheStatus)
		}
	}
	// Output:
	// "Paris." degraded="" cache=miss
	// "(This is an earlier answer and may be out of date.)\n\nParis." degraded="cached-answer" cache=stale
	// "Please try again later." degraded="template-response" cache=miss
}
