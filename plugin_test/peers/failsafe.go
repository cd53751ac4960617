package peers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/bulkhead"
	"github.com/failsafe-go/failsafe-go/cachepolicy"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	failsafefallback "github.com/failsafe-go/failsafe-go/fallback"
	"github.com/failsafe-go/failsafe-go/hedgepolicy"
	"github.com/failsafe-go/failsafe-go/ratelimiter"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	"github.com/failsafe-go/failsafe-go/timeout"
	"github.com/openai/openai-go/v3"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

// The result of an execution is a *model.LLMResponse in memory, and nothing over
// HTTP, where openai-go makes the calls.
type (
	executor  = failsafe.Executor[any]
	execution = failsafe.Execution[any]
	policies  = []failsafe.Policy[any]
)

// openNever is more failures than a row has. failsafe-go keeps a bit for each.
const openNever = 1 << 22

// guarded is a target with its policies. If it has a fallback policy, the targets
// after it are a part of that.
type guarded struct {
	policies executor
	ask      func(execution) (any, error)
}

func (g *guarded) call(ctx context.Context) (any, error) {
	return g.policies.WithContext(ctx).GetWithExecution(g.ask)
}

// failsafeCall is what a target needs of a call. It is in the context, because a fallback
// policy's function gets nothing else.
type failsafeCall struct {
	show  func(string)
	shown bool // something has reached the consumer
}

type failsafeCallKey struct{}

// errShown is the error of a model that failed after its first chunk: no other
// target may answer then.
type errShown struct{ error }

func (e errShown) Unwrap() error { return e.error }

// failsafeClient is failsafe-go around the targets.
type failsafeClient struct {
	call  func(ctx context.Context) (any, error)
	show  func(answer any, show func(string)) // of an answer that is not streamed
	close func()
}

func newFailsafe(s *Site) (Client, error) {
	asks, c, err := s.asks()
	if err != nil {
		return nil, err
	}
	switch {
	case s.Cached:
		c.call = cached(newRequest(s.Row), asks[0])
	case s.Hedge > 0:
		c.call = hedged(s, asks)
	default:
		c.call = chained(s, asks)
	}
	return c, nil
}

// asks returns the functions that call the targets.
func (s *Site) asks() (all []func(execution) (any, error), c *failsafeClient, err error) {
	c = &failsafeClient{close: func() {}, show: func(answer any, show func(string)) {
		show(answer.(*model.LLMResponse).Content.Parts[0].Text)
	}}
	if !s.Wire {
		req, stream := newRequest(s.Row), s.Chunks > 0
		for _, target := range s.Targets {
			all = append(all, inMemory(newMemory(s, target), req, stream))
		}
		return all, c, nil
	}
	sdk, err := newOpenAI(s)
	if err != nil {
		return nil, nil, err
	}
	c.close, c.show = sdk.Close, func(answer any, show func(string)) { show(answer.(*openai.ChatCompletion).Choices[0].Message.Content) }
	for i := range s.Targets {
		all = append(all, func(exec execution) (any, error) {
			if s.Chunks == 0 {
				return sdk.whole(exec.Context(), sdk.targets[i])
			}
			call := exec.Context().Value(failsafeCallKey{}).(*failsafeCall)
			err := sdk.stream(exec.Context(), sdk.targets[i], func(text string) {
				call.shown = true
				call.show(text)
			})
			if err != nil && call.shown {
				err = errShown{err}
			}
			return nil, err
		})
	}
	return all, c, nil
}

func inMemory(m model.LLM, req *request, stream bool) func(execution) (any, error) {
	return func(exec execution) (any, error) {
		call := exec.Context().Value(failsafeCallKey{}).(*failsafeCall)
		var last *model.LLMResponse
		for resp, err := range m.GenerateContent(exec.Context(), req.of(m.Name()), stream) {
			if err != nil && call.shown {
				return nil, errShown{err}
			}
			if err != nil {
				return nil, err
			}
			if resp.Partial {
				call.shown = true
				call.show(resp.Content.Parts[0].Text)
			}
			last = resp
		}
		return last, nil
	}
}

