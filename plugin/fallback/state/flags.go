package state

import (
	"context"
	"slices"
	"sync/atomic"
	"time"
	"weak"

	"github.com/adk-fallback/adk-fallback/internal/panics"
	"github.com/adk-fallback/adk-fallback/internal/printable"
)

// flag is a flag as this replica knows it. The latest change of any replica wins. Shared.mu
// guards its fields.
type flag struct {
	s   *Shared
	key string

	now     Flag      // as of the latest change; For ends at until
	until   time.Time // when it ends or was lowered; the zero time if it was never up
	changed time.Time // when this replica changed it or learned of a change
	version uint64    // of changes

	unsent   bool // changed here, and not sent to the store yet
	queued   bool // among the errands
	isNews   bool // in Shared.news
	switches []weak.Pointer[Switch]
}

// Switch raises and lowers a flag. Its methods never wait for the store: the flag's latest
// state is sent in the background, and again after an outage. A nil Switch does nothing.
type Switch struct {
	flag    *flag
	on      func(Flag)
	seen    uint64 // guarded by Shared.mu; the latest version for which on was called or need not be called
	stopped atomic.Bool
}

// Flag returns a switch for the flag of a key. All switches of the key in all replicas have the
// same flag.
//
// on is called when another switch, in this or another replica, has raised or lowered the
// flag, and once soon after Flag if the flag is already up. It is not called when the time of a
// flag is over. Its argument is the flag at the time of the call: For is the time left, 0 if
// the flag is down; From is "" if it is unknown which replica has lowered it. Calls come from a
// goroutine of s, one at a time, so on must return soon. on may be nil.
//
// s does not keep the switch alive: a caller that needs on must hold the switch.
func (s *Shared) Flag(key string, on func(Flag)) *Switch {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.flag(bounded(key))
	w := &Switch{flag: f, on: on, seen: f.version}
	f.switches = append(slices.DeleteFunc(f.switches, isCollected), weak.Make(w))
	if f.isUp(time.Now()) {
		w.seen = 0 // a flag that was ever up has a higher version
		s.tell(f)
	}
	return w
}

func isCollected(w weak.Pointer[Switch]) bool { return w.Value() == nil }

// flag returns the flag of a key. It needs mu, as do all below except send and tells.
func (s *Shared) flag(key string) *flag {
	f := s.flags[key]
	if f == nil {
		f = &flag{s: s, key: key}
		s.flags[key] = f
	}
	return f
}

func (f *flag) isUp(now time.Time) bool { return now.Before(f.until) }

// Raise raises the flag for d from now on, and replaces its earlier state. reason is a few words
// without personal data; at most 256 bytes of it are kept. A d of 0 or less lowers the flag.
func (w *Switch) Raise(d time.Duration, reason string) { w.set(max(d, 0), reason) }

// Lower lowers the flag, even if another replica has raised it.
func (w *Switch) Lower() { w.set(0, "") }

func (w *Switch) set(d time.Duration, reason string) {
	if w == nil {
		return
	}
	f := w.flag
	s := f.s
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if d == 0 && !f.isUp(now) {
		return
	}
	f.change(Flag{Key: f.key, For: d, Reason: printable.Line(reason, maxReason), From: s.config.Replica}, now)
	w.seen = f.version
	f.unsent = true
	f.enqueue()
}

// maxReason bounds a reason, in bytes.
const maxReason = 256

// Stop ends the calls of on. It does not wait for a call in progress.
func (w *Switch) Stop() {
	if w != nil {
		w.stopped.Store(true)
	}
}

func (f *flag) change(to Flag, now time.Time) {
	f.now, f.until, f.changed = to, now.Add(to.For), now
	f.version++
	f.s.tell(f)
}

func (f *flag) enqueue() {
	if !f.queued {
		f.queued = true
		f.s.errands.add(&f.s.errands.urgent, f)
	}
}

