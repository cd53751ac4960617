package router

import (
	"context"
	"fmt"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// Guard decides whether a request may go to a target: an error skips it, and is
// the reason that is recorded. It must be safe for concurrent use and must not
// change req. A guard that panics has a reason against everything.
//
// The guards of a Fallback reach into the groups that are its direct targets
// (another Fallback, a Hedge, a Split): there they are asked for each member, and
// not for the group. A group inside of a middleware is asked for by its own
// name too, which is its first member's.
type Guard func(ctx context.Context, req *model.LLMRequest, target string) error

// ask asks a target, unless a guard has a reason against it. Every router asks
// its targets through it.
func ask(ctx context.Context, target stream.Layer, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	if out.Guard != nil && !isGroup(target) {
		if err := out.Guard(ctx, req, target.Name()); err != nil {
			return &middleware.RefusedError{By: "guard", Model: target.Name(), Reason: err.Error()}
		}
	}
	return target.Do(ctx, req, streamed, out)
}

// isGroup tells whether target is a router, which asks for each of its own.
func isGroup(target stream.Layer) bool {
	m := stream.Bare(target)
	if d, ok := m.(*described); ok {
		m = stream.Bare(d.Layer)
	}
	_, ok := m.(interface{ group() })
	return ok
}

// withGuards asks guards after outer, the guard of the routers around.
func withGuards(outer func(context.Context, *model.LLMRequest, string) error, guards []Guard) func(context.Context, *model.LLMRequest, string) error {
	if len(guards) == 0 {
		return outer
	}
	return func(ctx context.Context, req *model.LLMRequest, target string) error {
		if outer != nil {
			if err := outer(ctx, req, target); err != nil {
				return err
			}
		}
		for _, guard := range guards {
			if err := guarded(ctx, guard, req, target); err != nil {
				return err
			}
		}
		return nil
	}
}

func guarded(ctx context.Context, guard Guard, req *model.LLMRequest, target string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the guard panicked: %v", r)
		}
	}()
	return guard(ctx, req, target)
}
