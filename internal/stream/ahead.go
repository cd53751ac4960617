package stream

import (
	"context"
	"time"

	"google.golang.org/adk/v2/model"
)

// Ahead is a layer in which a call may wait for a store that replicas share. An outer layer
// that also waits for the store announces the call first, so that the call waits for all
// answers at the same time.
type Ahead interface {
	Layer

	// Ahead announces a call, without waiting. If comes is false, a call that was announced
	// does not come after all.
	Ahead(ctx context.Context, req *model.LLMRequest, comes bool)
}

// Announce announces a call to layer and to the layers inside it that the call goes through if
// every router calls its first target. If comes is false, it takes the announcement back.
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

// next returns the layer inside m, or the first member of a router that is not absent from the
// call, or nil if there is none. A router with an Ahead of its own announces the call to the
// member of its choice.
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
