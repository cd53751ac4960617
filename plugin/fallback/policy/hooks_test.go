package policy_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// B125: the hooks of a policy hear of every attempt and of every fallback, once.
func TestHooksOfAPolicy(t *testing.T) {
	const rest = "fallbacks: [{name: b}, {name: template-response}]\ncache: {ttl: 1h}\n"
	for _, test := range []struct {
		name, file string
		a, b       llmtest.Step
		calls      int
		want       []string
	}{
		{"healthy", rest, llmtest.Text("from a"), llmtest.Text("from b"), 1, []string{"a ok"}},
		{"a cached answer", rest, llmtest.Text("from a"), llmtest.Text("from b"), 2, []string{"a ok"}},
		{"a fallback", rest, llmtest.Fail(llmtest.ErrQuota), llmtest.Text("from b"), 1, []string{"a failed", "b ok", "fallback a → b"}},
		{"a last resort", rest, llmtest.Fail(llmtest.ErrQuota), llmtest.Fail(llmtest.ErrInternal), 1, []string{
			"a failed", "b failed", "template-response ok", "fallback a → template-response",
		}},
		{"a last resort when the time is over", rest + "timeouts: {total: 3s}\n", silent, llmtest.Text("from b"), 1, []string{
			"a failed", "template-response ok", "fallback a → template-response",
		}},
		{"nobody", "fallbacks: [{name: b}]\n", llmtest.Fail(llmtest.ErrQuota), llmtest.Fail(llmtest.ErrInternal), 1, []string{"a failed", "b failed", "fallback a → "}},
		{"a request that is too long", rest + "budgets: {max_input_tokens: 1}\n", llmtest.Text("from a"), llmtest.Text("from b"), 1, []string{"a skipped", "fallback a → "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got []string
				live, err := policy.NewLive(t.Context(), parsed(t, "primary: a\n"+test.file), quiet, models(llmtest.NewModel("a", test.a), llmtest.NewModel("b", test.b)),
					policy.WithHooks(call.Hooks{OnAttempt: func(_ context.Context, a call.Attempt) {
						got = append(got, a.Model+" "+string(a.Outcome))
						panic("a hook that panics changes nothing")
					}}),
					policy.WithHooks(call.Hooks{OnFallback: func(_ context.Context, md call.Metadata) {
						got = append(got, fmt.Sprintf("fallback %s → %s", md.OriginalModel, md.FallbackModel))
					}}))
				if err != nil {
					t.Fatal(err)
				}
				defer live.Close()
				m := live.Model()
				for range test.calls {
					req := &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText(strings.Repeat("hi ", 9), genai.RoleUser)}}
					for range m.GenerateContent(t.Context(), req, false) {
					}
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("the hooks heard (-want +got):\n%s", diff)
				}
			})
		})
	}
}
