package plugin_test

import (
	"log/slog"
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"
	adkgemini "google.golang.org/adk/v2/model/gemini"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// logged returns what build logs.
func logged(t *testing.T, build func()) string {
	t.Helper()
	var log strings.Builder
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	build()
	slog.SetDefault(before)
	return log.String()
}

// Building a tree logs faults of a model that this module cannot fix, such as a client
// with retries of its own. ADK's OpenAI model is tested in sdks.
func TestTreesWarnOfModelsThatCannotBeFixed(t *testing.T) {
	srv := fallbacktest.NewServer()
	defer srv.Close()
	retrying, quiet := srv.ClientConfig(), srv.ClientConfig()
	retrying.HTTPOptions.RetryOptions = &genai.HTTPRetryOptions{}
	adkModel := func(config *genai.ClientConfig) model.LLM {
		m, err := adkgemini.NewModel(t.Context(), "gemini-2.5-flash", config)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for _, test := range []struct {
		name  string
		model model.LLM
		want  string
	}{
		{"a client that retries", adkModel(retrying), "RetryOptions"},
		{"ADK's Gemini model", adkModel(quiet), ""},
	} {
		got := logged(t, func() {
			router.MustFallback(router.Config{}, test.model, llmtest.NewModel("other", llmtest.Text("hi")))
		})
		if test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s: logged %q, want %q in it", test.name, got, test.want)
		}
	}
}

// B101: what an agent has written for the wire of its own model, extra fields of
// the body, does not go to another one.
func TestExtraBodyStaysWithTheAgentsModel(t *testing.T) {
	req := &model.LLMRequest{Contents: genai.Text("hello"), Config: &genai.GenerateContentConfig{
		HTTPOptions: &genai.HTTPOptions{ExtraBody: map[string]any{"generationConfig": map[string]any{}}},
	}}
	first, other := llmtest.NewModel("first", llmtest.Fail(llmtest.ErrQuota)), llmtest.NewModel("other", llmtest.Text("hi"))
	answer, err := answerOf(t, router.MustFallback(router.Config{}, first, other), req)
	if err != nil {
		t.Fatal(err)
	}
	if got := first.Requests()[0].Config.HTTPOptions.ExtraBody; got == nil {
		t.Error("the agent's own model was asked without its extra fields")
	}
	if got := other.Requests()[0].Config.HTTPOptions.ExtraBody; got != nil {
		t.Errorf("another model was sent %v", got)
	}
	if md, _ := call.ReadResponse(answer); strings.Join(md.Adapted, " ") != "extra_body" {
		t.Errorf("fallback_adapted is %q, want extra_body", md.Adapted)
	}
}
