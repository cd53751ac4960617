package cache

import (
	"cmp"
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

	"github.com/adk-fallback/adk-fallback/internal/check"
	"github.com/adk-fallback/adk-fallback/internal/digest"
	"github.com/adk-fallback/adk-fallback/internal/flight"
	"github.com/adk-fallback/adk-fallback/internal/panics"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// Defaults of a Cache.
const (
	DefaultMaxBytes  = 64 << 20
	DefaultTTL       = 10 * time.Minute
	DefaultLookupAge = 24 * time.Hour
	DefaultMaxWait   = time.Minute
)

// RefreshPause is how long a stale answer is not refreshed after a failed refresh:
// while a model is down, each of its answers costs a call now and then, not at every
// hit.
const RefreshPause = 10 * time.Second

// Config says what a Cache keeps and for how long. The zero value means the
// defaults above.
type Config struct {
	// MaxBytes bounds the memory of the answers, by an upper estimate. Beyond it, the
	// answers least likely to be requested again are evicted. 0 means
	// DefaultMaxBytes.
	MaxBytes int

	// TTL is how long an answer is fresh, and returned without calling the model. 0
	// means DefaultTTL.
	TTL time.Duration
	// Rules give some requests another TTL, or none. The first rule that applies to a
	// request decides; its TTL also holds for an answer that another request fetched.
	Rules []Rule
	// StaleWhileRevalidate is how long after TTL an answer is still returned at once,
	// while it is refreshed in the background
	// (https://www.rfc-editor.org/rfc/rfc5861). A failed refresh is repeated after
	// RefreshPause at the earliest. 0 means that stale answers are not returned.
	StaleWhileRevalidate time.Duration
	// LookupAge is the maximum age of an answer that Lookup returns as a last resort,
	// independent of TTL. 0 means DefaultLookupAge.
	LookupAge time.Duration

	// LookupOnly keeps answers only for Lookup: every request goes to the model, and
	// cache_status is bypass.
	LookupOnly bool

	// Scope returns texts about the caller (see call.From). Two callers share an
	// answer only if their texts are equal. If it returns nil or panics, the request
	// is not cached. It must be safe for concurrent use. Default: the caller's tenant.
	Scope func(ctx context.Context) []string
	// Skip reports whether a request is not to be cached, for example because its
	// answer differs each time. If it panics, the request is skipped. It must be safe
	// for concurrent use and must not change the request. Optional.
	Skip func(*model.LLMRequest) bool

	// MaxWait is how long a call waits for another call that is fetching the answer
	// to the same request, before it calls the model itself; its own deadline may end
	// the wait sooner. It also bounds a background refresh. 0 means DefaultMaxWait.
	MaxWait time.Duration

	// State, if set, shares the answers with the caches of other replicas: an answer that is
	// not in memory is looked up there. Answers above [MaxSharedBytes] are not shared, nor
	// are those of Embeddings. While the store of State cannot be reached, this replica's
	// own answers are used. Replicas' clocks should agree to within a second. Nil means that
	// nothing is shared.
	State *state.Shared
}

// Cache answers requests that were answered before. Two requests are the same if
// their contents, configuration (with tool declarations), model name and version,
// and caller's tenant are the same. Call ids matter only as pairs. Fields that do not
// reach a model are ignored: HTTP headers, timeouts, labels, service tiers and part
// metadata. Only hashes of requests are kept.
//
// It keeps whole answers of models that ended with STOP: no errors, truncated or
// interrupted answers, function calls, or degraded answers. A hit is always an
// answer of the model that the cache is in front of. An answer of a fallback behind
// a router is kept only for Lookup, and never replaces an answer that can be a hit.
// A hit is a copy without usage metadata, because it cost nothing. When streamed, it
// is one partial response and the final one. The metadata has cache_status: miss,
// hit, stale or bypass.
//
// Of concurrent calls for the same request, one calls the model, on its caller's
// goroutine. The others wait until its answer is there; they do not wait for its
// consumer. If its caller gives up, the next one calls the model. If it fails, or its
// answer cannot be a hit, all others call the model themselves: a call that failed for
// one caller's priority, region or deadline may succeed for another's.
//
// A Cache is safe for concurrent use and can be in front of several models.
type Cache struct {
	config  Config
	longest time.Duration // that an answer can be of use
	answers *otter.Cache[digest.Sum, *answer]
	open    context.Context // ended by Close; ends the background refreshes
	close   context.CancelFunc

	flights flight.Group[answer] // answers being fetched

	mu        sync.Mutex
	refreshes sync.WaitGroup // grows under mu while open
}

// New returns an empty cache. The error names every wrong field.
func New(config Config) (*Cache, error) {
	problems := []error{
		check.NotNegative("cache: Config.MaxBytes", config.MaxBytes, fmt.Sprintf("0 for %d, or more", DefaultMaxBytes)),
		check.NotNegative("cache: Config.TTL", config.TTL, fmt.Sprintf("0 for %v, or more", DefaultTTL)),
		check.NotNegative("cache: Config.StaleWhileRevalidate", config.StaleWhileRevalidate, "0 for none, or more"),
		check.NotNegative("cache: Config.LookupAge", config.LookupAge, fmt.Sprintf("0 for %v, or more", DefaultLookupAge)),
		check.NotNegative("cache: Config.MaxWait", config.MaxWait, fmt.Sprintf("0 for %v, or more", DefaultMaxWait)),
	}
	problems = append(problems, checkRules(config.Rules)...)
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	config.Rules = slices.Clone(config.Rules)
	config.MaxBytes = cmp.Or(config.MaxBytes, DefaultMaxBytes)
	config.TTL = cmp.Or(config.TTL, DefaultTTL)
	config.LookupAge = cmp.Or(config.LookupAge, DefaultLookupAge)
	config.MaxWait = cmp.Or(config.MaxWait, DefaultMaxWait)
	if config.Scope == nil {
		config.Scope = tenantScope
	}
	if config.Skip == nil {
		config.Skip = func(*model.LLMRequest) bool { return false }
	}
	longest := config.TTL
	for _, rule := range config.Rules {
		longest = max(longest, rule.TTL)
	}
	given := longest + config.StaleWhileRevalidate
	if given < longest {
		given = math.MaxInt64
	}
	most := max(given, config.LookupAge)
	answers, err := otter.New(&otter.Options[digest.Sum, *answer]{
		MaximumWeight:    uint64(config.MaxBytes),
		Weigher:          func(_ digest.Sum, a *answer) uint32 { return a.weight },
		ExpiryCalculator: otter.ExpiryWriting[digest.Sum, *answer](most),
	})
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	c := &Cache{config: config, longest: most, answers: answers}
	c.open, c.close = context.WithCancel(context.Background())
	return c, nil
}

// tenantScope is the default scope: answers are shared within the caller's tenant.
func tenantScope(ctx context.Context) []string { return []string{call.From(ctx).Tenant} }

// MustNew is New, but panics on an error.
func MustNew(config Config) *Cache { return check.Must(New(config)) }

// Middleware returns the layer that answers from c. It goes outermost, also around a
// router, so that a hit does not reach any inner layer.
//
// version lists what answers depend on besides the request and the model's name, such
// as the version of the model that an alias stands for now, and settings that inner
// layers add to requests. Answers of one version are never returned for another. In
// front of a router.Split, see router.SplitAhead.
func (c *Cache) Middleware(version ...string) middleware.Middleware {
	return c.MiddlewareFor(nil, version...)
}

// MiddlewareFor is Middleware for a model that calls several models, such as a cascade. An
// answer of one of models counts as the model's own, unless it is a fallback's.
func (c *Cache) MiddlewareFor(models []string, version ...string) middleware.Middleware {
	version, models = slices.Clone(version), slices.Clone(models)
	return func(m model.LLM) model.LLM {
		check.Model("cache: Middleware", m)
		l := &cached{Around: stream.Around{Inner: stream.Of(m)}, cache: c}
		l.also = models
		l.identity = append([]string{l.Name()}, version...)
		return stream.Forward(l, m)
	}
}

// Lookup returns a copy of the answer kept for req, of any target, and whether it is
// fresh (not older than TTL). It calls no model. ok is false if no answer younger than
// LookupAge is kept, and always for a nil c.
//
// Within a call that went through c, for example in a target behind a router, req is
// looked up for the model that c is in front of; elsewhere, for req.Model without a
// version.
func (c *Cache) Lookup(ctx context.Context, req *model.LLMRequest) (resp *model.LLMResponse, fresh, ok bool) {
	if c == nil {
		return nil, false, false
	}
	within, _ := ctx.Value(c).(*within)
	identity := []string{req.Model}
	if within != nil {
		identity = within.identity
	}
	ttl, cached := c.ttl(ctx, req)
	if !cached {
		return nil, false, false
	}
	key, ok := c.key(ctx, identity, req)
	if !ok {
		return nil, false, false
	}
	a, ok := c.answers.GetIfPresent(key)
	if !ok && !within.hasAskedFor(key) {
		a = c.load(ctx, key)
		ok = a != nil
	}
	if !ok || time.Since(a.at) >= c.config.LookupAge {
		return nil, false, false
	}
	return a.response(), time.Since(a.at) < ttl, true
}

// Bytes returns the estimated memory of the answers kept, at most MaxBytes. It first
// removes expired answers, so it suits metrics, not every call.
func (c *Cache) Bytes() int {
	c.answers.CleanUp()
	return int(c.answers.WeightedSize())
}

// Close cancels the background refreshes, waits until their models return, and stops
// the removal of expired answers. A closed Cache still answers, but refreshes nothing.
// Close is needed only where goroutines are counted; it may be called again.
func (c *Cache) Close() error {
	c.mu.Lock()
	c.close()
	c.mu.Unlock()
	c.refreshes.Wait()
	c.answers.StopAllGoroutines()
	return nil
}

// key returns the key of req for a model; identity starts with the model's name. ok is
// false for a request without a key: its caller shares no answers, it contains a
// function, or its nesting has no end.
func (c *Cache) key(ctx context.Context, identity []string, req *model.LLMRequest) (key digest.Sum, ok bool) {
	defer func() {
		if r := recover(); r != nil { // of Config.Scope, or of a MarshalJSON in the request
			slog.Error("cache: the key of a request panicked; it is not cached", "model", identity[0], "panic", panics.Text(r))
			ok = false
		}
	}()
	scope := c.config.Scope(ctx)
	if scope == nil {
		return digest.Sum{}, false
	}
	return digest.Of(req, scope, identity)
}
