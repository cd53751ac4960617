package cache

import (
	"context"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/digest"
	"github.com/adk-fallback/adk-fallback/internal/flight"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// fetch gets the model's answer: that of another call or replica, with its cache_status. If
// there is none, it calls the model and sends the responses to out.
func (l *cached) fetch(ctx context.Context, at place, req *model.LLMRequest, streamed bool, out *stream.Sink) (a *answer, status string, err error) {
	p := flight.NewPatience(l.cache.config.MaxWait)
	defer p.Stop()
	for {
		f, mine := l.cache.flights.Join(at.key)
		if mine {
			if a, status := l.cache.given(at); status == call.CacheHit { // a flight has landed since the first look
				l.cache.land(at.key, f, a, false)
				return a, status, nil
			}
			if !l.cache.config.State.Ready() { // the call will wait; inner layers request what they need meanwhile
				defer out.Ahead(ctx, l.Inner, req)()
			}
			if a, status := l.cache.others(ctx, &at); status != "" {
				l.cache.land(at.key, f, a, false)
				l.renew(ctx, at, req, a, status)
				return a, status, nil
			}
			return nil, "", l.lead(ctx, at, f, req, streamed, out)
		}
		switch a, alone, err := f.Wait(ctx, p); {
		case err != nil:
			return nil, "", stream.Ended(ctx)
		case alone:
			return nil, "", l.alone(ctx, at, req, streamed, out)
		case a != nil:
			return a, call.CacheHit, nil
		}
	}
}

// lead calls the model while others wait for f. When the caller gives up or panics,
// one of them calls it next.
func (l *cached) lead(ctx context.Context, at place, f *flight.Flight[answer], req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	gaveUp := true
	defer func() { l.cache.land(at.key, f, nil, !gaveUp) }() // unless an answer was there
	_, err := l.ask(ctx, at, f, req, streamed, out)
	gaveUp = ctx.Err() != nil || out.Stopped && !out.Final
	return err
}

// joinInBackground joins a flight for a refresh, which counts until refreshes.Done. A
// closed cache starts none.
func (c *Cache) joinInBackground(key digest.Sum) (f *flight.Flight[answer], mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open.Err() != nil {
		return nil, false
	}
	if f, mine = c.flights.Join(key); mine {
		c.refreshes.Add(1)
	}
	return f, mine
}

// land lands f with a, if a can be a hit; see [flight.Group.Land].
func (c *Cache) land(key digest.Sum, f *flight.Flight[answer], a *answer, failed bool) {
	if a != nil && !a.front {
		a = nil
	}
	c.flights.Land(key, f, a, failed)
}
