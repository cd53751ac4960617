package degrade

import (
	"context"
	"fmt"
	"iter"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/panics"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// lastResort is a model that has its answers at hand. It is a layer, and not
// called through an attempt of its own: then it would see the request as sent to
// itself, and not who was to answer it.
type lastResort struct {
	name string
	// find returns the answer, which is the caller's to change, and what the
	// metadata says of it beside "degraded".
	find func(context.Context, *model.LLMRequest) (*model.LLMResponse, call.Metadata, error)
}

func (l *lastResort) Name() string { return l.name }

// LastResort marks it for routers.
func (*lastResort) LastResort() {}

func (l *lastResort) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(l, ctx, req, streamed)
}

func (l *lastResort) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	resp, md, err := l.contained(ctx, req)
	if err != nil {
		return err
	}
	md.Degraded = l.name
	md.WriteTo(resp) // also where no router is, which would write what it finds in out
	out.Notes.Degraded = md.Degraded
	if md.CacheStatus != "" {
		out.Notes.CacheStatus = md.CacheStatus
	}
	out.Answer(call.Attempt{Model: l.name, Outcome: call.OK}, resp, streamed)
	return nil
}

// contained calls find, whose parts may be the user's.
func (l *lastResort) contained(ctx context.Context, req *model.LLMRequest) (resp *model.LLMResponse, md call.Metadata, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &middleware.RefusedError{By: "degrade", Model: l.name, Reason: fmt.Sprintf("it panicked: %s", panics.Text(r))}
		}
	}()
	return l.find(ctx, req)
}

// Inspect returns the node of the layer, which has the name of the last resort.
func (l *lastResort) Inspect() inspect.Node { return inspect.Node{Layer: "last resort", Name: l.name} }
