package router

import (
	"errors"
	"slices"
	"sync"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// course is what the rules know of one call of a Fallback or a Hedge. It is safe for
// concurrent use.
type course struct {
	ledger *ledger

	mu     sync.Mutex
	last   *Observation // the attempt that the next rule refers to, nil for none; guarded by mu
	passed []*step      // their rules do not matter any more; guarded by mu
	over   []*step      // their rules were false, or they have failed; guarded by mu
}

// ledger is what the course of a Fallback has in common with those of its hedges. It is
// safe for concurrent use.
type ledger struct {
	judge func(failure.Verdict) failure.Verdict // Config.Judge; nil for none

	mu       sync.Mutex
	attempts int     // that reached a model and failed; guarded by mu
	judged   []error // by judge; guarded by mu
}

func newCourse(judge func(failure.Verdict) failure.Verdict) *course {
	return &course{ledger: &ledger{judge: judge}}
}

// within returns the course of a hedge in the call of c, which may be nil: a rule in a
// hedge refers to no attempt before the hedge.
func (c *course) within() *course {
	if c == nil {
		return newCourse(nil)
	}
	return &course{ledger: c.ledger}
}

// pass notes that the rule of s, which may be nil, has been true: it is not evaluated
// again in the call, neither when the attempt that it referred to has ended, nor for
// another attempt at s.
func (c *course) pass(s *step) {
	if s == nil || s.rule == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.passed = append(c.passed, s)
}

// isOver reports whether the call does not move on to s any more.
func (c *course) isOver(s *step) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Contains(c.over, s)
}

// count adds n to the failed attempts and returns how many there are.
func (l *ledger) count(n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.attempts += n
	return l.attempts
}

// settle has the verdict of a failed attempt judged, unless it is the failure of a
// member of a hedge, which has been judged there.
func (l *ledger) settle(err error) error {
	failed, ok := err.(*stream.AttemptError)
	if !ok || l.judge == nil {
		return err
	}
	l.mu.Lock()
	known := slices.ContainsFunc(l.judged, func(judged error) bool { return errors.Is(failed, judged) })
	l.mu.Unlock()
	if known {
		return err
	}
	failed.Means = l.judge(failed.Means)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.judged = append(l.judged, failed)
	return err
}
