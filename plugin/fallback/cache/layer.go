package cache

import (
	"context"
	"iter"
	"log/slog"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/clone"
	"github.com/adk-fallback/adk-fallback/internal/flight"
	"github.com/adk-fallback/adk-fallback/internal/panics"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
)

// cached is the layer in front of one model.
type cached struct {
	stream.Around
	cache    *Cache
	identity []string // of the model, for keys: its name, then its version
	also     []string // the models whose answers count as the model's own
}

func (l *cached) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(l, ctx, req, streamed)
}

func (l *cached) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	if out.Root == "" {
		out.Root = l.Name()
	}
	at, ok := l.placeOf(ctx, req)
	if !ok || out.Chosen != "" {
		out.Notes.CacheStatus = call.CacheBypass
		return l.Inner.Do(ctx, req, streamed, out)
	}
	if l.cache.config.LookupOnly {
		return l.alone(ctx, at, req, streamed, out)
	}
	a, status := l.find(ctx, at, req)
	if a == nil {
		var err error
		if a, status, err = l.fetch(ctx, at, req, streamed, out); a == nil {
			return err
		}
	}
	out.Notes.CacheStatus = status
	out.Answer(call.Attempt{Model: l.Name()}, a.response(), streamed)
	return nil
}

// placeOf returns the place of req. ok is false if req must not be cached.
func (l *cached) placeOf(ctx context.Context, req *model.LLMRequest) (at place, ok bool) {
	defer func() {
		if r := recover(); r != nil {
			slog.Error("cache: Config.Skip panicked; the request is not cached", "model", l.Name(), "panic", panics.Text(r))
			ok = false
		}
	}()
	if l.cache.config.Skip(req) {
		return place{}, false
	}
	if at.ttl, ok = l.cache.ttl(ctx, req); !ok {
		return place{}, false
	}
	at.key, ok = l.cache.key(ctx, l.identity, req)
	return at, ok
}

// find returns the answer to return at once, if there is one. It refreshes a stale
// answer in the background.
func (l *cached) find(ctx context.Context, at place, req *model.LLMRequest) (a *answer, status string) {
	a, status = l.cache.given(at)
	l.renew(ctx, at, req, a, status)
	return a, status
}

// renew refreshes a in the background if it is stale.
func (l *cached) renew(ctx context.Context, at place, req *model.LLMRequest, a *answer, status string) {
	if status == call.CacheStale && time.Now().UnixNano() >= a.paused.Load() {
		l.refresh(ctx, at, req, a)
	}
}

// alone calls the model for this caller only.
func (l *cached) alone(ctx context.Context, at place, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	_, err := l.ask(ctx, at, nil, req, streamed, out)
	return err
}

// refresh fetches a new answer for stale in the background, unless a fetch is in
// progress. The goroutine belongs to the cache. It ends when the model has answered,
// when MaxWait has passed, or with Close, but not with the caller.
func (l *cached) refresh(ctx context.Context, at place, req *model.LLMRequest, stale *answer) {
	f, mine := l.cache.joinInBackground(at.key)
	if !mine {
		return
	}
	req = clone.Request(req) // the caller may reuse its own after the call
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.cache.config.MaxWait)
	unlink := context.AfterFunc(l.cache.open, cancel)
	go func() {
		var a *answer
		defer func() {
			if r := recover(); r != nil {
				slog.Error("cache: a fetch in the background panicked", "model", l.Name(), "panic", panics.Text(r))
			}
			unlink()
			cancel()
			if a == nil || !a.front { // the stale one stays
				stale.paused.Store(time.Now().Add(RefreshPause).UnixNano())
			}
			l.cache.land(at.key, f, nil, true)
			l.cache.refreshes.Done()
		}()
		if newer := l.cache.load(ctx, at.key); newer != nil && l.cache.statusOf(newer, at.ttl) == call.CacheHit {
			a = newer // another replica was first
			l.cache.land(at.key, f, a, true)
			return
		}
		out := stream.NewSink(ctx, func(*model.LLMResponse, error) bool { return true })
		out.Root = l.Name()
		a, _ = l.ask(ctx, at, f, req, false, out)
	}()
}

// ask calls the model, keeps its answer if possible, and returns it. It lands f, if
// not nil, when an answer is there.
func (l *cached) ask(ctx context.Context, at place, f *flight.Flight[answer], req *model.LLMRequest, streamed bool, out *stream.Sink) (*answer, error) {
	catch := &catcher{layer: l, at: at, flight: f}
	out.Enter(catch, stream.Ticket{})
	defer out.Leave()
	out.Notes.CacheStatus = call.CacheMiss
	if l.cache.config.LookupOnly {
		out.Notes.CacheStatus = call.CacheBypass
	}
	ctx = context.WithValue(ctx, l.cache, &within{l.identity, at}) // for Lookup
	err := l.Inner.Do(ctx, req, streamed, out)
	return catch.answer, err
}

// catcher takes the answer of a call before the consumer, which may change it or take
// long to read it.
type catcher struct {
	layer  *cached
	at     place
	flight *flight.Flight[answer] // nil if no call can wait
	finals int
	answer *answer // nil if there are several final responses: none is the whole answer
}

// Answered implements stream.Tap.
func (c *catcher) Answered(out *stream.Sink, resp *model.LLMResponse, _ stream.Ticket) (enough bool) {
	cache := c.layer.cache
	if c.finals++; c.finals > 1 {
		cache.answers.Invalidate(c.at.key)
		cache.unshare(c.at.key)
		c.answer = nil
		return true
	}
	c.answer = newAnswer(c.layer, out, resp)
	if cache.keep(c.at, c.answer) {
		cache.share(c.at.key, c.answer)
	}
	if c.flight != nil {
		cache.land(c.at.key, c.flight, c.answer, true)
	}
	return false
}

// Inspect returns the state of the cache.
func (l *cached) Inspect() inspect.Node {
	n := l.Node("cache")
	c := l.cache
	n.Cache = &inspect.Cache{Bytes: c.Bytes(), MaxBytes: c.config.MaxBytes, Answers: c.answers.EstimatedSize()}
	n.State = c
	return n
}
