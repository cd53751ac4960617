package policy_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

func inTurn(t *testing.T, n int) context.Context {
	return call.With(t.Context(), call.Info{Invocation: fmt.Sprint("turn-", n), Agent: "agent", Branch: "root"})
}

// answerers calls m several times in a turn, and returns the models that answered.
func answerers(ctx context.Context, m model.LLM, calls int) string {
	var by strings.Builder
	for range calls {
		by.WriteString(askFor(ctx, m, false, asking(1)).text)
	}
	return by.String()
}

// The primary keeps its share of turns, however many calls they have, and a turn stays with
// the model at which it started.
func TestSoftLimitIsDrawnOnceForATurn(t *testing.T) {
	const turns = 1000
	for _, more := range []string{"", "hedge: {delay: 1m}\n"} {
		for _, share := range []int{20, 50} {
			for _, calls := range []int{1, 2, 8} {
				a, b := llmtest.NewModel("a", using("a", 700_000), using("a", 0)), llmtest.NewModel("b", using("b", 0))
				m := build(t, sparing("{name: b}", fmt.Sprint(share, "%"), more), models(a, b))
				askFor(t.Context(), m, false, asking(700_000))
				kept := 0
				for turn := range turns {
					switch by := answerers(inTurn(t, turn), m, calls); by {
					case strings.Repeat("a", calls):
						kept++
					case strings.Repeat("b", calls):
					default:
						t.Fatalf("%sa turn of %d calls was answered by %s", more, calls, by)
					}
				}
				// Within five standard deviations: √(1000 × ½ × ½) = 16.
				if want := turns * share / 100; kept < want-80 || kept > want+80 {
					t.Errorf("%s%d of %d turns of %d calls stayed with the primary, want about %d", more, kept, turns, calls, want)
				}
			}
		}
	}
}

// A turn does not change its model when the soft limit is reached in the middle of it, nor
// when a new day begins.
func TestTurnsKeepTheirModelOverASoftLimit(t *testing.T) {
	for _, more := range []string{"", "hedge: {delay: 1m}\n"} {
		synctest.Test(t, func(t *testing.T) {
			free := using("a", 0)
			a, b := llmtest.NewModel("a", free, free, using("a", 700_000), free), llmtest.NewModel("b", using("b", 0))
			m := build(t, sparing("{name: b}", "0%", more), models(a, b))
			if by := answerers(inTurn(t, 1), m, 2); by != "aa" {
				t.Fatalf("below the limit: %s", by)
			}
			askFor(t.Context(), m, false, asking(700_000))
			if by := answerers(inTurn(t, 1), m, 2) + answerers(inTurn(t, 2), m, 2); by != "aabb" {
				t.Errorf("%safter the limit, a turn from before and one from then on were answered by %s, want aabb", more, by)
			}
			time.Sleep(24 * time.Hour)
			if by := answerers(inTurn(t, 2), m, 2) + answerers(inTurn(t, 3), m, 2); by != "bbaa" {
				t.Errorf("%sa day later, a turn from before and one from then on were answered by %s, want bbaa", more, by)
			}
		})
	}
}

// A long turn keeps its model although many others start and the policy changes.
func TestTurnsKeepTheirModelAmongMany(t *testing.T) {
	a, b := llmtest.NewModel("a", using("a", 0), using("a", 700_000), using("a", 0)), llmtest.NewModel("b", using("b", 0))
	l, err := policy.NewLive(t.Context(), parsed(t, sparing("{name: b}", "0%", "")), quiet, models(a, b))
	if err != nil {
		t.Fatal(err)
	}
	busy := inTurn(t, 0)
	if by := answerers(busy, l.Model(), 1); by != "a" {
		t.Fatalf("below the limit: %s", by)
	}
	askFor(t.Context(), l.Model(), false, asking(700_000))
	for i := range router.DefaultMaxTurns + 10 {
		if by := answerers(inTurn(t, i+1), l.Model(), 1) + answerers(busy, l.Model(), 1); by != "ba" {
			t.Fatalf("after %d other turns: a new one and the one from before were answered by %s, want ba", i, by)
		}
	}
	if err := l.Replace(t.Context(), parsed(t, sparing("{name: b}", "0%", "retry: {max_attempts: 2}\n"))); err != nil {
		t.Fatal(err)
	}
	if by := answerers(busy, l.Model(), 1); by != "a" {
		t.Errorf("after a reload the turn was answered by %s, want a", by)
	}
}

// All agents of a turn are on the same side.
func TestAgentsShareTheirTurnsDraw(t *testing.T) {
	a, b := llmtest.NewModel("a", using("a", 700_000), using("a", 0)), llmtest.NewModel("b", using("b", 0))
	m := build(t, sparing("{name: b}", "50%", ""), models(a, b))
	askFor(t.Context(), m, false, asking(700_000))
	for turn := range 50 {
		by := ""
		for agent := range 3 {
			by += answerers(call.With(inTurn(t, turn), call.Info{Agent: fmt.Sprint(agent), Branch: fmt.Sprint("root.", agent)}), m, 1)
		}
		if by != "aaa" && by != "bbb" {
			t.Errorf("the agents of a turn were answered by %s", by)
		}
	}
}

// Calls outside of a turn are drawn one by one.
func TestSoftLimitOutsideOfATurn(t *testing.T) {
	a, b := llmtest.NewModel("a", using("a", 700_000), using("a", 0)), llmtest.NewModel("b", using("b", 0))
	draws := 0
	m := build(t, sparing("{name: b}", "50%", ""), models(a, b), policy.WithRand(func() float64 {
		draws++
		return []float64{0.6, 0.4, 0.5}[draws-1]
	}))
	askFor(t.Context(), m, false, asking(700_000))
	if by := answerers(call.With(t.Context(), call.Info{User: "user", Session: "session", Agent: "agent"}), m, 3); by != "bab" {
		t.Errorf("draws of 0.6, 0.4 and 0.5 under a share of 50%%: %s, want bab", by)
	}
}
