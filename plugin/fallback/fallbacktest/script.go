package fallbacktest

import (
	"slices"
	"sync"
	"time"
)

// Times keeps a script at the step for n requests. A step with n below 1 is
// skipped, unless it is the last of its script.
func Times(n int, s Step) Step {
	s.times, s.window = n, 0
	if n < 1 {
		s.times = -1
	}
	return s
}

// For keeps a script at the step for d, however many requests come. The time runs
// from the end of the For before it, else from the first request that reaches it;
// so For(up, a), For(down, b) in [Provider.Loop] keeps to the clock even when no
// request comes for a while. A d under a millisecond is a millisecond.
func For(d time.Duration, s Step) Step {
	s.times, s.window = 0, max(d, time.Millisecond)
	return s
}

// script is a list of steps and how far it has been played. It is safe for
// concurrent use.
type script struct {
	steps []Step
	loop  bool

	mu     sync.Mutex
	at     int       // current step
	played int       // requests it has had
	opened bool      // its window has been opened
	until  time.Time // end of the latest window, if the steps since were windows too
}

func newScript(steps []Step, loop bool) *script {
	return &script{steps: slices.Clone(steps), loop: loop}
}

// next returns the step for a request at the given time.
func (s *script) next(now time.Time) Step {
	s.mu.Lock()
	defer s.mu.Unlock()
	// A loop may pass through many windows that lie in the past, but through each
	// step to be skipped only once: if there are no others, one of them is played.
	for skipped := 0; skipped < len(s.steps) && s.over(now) && s.advance(); {
		if s.steps[s.at].times < 0 {
			skipped++
		} else {
			skipped = 0
		}
	}
	s.played++
	return s.steps[s.at]
}

// over reports whether the current step has been played to its end, and opens its
// window if it has one.
func (s *script) over(now time.Time) bool {
	step := s.steps[s.at]
	if step.window == 0 {
		return step.times < 0 || s.played >= max(step.times, 1)
	}
	if !s.opened {
		if s.until.IsZero() {
			s.until = now
		}
		s.until, s.opened = s.until.Add(step.window), true
	}
	return !now.Before(s.until)
}

// advance moves to the next step; it reports false at the end of a script, whose
// last step repeats.
func (s *script) advance() bool {
	last := s.at == len(s.steps)-1
	if last && !s.loop {
		return false
	}
	if s.steps[s.at].window == 0 {
		s.until = time.Time{}
	}
	s.at, s.played, s.opened = (s.at+1)%len(s.steps), 0, false
	return true
}
