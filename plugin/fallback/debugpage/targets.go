package debugpage

import (
	"strings"
	"sync"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/printable"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// maxTargets is how many targets have statistics of their own.
const maxTargets = 64

// others is the name under which further targets are counted. No model has it: it ends with a
// space.
const others = "other targets "

// target has the statistics of the attempts at one target.
type target struct {
	name string

	mu      sync.Mutex
	series  series       // guarded by mu
	streak  int          // failures in a row; guarded by mu
	failure call.Attempt // the latest, with texts of its own; guarded by mu
	failed  time.Time    // when it was; guarded by mu
	used    time.Time    // when it was called or skipped; guarded by mu
}

func (t *target) add(a *call.Attempt, now time.Time) {
	took, first := bucket(a.Duration), bucket(a.FirstContent)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.used = now
	for _, slot := range t.series.at(now) {
		slot.attempt(a, took, first)
	}
	switch {
	case a.Outcome == call.OK:
		t.streak = 0
	case a.Outcome == call.Failed && !notTheTargets[a.Kind]:
		t.streak++
		t.failed = now
		t.failure = own(*a, &t.failure)
	}
}

// targets are all that have been called, by the names that are shown. The zero value has none.
type targets struct {
	mu     sync.RWMutex
	byName map[string]*target // guarded by mu
	order  []*target          // as they came; guarded by mu
	idle   time.Time          // before which none of order has been idle for an hour; guarded by mu
}

// of returns the target of that name: an idle one makes room for it, or else it is one of the
// others.
func (ts *targets) of(name string, now time.Time) *target {
	ts.mu.RLock()
	t := ts.byName[name]
	ts.mu.RUnlock()
	if t != nil {
		return t
	}
	name = line(name, call.MaxNameBytes)
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if t := ts.byName[name]; t != nil {
		return t
	}
	if len(ts.order) >= maxTargets && !ts.dropIdle(now) {
		if t := ts.byName[others]; t != nil {
			return t
		}
		name = others
	}
	if ts.byName == nil {
		ts.byName = make(map[string]*target)
	}
	t = &target{name: strings.Clone(name), series: newSeries(), used: now}
	ts.byName[t.name] = t
	ts.order = append(ts.order, t)
	return t
}

// dropIdle forgets the target that was used least recently, if that is an hour ago: it has
// nothing to show. It needs mu.
func (ts *targets) dropIdle(now time.Time) bool {
	if now.Before(ts.idle) {
		return false
	}
	least, oldest := 0, time.Time{}
	for i, t := range ts.order {
		t.mu.Lock()
		used := t.used
		t.mu.Unlock()
		if i == 0 || used.Before(oldest) {
			least, oldest = i, used
		}
	}
	if ts.idle = oldest.Add(time.Hour); now.Before(ts.idle) {
		return false
	}
	delete(ts.byName, ts.order[least].name)
	ts.order = append(ts.order[:least:least], ts.order[least+1:]...)
	return true
}

// all returns the targets, as they came.
func (ts *targets) all() []*target {
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	return append([]*target(nil), ts.order...)
}

// name returns s as a text of its own: that of a target, if it is one's name.
func (ts *targets) name(s string) string {
	if s == "" {
		return ""
	}
	ts.mu.RLock()
	t := ts.byName[s]
	ts.mu.RUnlock()
	if t != nil {
		return t.name
	}
	return line(s, call.MaxNameBytes)
}

// like returns an attempt whose texts an attempt at that target can share.
func (ts *targets) like(name string) call.Attempt {
	ts.mu.RLock()
	t := ts.byName[name]
	ts.mu.RUnlock()
	if t == nil {
		return call.Attempt{}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.failure
	a.Model = t.name
	return a
}

// own returns a, bounded, with texts that share no memory with those of a, which may be parts
// of huge ones. Texts that are equal to those of like share its memory.
func own(a call.Attempt, like *call.Attempt) call.Attempt {
	if len(a.Message) > call.MaxMessageBytes || len(a.Reason) > call.MaxNameBytes {
		a = a.Bounded() // redacts before it cuts
	}
	a.Model = copied(a.Model, like.Model)
	a.Code = copied(a.Code, like.Code)
	a.Kind = copied(a.Kind, like.Kind)
	a.Reason = copied(a.Reason, like.Reason)
	a.Message = copied(a.Message, like.Message)
	a.Outcome = outcome(a.Outcome)
	return a
}

// outcome returns a copy of an outcome that is none of package call's.
func outcome(o call.Outcome) call.Outcome {
	switch o {
	case call.OK, call.Failed, call.Skipped, call.Cancelled:
		return o
	}
	return call.Outcome(copied(string(o), ""))
}

// copied returns like if it is equal to s, and else a copy, of at most MaxMessageBytes.
func copied(s, like string) string {
	if s == like {
		return like
	}
	if len(s) > call.MaxMessageBytes {
		return printable.Line(s, call.MaxMessageBytes)
	}
	return strings.Clone(s)
}
