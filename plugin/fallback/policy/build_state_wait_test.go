package policy_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/suite"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// everything is a policy that shares all state that a call can wait for.
const everything = `
primary: a
fallbacks: [{name: b}]
circuit_breaker: {}
retry: {max_attempts: 2}
rate_limits: {requests_per_minute: 1000, tokens_per_minute: 10000}
budgets: {usd_per_day: 5}
cache: {ttl: 10m}
models:
  a: {price: {input: 1, output: 2}}
  b: {price: {input: 1, output: 2}}
  c: {price: {input: 1, output: 2}}
state: redis://localhost:6379
`

// A healthy call waits for the store for one round trip at most, whatever is shared and however
// much of it is left: it waits for all answers at the same time.
func TestHealthyCallWaitsForOneRoundTripAtMost(t *testing.T) {
	for name, text := range map[string]string{
		"all":            everything,
		"without cache":  without("cache"),
		"without limits": without("rate_limits"),
		"without budget": without("budgets"),
		"only limits":    without("cache", "budgets"),
		"one limit":      strings.Replace(everything, "requests_per_minute: 1000, ", "", 1),
		"an experiment":  everything + "experiments: {e: {arms: [{model: a, share: 50%}, {model: c, share: 50%}]}}\n",
		"a hedge":        everything + "hedge: {delay: 1m}\n",
	} {
		for _, atOnce := range []int{1, 12} {
			t.Run(fmt.Sprintf("%s, %d at once", name, atOnce), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { waits(t, text, atOnce) })
			})
		}
	}
}

// without returns everything without some of its sections.
func without(sections ...string) (text string) {
	for line := range strings.Lines(everything) {
		if section, _, _ := strings.Cut(line, ":"); !slices.Contains(sections, section) {
			text += line
		}
	}
	return text
}

// waits makes calls of changing tenants, some at the same time, until the limits are nearly used
// up, and checks how long they take.
func waits(t *testing.T, text string, atOnce int) {
	const trip = time.Millisecond
	store := suite.NewStore()
	store.Trip(trip)
	replicas := []*policy.Live{newReplica(t, store, text, healthy()), newReplica(t, store, text, healthy())}
	time.Sleep(3 * time.Second)
	var waited atomic.Int64
	for i := 0; i < 600; i += atOnce {
		var calls sync.WaitGroup
		for n := range atOnce {
			calls.Go(func() {
				ctx := call.With(t.Context(), call.Info{Tenant: fmt.Sprint("tenant ", (i+n)/5)})
				took, by := timed(t, ctx, replicas[(i+n)%2].Model(), question(i+n))
				if took > 0 {
					waited.Add(1)
				}
				if took > trip || by == "b" {
					t.Errorf("call %d has waited %v for the store, and %q has answered; want %v at most, and not b", i+n, took, by, trip)
				}
			})
		}
		calls.Wait()
		time.Sleep(time.Duration(i%7) * 3 * time.Millisecond / 10)
	}
	if waited.Load() == 0 {
		t.Error("no call has waited, so nothing is shown")
	}
}

// timed makes a call and returns how long it took, and the text of the answer.
func timed(t *testing.T, ctx context.Context, m model.LLM, prompt string) (took time.Duration, text string) {
	began := time.Now()
	for resp, err := range m.GenerateContent(ctx, suite.UserSays(prompt), false) {
		if err != nil {
			t.Error(err)
			return 0, ""
		}
		text = resp.Content.Parts[0].Text
	}
	return time.Since(began), text
}

// A call that finds the answer of another replica uses nothing of the limits.
func TestSharedAnswerLeavesTheLimitsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := suite.NewStore()
		text := strings.Replace(everything, "requests_per_minute: 1000, tokens_per_minute: 10000", "requests_per_minute: 60, queue_timeout: 1ms", 1)
		replicas := []*policy.Live{newReplica(t, store, text, healthy()), newReplica(t, store, text, healthy())}
		store.Trip(time.Millisecond)
		time.Sleep(3 * time.Second)
		ask := func(replica, from, to int, want string) {
			t.Helper()
			for i := from; i < to; i++ {
				if _, by := timed(t, t.Context(), replicas[replica].Model(), question(i)); by != want {
					t.Errorf("call %d of replica %d: %q has answered, want %q", i, replica, by, want)
				}
			}
		}
		ask(0, 0, 40, "a")
		time.Sleep(10 * time.Millisecond)
		ask(1, 0, 40, "a") // the answers of the other
		time.Sleep(2 * time.Millisecond)
		ask(0, 40, 60, "a") // all that is left
		ask(0, 60, 64, "b")
	})
}
