package plugin_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3/option"
	"google.golang.org/adk/v2/model"
	adkgemini "google.golang.org/adk/v2/model/gemini"
	"google.golang.org/adk/v2/model/openaimodel"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/suite"
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

func adkOpenAI(t *testing.T, url string) model.LLM {
	t.Helper()
	m, err := openaimodel.NewModel(t.Context(), "gpt-4o", &openaimodel.ClientConfig{
		APIKey: "key", BaseURL: url, Options: []option.RequestOption{option.WithMaxRetries(0)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Building a tree logs faults of a model that this module cannot fix: ADK's OpenAI
// model, and a client with retries of its own.
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
		{"ADK's OpenAI model", adkOpenAI(t, srv.URL), "plugin/fallback/provider/openai"},
		{"a client that retries", adkModel(retrying), "RetryOptions"},
		{"ADK's Gemini model", adkModel(quiet), ""},
	} {
		got := logged(t, func() { router.MustFallback(router.Config{}, test.model, suite.NewModel("other", suite.Text("hi"))) })
		if test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s: logged %q, want %q in it", test.name, got, test.want)
		}
	}
}

// B101, B109: ADK's OpenAI model refuses settings before it asks. Behind a router
// it gets none of them, and the answer names them.
func TestADKsOpenAIModelIsReached(t *testing.T) {
	var body map[string]any
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"r","object":"response","model":"gpt-4o","status":"completed","output":[{"type":"message","id":"m","role":"assistant",`+
			`"status":"completed","content":[{"type":"output_text","text":"hi","annotations":[]}]}]}`)
	}))
	defer web.Close()
	m := router.MustFallback(router.Config{}, suite.NewModel("first", suite.Fail(suite.ErrQuota)), adkOpenAI(t, web.URL))
	answer, err := answerOf(t, m, &model.LLMRequest{Contents: genai.Text("hello"), Config: everySetting()})
	if err != nil {
		t.Fatal(err)
	}
	if body["temperature"] == nil {
		t.Error("a setting that the model takes was left out: temperature")
	}
	md, _ := call.ReadResponse(answer)
	for _, want := range []string{"top_k", "safety_settings", "stop_sequences"} {
		if !strings.Contains(strings.Join(md.Adapted, " "), want) {
			t.Errorf("fallback_adapted is %q, want %s in it", md.Adapted, want)
		}
	}
}

// B101: what an agent has written for the wire of its own model, extra fields of
// the body, does not go to another one.
func TestExtraBodyStaysWithTheAgentsModel(t *testing.T) {
	req := &model.LLMRequest{Contents: genai.Text("hello"), Config: &genai.GenerateContentConfig{
		HTTPOptions: &genai.HTTPOptions{ExtraBody: map[string]any{"generationConfig": map[string]any{}}},
	}}
	first, other := suite.NewModel("first", suite.Fail(suite.ErrQuota)), suite.NewModel("other", suite.Text("hi"))
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
