package sdks_test

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
	"google.golang.org/adk/v2/model/openaimodel"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

func adkModel(t *testing.T, url string) model.LLM {
	t.Helper()
	m, err := openaimodel.NewModel(t.Context(), "gpt-4o", &openaimodel.ClientConfig{
		APIKey: "key", BaseURL: url, Options: []option.RequestOption{option.WithMaxRetries(0)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Building a tree logs that the model has faults which this module cannot fix.
func TestTreesWarnOfADKsModel(t *testing.T) {
	var log strings.Builder
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	router.MustFallback(router.Config{}, adkModel(t, "http://127.0.0.1:0"), llmtest.NewModel("other", llmtest.Text("hi")))
	if !strings.Contains(log.String(), "plugin/fallback/provider/openai") {
		t.Errorf("logged %q, want the provider to use instead", log.String())
	}
}

// B101, B109: ADK's model refuses some settings before it calls the API. Behind a router it
// gets none of them, and the answer names them.
func TestADKsModelIsReached(t *testing.T) {
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
	m := router.MustFallback(router.Config{}, llmtest.NewModel("first", llmtest.Fail(llmtest.ErrQuota)), adkModel(t, web.URL))
	req := &model.LLMRequest{Contents: genai.Text("hello"), Config: &genai.GenerateContentConfig{
		Temperature: genai.Ptr[float32](0.3), TopK: genai.Ptr[float32](40), StopSequences: []string{"<END>"},
		PresencePenalty: genai.Ptr[float32](0.1), FrequencyPenalty: genai.Ptr[float32](0.1), Seed: genai.Ptr[int32](7),
		ResponseLogprobs: true, Logprobs: genai.Ptr[int32](2), CandidateCount: 1,
		SafetySettings: []*genai.SafetySetting{{Category: genai.HarmCategoryHarassment, Threshold: genai.HarmBlockThresholdBlockOnlyHigh}},
		Labels:         map[string]string{"team": "weather"},
		ThinkingConfig: &genai.ThinkingConfig{IncludeThoughts: true, ThinkingLevel: genai.ThinkingLevelHigh},
	}}
	var answer *model.LLMResponse
	for resp, err := range m.GenerateContent(t.Context(), req, false) {
		if err != nil {
			t.Fatal(err)
		}
		answer = resp
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
