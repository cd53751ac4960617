package cache

import (
	"context"
	"fmt"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/digest"
	"github.com/adk-fallback/adk-fallback/internal/flight"
	"github.com/adk-fallback/adk-fallback/internal/panics"
	"github.com/adk-fallback/adk-fallback/internal/stream"
)

// EmbedContent implements Embedder.
func (c *Embeddings) EmbedContent(ctx context.Context, model string, contents []*genai.Content, config *genai.EmbedContentConfig) (*genai.EmbedContentResponse, error) {
	keys, ok := c.keys(ctx, model, contents, config)
	if !ok || len(contents) == 0 {
		return c.inner.EmbedContent(ctx, model, contents, config)
	}
	b := &batch{
		cache: c, model: model, contents: contents, config: config, keys: keys,
		got: make(map[digest.Sum]*genai.ContentEmbedding, len(keys)), alone: make(map[digest.Sum]bool),
	}
	return b.do(ctx)
}

// batch is one request on its way through the cache.
type batch struct {
	cache    *Embeddings
	model    string
	contents []*genai.Content
	config   *genai.EmbedContentConfig
	keys     []digest.Sum // of contents

	got   map[digest.Sum]*genai.ContentEmbedding
	alone map[digest.Sum]bool         // not to be shared with other requests: a flight for it has failed
	last  *genai.EmbedContentResponse // of the provider; nil before it is called
}

// want is an embedding that the batch does not have yet.
type want struct {
	key    digest.Sum
	at     int // a place of its content
	flight *flight.Flight[genai.ContentEmbedding]
}

// do gets the embeddings, in rounds. Each round calls the provider for all that no other
// request is fetching, and only then waits for others: two requests that wait for each
// other have both called already.
func (b *batch) do(ctx context.Context) (*genai.EmbedContentResponse, error) {
	p := flight.NewPatience(b.cache.config.MaxWait)
	defer p.Stop()
	for {
		own, others := b.missing()
		if len(own) > 0 {
			resp, err := b.fetch(ctx, own)
			if resp != nil || err != nil {
				return resp, err
			}
		}
		if len(others) == 0 {
			return b.response(), nil
		}
		for _, w := range others {
			switch e, alone, err := w.flight.Wait(ctx, p); {
			case err != nil:
				return nil, stream.Ended(ctx)
			case alone:
				b.alone[w.key] = true
			default:
				b.take(w.key, e)
			}
		}
	}
}

// missing takes what is kept, and returns what this request has to fetch and what others
// are fetching.
func (b *batch) missing() (own, others []want) {
	seen := make(map[digest.Sum]bool, len(b.keys))
	for i, key := range b.keys {
		if seen[key] || b.got[key] != nil {
			continue
		}
		seen[key] = true
		if e, ok := b.cache.kept.GetIfPresent(key); ok {
			b.got[key] = e
			continue
		}
		if b.alone[key] {
			own = append(own, want{key: key, at: i})
			continue
		}
		f, mine := b.cache.flights.Join(key)
		switch e, ok := b.cache.kept.GetIfPresent(key); {
		case mine && ok: // a flight has landed since the first look
			b.cache.flights.Land(key, f, e, false)
			b.got[key] = e
		case mine:
			own = append(own, want{key, i, f})
		default:
			others = append(others, want{key, i, f})
		}
	}
	return own, others
}

// take takes e, if it is not nil, and reports whether it did.
func (b *batch) take(key digest.Sum, e *genai.ContentEmbedding) bool {
	if e != nil {
		b.got[key] = e
	}
	return e != nil
}

// fetch calls the provider for own and keeps the embeddings. If they cannot be told
// apart or are not all there, it returns the provider's response to the whole request
// instead.
func (b *batch) fetch(ctx context.Context, own []want) (whole *genai.EmbedContentResponse, err error) {
	gaveUp := true // also if the Embedder ends its goroutine
	defer func() {
		for _, w := range own {
			if w.flight != nil {
				b.cache.flights.Land(w.key, w.flight, nil, !gaveUp) // unless its answer was there
			}
		}
	}()
	contents := make([]*genai.Content, len(own))
	for i, w := range own {
		contents[i] = b.contents[w.at]
	}
	resp, err := b.call(ctx, contents)
	gaveUp = ctx.Err() != nil
	if err != nil {
		return nil, err
	}
	b.last = resp
	if len(resp.Embeddings) == len(own) {
		for i, w := range own {
			e := b.cache.keep(w.key, resp.Embeddings[i])
			if b.take(w.key, e) && w.flight != nil {
				b.cache.flights.Land(w.key, w.flight, e, false)
			}
		}
	}
	for _, w := range own {
		if b.got[w.key] == nil {
			if len(own) == len(b.contents) {
				return resp, nil
			}
			return b.call(ctx, b.contents)
		}
	}
	return nil, nil
}

// call calls the provider. A panic in it becomes an error.
func (b *batch) call(ctx context.Context, contents []*genai.Content) (resp *genai.EmbedContentResponse, err error) {
	defer func() {
		if r := recover(); r != nil {
			resp, err = nil, fmt.Errorf("cache: the Embedder panicked: %s", panics.Text(r))
		}
	}()
	resp, err = b.cache.inner.EmbedContent(ctx, b.model, contents, b.config)
	if err == nil && resp == nil {
		err = fmt.Errorf("cache: the Embedder returned neither a response nor an error for model %q", b.model)
	}
	return resp, err
}

// response returns copies of all embeddings, in the order of the request.
func (b *batch) response() *genai.EmbedContentResponse {
	resp := &genai.EmbedContentResponse{Embeddings: make([]*genai.ContentEmbedding, len(b.keys))}
	if b.last != nil {
		own := *b.last
		own.Embeddings = resp.Embeddings
		resp = &own
	}
	for i, key := range b.keys {
		resp.Embeddings[i] = cloneEmbedding(b.got[key])
	}
	return resp
}
