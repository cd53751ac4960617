//go:build openai

package main

import (
	"context"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai"
)

func init() {
	around = func(_ context.Context, _ model.LLM) (model.LLM, error) {
		return openai.New("gpt-5.2", openai.Config{APIKey: "KEY"})
	}
}
