package router_test

import (
	"context"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// Phases of a brown-out.
const (
	brownOutFrom = 2 * time.Minute
	brownOutTo   = 4 * time.Minute
	brownOutEnd  = brownOutTo + 70*time.Second
)

// brownOut is a workload on a primary that is bad for 20 % of its calls for a while.
type brownOut struct {
	seed     uint64
	rate     int // calls per second
	users    int
	streamed bool
	bad      func(healthy time.Duration) llmtest.Step // one such call
	adaptive *router.AdaptiveShare
}

// drawn is what chance decides about one call.
type drawn struct {
	user           string
	primary, other time.Duration // to the first content, in health
	unlucky        bool
}

type drawnKey struct{}

// latency draws a time to first content, log-normal as such times are.
func latency(r *rand.Rand, median time.Duration) time.Duration {
	return time.Duration(float64(median) * math.Exp(0.35*r.NormFloat64()))
}

// scripted is a model in memory that keeps no record of its calls.
type scripted struct {
	name string
	step llmtest.Step
}

func (m scripted) Name() string { return m.name }

func (m scripted) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) { m.step(ctx, req, streamed, yield) }
}

// outcome is what the users of a workload met.
type outcome struct {
	healthy, brown time.Duration // 99th percentiles of the time to first content; of the brown-out, after its first 30 s
	lowest         float64       // the smallest share
	mean           float64       // the share after the first 30 s of the brown-out
	back           time.Duration // from the recovery to the whole share; -1 for never
}

// run makes the calls in virtual time.
func (b brownOut) run(t *testing.T) (o outcome) {
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		primary := scripted{"flash", func(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
			d := ctx.Value(drawnKey{}).(drawn)
			step := within(d.primary, llmtest.Text("x"))
			if at := time.Since(started); d.unlucky && at >= brownOutFrom && at < brownOutTo {
				step = b.bad(d.primary)
			}
			step(ctx, req, streamed, yield)
		}}
		other := scripted{"pro", func(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
			within(ctx.Value(drawnKey{}).(drawn).other, llmtest.Text("x"))(ctx, req, streamed, yield)
		}}
		m := router.MustSplit(router.SplitConfig{
			Arms: []router.Arm{{Model: primary, Weight: 1}, {Model: other}}, Adaptive: b.adaptive,
		})
		chance := rand.New(rand.NewPCG(b.seed, 0))
		var mu sync.Mutex
		var healthy, brown []time.Duration
		var calls sync.WaitGroup
		o.lowest, o.back = 1, -1
		shares := 0.0
		for i := range int(brownOutEnd.Seconds()) * b.rate {
			at := time.Since(started)
			d := drawn{fmt.Sprint("user", chance.IntN(b.users)), latency(chance, 600*time.Millisecond), latency(chance, 620*time.Millisecond), chance.Float64() < 0.2}
			calls.Go(func() {
				took := b.firstContent(context.WithValue(user(t, d.user), drawnKey{}, d), m)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case at >= 20*time.Second && at < brownOutFrom:
					healthy = append(healthy, took)
				case at >= brownOutFrom+30*time.Second && at < brownOutTo:
					brown = append(brown, took)
				}
			})
			if i%b.rate == 0 {
				share := armsOf(m)[0].Share
				o.lowest = min(o.lowest, share)
				if at >= brownOutFrom+30*time.Second && at < brownOutTo {
					shares += share / (brownOutTo - brownOutFrom - 30*time.Second).Seconds()
				}
				if at >= brownOutTo && share == 1 && o.back < 0 {
					o.back = at - brownOutTo
				}
			}
			time.Sleep(time.Second / time.Duration(b.rate))
		}
		calls.Wait()
		o.healthy, o.brown, o.mean = percentile99(healthy), percentile99(brown), shares
	})
	return o
}

// firstContent makes a call and returns the time to its first content, an hour if it has
// failed.
func (b brownOut) firstContent(ctx context.Context, m model.LLM) time.Duration {
	started, took := time.Now(), time.Hour
	got := hear(ctx, m, b.streamed, func(*model.LLMResponse) bool {
		took = min(took, time.Since(started))
		return true
	})
	if got.Err != nil {
		return time.Hour
	}
	return took
}

func percentile99(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[(len(all)*99+99)/100-1]
}

// B75, B76: while the primary is slow, or fails, for 20 % of its calls, the 99th percentile
// of all users is at most 1.3 times that in health from 30 s on, and the primary has all
// of them again within 60 s of its recovery.
func TestBrownOut(t *testing.T) {
	for _, test := range []struct {
		name  string
		large int // seeds of the largest workload
		bad   func(healthy time.Duration) llmtest.Step
	}{
		{"four times as slow", 0, func(d time.Duration) llmtest.Step { return within(4*d, llmtest.Text("x")) }},
		{"ten times as slow", 1, func(d time.Duration) llmtest.Step { return within(10*d, llmtest.Text("x")) }},
		{"hangs for half a minute", 0, func(time.Duration) llmtest.Step { return within(30*time.Second, llmtest.Text("x")) }},
		{"fails", 0, func(d time.Duration) llmtest.Step { return within(d/4, llmtest.Fail(llmtest.ErrUnavailable)) }},
	} {
		for _, load := range []struct {
			rate, users, seeds int
			streamed           bool
		}{{20, 200, 2, true}, {50, 500, 1, false}, {200, 5000, test.large, true}} {
			for seed := range load.seeds {
				b := brownOut{seed: uint64(seed) + 2, rate: load.rate, users: load.users, streamed: load.streamed, bad: test.bad, adaptive: &router.AdaptiveShare{}}
				t.Run(fmt.Sprintf("%s, %d a second, seed %d", test.name, load.rate, seed+2), func(t *testing.T) {
					t.Parallel()
					o := b.run(t)
					ratio := float64(o.brown) / float64(o.healthy)
					t.Logf("p99 %v, in the brown-out %v (%.2f ×); share down to %.2f, %.3f in the mean; back after %v",
						o.healthy.Round(time.Millisecond), o.brown.Round(time.Millisecond), ratio, o.lowest, o.mean, o.back)
					if ratio > 1.3 {
						t.Errorf("the 99th percentile is %.2f × that in health, want at most 1.3 ×", ratio)
					}
					if o.back < 0 || o.back > time.Minute {
						t.Errorf("the share is whole %v after the recovery, want within a minute", o.back)
					}
				})
			}
		}
	}
}

// The workload is hard enough: with a fixed share, users meet the brown-out.
func TestBrownOutWithoutAdaptiveShare(t *testing.T) {
	b := brownOut{rate: 50, users: 500, streamed: true, bad: func(d time.Duration) llmtest.Step { return within(4*d, llmtest.Text("x")) }}
	if o := b.run(t); o.brown < 2*o.healthy {
		t.Errorf("p99 %v in health and %v in the brown-out, want more than twice as much", o.healthy, o.brown)
	}
}
