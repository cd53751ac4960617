package router

import (
	"context"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/group"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
)

// withGuard returns a guard that runs outer, the guard of the enclosing routers, then
// own. Both may be nil.
func withGuard(outer orderedGuard, own guard.Guard) orderedGuard {
	if own == nil {
		return outer
	}
	return func(ctx context.Context, req *model.LLMRequest, target stream.Layer, fallback bool) (*model.LLMRequest, error) {
		if outer != nil {
			var err error
			if req, err = outer(ctx, req, target, fallback); err != nil {
				return nil, err
			}
		}
		return own(ctx, req, guardTarget(target, fallback))
	}
}

// orderedGuard is the type of the guard in [stream.Orders].
type orderedGuard = func(ctx context.Context, req *model.LLMRequest, target stream.Layer, fallback bool) (*model.LLMRequest, error)

// orderedCheck is the type of the check in [stream.Orders].
type orderedCheck = func(ctx context.Context, resp *model.LLMResponse, target stream.Layer) error

// withCheck returns a check that runs outer, the check of the enclosing routers, which
// may be nil, then that of gate.
func withCheck(outer orderedCheck, gate *guard.Gate) orderedCheck {
	return func(ctx context.Context, resp *model.LLMResponse, target stream.Layer) error {
		if outer != nil {
			if err := outer(ctx, resp, target); err != nil {
				return err
			}
		}
		return gate.Check(ctx, resp, guardTarget(target, true))
	}
}

// guardTarget returns what guards are told of a target.
func guardTarget(target stream.Layer, fallback bool) guard.Target {
	t := guard.Target{Name: target.Name(), LastResort: group.IsLastResort(target), Fallback: fallback}
	if d, ok := stream.Find[*described](target); ok {
		t.Aliases, t.Region, t.Capabilities, t.ContextWindow = d.traits.Aliases, d.traits.Region, d.traits.Capabilities, d.traits.ContextWindow
	}
	return t
}
