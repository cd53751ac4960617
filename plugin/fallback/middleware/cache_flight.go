package middleware

import (
	"context"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/digest"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// flight is a call that other calls for the same request can wait for. It lands when
// its answer is there, or when it ends without one.
type flight struct {
	done   chan struct{} // closed when it has landed; then the rest is set
	answer *answer       // nil if no answer can be shared
	failed bool          // then each waiting call calls the model itself
}

// fetch gets the model's answer. If it calls the model, it sends the responses to out;
// if another call does, it returns that call's answer.
func (l *cached) fetch(ctx context.Context, key digest.Sum, req *model.LLMRequest, streamed bool, out *stream.Sink) (*answer, error) {
	var timer *time.Timer
	for {
		f, mine := l.cache.join(key)
		if mine {
			if a, status := l.cache.given(key); status == call.CacheHit { // a flight has landed since the first look
				l.cache.land(key, f, a, false)
				return a, nil
			}
			return nil, l.lead(ctx, key, f, req, streamed, out)
		}
		if timer == nil {
			timer = time.NewTimer(l.cache.config.MaxWait)
			defer timer.Stop()
		}
		select {
		case <-f.done:
		case <-timer.C:
			return nil, l.alone(ctx, key, req, streamed, out)
		case <-ctx.Done():
			return nil, stream.Ended(ctx)
		}
		switch {
		case f.answer != nil:
			return f.answer, nil
		case f.failed:
			return nil, l.alone(ctx, key, req, streamed, out)
		}
	}
}

// lead calls the model while others wait for f. When the caller gives up or panics,
// one of them calls it next.
func (l *cached) lead(ctx context.Context, key digest.Sum, f *flight, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	gaveUp := true
	defer func() { l.cache.land(key, f, nil, !gaveUp) }() // unless an answer was there
	_, err := l.ask(ctx, key, f, req, streamed, out)
	gaveUp = ctx.Err() != nil || out.Stopped && !out.Final
	return err
}

// join returns the flight for key, and whether it is the caller's own to land.
func (c *Cache) join(key digest.Sum) (f *flight, mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.joinLocked(key)
}

// joinInBackground is join for a refresh, which counts until refreshes.Done. A closed
// cache starts none.
func (c *Cache) joinInBackground(key digest.Sum) (f *flight, mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open.Err() != nil {
		return nil, false
	}
	if f, mine = c.joinLocked(key); mine {
		c.refreshes.Add(1)
	}
	return f, mine
}

func (c *Cache) joinLocked(key digest.Sum) (f *flight, mine bool) {
	if f := c.flights[key]; f != nil {
		return f, false
	}
	f = &flight{done: make(chan struct{})}
	c.flights[key] = f
	return f, true
}

// land lands f, unless it has landed. The waiting calls take a if it can be a hit;
// otherwise each calls the model itself if failed, or else one of them does.
func (c *Cache) land(key digest.Sum, f *flight, a *answer, failed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flights[key] != f {
		return
	}
	delete(c.flights, key)
	if f.failed = failed; a != nil && a.front {
		f.answer = a
	}
	close(f.done)
}
