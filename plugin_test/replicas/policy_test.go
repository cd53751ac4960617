package replicas_test

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"math"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/redistest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state/redis"
)

// policyFile is the policy of replicas, with the primary's limit and section state. A call that the limit refuses falls back.
const policyFile = `
primary: primary
fallbacks: [{name: secondary}]
circuit_breaker: {failure_threshold: 3, window: 1m, backoff: 1m}
budgets: {usd_per_day: 100000}
cache: {ttl: 1m}
models:
  primary:
    price: {input: 1, output: 2}
    rate_limits: {requests_per_minute: %d, queue_timeout: 1ms}
  secondary:
    price: {input: 1, output: 2}
%s
`

// named is a model that answers with its name, or fails.
type named struct {
	name string
	down *atomic.Bool
}

func (n named) Name() string { return n.name }

func (n named) GenerateContent(context.Context, *model.LLMRequest, bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		if n.down.Load() {
			yield(nil, genai.APIError{Code: 503, Status: "UNAVAILABLE"})
			return
		}
		yield(&model.LLMResponse{
			Content: genai.NewContentFromText(n.name, genai.RoleModel), FinishReason: genai.FinishReasonStop, TurnComplete: true,
			UsageMetadata: &genai.GenerateContentResponseUsageMetadata{PromptTokenCount: 10, CandidatesTokenCount: 10, TotalTokenCount: 20},
		}, nil)
	}
}

// tree is a policy at work in a replica.
type tree struct {
	live  *policy.Live // nil for none yet
	model model.LLM
	down  atomic.Bool // whether the primary is, as seen by this replica
}

// load loads a policy in the place of t's.
func (t *tree) load(o order, state string) error {
	if t.live != nil {
		if err := t.live.Close(); err != nil {
			return err
		}
	}
	p, err := spec.Parse(fmt.Appendf(nil, policyFile, o.Limit, state))
	if err != nil {
		return err
	}
	models := policy.Models{"primary": named{"primary", &t.down}, "secondary": named{"secondary", new(atomic.Bool)}}
	logger := slog.New(slog.DiscardHandler)
	if t.live, err = policy.NewLive(context.Background(), p, models, policy.WithState(redis.Open), policy.WithLogger(logger)); err == nil {
		t.model = t.live.Model()
	}
	return err
}

// limit makes t the primary with a limit, in front of the secondary, without a policy.
func (t *tree) limit(shared *state.Shared, perMinute int) error {
	primary := middleware.Chain(named{"primary", &t.down}, middleware.MustLimit(middleware.LimitConfig{
		RequestsPerMinute: perMinute, MaxWait: time.Nanosecond, State: shared,
	}))
	var err error
	t.model, err = router.NewFallback(router.Config{}, primary, named{"secondary", new(atomic.Bool)})
	return err
}

// call asks a policy and returns the name of the model that has answered.
func (t *tree) call(ctx context.Context, prompt string) (by string, err error) {
	req := &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText(prompt, genai.RoleUser)}}
	for resp, err := range t.model.GenerateContent(ctx, req, false) {
		if err != nil {
			return "", err
		}
		by = resp.Content.Parts[0].Text
	}
	return by, nil
}

// ask makes one call after the other and reports how many the primary has answered.
func (t *tree) ask(o order) report {
	r := report{Began: time.Now().UnixNano()}
	for i := 0; time.Since(time.Unix(0, r.Began)) < o.For; i++ {
		by, err := t.call(context.Background(), fmt.Sprintf("%s %d %d", o.Key, os.Getpid(), i))
		if err != nil {
			return report{Err: err.Error()}
		}
		if by == "primary" {
			r.N++
		}
		time.Sleep(time.Millisecond)
	}
	r.Ended = time.Now().UnixNano()
	return r
}

// B97: a limit in front of the models of four processes admits 100 calls per minute in all. The
// others fall back.
func TestLimitedCallsOfAllReplicas(t *testing.T) {
	all := starts(t, 4, setting{URL: redistest.Start(t).URL(), Timeout: patient})
	for _, p := range all {
		if r := p.do(order{Do: "limit", Limit: 100}); r.Err != "" {
			t.Fatal(r.Err)
		}
	}
	const lasts = 1200 * time.Millisecond
	n, began, ended := int64(0), int64(math.MaxInt64), int64(0)
	for i, r := range each(all, func(int) order { return order{Do: "ask", For: lasts} }) {
		if r.Err != "" {
			t.Fatalf("replica %d: %s", i, r.Err)
		}
		n, began, ended = n+r.N, min(began, r.Began), max(ended, r.Ended)
	}
	least, most := int64(99+lasts.Minutes()*100), int64(101+time.Duration(ended-began).Minutes()*100)
	t.Logf("the primary has answered %d calls; from %d to %d are right", n, least, most)
	if n < least || n > most {
		t.Errorf("the primary has answered %d calls, want from %d to %d", n, least, most)
	}
}

// B95: policies with section state share breakers. When one replica opens a breaker, the others
// skip the primary, although it works for them.
func TestPoliciesShareBreakers(t *testing.T) {
	all := starts(t, 4, setting{URL: redistest.Start(t).URL()})
	for _, p := range all {
		if r := p.do(order{Do: "policy", Key: "policy:", Limit: 1e6}); r.Err != "" {
			t.Fatal(r.Err)
		}
	}
	for _, p := range all {
		within(t, 10*time.Second, "the primary answers", func() bool {
			return p.do(order{Do: "ask", Key: "up", For: 20 * time.Millisecond}).N > 0
		})
	}
	all[0].do(order{Do: "down"})
	all[0].do(order{Do: "ask", Key: "down", For: 50 * time.Millisecond}) // three failures and more
	for _, p := range all[1:] {
		within(t, 10*time.Second, "the primary is left alone", func() bool {
			return p.do(order{Do: "ask", Key: "after", For: time.Millisecond}).N == 0
		})
	}
}
