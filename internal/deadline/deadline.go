// Package deadline has contexts that limit the time of an attempt: to its first content,
// between two chunks, and in all. The time for which the consumer holds a chunk does not
// count: the code that passes chunks on reports it to a [Meter].
package deadline

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Limits say when an attempt takes too long. A limit of 0 means no limit.
type Limits struct {
	// FirstContent is how long an attempt may take to show anything. It is not part of
	// the context's deadline, which models send to their servers: an answer that has
	// begun may go on.
	FirstContent time.Duration
	// Silence are moments at which an attempt that has shown nothing may be cut off,
	// the earliest first.
	Silence []Moment
	// Idle is how long an attempt may be silent after its first content, not counting
	// the consumer's time. The cut comes at most an eighth of Idle late.
	Idle time.Duration
	// Total is how long the attempt may take in all; it is the context's deadline.
	Total time.Duration
	// Why returns the cause to cancel with when a limit is exceeded.
	Why func(phase string, limit time.Duration) error
}

// Times are the limits of calls that are not streamed, and of those that are.
type Times struct{ Unary, Streamed Limits }

// Moment is a time after the start of an attempt. Why returns the reason to cut the
// attempt off then, or nil; it may be called more than once.
type Moment struct {
	After time.Duration
	Why   func() error
}

// idleSteps is how many times per Idle the attempt is checked. Setting a timer for each
// chunk would cost more than passing it on.
const idleSteps = 8

// Meter notes when control passes to the consumer of a call and comes back, and has the
// limits in force. The zero Meter is ready. One goroutine at a time may use it.
type Meter struct {
	beats     atomic.Uint32 // odd while the consumer has control; contexts read it
	innermost *Context      // nil without limits
}

// Beat notes that control passes to the consumer, or that it comes back.
func (m *Meter) Beat() { m.beats.Add(1) }

// Within makes the limits in force of outer, another part of the call, apply to m as well.
func (m *Meter) Within(outer *Meter) { m.innermost = outer.innermost }

// Context is the context of an attempt under Limits. It creates its channel and timer
// when something first waits for the end: a model that is called over a network waits
// at once, one that answers from memory never. It is safe for concurrent use. The zero
// Context is memory for [Meter.Limit].
type Context struct {
	context.Context // the parent; nil before the attempt
	Limits
	outer   *Context
	meter   *Meter
	started time.Time
	first   uint32 // beats of the meter when the attempt started
	heard   atomic.Pointer[heard]
	watched atomic.Bool // a timer is set if need be, and has not found the end yet

	mu      sync.Mutex
	over    bool        // guarded by mu
	latest  uint32      // guarded by mu; beats at the latest check
	changed time.Time   // guarded by mu; when a check found new beats
	timer   *time.Timer // guarded by mu; nil if nobody waits, or the deadline is all
}

// heard is the context of a limit whose end is waited for.
type heard struct {
	context.Context
	cancel context.CancelCauseFunc
	stop   context.CancelFunc
}

// Limit starts an attempt that is cancelled, with a cause, when it takes too long. The
// returned function must be called when the attempt is over. l is memory for the context
// and must be zero.
func (m *Meter) Limit(ctx context.Context, limits Limits, l *Context) (context.Context, func()) {
	l.Context, l.Limits, l.outer, l.meter, l.started, l.first = ctx, limits, m.innermost, m, time.Now(), m.beats.Load()
	l.latest, l.changed = l.first, l.started
	m.innermost = l
	return l, l.end
}

func (l *Context) end() {
	l.meter.innermost = l.outer
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	l.watched.Store(false)
	if l.timer != nil {
		l.timer.Stop()
	}
	if h := l.heard.Load(); h != nil {
		h.end()
	}
}

func (h *heard) end() {
	h.cancel(nil)
	h.stop()
}

// Deadline implements context.Context.
func (l *Context) Deadline() (deadline time.Time, ok bool) {
	deadline, ok = l.Context.Deadline()
	if own := l.started.Add(l.Total); l.Total > 0 && (!ok || own.Before(deadline)) {
		return own, true
	}
	return deadline, ok
}

