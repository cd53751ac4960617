package simulate

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/simulate/report"
	"github.com/adk-fallback/adk-fallback/internal/simulate/scenario"
	"github.com/adk-fallback/adk-fallback/internal/virtual"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// DefaultCalls is how many calls are simulated for each policy at most, about. They take from
// 15 to 40 seconds of one core, for a simple policy and for one with many layers.
const DefaultCalls = 200_000

// Config is what to simulate.
type Config struct {
	Scenario *scenario.Scenario
	Name     string // of the scenario
	Policies []Policy
	Build    Build
	// Calls is how many calls are simulated for each policy at most, about. 0 means
	// DefaultCalls.
	Calls int
}

// Policy is a policy with its name in the report.
type Policy struct {
	Name string
	Spec *spec.Policy // without errors
}

// Build builds a policy with model(name) in place of the model of each name.
type Build func(p *spec.Policy, model func(name string) model.LLM, opts ...policy.Option) (*policy.Live, error)

// Run runs each policy, and the primary of the first one without any policy. Runs are parallel.
// Equal configurations give equal reports.
func Run(c Config) (*report.Report, error) {
	if c.Scenario == nil || len(c.Policies) == 0 || c.Build == nil {
		return nil, errors.New("simulate: Config needs Scenario, Policies and Build")
	}
	if c.Calls <= 0 {
		c.Calls = DefaultCalls
	}
	s := c.Scenario
	each := max(float64(s.Replicas), s.Calls()/float64(c.Calls))
	part := float64(s.Replicas) / each
	var worlds []*world
	least := make([]smallest, len(c.Policies))
	for i, p := range c.Policies {
		w := newWorld(s, each)
		w.policy, least[i] = divided(p.Spec, part)
		w.build = c.Build
		worlds = append(worlds, w)
	}
	bare := newWorld(s, each)
	bare.policy = alone(c.Policies[0].Spec)
	if err := runAll(append(worlds, bare)); err != nil {
		return nil, err
	}
	r := &report.Report{Events: []report.Event{}, Notes: []string{}, Scenario: c.Name, Title: s.Title, Seed: s.Seed, Begins: report.Seconds(s.Begins), Length: report.Seconds(s.Length)}
	for _, e := range s.Events {
		r.Events = append(r.Events, report.Event{Name: e.Name, At: report.Seconds(e.At), End: report.Seconds(s.End(e))})
	}
	for i, w := range worlds {
		r.Runs = append(r.Runs, w.summary(c.Policies[i].Name))
	}
	without := bare.summary(Without)
	r.Runs = append(r.Runs, without)
	r.Sampling = report.Sampling{RealCalls: math.Round(s.Calls()), Calls: len(bare.records), Each: each, Replicas: s.Replicas}
	r.Notes = append(r.Notes, notes(c, each)...)
	for i, l := range least {
		r.Notes = append(r.Notes, l.notes(c.Policies[i].Name, without.CostUSD/each/float64(max(1, len(bare.records))))...)
	}
	r.Notes = append(append(r.Notes, unused(s, worlds)...), unpriced(r.Runs)...)
	return r, nil
}

// Without is the name of the run without a policy.
const Without = "without"

func newWorld(s *scenario.Scenario, each float64) *world {
	return &world{scenario: s, seed: s.Seed, each: each, replicas: float64(s.Replicas), providers: map[string]*provider{}}
}

// runAll runs the worlds, as many at the same time as there are processors.
func runAll(worlds []*world) error {
	errs := make([]error, len(worlds))
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i, w := range worlds {
		wg.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			var err error
			errs[i] = errors.Join(virtual.Run(func() { err = w.run() }), err)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("simulate: %w", err)
	}
	return nil
}

// unused names the models and the events of a scenario that concern no model of any policy.
func unused(s *scenario.Scenario, worlds []*world) (all []string) {
	concerns := func(concerned func(names []string) bool) bool {
		return slices.ContainsFunc(worlds, func(w *world) bool {
			return slices.ContainsFunc(w.inOrder(), func(p *provider) bool { return concerned(p.names) })
		})
	}
	for _, name := range slices.Sorted(maps.Keys(s.Models)) {
		if name != scenario.Fallback && !concerns(func(names []string) bool { return slices.Contains(names, name) }) {
			all = append(all, "models."+name+" is not a model of a policy, so it has no effect.")
		}
	}
	for _, e := range s.Events {
		if !concerns(func(names []string) bool { return e.Concerns(names...) }) {
			all = append(all, "The event "+e.Name+" concerns no model of a policy, so it has no effect on models.")
		}
	}
	return all
}

// unpriced returns a note that names the models without a known price, if there are any.
func unpriced(runs []report.Run) []string {
	var names []string
	for _, run := range runs {
		names = append(names, run.Unpriced...)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) == 0 {
		return nil
	}
	return []string{"The price is unknown for " + strings.Join(names, ", ") + ". A cost without it meets no bound. Set price in the policy or in the scenario."}
}
