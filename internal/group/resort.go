package group

import (
	"context"
	"slices"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
)

// IsLastResort reports whether m is a last resort.
func IsLastResort(m model.LLM) bool {
	_, ok := stream.Find[stream.LastResort](m)
	return ok
}

// HasLastResort reports whether target is a router with a last resort among its
// members, at any depth.
func HasLastResort(target stream.Layer) bool {
	g, ok := Of(target)
	return ok && slices.ContainsFunc(g.Members(), func(m stream.Layer) bool { return IsLastResort(m) || HasLastResort(m) })
}

// AskLastResorts calls the last resorts of a router, which are or are behind the given
// layers, in order, by do. It returns err if none answers.
func AskLastResorts(ctx context.Context, resorts []stream.Layer, out *stream.Sink, err error, do func(stream.Layer) error) error {
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
