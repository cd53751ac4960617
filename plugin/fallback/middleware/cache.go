package middleware

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/digest"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// Defaults of CacheConfig.
const (
	DefaultCacheBytes = 64 << 20
	DefaultCacheTTL   = 10 * time.Minute
	DefaultLookupAge  = 24 * time.Hour
	DefaultCacheWait  = time.Minute
)

// RefreshPause is how long a stale answer is not fetched anew after that has
// failed: while a model is down, each answer kept of it costs a call every so
// often, and not one for each hit.
const RefreshPause = 10 * time.Second

// CacheConfig says what a Cache keeps and for how long. The zero value means the
// defaults above.
type CacheConfig struct {
	// MaxBytes bounds the memory of the answers, estimated upwards. When they
	// take more, the ones least likely to be asked for again go. 0 means
	// DefaultCacheBytes.
	MaxBytes int

	// TTL is how long an answer is fresh, and given without asking. 0 means
	// DefaultCacheTTL.
	TTL time.Duration
	// StaleWhileRevalidate is how long after TTL an answer is still given at
	// once, while it is fetched anew in the background
	// (https://www.rfc-editor.org/rfc/rfc5861), and after a failure again once
	// RefreshPause is over. 0 means not at all.
	StaleWhileRevalidate time.Duration
	// LookupAge is how old an answer may be that Lookup gives, whatever TTL is:
	// for an answer of last resort. 0 means DefaultLookupAge.
	LookupAge time.Duration

	// LookupOnly keeps answers for Lookup alone: every request goes to the model, and
	// cache_status is bypass.
	LookupOnly bool

	// Scope returns what else must be the same, text by text, for two callers,
	// whom call.From tells of their contexts, to share an answer; a caller for
	// whom it returns nil shares none, and the request is not cached. A nil Scope
	// means their tenant. It must be safe for concurrent use; a request for which
	// it panics is not cached.
	Scope func(ctx context.Context) []string
	// Skip tells requests that are not to be cached: those that are answered
	// differently each time, say. Nil means none. It must be safe for concurrent
	// use and must not change the request; if it panics, the request is skipped.
	Skip func(*model.LLMRequest) bool

	// MaxWait is how long a call waits for another one that is fetching the
	// answer to the same request, before it asks for itself; its own deadline may
	// end it sooner. A fetch in the background may take as long. 0 means
	// DefaultCacheWait.
	MaxWait time.Duration
}

// Cache answers requests that were answered before. Two requests are the same if
// the contents, the configuration with the declarations of the tools, the
// model's name and version and the caller's tenant are. The ids of calls count only
// by what they pair, and what does not reach a model does not count: HTTP headers,
// timeouts, labels, service tiers and the metadata of parts. Only hashes of
// requests are kept.
//
// It keeps whole answers of models that ended with STOP: no errors, nothing
// truncated or interrupted, no function calls, no degraded answers. A hit is
// always an answer of the model that the cache stands in front of: what another
// target behind a router gave in its place is kept for Lookup alone, and only
// where no answer is that can be a hit. A hit is a copy without usage metadata,
// because it cost nothing; when streamed, it comes as one partial response and
// the final one. What happened is in the metadata as cache_status: miss, hit,
// stale or bypass.
//
// Of calls for the same request at the same time one asks, on its caller's
// goroutine, and the others wait until its answer is there, which its consumer
// may take in its own time. If its caller gives up, the next one asks; if it
// fails, or its answer is none for a hit, all others ask for themselves: what
// failed for one caller's priority, region or deadline need not fail for
// another's.
//
// A Cache is safe for concurrent use and can stand in front of several models.
type Cache struct {
	config  CacheConfig
	answers *otter.Cache[digest.Sum, *answer]
	open    context.Context // ended by Close; the fetches in the background end with it
	close   context.CancelFunc

	mu      sync.Mutex
	flights map[digest.Sum]*flight // guarded by mu; what is being fetched

	refreshes sync.WaitGroup // grows under mu while open
}

