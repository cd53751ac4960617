package router_test

import (
	"context"
	"fmt"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// Half of the users try a new model, for as long as it fails in no more than
// 5 percentage points more of its calls than the old one.
func ExampleNewSplit() {
	m, err := router.NewSplit(router.SplitConfig{
		Experiment: "pro-rollout",
		Arms: []router.Arm{
			{Cohort: "control", Weight: 1, Model: llmtest.NewModel("flash", llmtest.Text("Hello!"))},
			{Cohort: "treatment", Weight: 1, Model: llmtest.NewModel("pro", llmtest.Text("Hello!"))},
		},
		MaxDrift:   0.05,
		OnRollback: func(r router.Rollback) { fmt.Printf("%s: %s was taken out\n", r.Experiment, r.Cohort) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, user := range []string{"ada", "grace", "ada"} {
		ctx := call.With(context.Background(), call.Info{User: user}) // ADK tells it by itself
		for resp, err := range m.GenerateContent(ctx, userSays("Hi!"), false) {
			if err != nil {
				fmt.Println(err)
				return
			}
			md, _ := call.ReadResponse(resp)
			fmt.Printf("%s: %s, %s, %s\n", user, md.ExperimentID, md.Cohort, md.ModelName)
		}
	}
	// Output:
	// ada: pro-rollout, treatment, pro
	// grace: pro-rollout, control, flash
	// ada: pro-rollout, treatment, pro
}
