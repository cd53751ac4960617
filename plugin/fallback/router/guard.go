package router

import (
	"context"
	"fmt"
	"slices"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// Guard decides whether a request may go to a target. An error skips the target and
// is recorded as the reason; a panic counts as an error. A Guard must be safe for
// concurrent use and must not change req.
//
// If a target is itself a router (a Fallback, Hedge or Split), also inside a
// middleware of this module, the guards run for each of its members instead.
type Guard func(ctx context.Context, req *model.LLMRequest, target string) error

// ask calls a target, unless a guard refuses it. Every router calls its targets
// through ask.
func ask(ctx context.Context, target stream.Layer, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	var err error
	if out.Guard != nil {
		if _, inside := groupOf(target); !inside {
			if reason := out.Guard(ctx, req, target.Name()); reason != nil {
				err = &middleware.RefusedError{By: "guard", Reason: reason.Error()}
			}
		}
	}
	if err == nil {
		err = target.Do(ctx, req, streamed, out)
	}
	if refused, ok := err.(*middleware.RefusedError); ok {
		if refused.Model == "" {
			refused.Model = target.Name()
		}
		out.Skip(refused)
	}
	return err
}

// group is a router, which runs guards for each of its members.
type group interface {
	stream.Layer
	members() []stream.Layer
}

// groupOf returns the router that a target is or wraps.
func groupOf(target stream.Layer) (g group, ok bool) { return stream.Find[group](target) }

// hasLastResort reports whether target is a router with a last resort among its
// members, at any depth.
func hasLastResort(target stream.Layer) bool {
	g, ok := groupOf(target)
	return ok && slices.ContainsFunc(g.members(), func(m stream.Layer) bool { return isLastResort(m) || hasLastResort(m) })
}

// withGuards returns a guard that runs outer, the guard of the enclosing routers, then guards.
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
