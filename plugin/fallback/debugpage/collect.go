package debugpage

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/panics"
	"github.com/adk-fallback/adk-fallback/internal/redact"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
)

// collect returns the state of the page, with the calls that f keeps. It holds no lock that a
// hook waits for longer than to copy what it guards.
func (p *Page) collect(f filter) *state {
	now := time.Now()
	p.begin(now)
	s := &state{Time: now.UTC(), Since: p.since.UTC(), Latest: []callState{}, breakers: make(map[string]*inspect.Breaker)}
	s.collectModels(p.models(), p.config.ShowTenants)
	s.collectTargets(&p.targets, p.since, now)
	for _, r := range p.calls.matching(f) {
		s.Latest = append(s.Latest, callOf(r))
	}
	p.calls.mu.Lock()
	series, failed := p.calls.series, p.calls.failed
	s.Calls = statsOf(series, p.since, now)
	p.calls.mu.Unlock()
	s.sumUp(failed)
	return s
}

func (p *Page) models() []model.LLM {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.watched)
}

// id returns a name as an attribute, a query and JSON can have it.
func id(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:6])
}

// collectModels reads the trees of models. A tree that panics is a problem of its own.
func (s *state) collectModels(models []model.LLM, showTenants bool) {
	s.Models = make([]inspect.Node, 0, len(models))
	for _, m := range models {
		n, err := treeOf(m)
		if err != nil {
			s.Problems = append(s.Problems, err.Error())
			continue
		}
		s.Models = append(s.Models, n)
	}
	all := inspect.Node{Inner: s.Models} // one tree, because models may share a breaker
	s.collectBreakers(&all)
	clean(&all, showTenants)
}

func treeOf(m model.LLM) (n inspect.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("debugpage: the state of a model of type %T cannot be read: panic: %s", m, panics.Text(r))
		}
	}()
	return inspect.Of(m), nil
}

// collectBreakers makes the targets of n, whose names are not clean yet, with their breakers.
func (s *state) collectBreakers(n *inspect.Node) {
	for n := range n.All() {
		if n.Layer == "model" || n.Layer == "last resort" || n.Breaker != nil {
			t := s.target(n.Name)
			t.LastResort = t.LastResort || n.Layer == "last resort"
		}
	}
	for n := range n.States() {
		if n.Breaker == nil {
			continue
		}
		t := s.target(n.Name)
		b := breakerState{fmt.Sprintf("%s-%d", t.ID, len(t.Breakers)+1), *n.Breaker}
		s.breakers[b.ID] = n.Breaker
		b.Breaker = shownBreaker(b.Breaker)
		t.Breakers = append(t.Breakers, b)
	}
}

// target returns the target of that name, and adds it if there is none.
func (s *state) target(name string) *targetState {
	id := id(name)
	for i := range s.Targets {
		if s.Targets[i].ID == id {
			return &s.Targets[i]
		}
	}
	s.Targets = append(s.Targets, targetState{ID: id, Name: line(name, call.MaxNameBytes)})
	return &s.Targets[len(s.Targets)-1]
}

// collectTargets adds the statistics of what was called. Targets of the trees come first.
func (s *state) collectTargets(all *targets, since, now time.Time) {
	known := make(map[string]int, len(s.Targets))
	for i, t := range s.Targets {
		known[t.Name] = i
	}
	crowded := ""
	for _, t := range all.all() {
		if t.name == others {
			crowded = line(others, call.MaxNameBytes)
		}
		i, ok := known[line(t.name, call.MaxNameBytes)]
		if !ok {
			s.target(t.name)
			i = len(s.Targets) - 1
		}
		s.Targets[i].read(t, since, now)
	}
	for i := range s.Targets {
		t := &s.Targets[i]
		if t.Windows == nil {
			t.Windows, t.CountedAs = statsOf(nil, since, now), crowded
		}
		t.Health = t.healthOf()
	}
}

func (s *targetState) read(t *target, since, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s.Windows = statsOf(&t.series, since, now)
	s.Failures = t.streak
	if !t.failed.IsZero() {
		failure := attemptOf(&t.failure)
		s.Failure, s.FailedAt = &failure, t.failed.UTC()
	}
}

// healthOf needs the rest of s. An open breaker says more than the latest attempt.
func (s *targetState) healthOf() health {
	h := healthIdle
	for _, w := range s.Windows {
		if w.OK+w.Failed > 0 {
			h = healthHealthy
		}
	}
	if s.Failures > 0 && h != healthIdle {
		h = healthFailing
	}
	for _, b := range s.Breakers {
		switch b.State {
		case inspect.Open:
			return healthOpen
		case inspect.HalfOpen:
			h = healthHalfOpen
		}
	}
	return h
}

