package stream

import (
	"context"
	"iter"

	"google.golang.org/adk/v2/model"
)

// Wrap returns a layer around inner whose Do is do.
func Wrap(inner Layer, do func(ctx context.Context, req *model.LLMRequest, streamed bool, out *Sink) error) Layer {
	return &wrapped{Around{Inner: inner}, do}
}

type wrapped struct {
	Around
	do func(ctx context.Context, req *model.LLMRequest, streamed bool, out *Sink) error
}

// GenerateContent implements model.LLM.
func (w *wrapped) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return Serve(w, ctx, req, streamed)
}

// Do implements [Layer].
func (w *wrapped) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *Sink) error {
	return w.do(ctx, req, streamed, out)
}
