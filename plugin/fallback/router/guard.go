package router

import (
	"context"
	"fmt"
	"slices"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// Guard decides whether a request may go to a target: an error skips it, and is
// the reason that is recorded. It must be safe for concurrent use and must not
// change req. A guard that panics has a reason against everything.
//
// The guards of a Fallback reach into the groups among its targets (another
// Fallback, a Hedge, a Split), also inside of a middleware of this module: there
// they are asked for each member, and not for the group.
type Guard func(ctx context.Context, req *model.LLMRequest, target string) error

// ask asks a target, unless a guard has a reason against it. Every router asks
// its targets through it.
func ask(ctx context.Context, target stream.Layer, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	var err error
	if _, inside := groupOf(target); out.Guard != nil && !inside {
		if reason := out.Guard(ctx, req, target.Name()); reason != nil {
			err = &middleware.RefusedError{By: "guard", Reason: reason.Error()}
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

// group is a router, which asks guards for each of its members.
type group interface {
	stream.Layer
	members() []stream.Layer
}

// groupOf returns the router that a target is, or that it stands around.
func groupOf(target stream.Layer) (g group, ok bool) { return stream.Find[group](target) }

// hasLastResort reports whether a router has an answer of last resort among its
// members, or theirs.
func hasLastResort(target stream.Layer) bool {
	g, ok := groupOf(target)
	return ok && slices.ContainsFunc(g.members(), func(m stream.Layer) bool { return isLastResort(m) || hasLastResort(m) })
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
