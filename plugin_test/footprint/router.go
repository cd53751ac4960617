//go:build router

package main

import (
	"context"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

func init() {
	around = func(_ context.Context, m model.LLM) (model.LLM, error) {
		m = middleware.Chain(m,
			middleware.MustRetry(middleware.RetryConfig{}),
			middleware.MustBreaker(middleware.BreakerConfig{}),
			middleware.MustLimit(middleware.LimitConfig{}),
			middleware.MustTimeout(middleware.TimeoutConfig{}),
		)
		c := cache.MustNew(cache.Config{})
		m, err := router.NewFallback(router.Config{}, m, degrade.CachedAnswer(c), degrade.Template("Please try again later."))
		if err != nil {
			return nil, err
		}
		return middleware.Chain(m, c.Middleware()), nil
	}
}
