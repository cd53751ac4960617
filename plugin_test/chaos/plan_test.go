package chaos_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// entry is a way to use the module.
type entry string

const (
	viaPlugin entry = "plugin"
	viaTree   entry = "tree"
	viaPolicy entry = "policy"
)

// entries are drawn evenly. An entry that is added at the end changes the plans of seeds.
var entries = []entry{viaPlugin, viaTree, viaPolicy, viaGateway}

// plan is a run: an application, its models with their faults, and its callers. A seed
// makes it; the shrinker makes smaller ones.
type plan struct {
	Seed    uint64
	Entry   entry
	Stream  bool
	Tools   bool // the agent has a tool that the models call first
	Targets []target

	MidStream router.MidStream
	Retries   int           // per target, after the first attempt
	Breaker   bool          // around each target
	Hedge     bool          // the first two targets are a hedge
	Bare      bool          // via plugin: the root has no layers
	First     time.Duration // limit of the first content; 0 for none
	Idle      time.Duration // limit of silence in a stream; 0 for none
	Attempt   time.Duration // limit of an attempt; 0 for none
	Total     time.Duration // via policy: limit of a call; 0 for none

	Callers  int           // at once, each in a session of its own
	Turns    int           // of each caller
	Gap      time.Duration // between the turns: a clock that jumps
	Deadline time.Duration // of each turn

	StopAfter   int           // events after which the consumer stops; 0 for never
	CancelAfter time.Duration // after which the caller cancels; 0 for never
	Dawdle      time.Duration // that the consumer takes for each event

	Budget    bool          // via policy: dollars of a day are limited
	Residency bool          // via policy: only models in the EU may see the data
	Cache     bool          // via policy
	Store     string        // via policy: how the store that replicas share is; "" for none
	Reload    time.Duration // via policy: between reloads, until the calls have ended; 0 for none
}

// target is a model with its script.
type target struct {
	maker
	EU   bool
	Acts []act // one for each call of it; the last repeats
}

// act is what happens to one call of a model.
type act struct {
	Fault string        // a key of faults
	At    int           // an event, a byte or a size; see the fault
	Wait  time.Duration // a delay of the fault
}

func (a act) String() string {
	s := a.Fault
	if a.At != 0 {
		s += fmt.Sprintf(" at %d", a.At)
	}
	if a.Wait != 0 {
		s += fmt.Sprintf(" by %v", a.Wait)
	}
	return s
}

// on returns the act of the n-th call, from 0.
func (t *target) on(n int) act { return t.Acts[min(n, len(t.Acts)-1)] }

// drawn returns the plan of a seed.
func drawn(seed uint64) plan {
	r := rand.New(rand.NewPCG(seed, 16))
	p := plan{
		Seed: seed, Entry: pick(r, entries...), Stream: r.IntN(3) > 0, Tools: r.IntN(3) == 0,
		MidStream: pick(r, router.Restart, router.Restart, router.Resume, router.FailMidStream),
		Retries:   r.IntN(3), Breaker: r.IntN(2) == 0, Bare: r.IntN(2) == 0,
		First: pick(r, 0, 5*time.Second, 20*time.Second), Idle: pick(r, 0, 3*time.Second), Attempt: pick(r, 0, 30*time.Second),
		Callers: pick(r, 1, 1, 1, 3), Turns: 1 + r.IntN(3), Gap: pick(r, 0, time.Second, 5*time.Minute, 26*time.Hour, 400*24*time.Hour),
		Deadline: pick(r, 4*time.Second, time.Minute, 10*time.Minute),
	}
	models := r.Perm(len(makers))
	for i := range 1 + r.IntN(3) {
		p.Targets = append(p.Targets, drawnTarget(r, makers[models[i]]))
	}
	if r.IntN(2) == 0 { // something to fall back to
		last := &p.Targets[len(p.Targets)-1]
		last.Acts = []act{{Fault: fine}}
	}
	p.Hedge = len(p.Targets) > 1 && r.IntN(4) == 0
	if p.Entry == viaPlugin && len(p.Targets) == 1 {
		p.Targets = append(p.Targets, target{maker: makers[models[1]], Acts: []act{{Fault: fine}}})
	}
	p.drawConsumer(r)
	if p.Entry != viaPlugin && p.Entry != viaTree {
		p.drawPolicy(r)
	}
	return p
}

func (p *plan) drawConsumer(r *rand.Rand) {
	switch r.IntN(8) {
	case 0:
		p.StopAfter = 1 + r.IntN(4)
	case 1:
		p.CancelAfter = pick(r, time.Millisecond, time.Second, 7*time.Second)
	case 2:
		p.Dawdle = pick(r, 200*time.Millisecond, 10*time.Second)
	}
}

func (p *plan) drawPolicy(r *rand.Rand) {
	p.Total = pick(r, 0, 10*time.Second, time.Minute)
	p.Budget, p.Residency, p.Cache = r.IntN(4) == 0, r.IntN(4) == 0, r.IntN(6) == 0
	if p.Store = pick(r, storms...); p.Cache || p.Store != "" {
		p.Gap = min(p.Gap, 5*time.Minute) // they have clocks that tick each second
	}
	if r.IntN(4) == 0 {
		p.Reload = pick(r, 10*time.Millisecond, time.Second, 10*time.Second)
	}
}

func drawnTarget(r *rand.Rand, m maker) target {
	t := target{maker: m, EU: r.IntN(2) == 0}
	for range 1 + r.IntN(3) {
		t.Acts = append(t.Acts, drawnAct(r))
	}
	return t
}

func drawnAct(r *rand.Rand) act {
	a := act{Fault: faultNames[r.IntN(len(faultNames))]}
	if f := faults[a.Fault]; f.at > 0 {
		a.At = f.from + r.IntN(f.at)
	}
	if f := faults[a.Fault]; len(f.waits) > 0 {
		a.Wait = pick(r, f.waits...)
	}
	return a
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// String prints a plan for the reader of a failure.
func (p plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %s, stream %v, tools %v\n", p.Seed, p.Entry, p.Stream, p.Tools)
	for _, t := range p.Targets {
		fmt.Fprintf(&b, "  %s (%s, EU %v): %v\n", t.Name, t.Protocol, t.EU, t.Acts)
	}
	fmt.Fprintf(&b, "  mid-stream %s, retries %d, breaker %v, hedge %v, bare %v\n", p.MidStream, p.Retries, p.Breaker, p.Hedge, p.Bare)
	fmt.Fprintf(&b, "  limits: first content %v, idle %v, attempt %v, total %v\n", p.First, p.Idle, p.Attempt, p.Total)
	fmt.Fprintf(&b, "  %d callers × %d turns, gap %v, deadline %v; stop after %d, cancel after %v, dawdle %v\n",
		p.Callers, p.Turns, p.Gap, p.Deadline, p.StopAfter, p.CancelAfter, p.Dawdle)
	fmt.Fprintf(&b, "  budget %v, residency %v, cache %v, store %q, reload every %v\n", p.Budget, p.Residency, p.Cache, p.Store, p.Reload)
	return b.String()
}

// sameText reports whether all models say the same, as a resumed answer needs it.
func (p *plan) sameText() bool { return p.MidStream == router.Resume }
