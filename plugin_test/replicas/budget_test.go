package replicas_test

import (
	"strings"
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/redistest"
)

// B97: a replica keeps its lease of a budget while it is alive. When it is killed, the lease
// returns after its time.
func TestReservationsOfAKilledReplicaReturn(t *testing.T) {
	const lease = 4 * time.Second // the shortest
	all := starts(t, 2, setting{URL: redistest.Start(t).URL(), Lease: lease, Timeout: patient})
	for _, p := range all {
		p.do(order{Do: "account", Key: "tenant", Limit: 1000})
	}
	if r := all[0].do(order{Do: "reserve", N: 600}); r.Err != "" {
		t.Fatal(r.Err)
	}
	for began := time.Now(); time.Since(began) < lease*3/2; time.Sleep(lease / 20) {
		if r := all[1].do(order{Do: "reserve", N: 600}); !strings.Contains(r.Err, "limit") {
			t.Fatalf("the second replica has reserved 600 of the 400 that are left, error %q", r.Err)
		}
	}
	all[0].kill()
	within(t, 30*time.Second, "the reservation has returned", func() bool {
		return all[1].do(order{Do: "reserve", N: 600}).Err == ""
	})
}

// B97: several processes together spend at most the limit of a budget, and all of it except a
// rest that is too small for a call.
func TestBudgetIsOfAllReplicas(t *testing.T) {
	all := starts(t, 4, setting{URL: redistest.Start(t).URL(), Timeout: patient})
	const limit, step = 100_000, 100
	for _, p := range all {
		p.do(order{Do: "account", Key: "tenant", Limit: limit})
	}
	total := int64(0)
	for idle := 0; idle < 200; idle++ { // until nothing can be had for some time
		for i, r := range each(all, func(int) order { return order{Do: "reserve", N: step} }) {
			if r.Err == "" {
				all[i].do(order{Do: "settle", N: step})
				total, idle = total+step, 0
			}
		}
		time.Sleep(time.Duration(idle) * time.Millisecond / 4)
	}
	t.Logf("%d spent of %d", total, limit)
	if total > limit || total < limit-step*int64(len(all)) { // each may keep a rest that is too small
		t.Errorf("%d spent of %d", total, limit)
	}
	for _, p := range all {
		within(t, 10*time.Second, "spending is known", func() bool { return p.do(order{Do: "spent"}).N == total })
	}
}
