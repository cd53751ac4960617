package router_test

import (
	"context"
	"fmt"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// A model that is slow now and then: after 20 ms without content, another one is
// asked too.
func ExampleNewHedge() {
	flash := llmtest.NewModel("flash", llmtest.Text("Hello from flash."), within(time.Minute, llmtest.Text("Sorry for the wait.")))
	lite := llmtest.NewModel("lite", llmtest.Text("Hello from lite."))

	m, err := router.NewHedge(router.HedgeConfig{Delay: 20 * time.Millisecond}, flash, lite)
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		for resp, err := range m.GenerateContent(context.Background(), userSays("Hello!"), false) {
			if err != nil {
				fmt.Println(err)
				return
			}
			md, _ := call.ReadResponse(resp)
			fmt.Printf("%s (%s: %s)\n", resp.Content.Parts[0].Text, md.ModelName, md.Reason)
		}
	}
	// Output:
	// Hello from flash. (flash: )
	// Hello from lite. (lite: another model of the hedge had content first)
}
