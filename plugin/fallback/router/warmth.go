package router

import (
	"context"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/affinity"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/tokens"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// warmth remembers, for each conversation, which target has it in its prompt cache: the
// one that gave the latest answer, if that read tokens from the cache.
type warmth struct {
	lasts         time.Duration
	conversations *affinity.Memory[warm]
}

type warm struct {
	stream.Warm
	used time.Time
}

func newWarmth(conversations int, lasts time.Duration) *warmth {
	return &warmth{lasts: lasts, conversations: affinity.NewMemory[warm](conversations)}
}

// find returns the target that has ctx's conversation in its cache; zero for none.
func (w *warmth) find(ctx context.Context) (found stream.Warm) {
	if w.conversations.Empty() {
		return found
	}
	info := call.From(ctx)
	key, ok := affinity.ConversationOf(&info)
	if !ok {
		return found
	}
	w.conversations.Update(key, func(v warm, known bool) (warm, bool) {
		if !known || time.Since(v.used) >= w.lasts {
			return warm{}, false
		}
		found = v.Warm
		return v, true
	})
	return found
}

// note remembers the target of the answer in out. Answers that no model gave in this
// call leave the caches as they are.
func (w *warmth) note(ctx context.Context, out *stream.Sink) {
	if n := &out.Notes; n.Degraded != "" || n.CacheStatus == call.CacheHit || n.CacheStatus == call.CacheStale {
		return
	}
	cached := tokens.Cached(out.Usage())
	if cached == 0 && w.conversations.Empty() {
		return
	}
	info := call.From(ctx)
	key, ok := affinity.ConversationOf(&info)
	if !ok {
		return
	}
	now := time.Now()
	w.conversations.Update(key, func(warm, bool) (warm, bool) {
		return warm{stream.Warm{Model: out.Model, Tokens: cached}, now}, cached > 0
	})
}
