package cascade_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cascade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

func TestJudgeChecks(t *testing.T) {
	digits := regexp.MustCompile(`\d`)
	for name, test := range map[string]struct {
		config middleware.ValidateConfig
		reason string
	}{
		"a length":   {middleware.ValidateConfig{MinLength: 10}, "judge: it has 5 characters, fewer than 10"},
		"a pattern":  {middleware.ValidateConfig{Pattern: digits}, "judge: it does not match the pattern"},
		"a function": {middleware.ValidateConfig{Func: func(context.Context, *model.LLMRequest, *model.LLMResponse) error { return errors.New("no") }}, "judge: the function does not accept it: no"},
		"kept":       {middleware.ValidateConfig{MinLength: 5}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := judgedBy(t.Context(), cascade.JudgeChecks(test.config), llmtest.Text("cheap"), true)
			if got.Metadata().Reason != test.reason {
				t.Errorf("reason %q, want %q", got.Metadata().Reason, test.reason)
			}
		})
	}
	schema := llmtest.UserSays("hi")
	schema.Config = &genai.GenerateContentConfig{ResponseSchema: &genai.Schema{Type: genai.TypeObject}}
	m := cascade.MustNew(cascade.Config{Judges: []cascade.Judge{cascade.JudgeChecks(middleware.ValidateConfig{})}, Hold: true},
		llmtest.NewModel("flash", llmtest.Text("cheap"), llmtest.Text("{}")), llmtest.NewModel("pro", llmtest.Text(`{"by": "pro"}`)))
	for _, want := range []string{`{"by": "pro"}[{"by": "pro"}]`, "{}[{}]"} {
		if got := llmtest.Collect(m.GenerateContent(t.Context(), schema, true)); got.Stream != want {
			t.Errorf("the consumer saw %q, want %q", got.Stream, want)
		}
	}
	if _, err := cascade.New(cascade.Config{Judges: []cascade.Judge{cascade.JudgeChecks(middleware.ValidateConfig{SkipSchema: true})}},
		llmtest.NewModel("a"), llmtest.NewModel("b")); err == nil || !strings.Contains(err.Error(), "Config.Judges[0]: middleware: ValidateConfig") {
		t.Errorf("error %v, want that of the checks", err)
	}
}

// What the application's function says is in the reason: redacted, within its bound. What
// a schema says is not, since it quotes the answer.
func TestReasonOfJudgeChecks(t *testing.T) {
	says := func(text string) middleware.ValidateConfig {
		return middleware.ValidateConfig{Func: func(context.Context, *model.LLMRequest, *model.LLMResponse) error { return errors.New(text) }}
	}
	const prefix = "judge: the function does not accept it"
	for name, test := range map[string]struct {
		config middleware.ValidateConfig
		want   string
	}{
		"a text":   {says("no platform is named"), prefix + ": no platform is named"},
		"no text":  {says(""), prefix},
		"too long": {says(strings.Repeat("word ", 1000)), prefix + ": word word word word word word word word word word word word word word word word word…"},
		"a secret": {says("key sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH is wrong"), prefix + ": key [redacted] is wrong"},
		"a panic":  {middleware.ValidateConfig{Func: func(context.Context, *model.LLMRequest, *model.LLMResponse) error { panic("secret") }}, prefix + ": middleware: ValidateConfig.Func panicked"},
		"a schema": {middleware.ValidateConfig{}, "judge: it does not match the response schema"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, streamed := range []bool{false, true} {
				config, record := recorded(cascade.Config{Judges: []cascade.Judge{cascade.JudgeChecks(test.config)}})
				req := llmtest.UserSays("hi")
				if name == "a schema" {
					req.Config = &genai.GenerateContentConfig{ResponseSchema: &genai.Schema{Type: genai.TypeObject, Required: []string{"city"}}}
				}
				m := cascade.MustNew(config, llmtest.NewModel("flash", llmtest.Text(`{"secret":1}`)), llmtest.NewModel("pro", llmtest.Text(`{"city":1}`)))
				got := llmtest.Collect(m.GenerateContent(t.Context(), req, streamed))
				if diff := cmp.Diff([]string{"flash failed: " + test.want, "pro ok"}, attempts(*record)); diff != "" || got.Err != nil {
					t.Errorf("error %v; record (-want +got):\n%s", got.Err, diff)
				}
				if md := got.Metadata(); md.Reason != test.want || strings.Contains(fmt.Sprint(md), "secret") {
					t.Errorf("metadata %+v, want the reason %q", md, test.want)
				}
			}
		})
	}
}
