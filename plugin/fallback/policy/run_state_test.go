package policy_test

import (
	"sync/atomic"
	"testing"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/adk-fallback/adk-fallback/internal/suite"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// A budget that spares the primary a call is not used up: if no model may be asked
// for another reason, the call gets its answer of last resort.
func TestASparedPrimaryIsNoBudgetThatIsUsedUp(t *testing.T) {
	var on atomic.Bool
	on.Store(true)
	a, b := suite.NewModel("a", using("a", 700_000)), suite.NewModel("b", using("b", 1))
	m := build(t, sparing("{name: b}, {name: template-response}", "0%", "flags: {f: {targets: [a, b]}}\n"), models(a, b), policy.WithFlags(allFlags(on.Load), openfeature.NewEvaluationContext))
	askFor(t.Context(), m, false, asking(700_000))
	on.Store(false)
	if got := askFor(t.Context(), m, false, asking(10)); got.md.Degraded != "template-response" {
		t.Errorf("%q (%v), want the template", got.text, got.err)
	}
}
