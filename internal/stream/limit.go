package stream

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Limits say when an attempt takes too long. A limit of 0 is none.
type Limits struct {
	// FirstContent is how long an attempt may take to show anything. It is not part of
	// the context's deadline, which models send to their servers: an answer that has
	// begun may go on.
	FirstContent time.Duration
	// Silence are moments at which an attempt that has shown nothing may be cut off,
	// the earliest first.
	Silence []Moment
	// Idle is how long an attempt may be silent after its first content, the
	// consumer's time not counting. It is noticed at most an eighth of Idle late.
	Idle time.Duration
	// Total is how long the attempt may take in all; it is the context's deadline.
	Total time.Duration
	// Why returns the cause of the end at one of these limits.
	Why func(phase string, limit time.Duration) error
}

// Moment is so long after the start of an attempt. Why returns the reason to cut
// the attempt off then, or nil; it is called once.
type Moment struct {
	After time.Duration
	Why   func() error
}

// idleSteps is how finely Idle is watched. To set a timer for each chunk would cost
// more than to pass it on.
const idleSteps = 8

// limit is an attempt under Limits, and its context. What that takes, a channel and a
// timer, comes to be when somebody waits for the end: a model that is called over a
// network does at once, one that answers from memory never. It is safe for
// concurrent use.
type limit struct {
	context.Context // the one around
	Limits
	outer   *limit
	sink    *Sink
	started time.Time
	first   uint32 // beats of sink when the attempt started
	heard   atomic.Pointer[heard]

	mu      sync.Mutex
	over    bool      // guarded by mu
	latest  uint32    // guarded by mu; beats when last looked at
	changed time.Time // guarded by mu; when a look found new beats
}

// heard is the context of a limit that somebody waits for.
type heard struct {
	context.Context
	cancel context.CancelCauseFunc
	stop   context.CancelFunc
	timer  *time.Timer // nil if the deadline is all
}

// Limit starts an attempt that ends, with a cause, when it takes too long. The
// function must be called when the attempt is over.
func (s *Sink) Limit(ctx context.Context, limits Limits) (context.Context, func()) {
	l := s.spareLimit()
	l.Context, l.Limits, l.outer, l.sink, l.started, l.first = ctx, limits, s.limit, s, time.Now(), s.beats.Load()
	l.latest, l.changed = l.first, l.started
	s.limit = l
	return l, l.end
}

func (l *limit) end() {
	l.sink.limit = l.outer
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	if h := l.heard.Load(); h != nil {
		h.end()
	}
}

func (h *heard) end() {
	if h.timer != nil {
		h.timer.Stop()
	}
	h.cancel(nil)
	h.stop()
}

// Deadline implements context.Context.
func (l *limit) Deadline() (deadline time.Time, ok bool) {
	deadline, ok = l.Context.Deadline()
	if own := l.started.Add(l.Total); l.Total > 0 && (!ok || own.Before(deadline)) {
		return own, true
	}
	return deadline, ok
}

// Done implements context.Context.
func (l *limit) Done() <-chan struct{} { return l.listen().Done() }

// Err implements context.Context. To ask is not to wait: the clock is read, and no
// timer is set.
func (l *limit) Err() error {
	if h := l.heard.Load(); h != nil {
		return h.Err()
	}
	if err := l.Context.Err(); err != nil {
		return err
	}
	if l.isOver() {
		return l.listen().Err()
	}
	return nil
}

// isOver reports whether the attempt has ended, or is to be cut off now.
func (l *limit) isOver() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.started.Add(time.Since(l.started)) // half the cost of time.Now
	return l.over || l.Total > 0 && now.Sub(l.started) >= l.Total || l.passed(now) != nil
}

// Value implements context.Context.
func (l *limit) Value(key any) any {
	if h := l.heard.Load(); h != nil {
		return h.Value(key) // package context finds the cause so
	}
	return l.Context.Value(key)
}

// listen makes the context one that can be waited for.
func (l *limit) listen() *heard {
	if h := l.heard.Load(); h != nil {
		return h
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if h := l.heard.Load(); h != nil {
		return h
	}
	h := &heard{Context: l.Context, stop: func() {}}
	if l.Total > 0 {
		h.Context, h.stop = context.WithDeadlineCause(h.Context, l.started.Add(l.Total), l.Why("total", l.Total))
	}
	h.Context, h.cancel = context.WithCancelCause(h.Context)
	now := time.Now()
	if l.over {
		h.end()
	} else if cause := l.passed(now); cause != nil {
		h.cancel(cause)
	} else if pause := l.pause(now); pause > 0 {
		h.timer = time.AfterFunc(pause, l.look)
	}
	l.heard.Store(h)
	return h
}

// look is the timer's.
func (l *limit) look() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return
	}
	now, h := time.Now(), l.heard.Load()
	if cause := l.passed(now); cause != nil {
		h.cancel(cause)
	} else if pause := l.pause(now); pause > 0 {
		h.timer.Reset(pause)
	}
}

// shown reports whether the attempt has shown anything.
func (l *limit) shown() bool { return l.sink.beats.Load() != l.first }

// passed returns why the attempt is cut off now, if it is. It needs mu.
func (l *limit) passed(now time.Time) error {
	if beats := l.sink.beats.Load(); beats != l.latest || beats%2 == 1 { // odd: the consumer has the control
		l.latest, l.changed = beats, now
	}
	if l.shown() {
		if l.Idle > 0 && now.Sub(l.changed) >= l.Idle {
			return l.Why("idle", l.Idle)
		}
		return nil
	}
	if l.FirstContent > 0 && now.Sub(l.started) >= l.FirstContent {
		return l.Why("first content", l.FirstContent)
	}
	for ; len(l.Silence) > 0 && now.Sub(l.started) >= l.Silence[0].After; l.Silence = l.Silence[1:] {
		if cause := l.Silence[0].Why(); cause != nil {
			return cause
		}
	}
	return nil
}

// pause returns how long to wait before the next look, 0 for ever.
func (l *limit) pause(now time.Time) (pause time.Duration) {
	shown := l.shown()
	if l.Idle > 0 {
		pause = max(l.Idle/idleSteps, time.Millisecond)
	}
	soon := func(moment time.Duration) {
		if left := max(moment-now.Sub(l.started), 1); pause == 0 || left < pause {
			pause = left
		}
	}
	if !shown && l.FirstContent > 0 {
		soon(l.FirstContent)
	}
	if !shown && len(l.Silence) > 0 {
		soon(l.Silence[0].After)
	}
	return pause
}

// Ends reports whether the time of the attempt is over then, if it is silent until
// then: by a limit around it, or by the caller's.
func (s *Sink) Ends(ctx context.Context, then time.Time) bool {
	if deadline, ok := ctx.Deadline(); ok && !then.Before(deadline) {
		return true
	}
	for l := s.limit; l != nil; l = l.outer {
		if l.FirstContent > 0 && !l.shown() && then.Sub(l.started) >= l.FirstContent {
			return true
		}
		if l.Idle > 0 && l.shown() && time.Until(then) >= l.Idle {
			return true
		}
	}
	return false
}
