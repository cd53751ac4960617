package router_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// The turn: it stays with what answered, and the next one starts at the root.
func TestTurnStaysWithTheTargetThatAnswered(t *testing.T) {
	first, second := llmtest.NewModel("first", llmtest.Fail(llmtest.ErrQuota), llmtest.Text("first")), llmtest.NewModel("second", llmtest.Text("second"))
	m := router.MustFallback(router.Config{}, first, second)
	var got []string
	for _, turn := range []string{"t1", "t1", "t2", "t1", ""} {
		ctx := t.Context()
		if turn != "" {
			ctx = inTurn(ctx, turn)
		}
		got = append(got, ask(ctx, m, true).metadata().ModelName)
	}
	if diff := cmp.Diff([]string{"second", "second", "first", "second", "first"}, got); diff != "" {
		t.Errorf("answered by (-want +got):\n%s", diff)
	}
}

// An answer of last resort is for one call: the next one of the turn may get a
// better one, of the target that the turn stayed with before or else of the first.
func TestTurnDoesNotStayWithALastResort(t *testing.T) {
	fails, last := llmtest.Fail(llmtest.ErrUnavailable), degrade.Template("Sorry.")
	for name, test := range map[string]struct {
		first, second []llmtest.Step
		tree          func(first, second model.LLM) model.LLM
		want          []string
	}{
		"back to the first": {
			first: []llmtest.Step{fails, llmtest.Text("ok")}, second: []llmtest.Step{fails},
			tree: func(first, second model.LLM) model.LLM {
				return router.MustFallback(router.Config{}, first, second, last)
			},
			want: []string{"template-response", "first", "first"},
		},
		"back to the one before": {
			first: []llmtest.Step{fails}, second: []llmtest.Step{llmtest.Text("ok"), fails, llmtest.Text("ok")},
			tree: func(first, second model.LLM) model.LLM {
				return router.MustFallback(router.Config{}, first, second, last)
			},
			want: []string{"second", "template-response", "second"},
		},
		"from within a group": {
			first: []llmtest.Step{fails, llmtest.Text("ok")}, second: []llmtest.Step{fails, llmtest.Text("ok")},
			tree: func(first, second model.LLM) model.LLM {
				return router.MustFallback(router.Config{}, first, router.MustFallback(router.Config{}, second, last))
			},
			want: []string{"template-response", "first", "first"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := test.tree(llmtest.NewModel("first", test.first...), llmtest.NewModel("second", test.second...))
			ctx := inTurn(t.Context(), "t1")
			var got []string
			for range test.want {
				got = append(got, ask(ctx, m, true).metadata().ModelName)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("answered by (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStickyTargetThatFailsIsFollowedByTheOthers(t *testing.T) {
	first := llmtest.NewModel("first", llmtest.Fail(llmtest.ErrQuota), llmtest.Text("first again"))
	second := llmtest.NewModel("second", llmtest.Text("second"), llmtest.Fail(llmtest.ErrQuota))
	third := llmtest.NewModel("third", llmtest.Fail(llmtest.ErrQuota))
	m := router.MustFallback(router.Config{}, first, second, third)
	ctx := inTurn(t.Context(), "t1")
	ask(ctx, m, false)
	if got := ask(ctx, m, false); got.stream != "[first again]" {
		t.Errorf("the consumer saw %q (%v), want the first model after second and third", got.stream, got.err)
	}
}

// After the fallback that a session stays with come the first target and all others in order.
func TestSessionsTargetThatFailsIsFollowedByAllInOrder(t *testing.T) {
	fails, answers := llmtest.Fail(llmtest.ErrUnavailable), llmtest.Text("ok")
	var order []string
	config := router.Config{Sticky: router.StickySession, Hooks: call.Hooks{OnAttempt: func(_ context.Context, a call.Attempt) {
		if a.Outcome != call.Skipped {
			order = append(order, a.Model)
		}
	}}}
	m := router.MustFallback(config, llmtest.NewModel("a", fails), llmtest.NewModel("b", fails), llmtest.NewModel("c", answers, fails), llmtest.NewModel("d", answers))
	for _, where := range []string{"s/1", "s/2"} {
		ask(inSession(t.Context(), where), m, false)
	}
	if diff := cmp.Diff([]string{"a", "b", "c", "c", "a", "b", "d"}, order); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
}

func TestRememberedTurnsAreBounded(t *testing.T) {
	first, second := llmtest.NewModel("first", llmtest.Fail(llmtest.ErrQuota)), llmtest.NewModel("second", llmtest.Text("second"))
	m := router.MustFallback(router.Config{MaxTurns: 2}, first, second)
	for _, turn := range []string{"t1", "t2", "t3"} {
		ask(inTurn(t.Context(), turn), m, false)
	}
	for turn, want := range map[string]int{"t3": 0, "t1": 1} {
		before := len(first.Requests())
		ask(inTurn(t.Context(), turn), m, false)
		if n := len(first.Requests()) - before; n != want {
			t.Errorf("turn %s: %d calls of the first model, want %d", turn, n, want)
		}
	}
}
