// Package group has the code that models made of several models share: it checks the members,
// calls them with the guards and gates of the enclosing routers, starts at the member that a
// request names, and keeps last resorts for the end.
package group

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
)

// Group is a model made of others, its members. Guards run for each of them, and not for
// the group.
type Group interface {
	stream.Layer
	Members() []stream.Layer
}

// Of returns the group that a target is or wraps.
func Of(target stream.Layer) (g Group, ok bool) { return stream.Find[Group](target) }

// Node returns the tree of a group.
func Node(layer string, g Group) inspect.Node {
	return inspect.Node{Layer: layer, Name: g.Name(), Inner: inspect.Each(g.Members()...)}
}

// Ask calls a target, unless a guard refuses it. The answer of a fallback is checked.
// Every router calls its targets through Ask.
func Ask(ctx context.Context, target stream.Layer, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	var err error
	_, inside := Of(target)
	if out.Guard != nil && !inside {
		req, err = out.Guard(out.Deriving(ctx), req, target, out.Fallback)
	}
	switch {
	case err != nil:
	case out.Fallback && out.Check != nil && !inside && !IsLastResort(target):
		err = askChecked(ctx, target, req, streamed, out)
	default:
		err = target.Do(ctx, req, streamed, out)
	}
	if refused, ok := err.(*stream.RefusedError); ok {
		if refused.Model == "" {
			refused.Model = target.Name()
		}
		out.Skip(refused)
	}
	return err
}

// Choose returns the index of the target that the request names. ok is false if the
// request names none, or a model that is not among the targets.
func Choose(layers []stream.Layer, out *stream.Sink, warned *atomic.Bool) (i int, ok bool) {
	if out.Chosen == "" {
		return 0, false
	}
	i = slices.IndexFunc(layers, func(layer stream.Layer) bool { return isNamed(layer, out.Chosen) })
	if i < 0 {
		if !warned.Swap(true) {
			slog.Warn("router: the requested model is not a target; calling the first target",
				"model", out.Chosen, "first", layers[0].Name())
		}
		out.Chosen = ""
		return 0, false
	}
	if out.Root == layers[0].Name() {
		out.Root = layers[i].Name()
	}
	if _, group := Of(layers[i]); !group {
		out.Chosen = "" // a label may be another name than its model's
	}
	return i, true
}

// isNamed reports whether a target or one of its members has the given name, or calls
// the model of that name.
func isNamed(layer stream.Layer, name string) bool {
	if g, ok := Of(layer); ok {
		return slices.ContainsFunc(g.Members(), func(m stream.Layer) bool { return isNamed(m, name) })
	}
	return layer.Name() == name || stream.TargetOf(layer).Model == name
}
