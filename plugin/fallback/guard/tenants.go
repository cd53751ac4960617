package guard

import (
	"context"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/match"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// Tenants returns a guard that lets only these tenants use a target, by the tenant of
// [call.Info]. "*" stands for any tenant. A call whose tenant is not known is refused.
// Its refusals have By "tenant".
func Tenants(names ...string) Guard {
	allowed := patterns(names)
	return func(ctx context.Context, req *model.LLMRequest, t Target) (*model.LLMRequest, error) {
		tenant := match.Fold(call.From(ctx).Tenant)
		switch {
		case t.LastResort:
			return req, nil
		case tenant == "":
			return nil, refuse(&t, "tenant", "the tenant of the call is not known")
		case !listed(allowed, tenant):
			return nil, refuse(&t, "tenant", "it is not for this tenant")
		}
		return req, nil
	}
}
