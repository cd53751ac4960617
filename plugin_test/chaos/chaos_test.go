package chaos_test

import (
	"flag"
	"slices"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/race"
)

var (
	firstSeed = flag.Uint64("chaos.seed", 1, "first seed of TestChaos")
	runs      = flag.Int("chaos.runs", race.Runs(400), "number of seeds of TestChaos, from chaos.seed on")
	most      = flag.Uint64("chaos.failures", 3, "failed seeds after which TestChaos ends")
)

// B150: whatever the faults, each rule of the oracle holds.
func TestChaos(t *testing.T) {
	failed := uint64(0)
	for seed := *firstSeed; seed < *firstSeed+uint64(*runs); seed++ {
		if n := seed - *firstSeed; n > 0 && n%500 == 0 {
			t.Logf("%d runs, %d failed", n, failed)
		}
		p := drawn(seed)
		broken, story := play(t, p)
		if *runs == 1 {
			t.Logf("%s%s", p, story)
		}
		if len(broken) == 0 {
			continue
		}
		t.Errorf("%s%s", p, listed(broken))
		smallest, broken := shrunk(t, p, broken[0])
		t.Logf("the smallest plan that breaks it too:\n%s%s\n%s", smallest, listed(broken), storyOf(t, smallest))
		if failed++; failed >= *most {
			t.Fatalf("stopped at seed %d after %d failures", seed, failed)
		}
	}
}

func storyOf(t *testing.T, p plan) string {
	_, story := play(t, p)
	return story
}

// shrunk removes from a plan what the broken rule does not need.
func shrunk(t *testing.T, p plan, broken violation) (smallest plan, by []violation) {
	smallest, by = p, []violation{broken}
	for again := true; again; {
		again = false
		for _, q := range smaller(smallest) {
			if now, _ := play(t, q); broken.in(now) {
				smallest, by, again = q, now, true
				break
			}
		}
	}
	return smallest, by
}

// smaller returns the plans that have one thing less.
func smaller(p plan) (all []plan) {
	less := func(change func(*plan)) {
		q := p
		q.Targets = slices.Clone(p.Targets)
		for i := range q.Targets {
			q.Targets[i].Acts = slices.Clone(q.Targets[i].Acts)
		}
		change(&q)
		if q.String() != p.String() {
			all = append(all, q)
		}
	}
	least := 1
	if p.Entry == viaPlugin {
		least = 2
	}
	for i := range p.Targets {
		if len(p.Targets) > least {
			less(func(q *plan) { q.Targets = slices.Delete(q.Targets, i, i+1) })
		}
		for j := range p.Targets[i].Acts {
			if len(p.Targets[i].Acts) > 1 {
				less(func(q *plan) { q.Targets[i].Acts = slices.Delete(q.Targets[i].Acts, j, j+1) })
			}
			less(func(q *plan) { q.Targets[i].Acts[j] = act{Fault: fine} })
		}
	}
	for _, change := range []func(*plan){
		func(q *plan) { q.Callers = 1 }, func(q *plan) { q.Turns = 1 }, func(q *plan) { q.Gap = 0 }, func(q *plan) { q.Tools = false },
		func(q *plan) { q.Hedge = false }, func(q *plan) { q.Breaker = false }, func(q *plan) { q.Retries = 0 }, func(q *plan) { q.Reload = 0 },
		func(q *plan) { q.First = 0 }, func(q *plan) { q.Idle = 0 }, func(q *plan) { q.Attempt = 0 }, func(q *plan) { q.Total = 0 },
		func(q *plan) { q.StopAfter = 0 }, func(q *plan) { q.CancelAfter = 0 }, func(q *plan) { q.Dawdle = 0 },
		func(q *plan) { q.Budget = false }, func(q *plan) { q.Residency = false }, func(q *plan) { q.Cache = false }, func(q *plan) { q.Store = "" }, func(q *plan) { q.Stream = false },
	} {
		less(change)
	}
	return all
}
