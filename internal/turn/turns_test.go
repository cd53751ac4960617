package turn_test

import (
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/adk-fallback/adk-fallback/internal/turn"
)

// B09: whatever begins, goes on and ends, the turns tracked are those of a plain
// list in the order of use.
func TestTrackedTurnsAreTheLatestUsed(t *testing.T) {
	const most, least = 5, 3
	rapid.Check(t, func(rt *rapid.T) {
		p := newPlugin(t, turn.Config{FallbackModel: "pro", MaxTurns: most, PruneTo: least})
		var want []string // the least recently used first
		on := func(invocation string) agentContext { return agentContext{t.Context(), invocation, "a", ""} }
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			invocation := strconv.Itoa(rapid.IntRange(0, 8).Draw(rt, "invocation"))
			want = slices.DeleteFunc(want, func(s string) bool { return s == invocation })
			if rapid.Bool().Draw(rt, "ends") {
				p.End(invocation)
			} else {
				attempts(t, p, on(invocation))
				want = append(want, invocation)
				if len(want) > most {
					want = want[len(want)-least:]
				}
			}
			if p.Tracked() != len(want) {
				rt.Fatalf("%d turns are tracked, want %v", p.Tracked(), want)
			}
		}
		for _, invocation := range want {
			if attempts(t, p, on(invocation)) < 2 {
				rt.Fatalf("turn %s is not tracked, want the turns %v", invocation, want)
			}
		}
	})
}

// B09
func TestTurnWithoutIDIsTrackedToo(t *testing.T) {
	p := newPlugin(t, turn.Config{FallbackModel: "pro"})
	attempts(t, p, agentContext{Context: t.Context()})
	if got := p.Tracked(); got != 1 {
		t.Errorf("%d turns are tracked, want 1", got)
	}
}
