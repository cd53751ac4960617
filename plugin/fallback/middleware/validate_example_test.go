package middleware_test

import (
	"context"
	"fmt"
	"log"
	"regexp"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// An answer that names no order number is rejected, and the next model answers.
func ExampleNewValidate() {
	valid, err := middleware.NewValidate(middleware.ValidateConfig{Pattern: regexp.MustCompile(`\bA-\d+\b`)})
	if err != nil {
		log.Fatal(err)
	}
	flash, pro := llmtest.NewModel("flash", llmtest.Text("It is on its way.")), llmtest.NewModel("pro", llmtest.Text("Order A-17 is on its way."))
	m := router.MustFallback(router.Config{}, valid(flash), valid(pro))
	for resp, err := range m.GenerateContent(context.Background(), &model.LLMRequest{Contents: genai.Text("Where is my order?")}, false) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(resp.Content.Parts[0].Text)
		fmt.Println(resp.CustomMetadata["fallback_reason"])
	}
	// Output:
	// Order A-17 is on its way.
	// it does not match the pattern
}
