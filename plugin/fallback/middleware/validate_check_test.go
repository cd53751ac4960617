package middleware_test

import (
	"context"
	"errors"
	"regexp"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

func TestCheckHasTheRulesOfValidate(t *testing.T) {
	digits := regexp.MustCompile(`\d`)
	schema := &genai.GenerateContentConfig{ResponseSchema: &genai.Schema{Type: genai.TypeObject, Required: []string{"city"}}}
	calls := &genai.Content{Parts: []*genai.Part{{FunctionCall: &genai.FunctionCall{Name: "weather"}}}}
	text := func(s string) *genai.Content { return genai.NewContentFromText(s, genai.RoleModel) }
	for name, test := range map[string]struct {
		config  middleware.ValidateConfig
		request *genai.GenerateContentConfig
		answer  *genai.Content
		want    string // the reason
	}{
		"no rule applies":    {middleware.ValidateConfig{}, nil, text("Paris."), ""},
		"matches the schema": {middleware.ValidateConfig{}, schema, text(`{"city": "Paris"}`), ""},
		"other schema":       {middleware.ValidateConfig{}, schema, text(`{}`), "it does not match the response schema"},
		"skips the schema":   {middleware.ValidateConfig{SkipSchema: true, MinLength: 1}, schema, text(`{}`), ""},
		"too short":          {middleware.ValidateConfig{MinLength: 10}, nil, text("Paris."), "it has 6 characters, fewer than 10"},
		"no pattern":         {middleware.ValidateConfig{Pattern: digits}, nil, text("Paris."), "it does not match the pattern"},
		"calls a function":   {middleware.ValidateConfig{Pattern: digits}, nil, calls, ""},
		"no content":         {middleware.ValidateConfig{MinLength: 1}, nil, nil, "it has 0 characters, fewer than 1"},
		"Func panics": {middleware.ValidateConfig{Func: func(context.Context, *model.LLMRequest, *model.LLMResponse) error { panic("boom") }}, nil, text("Paris."),
			"the function does not accept it"},
	} {
		t.Run(name, func(t *testing.T) {
			check, err := middleware.NewCheck(test.config)
			if err != nil {
				t.Fatal(err)
			}
			err = check(t.Context(), &model.LLMRequest{Config: test.request}, &model.LLMResponse{Content: test.answer})
			got := ""
			if rejected, ok := errors.AsType[*middleware.RejectedError](err); ok {
				got = rejected.Reason
			}
			if got != test.want || (err != nil) != (test.want != "") {
				t.Errorf("reason %q (%v), want %q", got, err, test.want)
			}
		})
	}
	if _, err := middleware.NewCheck(middleware.ValidateConfig{SkipSchema: true}); err == nil {
		t.Error("no error for a check without a rule")
	}
}
