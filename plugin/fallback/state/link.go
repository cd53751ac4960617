package state

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/duration"
	"github.com/adk-fallback/adk-fallback/internal/redact"
)

// link is the breaker in front of the store. The first call that fails or is slow opens it.
// Then no call waits for the store, until it answers a background beat in time.
// After a late answer the first such beat is sent at once, because a single late answer says
// little on a busy machine.
type link struct {
	timeout time.Duration // of requests that a call waits for

	gone   atomic.Bool
	lost   chan struct{} // gets a value when gone becomes true
	outage atomic.Uint64 // number of outages so far

	mu      sync.Mutex
	since   time.Time // guarded by mu, as are changes of gone; when gone changed last
	problem string    // guarded by mu; why the store is gone
	late    bool      // guarded by mu; all that is known is that it did not answer in time
}

// Pauses between probes of a store that is gone. If the store was back for less than
// calmAfter, they begin with the longest.
// The first probe after a late answer has no pause, unless the store was late within lateAgain
// before: a store that answers now and then would hold up a call each time.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = time.Second
	calmAfter  = 10 * time.Second
	lateAgain  = 100 * time.Millisecond
)

// A background request may take patience times as long as Config.Timeout, but not longer than
// longest if calls wait less than that.
const (
	patience = 10
	longest  = time.Second
)

// unavailable is the error of a request that failed or was not sent.
type unavailable struct{}

func (unavailable) Error() string { return "state: the store is unavailable" }

// ask sends a request to the store, with a timeout, unless the store is gone. The error is
// unavailable, or that of ctx.
func ask[T any](ctx context.Context, l *link, timeout time.Duration, call func(context.Context) (T, error)) (answer T, err error) {
	if l.gone.Load() {
		return answer, unavailable{}
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	answer, err = call(limited)
	switch {
	case ctx.Err() != nil: // says nothing about the store
		if err != nil {
			err = ctx.Err()
		}
	case err != nil:
		l.lose(err)
		err = unavailable{}
	}
	return answer, err
}

// lose marks the store as gone.
func (l *link) lose(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone.Load() {
		return
	}
	l.since, l.problem = time.Now(), redact.Text(err.Error(), 256)
	l.late = errors.Is(err, context.DeadlineExceeded)
	l.outage.Add(1) // before gone, by which callers begin to use their shares
	l.gone.Store(true)
	select {
	case l.lost <- struct{}{}:
	default:
	}
}

// restore marks the store as back.
func (l *link) restore() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.since, l.problem = time.Now(), ""
	l.gone.Store(false)
}

func (l *link) status() (since time.Time, problem string, late bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.since, l.problem, l.late
}

// beats sends beats and reads the flags of other replicas, until ctx ends.
func (s *Shared) beats(ctx context.Context) {
	pause := firstPause
	for ctx.Err() == nil {
		if !s.link.gone.Load() {
			asked := time.Now()
			if b, err := ask(ctx, &s.link, s.background(), s.beat); err == nil {
				s.learn(b, asked)
				wait(ctx, s.config.Beat, s.link.lost)
			}
			continue
		}
		if s.hiccup(ctx) {
			continue
		}
		if since, _, _ := s.link.status(); since.Sub(s.restored) > calmAfter {
			pause = firstPause
		}
		pause = s.outage(ctx, pause)
	}
}

// hiccup probes a store that was late, without a pause. It reports whether the store is back;
// then nothing is logged.
func (s *Shared) hiccup(ctx context.Context) bool {
	since, _, late := s.link.status()
	if !late || since.Sub(s.hiccuped) < lateAgain {
		return false
	}
	back := s.probe(ctx)
	s.hiccuped = time.Now()
	return back
}

// outage probes the store until it is back or ctx ends. It returns the first pause of the next
// outage, if that begins soon.
func (s *Shared) outage(ctx context.Context, pause time.Duration) time.Duration {
	since, problem, _ := s.link.status()
	s.config.Logger.LogAttrs(ctx, slog.LevelWarn, "state: the store is unavailable; this replica goes on alone", slog.String("error", problem))
	for wait(ctx, pause, nil) {
		pause = min(2*pause, lastPause)
		if s.restored = time.Now(); s.probe(ctx) {
			s.config.Logger.LogAttrs(ctx, slog.LevelInfo, "state: the store is back",
				slog.String("after", duration.Text(time.Since(since).Round(time.Millisecond))), slog.Int64("replicas", s.replicas.Load()))
			break
		}
	}
	return pause
}

// probe sends a beat to a store that is gone. If it is answered in time, the store is back.
func (s *Shared) probe(ctx context.Context) bool {
	asked := time.Now()
	limited, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	b, err := s.beat(limited)
	if err != nil {
		return false
	}
	s.learn(b, asked)
	for _, b := range s.activeBuckets() {
		b.resend() // before a call takes more
	}
	s.link.restore()
	s.resend()
	s.errands.nudge()
	return true
}

// wait waits for d, or until there is a value in early. It reports whether ctx has not ended.
func wait(ctx context.Context, d time.Duration, early <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-early:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// beaten is the answer to a beat.
type beaten struct {
	replicas int
	flags    []Flag
}

// beat tells the store that the replica is alive, for the time of four beats.
func (s *Shared) beat(ctx context.Context) (b beaten, err error) {
	b.replicas, b.flags, err = s.store.Beat(ctx, s.config.Prefix, s.config.Replica, 4*s.config.Beat)
	return b, err
}

// settling is how long after an outage other replicas may need to notice its end. Only then are
// they counted, and only then have they raised their flags again.
const settling = 2*lastPause + DefaultBeat

// learn handles the answer to a beat that was sent at asked.
func (s *Shared) learn(b beaten, asked time.Time) {
	settled := time.Since(s.restored) > settling
	replicas := max(int64(b.replicas), 1)
	if !settled {
		replicas = max(replicas, s.replicas.Load())
	}
	s.replicas.Store(replicas)
	s.learnFlags(b.flags, asked, settled)
}

// background returns the timeout of a request for which no call waits.
func (s *Shared) background() time.Duration {
	return min(patience*s.config.Timeout, max(s.config.Timeout, longest))
}

func (s *Shared) gone() bool { return s.link.gone.Load() }
