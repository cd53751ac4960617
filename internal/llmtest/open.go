package llmtest

import (
	"context"
	"iter"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
)

var _ stream.Layer = (*open)(nil)

// OpenBreaker is a layer that lets only forced calls through.
func OpenBreaker(m model.LLM, until time.Time) model.LLM { return &open{stream.Of(m), until} }

type open struct {
	inner stream.Layer
	until time.Time
}

func (o *open) Name() string { return o.inner.Name() }

func (o *open) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(o, ctx, req, streamed)
}

func (o *open) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	if !out.Force {
		return &stream.RefusedError{By: "breaker", Model: o.Name(), Reason: "open", Until: o.until}
	}
	return o.inner.Do(ctx, req, streamed, out)
}
