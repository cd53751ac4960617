package stream

import (
	"context"
	"time"

	"google.golang.org/adk/v2/model"
)

// Ahead is a layer that a call may wait in for a store that replicas share. A layer in front
// of it that waits for the store too announces the call first, so that the call waits for all
// answers at the same time.
type Ahead interface {
	Layer

	// Ahead announces a call. It does not wait. If comes is false, a call that was announced
	// does not come after all.
	Ahead(ctx context.Context, req *model.LLMRequest, comes bool)
}

// Announce announces a call to the layers in layer that it goes through if the first targets
// of routers are called. If comes is false, it takes that back.
func Announce(ctx context.Context, layer Layer, req *model.LLMRequest, comes bool) {
	for m := model.LLM(layer); m != nil; m = next(ctx, m) {
		m = Bare(m)
		if b, ok := m.(Breaker); ok && b.Refuses(time.Now()) {
			return
		}
		if a, ok := m.(Ahead); ok {
			a.Ahead(ctx, req, comes)
		}
	}
}

// next returns the layer in m, or the first member of a router that is not absent from the call;
// nil for none. A router with an Ahead of its own announces the call to the member of its choice.
func next(ctx context.Context, m model.LLM) model.LLM {
	switch m := m.(type) {
	case interface{ Within() Layer }:
		return m.Within()
	case interface{ Members() []Layer }:
		if _, chooses := m.(Ahead); chooses {
			return nil
		}
		for _, member := range m.Members() {
			if o, ok := Find[Optional](member); !ok || !o.Absent(ctx) {
				return member
			}
		}
	}
	return nil
}
