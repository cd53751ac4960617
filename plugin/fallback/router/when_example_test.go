package router_test

import (
	"context"
	"fmt"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// A call moves on to pro when flash has failed or has shown nothing for 20 ms, for free
// users only when it has failed.
func ExampleWhen() {
	rule := router.Rule{
		Name:      "paid and slow",
		Latencies: []time.Duration{20 * time.Millisecond},
		If: func(ctx context.Context, o router.Observation) (bool, error) {
			return o.Err != nil || call.From(ctx).Labels["plan"] == "paid", nil
		},
	}
	flash := llmtest.NewModel("flash", within(time.Minute, llmtest.Text("Sorry for the wait.")))
	pro := llmtest.NewModel("pro", llmtest.Text("Hello from pro."))

	m, err := router.NewFallback(router.Config{}, flash, router.When(rule, pro), degrade.Template("Please come back later."))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := call.With(context.Background(), call.Info{Labels: map[string]string{"plan": "paid"}})
	for resp, err := range m.GenerateContent(ctx, userSays("Hello!"), false) {
		if err != nil {
			fmt.Println(err)
			return
		}
		md, _ := call.ReadResponse(resp)
		fmt.Printf("%s (%s: %s)\n", resp.Content.Parts[0].Text, md.ModelName, md.Reason)
	}
	// Output:
	// Hello from pro. (pro: paid and slow is true after 20ms)
}