// Done implements context.Context.
func (l *Context) Done() <-chan struct{} { return l.listen().Done() }

// Err implements context.Context. It reads the clock and sets no timer.
func (l *Context) Err() error {
	if h := l.heard.Load(); h != nil {
		return h.Err()
	}
	if err := l.Context.Err(); err != nil {
		return err
	}
	if !l.watched.Load() && l.isOver() {
		return l.listen().Err()
	}
	return nil
}

// isOver reports whether the attempt has ended or must be cut off now.
func (l *Context) isOver() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.started.Add(time.Since(l.started)) // half the cost of time.Now
	return l.over || l.Total > 0 && now.Sub(l.started) >= l.Total || l.passed(now) != nil
}

// Value implements context.Context.
func (l *Context) Value(key any) any {
	if h := l.heard.Load(); h != nil {
		return h.Value(key) // package context finds the cause this way
	}
	return l.Context.Value(key)
}

// listen creates the channel and the timer, once.
func (l *Context) listen() *heard {
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
	l.heard.Store(h)
	if l.over {
		h.end()
	}
	l.check()
	return h
}

// look checks the limits; the timer calls it.
func (l *Context) look() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.check()
}

// check ends the attempt if it is to be cut off, else it sets the timer. It needs mu.
func (l *Context) check() {
	if l.over {
		return
	}
	now, h := time.Now(), l.heard.Load()
	cause, pause := l.passed(now), l.pause(now)
	over := cause != nil || h == nil && l.Total > 0 && now.Sub(l.started) >= l.Total
	l.watched.Store(!over)
	switch {
	case cause != nil && h != nil:
		h.cancel(cause)
	case over || pause == 0:
	case l.timer == nil:
		l.timer = time.AfterFunc(pause, l.look)
	default:
		l.timer.Reset(pause)
	}
}

// Watch sets the timers of the limits in force. It is for an attempt that often calls Err,
// which then reads no clock and creates no channel.
func (m *Meter) Watch() {
	for l := m.innermost; l != nil; l = l.outer {
		if l.heard.Load() == nil && !l.watched.Load() {
			l.look()
		}
	}
}

// shown reports whether the attempt has shown anything.
func (l *Context) shown() bool { return l.meter.beats.Load() != l.first }

// passed returns why the attempt must be cut off now, or nil. It needs mu.
func (l *Context) passed(now time.Time) error {
	if beats := l.meter.beats.Load(); beats != l.latest || beats%2 == 1 { // odd: the consumer has control
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

// pause returns how long to wait before the next check; 0 means forever.
func (l *Context) pause(now time.Time) (pause time.Duration) {
	shown := l.shown()
	if l.Idle > 0 {
		pause = max(l.Idle/idleSteps, time.Millisecond)
	}
	soon := func(moment time.Duration) {
		if left := max(moment-now.Sub(l.started), 1); pause == 0 || left < pause {
			pause = left
		}
	}
	if l.Total > 0 && l.heard.Load() == nil {
		soon(l.Total)
	}
	if !shown && l.FirstContent > 0 {
		soon(l.FirstContent)
	}
	if !shown && len(l.Silence) > 0 {
		soon(l.Silence[0].After)
	}
	return pause
}

// Ends reports whether a limit in force or the deadline of ctx would end the
// attempt by the given time, if it stays silent.
func (m *Meter) Ends(ctx context.Context, then time.Time) bool {
	if deadline, ok := ctx.Deadline(); ok && !then.Before(deadline) {
		return true
	}
	for l := m.innermost; l != nil; l = l.outer {
		if l.FirstContent > 0 && !l.shown() && then.Sub(l.started) >= l.FirstContent {
			return true
		}
		if l.Idle > 0 && l.shown() && time.Until(then) >= l.Idle {
			return true
		}
	}
	return false
}
