package policy_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/suite"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// A call that needs a cached answer, requests and tokens of limits that are more than half used,
// and the lease of its tenant, waits for the store as long as one answer takes: with a chain, and
// with what a policy can put around and into it.
func TestCallWaitsForOneAnswerOfTheStoreAtATime(t *testing.T) {
	const trip = time.Millisecond
	scarce := strings.NewReplacer("requests_per_minute: 600, tokens_per_minute: 100000", "requests_per_minute: 100, tokens_per_minute: 300", "experiments:", "# experiments:").Replace(sharedPolicy)
	const section = "state: redis://localhost:6379\n"
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
				store := suite.NewStore()
				replicas := []*policy.Live{newReplica(t, store, text+section, healthy()), newReplica(t, store, text+section, healthy())}
				time.Sleep(2 * time.Second)
				for i := range 60 {
					askStreamed(t, replicas[0], "old", i)
				}
				time.Sleep(300 * time.Millisecond) // between two reads of what is left
				store.Trip(trip)
				time.Sleep(40 * time.Millisecond)
				began := time.Now()
				if took := askStreamed(t, replicas[1], "new", 100).Sub(began); took != trip {
					t.Errorf("the call waited %v; want %v", took, trip)
				}
			})
		})
	}
}

// askStreamed makes one streamed call, which must be answered, and returns when the final answer
// came.
func askStreamed(t *testing.T, l *policy.Live, tenant string, i int) (answered time.Time) {
	t.Helper()
	ctx := call.With(t.Context(), call.Info{Tenant: tenant, User: "user"})
	for resp, err := range l.Model().GenerateContent(ctx, suite.UserSays(question(i)), true) {
		if err != nil {
			t.Fatal(err)
		}
		if !resp.Partial {
			answered = time.Now()
		}
	}
	return answered
}
