package middleware

import (
	"context"
	"iter"
	"log/slog"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// cached is the layer in front of one model.
type cached struct {
	inner    stream.Layer
	cache    *Cache
	identity []string // what tells the model's answers from others': its name, then its version
}

// flight is one call that others for the same request can wait for.
type flight struct {
	done   chan struct{} // closed when the rest is set
	answer *answer       // nil if there is none to be shared
	failed bool          // so another try is nobody's to wait for
}

func (l *cached) Name() string { return l.inner.Name() }

func (l *cached) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(l, ctx, req, streamed)
}

func (l *cached) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	if out.Root == "" {
		out.Root = l.Name()
	}
	key, ok := l.keyOf(ctx, req)
	if !ok {
		return l.inner.Do(ctx, req, streamed, out)
	}
	if l.cache.config.LookupOnly {
		return l.alone(ctx, key, req, streamed, out)
	}
	a, status := l.find(ctx, key, req)
	if a == nil {
		var err error
		if a, err = l.fetch(ctx, key, req, streamed, out); a == nil {
			return err
		}
		status = call.CacheHit
	}
	out.Notes.CacheStatus = status
	out.Answer(a.model, a.response(), streamed)
	return nil
}

// keyOf returns the key of req unless it is not to be cached.
func (l *cached) keyOf(ctx context.Context, req *model.LLMRequest) (key cacheKey, ok bool) {
	defer func() {
		if r := recover(); r != nil {
			slog.Error("middleware: CacheConfig.Skip panicked; the request is not cached", "model", l.Name(), "panic", r)
			ok = false
		}
	}()
	if l.cache.config.Skip(req) {
		return cacheKey{}, false
	}
	return l.cache.key(ctx, l.identity, req)
}

// find returns the answer to give at once, if there is one, and sees to it that
// a stale one is fetched anew.
func (l *cached) find(ctx context.Context, key cacheKey, req *model.LLMRequest) (a *answer, status string) {
	a, ok := l.cache.answers.GetIfPresent(key)
	if !ok {
		return nil, ""
	}
	switch age := time.Since(a.at); {
	case age < l.cache.config.TTL:
		return a, call.CacheHit
	case age-l.cache.config.TTL < l.cache.config.StaleWhileRevalidate:
		l.refresh(ctx, key, req)
		return a, call.CacheStale
	}
	return nil, ""
}

// fetch gets the answer of the model: by asking it, and then out has been sent
// what came, or from another call that asks it, and then it is returned.
func (l *cached) fetch(ctx context.Context, key cacheKey, req *model.LLMRequest, streamed bool, out *stream.Sink) (*answer, error) {
	var timer *time.Timer
	for {
		f, mine := l.cache.join(key)
		if mine {
			if a := l.cache.fresh(key); a != nil { // a flight has landed since the cache was asked
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

// lead asks the model while others wait in f. When the caller gives up, or
// panics, one of them asks next.
func (l *cached) lead(ctx context.Context, key cacheKey, f *flight, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	var a *answer
	gaveUp := true
	defer func() { l.cache.land(key, f, a, !gaveUp) }()
	a, err := l.ask(ctx, req, streamed, out)
	gaveUp = ctx.Err() != nil || out.Stopped && !out.Final
	return err
}

// alone asks the model for this caller only.
func (l *cached) alone(ctx context.Context, key cacheKey, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	a, err := l.ask(ctx, req, streamed, out)
	if a != nil {
		l.cache.answers.Set(key, a)
	}
	return err
}

// refresh fetches the answer in the background, unless somebody is fetching it.
// The goroutine belongs to the cache. It ends when the model has answered, when
// MaxWait has passed, or with Close; the caller's end does not matter to it.
func (l *cached) refresh(ctx context.Context, key cacheKey, req *model.LLMRequest) {
	f, mine := l.cache.joinInBackground(key)
	if !mine {
		return
	}
	req = request.Clone(req) // the caller's own is the caller's again when the call has returned
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.cache.config.MaxWait)
	unlink := context.AfterFunc(l.cache.open, cancel)
	go func() {
		var a *answer
		defer func() {
			if r := recover(); r != nil {
				slog.Error("middleware: cache: a fetch in the background panicked", "model", l.Name(), "panic", r)
			}
			unlink()
			cancel()
			l.cache.land(key, f, a, true)
			l.cache.refreshes.Done()
		}()
		out := stream.NewSink(func(*model.LLMResponse, error) bool { return true })
		out.Root = l.Name()
		// A failure leaves the stale answer, and the next caller tries again.
		a, _ = l.ask(ctx, req, false, out)
	}()
}

// ask asks the model and returns its answer if it is one to be kept.
func (l *cached) ask(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) (*answer, error) {
	catch := &catcher{out: out, next: out.Tap}
	out.Tap = catch
	defer func() { out.Tap = catch.next }()
	if !l.cache.config.LookupOnly {
		out.Notes.CacheStatus = call.CacheMiss
	}
	ctx = context.WithValue(ctx, l.cache, l.identity) // for Lookup
	if err := l.inner.Do(ctx, req, streamed, out); err != nil {
		return nil, err
	}
	return catch.answer, nil
}

// catcher takes the answer of a call before the consumer can change it.
type catcher struct {
	out    *stream.Sink
	next   stream.Tap // the tap that was there; nil if none
	finals int
	answer *answer // nil if there are several final responses: none of them is the whole
}

// Answered implements stream.Tap.
func (c *catcher) Answered(resp *model.LLMResponse) {
	if c.next != nil {
		c.next.Answered(resp)
	}
	c.answer = nil
	if c.finals++; c.finals == 1 {
		c.answer = newAnswer(c.out.Model, resp)
	}
}

// fresh returns the answer for key if it is fresh.
func (c *Cache) fresh(key cacheKey) *answer {
	if a, ok := c.answers.GetIfPresent(key); ok && time.Since(a.at) < c.config.TTL {
		return a
	}
	return nil
}

// join returns the flight for key, and whether it is the caller's own to land.
func (c *Cache) join(key cacheKey) (f *flight, mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.joinLocked(key)
}

// joinInBackground is join for a flight that counts until refreshes.Done. A
// closed cache has none to give.
func (c *Cache) joinInBackground(key cacheKey) (f *flight, mine bool) {
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

func (c *Cache) joinLocked(key cacheKey) (f *flight, mine bool) {
	if f := c.flights[key]; f != nil {
		return f, false
	}
	f = &flight{done: make(chan struct{})}
	c.flights[key] = f
	return f, true
}

// land keeps the answer of a flight, if it has one, and tells who waits for it.
func (c *Cache) land(key cacheKey, f *flight, a *answer, failed bool) {
	if a != nil {
		c.answers.Set(key, a)
	}
	f.answer, f.failed = a, failed
	c.mu.Lock()
	delete(c.flights, key)
	c.mu.Unlock()
	close(f.done)
}
