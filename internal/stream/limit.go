package stream

import (
	"context"
	"sync"
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

// limit is an attempt under Limits.
type limit struct {
	Limits
	outer   *limit
	sink    *Sink
	started time.Time
	first   uint32 // beats of sink when the attempt started
	cancel  context.CancelCauseFunc

	mu      sync.Mutex
	timer   *time.Timer // guarded by mu; nil once the attempt is over
	latest  uint32      // guarded by mu; beats when last looked at
	changed time.Time   // guarded by mu; when a look found new beats
}

// Limit starts an attempt that ends, with a cause, when it takes too long. The
// function must be called when the attempt is over.
func (s *Sink) Limit(ctx context.Context, limits Limits) (context.Context, func()) {
	l := &limit{Limits: limits, outer: s.limit, sink: s, started: time.Now(), first: s.beats.Load()}
	stop := func() {}
	if l.Total > 0 {
		ctx, stop = context.WithDeadlineCause(ctx, l.started.Add(l.Total), l.Why("total", l.Total))
	}
	s.limit = l
	if l.FirstContent == 0 && len(l.Silence) == 0 && l.Idle == 0 {
		return ctx, func() {
			stop()
			s.limit = l.outer
		}
	}
	ctx, l.cancel = context.WithCancelCause(ctx)
	l.latest, l.changed = l.first, l.started
	l.mu.Lock()
	l.timer = time.AfterFunc(l.pause(l.started, false), l.look)
	l.mu.Unlock()
	return ctx, func() {
		l.mu.Lock()
		l.timer.Stop()
		l.timer = nil
		l.mu.Unlock()
		l.cancel(nil)
		stop()
		s.limit = l.outer
	}
}

// look is the timer's.
func (l *limit) look() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer == nil {
		return
	}
	now, beats := time.Now(), l.sink.beats.Load()
	if beats != l.latest || beats%2 == 1 { // odd: the consumer has the control
		l.latest, l.changed = beats, now
	}
	shown := beats != l.first
	if cause := l.passed(now, shown); cause != nil {
		l.cancel(cause)
		return
	}
	if pause := l.pause(now, shown); pause > 0 {
		l.timer.Reset(pause)
	}
}

// passed returns why the attempt is cut off now, if it is.
func (l *limit) passed(now time.Time, shown bool) error {
	if shown {
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
func (l *limit) pause(now time.Time, shown bool) (pause time.Duration) {
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

// Ends reports whether the time of the attempt is over then, if it shows nothing
// before: by a limit around it, or by the caller's.
func (s *Sink) Ends(ctx context.Context, then time.Time) bool {
	if deadline, ok := ctx.Deadline(); ok && !then.Before(deadline) {
		return true
	}
	for l := s.limit; l != nil; l = l.outer {
		if l.FirstContent > 0 && l.sink.beats.Load() == l.first && then.Sub(l.started) >= l.FirstContent {
			return true
		}
	}
	return false
}
