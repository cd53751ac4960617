package turn_test

import (
	"slices"
	"strconv"
	"testing"

	"google.golang.org/adk/v2/model"
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
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			invocation := strconv.Itoa(rapid.IntRange(0, 8).Draw(rt, "invocation"))
			want = slices.DeleteFunc(want, func(s string) bool { return s == invocation })
			if rapid.Bool().Draw(rt, "ends") {
				p.End(invocation)
			} else {
				p.BeforeModel(agentContext{t.Context(), invocation, "a", ""}, &model.LLMRequest{})
				want = append(want, invocation)
				if len(want) > most {
					want = want[len(want)-least:]
				}
			}
			if p.Tracked() != len(want) {
				rt.Fatalf("%d turns are tracked, want %v", p.Tracked(), want)
			}
			for i := range 9 {
				if id := strconv.Itoa(i); (p.Agents(id) == 1) != slices.Contains(want, id) {
					rt.Fatalf("turn %s is tracked: %t, want the turns %v", id, p.Agents(id) == 1, want)
				}
			}
		}
	})
}

// B09
func TestTurnWithoutIDIsTrackedToo(t *testing.T) {
	p := newPlugin(t, turn.Config{FallbackModel: "pro"})
	p.BeforeModel(agentContext{Context: t.Context()}, &model.LLMRequest{})
	if got := p.Tracked(); got != 1 {
		t.Errorf("%d turns are tracked, want 1", got)
	}
}