// send implements errand.
func (f *flag) send(ctx context.Context) {
	s := f.s
	s.mu.Lock()
	f.queued = false
	now, version, latest := time.Now(), f.version, f.now
	if latest.For > 0 { // otherwise it was lowered
		latest.For = f.until.Sub(now)
		f.unsent = f.unsent && latest.For > 0
	}
	unsent := f.unsent
	s.mu.Unlock()
	if !unsent {
		return
	}
	_, err := ask(ctx, &s.link, s.background(), func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.store.Raise(ctx, s.config.Prefix, latest)
	})
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if f.version == version {
			f.unsent, f.changed = false, time.Now() // answers to earlier beats lack this change
		}
	}
}

// heard handles a pushed flag.
func (s *Shared) heard(pushed Flag) {
	if pushed.From == s.config.Replica {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.flag(pushed.Key); !f.unsent { // otherwise the unsent change replaces it
		f.learn(pushed, time.Now())
	}
}

// learn updates the flag from the store.
func (f *flag) learn(is Flag, now time.Time) {
	is.Reason = printable.Line(is.Reason, maxReason)
	known := f.until.Sub(now)
	if is.For <= 0 && known <= 0 {
		return
	}
	if is.For > 0 && is.From == f.now.From && is.Reason == f.now.Reason && (is.For-known).Abs() < sameEnd {
		return
	}
	f.change(is, now)
}

// sameEnd is the largest difference between two ends of the same flag, as answers take time.
const sameEnd = 300 * time.Millisecond

// learnFlags updates all flags from the store's answer to a request at asked. If the replicas
// have settled, a missing flag was lowered.
func (s *Shared) learnFlags(flags []Flag, asked time.Time, settled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	there := make(map[string]bool, len(flags))
	for _, is := range flags {
		there[is.Key] = true
		if f := s.flag(is.Key); !f.unsent && f.changed.Before(asked) {
			f.learn(is, now)
		}
	}
	for key, f := range s.flags {
		switch {
		case there[key] || f.unsent:
		case f.isUp(now):
			if settled && f.changed.Before(asked) {
				f.change(Flag{Key: key}, now)
			}
		case !slices.ContainsFunc(f.switches, func(w weak.Pointer[Switch]) bool { return w.Value() != nil }):
			delete(s.flags, key)
		}
	}
}

// resendFlags sends this replica's raised flags again: the store may have lost them.
func (s *Shared) resendFlags() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for _, f := range s.flags {
		f.unsent = f.unsent || f.now.From == s.config.Replica && f.isUp(now)
		if f.unsent {
			f.enqueue()
		}
	}
}

// tell wakes tells to call the switches that have not seen the flag's latest version.
func (s *Shared) tell(f *flag) {
	if !f.isNews {
		f.isNews = true
		s.news = append(s.news, f)
	}
	select {
	case s.newsWake <- struct{}{}:
	default:
	}
}

// tells calls switches until ctx ends.
func (s *Shared) tells(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.newsWake:
		}
		s.mu.Lock()
		news := s.news
		s.news = nil
		s.mu.Unlock()
		for _, f := range news {
			s.mu.Lock()
			f.isNews = false
			switches := slices.Clone(f.switches)
			s.mu.Unlock()
			for _, w := range switches {
				w.Value().call(ctx)
			}
		}
	}
}

// call calls on with the present flag, unless the switch has seen this version.
func (w *Switch) call(ctx context.Context) {
	if w == nil { // it was garbage-collected
		return
	}
	f := w.flag
	f.s.mu.Lock()
	news := w.seen != f.version
	w.seen = f.version
	is := f.now
	is.For = max(time.Until(f.until), 0)
	f.s.mu.Unlock()
	if !news || w.on == nil || w.stopped.Load() || ctx.Err() != nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			f.s.config.Logger.ErrorContext(ctx, "state: a function that was told of a flag has panicked", "panic", panics.Text(p))
		}
	}()
	w.on(is)
}
