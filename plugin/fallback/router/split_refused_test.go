package router_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// The record names the arm that was refused, and not the control, which has
// nothing to do with it.
func TestRecordNamesTheArmThatWasRefused(t *testing.T) {
	notPro := router.Config{Guards: []guard.Guard{except("pro", "not for this tenant")}}
	split := func() model.LLM {
		return router.MustSplit(router.SplitConfig{Experiment: "e", Arms: arms(0, 1)})
	}
	for name, m := range map[string]model.LLM{
		"fallback": router.MustFallback(notPro, split(), says("lite")),
		"hedge":    router.MustFallback(notPro, router.MustHedge(router.HedgeConfig{}, split(), says("lite"))),
	} {
		got := hear(t.Context(), m, false)
		want := []call.Attempt{
			{Model: "pro", Outcome: call.Skipped, Kind: string(middleware.KindRefused), Reason: "not for this tenant"},
			{Model: "lite", Outcome: call.OK},
		}
		if len(got.Metadata.Attempts) > 1 {
			got.Metadata.Attempts[1].Duration = 0
		}
		if diff := cmp.Diff(want, got.Metadata.Attempts); diff != "" {
			t.Errorf("%s: attempts (-want +got):\n%s", name, diff)
		}
	}
}
