package router_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cascade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// noticed is like collect, with a notice in parentheses, and "!" in the brackets of a
// final response whose metadata has a notice.
func noticed(t *testing.T, ctx context.Context, m model.LLM, streamed bool) string {
	t.Helper()
	text := ""
	for resp, err := range m.GenerateContent(ctx, &model.LLMRequest{Contents: genai.Text("hi")}, streamed) {
		if err != nil {
			return text + "error"
		}
		notice, has := resp.CustomMetadata[call.KeyNotice]
		words := llmtest.TextOf(resp.Content)
		switch {
		case has && notice != "fallback!":
			t.Errorf("the notice is %v", notice)
		case resp.CustomMetadata[call.KeyRestart] == true:
			text += "|"
		case resp.Partial && has:
			text += "(" + words + ")"
		case resp.Partial:
			text += words
		case has:
			text += "[" + words + "!]"
		default:
			text += "[" + words + "]"
		}
	}
	return text
}

// flowing is a context as ADK's flow passes it on.
type flowing struct{ context.Context }

func (flowing) InvocationID() string { return "turn" }

// A person sees the notice, and it is not in the answer.
func TestNotice(t *testing.T) {
	failing := llmtest.NewModel("first", llmtest.Fail(llmtest.ErrQuota))
	cut := llmtest.NewModel("first", llmtest.Fail(llmtest.ErrUnavailable, "Hello "))
	down, unsure := llmtest.NewModel("strong", llmtest.Fail(llmtest.ErrQuota)), llmtest.NewModel("cheap", llmtest.Text("Hi"))
	second := llmtest.NewModel("second", llmtest.Text("Hello you"))
	thinking := llmtest.NewModel("second", send(
		&model.LLMResponse{Content: &genai.Content{Role: genai.RoleModel, Parts: []*genai.Part{{Text: "hm", Thought: true}}}, Partial: true}, chunk("Hi"),
		&model.LLMResponse{Content: genai.NewContentFromText("Hi", genai.RoleModel), FinishReason: genai.FinishReasonStop}))
	notice := func(place router.NoticePlace) router.Config {
		return router.Config{Notice: router.Notice{Text: "fallback!", Place: place}}
	}
	resume, restart := notice(""), notice("after")
	resume.MidStream = router.Resume
	rejecting := cascade.Config{Judges: []cascade.Judge{
		cascade.JudgeFunc(func(context.Context, *model.LLMRequest, *model.LLMResponse) (float64, error) { return 0, nil }),
	}}
	validate := middleware.MustValidate(middleware.ValidateConfig{MinLength: 1})
	for _, test := range []struct {
		name                   string
		model                  model.LLM
		streamed, unary, inADK string // inADK is unary
	}{
		{"before", router.MustFallback(notice("before"), failing, second), "(fallback!)Hello you[Hello you!]", "[Hello you!]", "(fallback!)[Hello you!]"},
		{"default", router.MustFallback(notice(""), failing, second), "(fallback!)Hello you[Hello you!]", "[Hello you!]", "(fallback!)[Hello you!]"},
		{"after", router.MustFallback(notice("after"), failing, second), "Hello you(fallback!)[Hello you!]", "[Hello you!]", "(fallback!)[Hello you!]"},
		{"metadata", router.MustFallback(notice("metadata"), failing, second), "()Hello you[Hello you!]", "[Hello you!]", "()[Hello you!]"},
		{"the primary answers", router.MustFallback(notice(""), second, failing), "Hello you[Hello you]", "[Hello you]", "[Hello you]"},
		{"the strong model of a cascade", router.MustFallback(notice(""), cascade.MustNew(rejecting, unsure, second)),
			"Hi|Hello you[Hello you]", "[Hello you]", "[Hello you]"},
		{"a fallback behind a cascade", router.MustFallback(notice(""), cascade.MustNew(rejecting, failing, down), second),
			"(fallback!)Hello you[Hello you!]", "[Hello you!]", "(fallback!)[Hello you!]"},
		{"the second model of a hedge", router.MustFallback(notice(""), router.MustHedge(router.HedgeConfig{Delay: time.Hour, MaxExtraLoad: 1}, failing, second)),
			"(fallback!)Hello you[Hello you!]", "[Hello you!]", "(fallback!)[Hello you!]"},
		{"all fail", router.MustFallback(notice(""), failing, llmtest.NewModel("second", llmtest.Fail(llmtest.ErrQuota))), "error", "error", "error"},
		{"a call only", router.MustFallback(notice(""), failing, llmtest.NewModel("second", llmtest.Call("1", "find", "", nil))), "[]", "[]", "[]"},
		{"after thoughts", router.MustFallback(notice(""), failing, thinking), "hm(fallback!)Hi[Hi!]", "hmHi[Hi!]", "hm(fallback!)Hi[Hi!]"},
		{"restarted", router.MustFallback(notice(""), cut, second), "Hello |(fallback!)Hello you[Hello you!]", "[Hello you!]", "(fallback!)[Hello you!]"},
		{"restarted twice", router.MustFallback(notice(""), failing, llmtest.NewModel("cut", llmtest.Fail(llmtest.ErrUnavailable, "Oh ")), second), "(fallback!)Oh |(fallback!)Hello you[Hello you!]", "[Hello you!]", "(fallback!)[Hello you!]"},
		{"restarted, and not streamed", router.MustFallback(notice(""), failing, llmtest.NewModel("cut", llmtest.Fail(llmtest.ErrUnavailable, "Oh ")), llmtest.NewModel("second", llmtest.Respond(func() *model.LLMResponse {
			return &model.LLMResponse{Content: genai.NewContentFromText("Hi", genai.RoleModel), FinishReason: genai.FinishReasonStop}
		}))), "(fallback!)Oh |(fallback!)[Hi!]", "[Hi!]", "(fallback!)[Hi!]"},
		{"restarted, after", router.MustFallback(restart, cut, second), "Hello |Hello you(fallback!)[Hello you!]", "[Hello you!]", "(fallback!)[Hello you!]"},
		{"resumed", router.MustFallback(resume, cut, second), "Hello you(fallback!)[Hello you!]", "[Hello you!]", "(fallback!)[Hello you!]"},
		{"in a group", router.MustFallback(notice(""), fallback(failing, second)), "(fallback!)Hello you[Hello you!]", "[Hello you!]", "(fallback!)[Hello you!]"},
		{"of a group", fallback(router.MustFallback(notice(""), failing, second)), "(fallback!)Hello you[Hello you!]", "[Hello you!]", "(fallback!)[Hello you!]"},
		{"of a group that fails", fallback(router.MustFallback(notice(""), failing), second), "Hello you[Hello you]", "[Hello you]", "[Hello you]"},
		{"within Validate", validate(router.MustFallback(notice(""), failing, second)), "(fallback!)Hello you[Hello you!]", "[Hello you!]", "(fallback!)[Hello you!]"},
		{"within a hedge", router.MustHedge(router.HedgeConfig{Delay: 1 << 40}, router.MustFallback(notice(""), failing, second), llmtest.NewModel("third", llmtest.Text("x"))), "(fallback!)Hello you[Hello you!]", "[Hello you!]", "(fallback!)[Hello you!]"},
	} {
		for _, run := range []struct {
			name     string
			ctx      context.Context
			streamed bool
			want     string
		}{
			{"streamed", t.Context(), true, test.streamed}, {"unary", t.Context(), false, test.unary}, {"unary in ADK", flowing{t.Context()}, false, test.inADK},
		} {
			if got := noticed(t, run.ctx, test.model, run.streamed); got != run.want {
				t.Errorf("%s, %s: the consumer saw %q, want %q", test.name, run.name, got, run.want)
			}
		}
	}
}

