package policy_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/statetest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// trip is how long an answer of the store takes.
const trip = time.Millisecond

// scarce is a policy with limits that few calls use up.
var scarce = strings.NewReplacer("requests_per_minute: 600, tokens_per_minute: 100000", "requests_per_minute: 100, tokens_per_minute: 300", "experiments:", "# experiments:").Replace(sharedPolicy)

// newScarce returns a replica of a policy whose limits are more than half used, by another replica.
func newScarce(t *testing.T, store *statetest.Store, text string) *policy.Live {
	t.Helper()
	text += "state: redis://localhost:6379\n"
	replicas := []*policy.Live{newReplica(t, store, text, healthy()), newReplica(t, store, text, healthy())}
	time.Sleep(2 * time.Second)
	for i := range 60 {
		askStreamed(t, replicas[0].Model(), "old", i)
	}
	time.Sleep(300 * time.Millisecond) // between two reads of what is left
	store.Trip(trip)
	time.Sleep(40 * time.Millisecond)
	return replicas[1]
}

// A call that needs a cached answer, requests and tokens of limits that are more than half used,
// and the lease of its tenant, waits for the store as long as one answer takes: with a chain, and
// with what a policy can put around and into it.
func TestCallWaitsForOneAnswerOfTheStoreAtATime(t *testing.T) {
	for name, text := range map[string]string{
		"chain":        scarce,
		"experiment":   strings.Replace(scarce, "# experiments", "experiments", 1),
		"hedge":        scarce + "hedge: {delay: 1s}\n",
		"flags":        scarce + "flags: {f: {targets: [b], default: true}}\n",
		"compliance":   scarce + "compliance: {rules: [{data_classes: [secret], targets: [b]}]}\n",
		"soft limit":   strings.Replace(scarce, "usd_per_day: 100", "usd_per_day: 100, soft_limit: {at: 50%, primary_share: 50%}", 1),
		"warm standby": scarce + "warm_standby: {interval: 1h}\n",
		"preview":      scarce + "preview: {model: c}\n",
		"cascade":      scarce + "cascade: {model: c, checks: {min_length: 1}}\n",
		"no cache":     strings.Replace(scarce, "cache:", "# cache:", 1),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newScarce(t, statetest.NewStore(), text).Model()
				llmtest.Takes(t, trip, func() { askStreamed(t, m, "new", 100) })
			})
		})
	}
}

// A policy goes ahead by itself in a tree whose outer layers do not see into it.
func TestPolicyInATreeGoesAheadByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := statetest.NewStore()
		outer := cache.MustNew(cache.Config{State: store.Replica(t)})
		defer outer.Close()
		m := outer.Middleware()(newScarce(t, store, scarce).Model())
		llmtest.Takes(t, 2*trip, func() { askStreamed(t, m, "new", 100) })
	})
}

// What a call may need of the budget while it looks for a cached answer is not spent: it does not
// spare the primary.
func TestOwnLeaseIsNotSpent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := statetest.NewStore()
		l := newReplica(t, store, sparing("{name: b}", "0%", "cache: {ttl: 1m}\nstate: redis://localhost:6379\n", "models: {a: {price: {input: 0, output: 1}}, b: {price: {input: 0, output: 0}}}"), models(llmtest.NewModel("a", using("a", 1), using("a", 1)), llmtest.NewModel("b", using("b", 1))))
		time.Sleep(2 * time.Second)
		store.Trip(time.Millisecond)
		for _, output := range []int32{700_000, 600_000} { // the second finds a lease that is large enough
			if got := askFor(t.Context(), l.Model(), false, asking(output)); got.text != "a" {
				t.Errorf("%d tokens: %q, %v; want an answer of the primary", output, got.text, got.err)
			}
		}
	})
}

// askStreamed makes one streamed call, which must be answered.
func askStreamed(t *testing.T, m model.LLM, tenant string, i int) {
	t.Helper()
	ctx := call.With(t.Context(), call.Info{Tenant: tenant, User: "user"})
	for _, err := range m.GenerateContent(ctx, llmtest.UserSays(question(i)), true) {
		if err != nil {
			t.Fatal(err)
		}
	}
}
