package policy_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// Each rule of section validate makes a call fall back, and the metadata has the reason.
func TestValidateMovesOn(t *testing.T) {
	object := &genai.GenerateContentConfig{ResponseSchema: &genai.Schema{Type: genai.TypeObject}}
	noApology := policy.Validators{"no-apology": func(_ context.Context, _ *model.LLMRequest, resp *model.LLMResponse) error {
		if strings.Contains(llmtest.TextOf(resp.Content), "sorry") {
			return errors.New("it says sorry")
		}
		return nil
	}}
	for name, test := range map[string]struct {
		section, answer string
		reason          string // empty for an answer that is accepted
	}{
		"schema by default":   {"{}", "no JSON", "it does not match the response schema"},
		"schema, matched":     {"{}", `{"a": 1}`, ""},
		"schema switched off": {"{schema: false, min_length: 3}", "no JSON", ""},
		"pattern":             {`{schema: false, pattern: 'platform \d+'}`, "soon", "it does not match the pattern"},
		"pattern, matched":    {`{schema: false, pattern: 'platform \d+'}`, "platform 7", ""},
		"length":              {"{schema: false, min_length: 20}", "soon", "it has 4 characters, fewer than 20"},
		"function":            {"{schema: false, function: no-apology}", "sorry", "the function does not accept it"},
		"function, accepted":  {"{schema: false, function: no-apology}", "soon", ""},
	} {
		for _, streamed := range []bool{false, true} {
			m := build(t, "primary: a\nfallbacks: [{name: template-response}]\nvalidate: "+test.section+"\nretry: {}\ncircuit_breaker: {failure_threshold: 1}\n",
				models(llmtest.NewModel("a", llmtest.Text(test.answer))), noApology)
			for range 2 { // the breaker stays closed: the model is up
				got := askFor(t.Context(), m, streamed, &model.LLMRequest{Contents: genai.Text("hi"), Config: object})
				if got.err != nil || (got.text == test.answer) != (test.reason == "") {
					t.Fatalf("%s, streamed %v: %q, error %v, want accepted %v", name, streamed, got.text, got.err, test.reason == "")
				}
				if test.reason == "" {
					continue
				}
				first := got.md.Attempts[0]
				if first.Outcome != call.Failed || first.Kind != string(failure.KindRejected) || first.Reason != test.reason || got.md.Degraded == "" {
					t.Errorf("%s, streamed %v: first attempt %+v, want rejected because %s", name, streamed, first, test.reason)
				}
			}
		}
	}
}

// A condition can distinguish a rejected answer from other failures.
func TestConditionOnARejectedAnswer(t *testing.T) {
	m := build(t, "primary: a\nfallbacks: [{name: b, condition: 'error_kind == \"rate_limit\"'}, {name: c, condition: 'error_kind == \"rejected\"'}]\nvalidate: {min_length: 5}\nerrors: {codes: [429]}\n",
		models(llmtest.NewModel("a", llmtest.Text("no")), llmtest.NewModel("b", llmtest.Text("from b")), llmtest.NewModel("c", llmtest.Text("from c"))))
	if got := ask(t.Context(), m, false); got.text != "from c" {
		t.Errorf("%q, error %v, want c's answer", got.text, got.err)
	}
}

// The timeouts of the model apply to a streamed answer that is held back.
func TestValidateLeavesTimeoutsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
			for range 5 {
				time.Sleep(time.Second)
				yield(&model.LLMResponse{Content: genai.NewContentFromText("word ", genai.RoleModel), Partial: true}, nil)
			}
			yield(&model.LLMResponse{Content: genai.NewContentFromText("whole", genai.RoleModel), FinishReason: genai.FinishReasonStop}, nil)
		}
		m := build(t, "primary: a\nfallbacks: [{name: b}]\ntimeouts: {primary: 2s}\nvalidate: {min_length: 3}\n",
			models(llmtest.NewModel("a", slow), llmtest.NewModel("b", llmtest.Text("from b"))))
		if got := ask(t.Context(), m, true); got.text != "whole" || got.partials != 5 {
			t.Errorf("%q after %d partial responses, error %v, want a's answer", got.text, got.partials, got.err)
		}
	})
}

// An unknown function is a mistake in the file, with its place; a nil function is one of the
// application.
func TestValidatorsAreChecked(t *testing.T) {
	p := parsed(t, "primary: a\nvalidate:\n  function: no-apology\n")
	_, err := policy.Build(t.Context(), p, quiet, models(llmtest.NewModel("a", llmtest.Text("hi"))))
	if err == nil || !strings.Contains(err.Error(), `3:13: validate.function: the application has no function "no-apology"`) {
		t.Errorf("unknown function: error %v", err)
	}
	_, err = policy.Build(t.Context(), p, quiet, policy.Validators{"no-apology": nil})
	if err == nil || !strings.Contains(err.Error(), `Validators["no-apology"]`) {
		t.Errorf("nil function: error %v", err)
	}
}
