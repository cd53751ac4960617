//go:build gemini

package main

import (
	"context"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/gemini"
)

func init() {
	around = func(ctx context.Context, _ model.LLM) (model.LLM, error) {
		return gemini.New(ctx, "gemini-2.5-flash", gemini.Config{})
	}
}