// clean makes the texts of a tree fit to be shown, and tenants digests.
func clean(n *inspect.Node, showTenants bool) {
	for n := range n.All() {
		n.Name, n.Layer = line(n.Name, call.MaxNameBytes), line(n.Layer, call.MaxNameBytes)
		if n.Breaker != nil {
			b := shownBreaker(*n.Breaker)
			n.Breaker = &b
		}
		if n.Budget != nil {
			b := *n.Budget
			b.Tenants = slices.Clone(b.Tenants)
			for i := range b.Tenants {
				name := &b.Tenants[i].Tenant
				if showTenants {
					*name = line(*name, call.MaxNameBytes)
				} else {
					*name = redact.DigestOf(*name).String()
				}
			}
			n.Budget = &b
		}
		if n.Policy != nil {
			p := *n.Policy
			p.File, p.Problem = line(p.File, call.MaxMessageBytes), prose(p.Problem)
			n.Policy = &p
		}
		if n.Split != nil {
			split := *n.Split
			split.Experiment = line(split.Experiment, call.MaxNameBytes)
			split.Arms = slices.Clone(split.Arms)
			for i := range split.Arms {
				split.Arms[i].Cohort = line(split.Arms[i].Cohort, call.MaxNameBytes)
			}
			n.Split = &split
		}
	}
}

func shownBreaker(b inspect.Breaker) inspect.Breaker {
	return inspect.Breaker{
		State: inspect.BreakerState(line(string(b.State), call.MaxNameBytes)), Failures: b.Failures, Reason: prose(b.Reason), Until: b.Until.UTC(),
	}
}

// sumUp writes the headline. failed is how many calls in a row no target has answered.
func (s *state) sumUp(failed int) {
	idle := s.Calls[len(s.Calls)-1].Count == 0 // for an hour
	if idle {
		failed = 0
	}
	by := make(map[health][]string)
	for _, t := range s.Targets {
		by[t.Health] = append(by[t.Health], t.Name)
	}
	parts := s.trouble(failed, append(by[healthOpen], by[healthHalfOpen]...), by[healthFailing])
	s.Status, s.Headline = statusWarning, strings.Join(parts, " ")
	switch answering := len(by[healthHealthy]); {
	case failed > 0:
		s.Status = statusFailing
	case len(parts) > 0:
	case len(by[healthIdle]) == len(s.Targets) && idle:
		s.Status, s.Headline = statusIdle, "No calls in the last hour."
	case answering == len(s.Targets) && answering > 1:
		s.Status, s.Headline = statusOK, fmt.Sprintf("All %d targets are healthy.", answering)
	default:
		s.Status, s.Headline = statusOK, "All targets in use are healthy."
	}
}

// trouble returns a sentence for each thing that is wrong, the worst first.
func (s *state) trouble(failed int, open, failing []string) (parts []string) {
	switch {
	case failed == 1:
		parts = append(parts, "No target answered the latest call.")
	case failed > 1:
		parts = append(parts, fmt.Sprintf("No target answered the latest %d calls.", failed))
	}
	parts = append(parts, about(open, len(s.Targets), "out of use")...)
	parts = append(parts, about(failing, len(s.Targets), "failing")...)
	for n := range s.policies() {
		if n.Policy.Problem != "" {
			parts = append(parts, "The latest change of the policy is not in use.")
		}
	}
	if len(s.Problems) > 0 {
		parts = append(parts, "The state of a model cannot be read.")
	}
	return parts
}

// about says which of all targets are in a state.
func about(names []string, all int, what string) []string {
	const most = 3
	switch {
	case len(names) == 0:
		return nil
	case len(names) > most:
		return []string{fmt.Sprintf("%d of %s are %s: %s and %d more.", len(names), count(all, "target", "targets"), what, strings.Join(names[:most], ", "), len(names)-most)}
	case all == 1:
		return []string{fmt.Sprintf("The only target is %s: %s.", what, names[0])}
	case len(names) == 1:
		return []string{fmt.Sprintf("1 of %s is %s: %s.", count(all, "target", "targets"), what, names[0])}
	}
	return []string{fmt.Sprintf("%d of %s are %s: %s.", len(names), count(all, "target", "targets"), what, strings.Join(names, ", "))}
}

// count returns "1 call" or "2 calls".
func count(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", more)
}

// policies yields the nodes of policies.
func (s *state) policies() func(func(*inspect.Node) bool) {
	return func(yield func(*inspect.Node) bool) {
		for i := range s.Models {
			for n := range s.Models[i].All() {
				if n.Policy != nil && !yield(n) {
					return
				}
			}
		}
	}
}
