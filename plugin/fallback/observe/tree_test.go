package observe_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cascade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/observe"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// dice is safe for concurrent use.
type dice struct {
	mu   sync.Mutex
	rand *rand.Rand // guarded by mu
}

func (d *dice) roll(sides int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rand.IntN(sides)
}

// deep returns a hedge in a hedge, a preview of a cascade, and a router in a router.
func deep(d *dice, hooks call.Hooks) model.LLM {
	m := func(name string) model.LLM {
		return llmtest.NewModel(name, func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
			step := llmtest.Text("hello")
			if d.roll(3) == 0 {
				step = llmtest.Fail(llmtest.ErrUnavailable)
			}
			after(time.Duration(d.roll(2000))*time.Millisecond, step)(ctx, req, stream, yield)
		})
	}
	hedge := router.HedgeConfig{Delay: 200 * time.Millisecond, MaxExtraLoad: 1}
	judge := cascade.JudgeFunc(func(context.Context, *model.LLMRequest, *model.LLMResponse) (float64, error) {
		return float64(d.roll(10)) / 10, nil
	})
	return router.MustFallback(router.Config{Hooks: hooks},
		router.MustHedge(hedge, m("a"), router.MustHedge(hedge, m("b"), m("c"))),
		router.MustProgressive(router.ProgressiveConfig{}, m("p"), cascade.MustNew(cascade.Config{Judges: []cascade.Judge{judge}, Threshold: 0.5}, m("d"), m("e"))),
		router.MustFallback(router.Config{}, m("f"), m("g")))
}

// seen is what hooks of the test have counted.
type seen struct {
	mu              sync.Mutex
	attempts, calls float64 // guarded by mu
	wrong           string  // guarded by mu; a call with wrong times
}

func (s *seen) hooks() call.Hooks {
	return call.Hooks{
		OnAttempt: func(context.Context, call.Attempt) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.attempts++
		},
		OnEnd: func(_ context.Context, r call.Result) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.calls++
			if r.FirstContent > r.Duration+1 || r.Duration < 0 || r.Outcome == call.OK && r.ModelName == "" {
				s.wrong = fmt.Sprintf("%+v", r)
			}
		},
	}
}

// B125, B140: calls of a deep tree count once, at the same time as others, while metrics are
// collected and another hook panics, whether they end by themselves, by their caller or by
// their consumer.
func TestCallsOfADeepTreeCountOnce(t *testing.T) {
	const workers, calls = 8, 100
	synctest.Test(t, func(t *testing.T) {
		meter, metrics := newMeter(t)
		o, d, s := observe.MustNew(meter, nil), &dice{rand: rand.New(rand.NewPCG(1, 2))}, &seen{}
		bad := call.Hooks{OnAttempt: func(context.Context, call.Attempt) {
			if d.roll(100) == 0 {
				panic("a bad hook")
			}
		}}
		m := deep(d, call.Join(o.Hooks(), bad, s.hooks()))
		o.Watch(m)
		var all sync.WaitGroup
		for w := range workers {
			all.Go(func() {
				for i := range calls {
					ctx, cancel := context.WithTimeout(call.With(t.Context(), call.Info{Tenant: fmt.Sprint(i % 50), Invocation: fmt.Sprint(w, i)}), time.Duration(1+d.roll(5000))*time.Millisecond)
					for range m.GenerateContent(ctx, &model.LLMRequest{Contents: genai.Text("hi")}, d.roll(2) == 0) {
						if d.roll(4) == 0 {
							break
						}
					}
					cancel()
					metrics()
				}
			})
		}
		all.Wait()
		time.Sleep(time.Hour) // for whatever might still go on
		sums := map[string]float64{}
		for series, value := range metrics() {
			name, _, _ := strings.Cut(series, "{")
			sums[name] += value
		}
		if sums["fallback.calls"] != workers*calls || s.calls != workers*calls || sums["fallback.attempts"] != s.attempts {
			t.Errorf("metrics have %v calls and %v attempts; hooks %v and %v", sums["fallback.calls"], sums["fallback.attempts"], s.calls, s.attempts)
		}
		if s.wrong != "" {
			t.Errorf("a wrong result: %s", s.wrong)
		}
	})
}
