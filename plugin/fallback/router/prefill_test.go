package router_test

import (
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// B53: a target of which is said that it continues a text gets the text as the
// end of its request, whatever the tables say of its family.
func TestPrefillByHandReachesTheModel(t *testing.T) {
	for _, prefill := range []bool{true, false} {
		backup := llmtest.NewModel("claude-opus-5-5", llmtest.Text("one two three"))
		m := router.MustFallback(router.Config{MidStream: router.Resume},
			llmtest.NewModel("first", llmtest.Fail(llmtest.ErrInternal, "one ")), router.Describe(backup, router.Traits{Prefill: prefill}))
		for _, err := range m.GenerateContent(t.Context(), &model.LLMRequest{Contents: genai.Text("count")}, true) {
			if err != nil {
				break // the scripted text is no continuation; the request is what counts
			}
		}
		contents := backup.Requests()[0].Contents
		if last := contents[len(contents)-1]; (last.Role == genai.RoleModel) != prefill {
			t.Errorf("prefill %v: the request ends with %s %q", prefill, last.Role, llmtest.TextOf(last))
		}
	}
}
