package middleware

import (
	"context"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/digest"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// fetch gets the model's answer. If it calls the model, it sends the responses to out;
// if another call does, it returns that call's answer.
func (l *cached) fetch(ctx context.Context, at place, req *model.LLMRequest, streamed bool, out *stream.Sink) (*answer, error) {
	p := patience{limit: l.cache.config.MaxWait}
	defer p.stop()
	for {
		f, mine := l.cache.flights.join(at.key)
		if mine {
			if a, status := l.cache.given(at); status == call.CacheHit { // a flight has landed since the first look
				l.cache.land(at.key, f, a, false)
				return a, nil
			}
			return nil, l.lead(ctx, at, f, req, streamed, out)
		}
		switch err := wait(ctx, f, &p); {
		case err == errLate, err == nil && f.failed && f.answer == nil:
			return nil, l.alone(ctx, at, req, streamed, out)
		case err != nil:
			return nil, err
		case f.answer != nil:
			return f.answer, nil
		}
	}
}

// lead calls the model while others wait for f. When the caller gives up or panics,
// one of them calls it next.
func (l *cached) lead(ctx context.Context, at place, f *flight[answer], req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	gaveUp := true
	defer func() { l.cache.land(at.key, f, nil, !gaveUp) }() // unless an answer was there
	_, err := l.ask(ctx, at, f, req, streamed, out)
	gaveUp = ctx.Err() != nil || out.Stopped && !out.Final
	return err
}

// joinInBackground joins a flight for a refresh, which counts until refreshes.Done. A
// closed cache starts none.
func (c *Cache) joinInBackground(key digest.Sum) (f *flight[answer], mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open.Err() != nil {
		return nil, false
	}
	if f, mine = c.flights.join(key); mine {
		c.refreshes.Add(1)
	}
	return f, mine
}

// land lands f with a, if a can be a hit; see flights.land.
func (c *Cache) land(key digest.Sum, f *flight[answer], a *answer, failed bool) {
	if a != nil && !a.front {
		a = nil
	}
	c.flights.land(key, f, a, failed)
}