// chained puts fallback(retry(breaker(limiter(bulkhead(timeout))))) around each
// target; the fallback's function calls the next one's.
func chained(s *Site, asks []func(execution) (any, error)) func(context.Context) (any, error) {
	var next *guarded
	for i := len(asks) - 1; i >= 0; i-- {
		var around policies
		if next != nil {
			following := next
			around = append(around, failsafefallback.NewBuilderWithFunc(func(exec execution) (any, error) {
				return following.call(exec.Context())
			}).HandleIf(mayFallBack).Build())
		}
		next = &guarded{failsafe.With(append(around, layers(s.Row, next == nil)...)...), asks[i]}
	}
	return next.call
}

// hedged calls the next target after the delay, with the policies of each around it.
func hedged(s *Site, asks []func(execution) (any, error)) func(context.Context) (any, error) {
	var targets []*guarded
	for i, ask := range asks {
		targets = append(targets, &guarded{failsafe.With(layers(s.Row, i == len(asks)-1)...), ask})
	}
	hedge := failsafe.With(failsafe.Policy[any](hedgepolicy.NewWithDelay[any](s.Hedge)))
	return func(ctx context.Context) (any, error) {
		return hedge.WithContext(ctx).GetWithExecution(func(exec execution) (any, error) {
			if exec.IsHedge() {
				return targets[1].call(exec.Context())
			}
			return targets[0].call(exec.Context())
		})
	}
}

// layers returns the policies of one target. Only the last target is retried; the others
// have another target that is available at once.
func layers(r Row, last bool) policies {
	failures := uint(openNever)
	if r.Cooling {
		failures = openAfter
	}
	return policies{
		retrypolicy.NewBuilder[any]().HandleIf(func(_ any, err error) bool { return last && mayRetry(err) }).WithMaxRetries(maxRetries).
			WithBackoff(baseDelay, maxDelay).WithJitterFactor(0.25).ReturnLastFailure().Build(),
		circuitbreaker.NewBuilder[any]().WithFailureThreshold(failures).WithDelay(openFor).Build(),
		ratelimiter.NewBurstyBuilder[any](perMinute, time.Minute).WithMaxWaitTime(maxWait).Build(),
		bulkhead.NewBuilder[any](concurrent).WithMaxWaitTime(maxWait).Build(),
		timeout.New[any](attemptTime),
	}
}

// mayRetry reports whether a retry of the same model may succeed after err.
func mayRetry(err error) bool {
	var inMemory genai.APIError
	var overHTTP *openai.Error
	code := 0
	switch {
	case !mayFallBack(nil, err):
	case errors.As(err, &inMemory):
		code = inMemory.Code
	case errors.As(err, &overHTTP):
		code = overHTTP.StatusCode
	}
	return code == 429 || code >= 500
}

// mayFallBack reports whether the next target may answer after err.
func mayFallBack(_ any, err error) bool {
	var shown errShown
	return err != nil && !errors.As(err, &shown)
}

func (c *failsafeClient) Call(ctx context.Context, show func(string)) error {
	call := &failsafeCall{show: show}
	answer, err := c.call(context.WithValue(ctx, failsafeCallKey{}, call))
	if err == nil && !call.shown {
		c.show(answer, show)
	}
	return err
}

func (c *failsafeClient) Close() { c.close() }

// cached is failsafe-go's cache policy around one target. The key is the hash of the
// request as JSON.
func cached(req *request, ask func(execution) (any, error)) func(context.Context) (any, error) {
	store := &mapCache{answers: make(map[string]any)}
	exec := failsafe.With(failsafe.Policy[any](cachepolicy.New[any](store)))
	return func(ctx context.Context) (any, error) {
		encoded, err := json.Marshal(req.of(""))
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(encoded)
		return exec.WithContext(cachepolicy.ContextWithCacheKey(ctx, hex.EncodeToString(sum[:]))).GetWithExecution(ask)
	}
}

// mapCache is the simplest cache that is safe for concurrent use: it only grows, and
// returns the stored answer itself.
type mapCache struct {
	mu      sync.RWMutex
	answers map[string]any // guarded by mu
}

func (s *mapCache) Get(key string) (any, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	answer, ok := s.answers[key]
	return answer, ok
}

func (s *mapCache) Set(key string, answer any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[key] = answer
}
