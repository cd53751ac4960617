package router_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/internal/suite"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// The turn: it stays with what answered, and the next one starts at the root.
func TestTurnStaysWithTheTargetThatAnswered(t *testing.T) {
	first, second := suite.NewModel("first", suite.Fail(suite.ErrQuota), suite.Text("first")), suite.NewModel("second", suite.Text("second"))
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

func TestStickyTargetThatFailsIsFollowedByTheOthers(t *testing.T) {
	first := suite.NewModel("first", suite.Fail(suite.ErrQuota), suite.Text("first again"))
	second := suite.NewModel("second", suite.Text("second"), suite.Fail(suite.ErrQuota))
	third := suite.NewModel("third", suite.Fail(suite.ErrQuota))
	m := router.MustFallback(router.Config{}, first, second, third)
	ctx := inTurn(t.Context(), "t1")
	ask(ctx, m, false)
	if got := ask(ctx, m, false); got.stream != "[first again]" {
		t.Errorf("the consumer saw %q (%v), want the first model after second and third", got.stream, got.err)
	}
}

func TestRememberedTurnsAreBounded(t *testing.T) {
	first, second := suite.NewModel("first", suite.Fail(suite.ErrQuota)), suite.NewModel("second", suite.Text("second"))
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
