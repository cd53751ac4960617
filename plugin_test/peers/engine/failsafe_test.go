package engine_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/bulkhead"
	"github.com/failsafe-go/failsafe-go/cachepolicy"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	failsafefallback "github.com/failsafe-go/failsafe-go/fallback"
	"github.com/failsafe-go/failsafe-go/ratelimiter"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	"github.com/failsafe-go/failsafe-go/timeout"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

type (
	executor  = failsafe.Executor[*model.LLMResponse]
	execution = failsafe.Execution[*model.LLMResponse]
	policies  = []failsafe.Policy[*model.LLMResponse]
)

// peerCall is what a target needs of a call. It travels in the context, since a
// fallback policy's function is given nothing else.
type peerCall struct {
	req    *model.LLMRequest
	stream bool
	yield  func(*model.LLMResponse, error) bool
	shown  bool // something has reached the consumer
	ended  bool // the consumer wants no more
}

type peerCallKey struct{}

// errShown is the error of a model that failed after its first chunk: nobody else
// may answer then.
type errShown struct{ error }

func (e errShown) Unwrap() error { return e.error }

// peerChain is a target with its policies, as a model. If it has a fallback policy,
// the targets after it are a part of that.
type peerChain struct {
	name     string
	policies executor
	ask      func(execution) (*model.LLMResponse, error)
}

// theirs puts fallback(retry(breaker(limiter(bulkhead(timeout))))) around each
// target; the fallback's function calls the next one's.
func theirs(_ testing.TB, targets []*fake, breaker int) model.LLM {
	var next *peerChain
	for i := len(targets) - 1; i >= 0; i-- {
		var around policies
		if next != nil {
			following := next
			around = append(around, failsafefallback.NewBuilderWithFunc(func(exec execution) (*model.LLMResponse, error) {
				return following.policies.WithContext(exec.Context()).GetWithExecution(following.ask)
			}).HandleIf(mayFallBack).Build())
		}
		around = append(around, layers(breaker)...)
		next = &peerChain{targets[i].name, failsafe.With(around...), asking(targets[i])}
	}
	return next
}

func layers(breaker int) policies {
	return policies{
		retrypolicy.NewBuilder[*model.LLMResponse]().HandleIf(mayRetry).WithMaxRetries(maxRetries).
			WithBackoff(baseDelay, maxDelay).WithJitterFactor(0.25).ReturnLastFailure().Build(),
		circuitbreaker.NewBuilder[*model.LLMResponse]().WithFailureThreshold(uint(breaker)).WithDelay(openFor).Build(),
		ratelimiter.NewBurstyBuilder[*model.LLMResponse](perMinute, time.Minute).WithMaxWaitTime(maxWait).Build(),
		bulkhead.NewBuilder[*model.LLMResponse](concurrent).WithMaxWaitTime(maxWait).Build(),
		timeout.New[*model.LLMResponse](attemptTime),
	}
}

// mayRetry tells of the failures that the same model may not have again.
func mayRetry(_ *model.LLMResponse, err error) bool {
	var api genai.APIError
	return err != nil && mayFallBack(nil, err) && errors.As(err, &api) && (api.Code == 429 || api.Code >= 500)
}

// mayFallBack tells of the failures after which the next target may answer.
func mayFallBack(_ *model.LLMResponse, err error) bool {
	var shown errShown
	return err != nil && !errors.As(err, &shown)
}

// asking returns the function that has m answer the call of the context.
func asking(m model.LLM) func(execution) (*model.LLMResponse, error) {
	return func(exec execution) (*model.LLMResponse, error) {
		ctx := exec.Context()
		call := ctx.Value(peerCallKey{}).(*peerCall)
		var last *model.LLMResponse
		for resp, err := range m.GenerateContent(ctx, call.req, call.stream) {
			if err != nil && call.shown {
				return nil, errShown{err}
			}
			if err != nil {
				return nil, err
			}
			last, call.shown = resp, true
			if !call.yield(resp, nil) {
				call.ended = true
				break
			}
		}
		return last, nil
	}
}

func (c *peerChain) Name() string { return c.name }

func (c *peerChain) GenerateContent(ctx context.Context, req *model.LLMRequest, stream bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		call := &peerCall{req: req, stream: stream, yield: yield}
		ctx := context.WithValue(ctx, peerCallKey{}, call)
		if _, err := c.policies.WithContext(ctx).GetWithExecution(c.ask); err != nil && !call.ended {
			yield(nil, err)
		}
	}
}

// peerLoop is targets that each have their policies, and a loop over them in place of
// fallback policies, as a model.
type peerLoop []*peerChain

func theirLoop(_ testing.TB, targets []*fake, breaker int) model.LLM {
	var loop peerLoop
	for _, target := range targets {
		loop = append(loop, &peerChain{target.name, failsafe.With(layers(breaker)...), asking(target)})
	}
	return loop
}

func (l peerLoop) Name() string { return l[0].name }

func (l peerLoop) GenerateContent(ctx context.Context, req *model.LLMRequest, stream bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		call := &peerCall{req: req, stream: stream, yield: yield}
		ctx := context.WithValue(ctx, peerCallKey{}, call)
		var err error
		for _, target := range l {
			if _, err = target.policies.WithContext(ctx).GetWithExecution(target.ask); !mayFallBack(nil, err) {
				break
			}
		}
		if err != nil && !call.ended {
			yield(nil, err)
		}
	}
}

// peerCache is a target behind failsafe-go's cache policy, as a model. The key is
// the hash of the request as JSON. It does not stream.
type peerCache struct {
	inner model.LLM
	exec  executor
}

func theirsCached(_ testing.TB, targets []*fake, _ int) model.LLM {
	store := &peerStore{answers: make(map[string]*model.LLMResponse)}
	return &peerCache{targets[0], failsafe.With[*model.LLMResponse](cachepolicy.New(store))}
}

func (c *peerCache) Name() string { return c.inner.Name() }

func (c *peerCache) GenerateContent(ctx context.Context, req *model.LLMRequest, _ bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		encoded, err := json.Marshal(req)
		if err != nil {
			yield(nil, err)
			return
		}
		sum := sha256.Sum256(encoded)
		ctx := cachepolicy.ContextWithCacheKey(ctx, hex.EncodeToString(sum[:]))
		resp, err := c.exec.WithContext(ctx).GetWithExecution(func(exec execution) (answer *model.LLMResponse, err error) {
			for answer, err = range c.inner.GenerateContent(exec.Context(), req, false) {
				if err != nil {
					return nil, err
				}
			}
			return answer, nil
		})
		yield(resp, err)
	}
}

// peerStore is the simplest cache that is safe for concurrent use.
type peerStore struct {
	mu      sync.RWMutex
	answers map[string]*model.LLMResponse // guarded by mu
}

func (s *peerStore) Get(key string) (*model.LLMResponse, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	resp, ok := s.answers[key]
	return resp, ok
}

func (s *peerStore) Set(key string, resp *model.LLMResponse) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[key] = resp
}
