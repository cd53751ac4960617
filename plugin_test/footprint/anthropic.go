//go:build anthropic

package main

import (
	"context"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/anthropic"
)

func init() {
	around = func(_ context.Context, _ model.LLM) (model.LLM, error) {
		return anthropic.New("claude-sonnet-5", anthropic.Config{APIKey: "KEY"})
	}
}
