package policy

import (
	"context"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// payer returns the guard that refuses calls whose tenant cannot be read: no
// budget is known to be theirs. It is nil where dollars are not bounded.
func (b *builder) payer() guard {
	if !b.bounded {
		return nil
	}
	return func(ctx context.Context, req *model.LLMRequest) (*model.LLMRequest, *middleware.RefusedError) {
		if unreadIn(ctx).tenant {
			return nil, &middleware.RefusedError{By: "budget", Reason: "the tenant, whose budget it is, cannot be read from the session"}
		}
		return req, nil
	}
}
