package router

import (
	"context"
	"slices"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// ask calls a target, unless a guard refuses it. The answer of a fallback is checked.
// Every router calls its targets through ask.
func ask(ctx context.Context, target stream.Layer, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	var err error
	_, inside := groupOf(target)
	if out.Guard != nil && !inside {
		req, err = out.Guard(out.Deriving(ctx), req, target, out.Fallback)
	}
	switch {
	case err != nil:
	case out.Fallback && out.Check != nil && !inside && !isLastResort(target):
		err = askChecked(ctx, target, req, streamed, out)
	default:
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

// askLastResorts calls the last resorts of a router, which are or are behind the given
// layers, in order, by do. It returns err if none answers.
func askLastResorts(ctx context.Context, resorts []stream.Layer, out *stream.Sink, err error, do func(stream.Layer) error) error {
	out.LastResorts, out.Chosen = stream.LastResortsOnly, ""
	for _, layer := range resorts {
		out.Restart()
		if do(layer) == nil {
			return nil
		}
		if out.Stopped || ctx.Err() != nil {
			break
		}
	}
	return err
}

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

// guardTarget returns what guards are told of a target.
func guardTarget(target stream.Layer, fallback bool) guard.Target {
	t := guard.Target{Name: target.Name(), LastResort: isLastResort(target), Fallback: fallback}
	if d, ok := stream.Find[*described](target); ok {
		t.Aliases, t.Region, t.Capabilities, t.ContextWindow = d.traits.Aliases, d.traits.Region, d.traits.Capabilities, d.traits.ContextWindow
	}
	return t
}
