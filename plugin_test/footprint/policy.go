//go:build policy

package main

import (
	"context"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

func init() {
	around = func(ctx context.Context, m model.LLM) (model.LLM, error) {
		return policy.Watch(ctx, "fallback.yaml", policy.Models{m.Name(): m})
	}
}
