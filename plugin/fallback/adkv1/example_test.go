package adkv1_test

import (
	"context"
	"fmt"

	"google.golang.org/adk/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/adkv1"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// A router, which is made of v2 models, as the model of an agent of ADK v1.
func ExampleFromV2() {
	flash := llmtest.NewModel("gemini-2.5-flash", llmtest.Fail(llmtest.ErrQuota)) // out of quota
	pro := llmtest.NewModel("gemini-2.5-pro", llmtest.Text("Hello!"))
	m := adkv1.FromV2(router.MustFallback(router.Config{}, flash, pro))
	for resp, err := range m.GenerateContent(context.Background(), &model.LLMRequest{}, false) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(resp.Content.Parts[0].Text, resp.CustomMetadata["model_name"])
	}
	// Output: Hello! gemini-2.5-pro
}