// NewCache returns an empty cache. The error names every wrong field.
func NewCache(config CacheConfig) (*Cache, error) {
	problems := []error{
		notNegative("CacheConfig.MaxBytes", config.MaxBytes, fmt.Sprintf("0 for %d, or more", DefaultCacheBytes)),
		notNegative("CacheConfig.TTL", config.TTL, fmt.Sprintf("0 for %v, or more", DefaultCacheTTL)),
		notNegative("CacheConfig.StaleWhileRevalidate", config.StaleWhileRevalidate, "0 for none, or more"),
		notNegative("CacheConfig.LookupAge", config.LookupAge, fmt.Sprintf("0 for %v, or more", DefaultLookupAge)),
		notNegative("CacheConfig.MaxWait", config.MaxWait, fmt.Sprintf("0 for %v, or more", DefaultCacheWait)),
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	orDefault(&config.MaxBytes, DefaultCacheBytes)
	orDefault(&config.TTL, DefaultCacheTTL)
	orDefault(&config.LookupAge, DefaultLookupAge)
	orDefault(&config.MaxWait, DefaultCacheWait)
	if config.Scope == nil {
		config.Scope = func(ctx context.Context) []string { return []string{call.From(ctx).Tenant} }
	}
	if config.Skip == nil {
		config.Skip = func(*model.LLMRequest) bool { return false }
	}
	given := config.TTL + config.StaleWhileRevalidate
	if given < config.TTL {
		given = math.MaxInt64
	}
	answers, err := otter.New(&otter.Options[digest.Sum, *answer]{
		MaximumWeight:    uint64(config.MaxBytes),
		Weigher:          func(_ digest.Sum, a *answer) uint32 { return a.weight },
		ExpiryCalculator: otter.ExpiryWriting[digest.Sum, *answer](max(given, config.LookupAge)),
	})
	if err != nil {
		return nil, fmt.Errorf("middleware: cache: %w", err)
	}
	c := &Cache{config: config, answers: answers, flights: make(map[digest.Sum]*flight)}
	c.open, c.close = context.WithCancel(context.Background())
	return c, nil
}

// MustCache is NewCache for a configuration that is known to be right.
func MustCache(config CacheConfig) *Cache {
	c, err := NewCache(config)
	if err != nil {
		panic(err)
	}
	return c
}

// Middleware returns the layer that answers from c. It goes outermost, around a
// router too, so that a hit costs nothing of what is within.
//
// version is what answers depend on beside the request and the model's name,
// such as the family and version of the model that an alias stands for now, and
// settings that are merged into requests within. Answers of one version are
// never given for another. In front of a router.Split, see router.SplitAhead.
func (c *Cache) Middleware(version ...string) Middleware {
	version = slices.Clone(version)
	return func(m model.LLM) model.LLM {
		checkModel("Cache", m)
		l := &cached{Around: stream.Around{Inner: stream.Of(m)}, cache: c}
		l.identity = append([]string{l.Name()}, version...)
		return stream.Forward(l, m)
	}
}

// Lookup returns a copy of the answer kept for req, whichever target gave it, and
// whether it is fresh, not older than TTL. It asks no model and reports false for
// ok if no answer is kept that is younger than LookupAge, and always for a nil c.
//
// Within a call that c has let through, as for a target behind a router, req is
// looked up as asked of the model that c stands in front of, elsewhere of
// req.Model without a version.
func (c *Cache) Lookup(ctx context.Context, req *model.LLMRequest) (resp *model.LLMResponse, fresh, ok bool) {
	if c == nil {
		return nil, false, false
	}
	identity, within := ctx.Value(c).([]string)
	if !within {
		identity = []string{req.Model}
	}
	key, ok := c.key(ctx, identity, req)
	if !ok {
		return nil, false, false
	}
	a, ok := c.answers.GetIfPresent(key)
	if !ok || time.Since(a.at) >= c.config.LookupAge {
		return nil, false, false
	}
	return a.response(), time.Since(a.at) < c.config.TTL, true
}

// Bytes returns the estimated memory of the answers kept, at most MaxBytes. It
// first removes what is due, so it is for metrics and not for every call.
func (c *Cache) Bytes() int {
	c.answers.CleanUp()
	return int(c.answers.WeightedSize())
}

// Close ends the fetches in the background and waits for them, as long as their
// models take to notice, and stops the removal of what is out of date. A closed
// Cache still answers, but fetches nothing in the background. Close is needed
// only where goroutines are counted; it may be called again.
func (c *Cache) Close() error {
	c.mu.Lock()
	c.close()
	c.mu.Unlock()
	c.refreshes.Wait()
	c.answers.StopAllGoroutines()
	return nil
}

// key returns the key of req as asked of a model, whose name is the first part of
// its identity. It reports false for a request that has none: one of a caller who
// shares no answers, with a function in it, or nested without end.
func (c *Cache) key(ctx context.Context, identity []string, req *model.LLMRequest) (key digest.Sum, ok bool) {
	defer func() {
		if r := recover(); r != nil { // of Config.Scope, or of a MarshalJSON in the request
			slog.Error("middleware: the key of a request panicked; it is not cached", "model", identity[0], "panic", r)
			ok = false
		}
	}()
	scope := c.config.Scope(ctx)
	if scope == nil {
		return digest.Sum{}, false
	}
	return digest.Of(req, scope, identity)
}