// Whoever stops at the notice gets nothing more.
func TestNoticeStops(t *testing.T) {
	for _, place := range []router.NoticePlace{router.NoticeBefore, router.NoticeAfter} {
		m := router.MustFallback(router.Config{Notice: router.Notice{Text: "fallback!", Place: place}}, llmtest.NewModel("first", llmtest.Fail(llmtest.ErrQuota)), llmtest.NewModel("second", llmtest.Text("Hello")))
		for resp, err := range m.GenerateContent(t.Context(), &model.LLMRequest{Contents: genai.Text("hi")}, true) {
			if err != nil {
				t.Fatal(err)
			}
			if resp.CustomMetadata[call.KeyNotice] != nil {
				break
			}
		}
	}
}

func TestNoticeNamesEveryWrongField(t *testing.T) {
	for want, notice := range map[string]router.Notice{
		`Config.Notice.Place: "top" is unknown`: {Text: "x", Place: "top"},
		"Config.Notice.Text has 513 bytes":      {Text: strings.Repeat("x", call.MaxNoticeBytes+1)},
		`Place is "after", but Text is empty`:   {Place: router.NoticeAfter},
	} {
		if _, err := router.NewFallback(router.Config{Notice: notice}, llmtest.NewModel("a", llmtest.Text("x"))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %s", err, want)
		}
	}
}

func ExampleNewFallback_notice() {
	m := router.MustFallback(router.Config{Notice: router.Notice{Text: "Another model answers at the moment."}},
		llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrQuota)), llmtest.NewModel("pro", llmtest.Text("Hello from pro.")))
	for resp, err := range m.GenerateContent(context.Background(), &model.LLMRequest{}, true) {
		if err != nil {
			fmt.Println(err)
			return
		}
		_, notice := resp.CustomMetadata[call.KeyNotice]
		fmt.Printf("partial %v, notice %v: %q\n", resp.Partial, notice, resp.Content.Parts[0].Text)
	}
	// Output:
	// partial true, notice true: "Another model answers at the moment."
	// partial true, notice false: "Hello "
	// partial true, notice false: "from "
	// partial true, notice false: "pro."
	// partial false, notice true: "Hello from pro."
}
