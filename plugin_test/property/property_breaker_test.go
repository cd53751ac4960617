package property_test

import (
	"context"
	"iter"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"pgregory.net/rapid"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// crowd is several callers of one target behind a breaker.
type crowd struct {
	Script    []act
	Retry     bool
	Arrivals  []time.Duration // of the callers
	StopAfter int
}

var aCrowd = rapid.Custom(func(t *rapid.T) crowd {
	return crowd{
		Script:    withoutDeaf(rapid.SliceOfN(anAct, 1, 12).Draw(t, "script")), // who is deaf stays in the model for longer than its call
		Retry:     rapid.Bool().Draw(t, "retry"),
		Arrivals:  rapid.SliceOfN(rapid.Map(rapid.IntRange(0, 60), seconds), 2, 40).Draw(t, "arrivals"),
		StopAfter: rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(t, "stop after"),
	}
})

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// probed is a model that watches who is in it while its breaker is half open.
type probed struct {
	scripted

	mu    sync.Mutex
	state middleware.BreakerState // guarded by mu
	calls int                     // guarded by mu; in the model now
	most  int                     // guarded by mu; that were in the model at once while half open
}

func (p *probed) changed(_ string, _, to middleware.BreakerState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = to
}

func (p *probed) GenerateContent(ctx context.Context, req *model.LLMRequest, stream bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		p.add(1)
		defer p.add(-1)
		// The breaker tells of a change a moment after it. Once time has passed,
		// everybody knows.
		time.Sleep(time.Millisecond)
		p.look()
		p.scripted.GenerateContent(ctx, req, stream)(yield)
	}
}

func (p *probed) add(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls += n
}

func (p *probed) look() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == middleware.BreakerHalfOpen {
		p.most = max(p.most, p.calls)
	}
}

// B72, B80
func TestPropertyOneProbeAtATime(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := aCrowd.Draw(rt, "crowd")
		most, served := 0, false
		synctest.Test(t, func(t *testing.T) { most, served = c.play(t) })
		if most > 1 {
			rt.Errorf("%d probes at a time, want 1", most)
		}
		if !served {
			rt.Error("the target recovers and is not used again")
		}
	})
}

// play lets everybody call and returns how many probes there were at a time, and
// whether the target is used when it has recovered after all that.
func (c *crowd) play(t *testing.T) (most int, served bool) {
	const openFor = 15 * time.Second // longer than an attempt may take
	m := &probed{scripted: scripted{name: "a", script: c.Script, ledger: &ledger{}}}
	layers := []middleware.Middleware{
		middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 2, OpenFor: openFor, OnStateChange: m.changed}),
		middleware.MustTimeout(middleware.TimeoutConfig{Total: 10 * time.Second}),
	}
	if c.Retry {
		layers = append([]middleware.Middleware{middleware.MustRetry(middleware.RetryConfig{})}, layers...)
	}
	guarded := middleware.Chain(m, layers...)
	var callers sync.WaitGroup
	for _, arrival := range c.Arrivals {
		callers.Go(func() {
			time.Sleep(arrival)
			llmtest.Consume(t.Context(), guarded, c.StopAfter)
		})
	}
	callers.Wait()
	time.Sleep(time.Hour)
	m.script = []act{{Does: answers}}
	return m.most, strings.Contains(llmtest.Consume(t.Context(), guarded, 0), "a#")
}
