package stream

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/price"
	"github.com/adk-fallback/adk-fallback/internal/telemetry"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// record is shared by all Sinks of one call.
type record struct {
	ctx   context.Context // the call's: its caller, its span
	begun atomic.Int64    // attempts
	first time.Time       // when the consumer got the first content; zero before
	last  time.Time       // when it got the final response; zero before

	mu      sync.Mutex                 // also serializes closing a Sink and recording through it
	log     call.Log                   // of the attempts
	skipped []*RefusedError            // those that were recorded; guarded by mu
	tell    []told                     // pending calls of OnAttempt; guarded by mu
	spans   []telemetry.Span           // of attempts, ended or not; guarded by mu
	ends    []ending                   // calls of OnFallback and OnEnd at the end; guarded by mu
	cause   Cause                      // why an earlier call of the turn left its first target; guarded by mu
	derived map[derivedKey]*derivation // see Derive; guarded by mu
}

// Cause is why a turn has left its first target.
type Cause struct {
	Code, Reason string
	Failed       []string // models that have failed in the turn
}

// Fork returns a Sink for a part of the call. Its responses go to take, which may pass
// them on with Pass. It shares the record of s, takes over its wait, and starts with
// nothing shown. Join ends it.
func (s *Sink) Fork(take func(*model.LLMResponse) bool) *Sink {
	fork := &Sink{
		yield: func(resp *model.LLMResponse, _ error) bool { return take(resp) },
		Wait:  s.Wait, Breaker: s.Breaker, Orders: s.Orders, Root: s.Root, Notes: s.Notes, Warm: s.Warm, Notice: s.Notice, record: s.record, ahead: s.ahead, parent: s, hooks: s.hooks, latest: s.hooks, beside: s.Hedge, apart: s.apart,
	}
	fork.meter.Within(&s.meter)
	s.Wait = 0
	return fork
}

// Pass passes a response of a fork to the Sink that it was forked from, with its model
// and notes. It reports whether more is wanted.
func (s *Sink) Pass(resp *model.LLMResponse) bool {
	s.Join()
	return s.parent.Send(resp)
}

// Join copies the state of the answer from s to the Sink that it was forked from.
func (s *Sink) Join() {
	p := s.parent
	p.Root, p.Model, p.fallback, p.Notes, p.Notice, p.version, p.answer, p.begun = s.Root, s.Model, s.fallback, s.Notes, s.Notice, s.version, s.answer, s.begun
	s.record.mu.Lock()
	p.latest, p.span, p.price = s.latest, s.span, s.price
	s.record.mu.Unlock()
	p.stands = p.stands || s.stands // until what was shown is discarded
	p.usage.Store(s.usage.Load())
}

// Record adds an attempt to the record of the call, unless the call, or the part of it
// that s belongs to, is over. It returns the recorded attempt.
func (s *Sink) Record(a call.Attempt) call.Attempt { return s.add(a, 0, s.hooks, nil) }

// began counts an attempt that begins at a time. It reports whether the attempt may be
// made: after the recording has ended, nobody waits for it and no record would have it.
// start starts the attempt's span, which ends as the attempt is recorded, or with the
// call; it runs under the lock, so that no attempt has a span and no record. start, the
// span and the price may be nil.
func (s *Sink) began(at time.Time, start func() telemetry.Span, rates *price.Price) (open bool) {
	r := s.record
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.isClosed() {
		return false
	}
	var span telemetry.Span
	if start != nil {
		span = start()
	}
	if span != nil {
		r.spans = append(r.spans, span)
	}
	own := true // Sinks further out belong to another goroutine
	for p := s; p != nil; p = p.parent {
		p.open++
		p.deep, p.beside = span, s.Hedge
		if own {
			p.latest, p.asked, p.since, p.span, p.price = s.hooks, s.Model, at, span, rates
		}
		own = own && p.detached == nil
	}
	return true
}

// leave ends the recording, and the spans of attempts that were not recorded: the consumer
// wants no more of the latest, which is no fault of its model, or a model ignores its
// cancellation.
func (s *Sink) leave() {
	r := s.record
	r.mu.Lock()
	spans, latest := r.spans, s.span
	s.closed, r.spans, s.span = true, nil, nil
	r.mu.Unlock()
	if latest != nil {
		telemetry.EndAttempt(latest, call.Attempt{Outcome: call.OK})
	}
	for _, span := range spans {
		telemetry.EndAttempt(span, call.Attempt{}) // nothing, if it has ended
	}
}

// add records a and queues it for hooks. ended is how many started attempts end with it.
// of is the Sink whose latest attempt it is, if that is over: then its span ends.
func (s *Sink) add(a call.Attempt, ended int, hooks *hooked, of *Sink) call.Attempt {
	r := s.record
	if a.Outcome != call.OK && s.inPreview() {
		a.Kind = string(KindPreview)
	}
	r.mu.Lock()
	recorded := !s.isClosed()
	if recorded {
		a = r.log.Add(a)
		for p := s; p != nil; p = p.parent {
			p.attempts++
			p.open -= ended
		}
	}
	now := recorded && !s.apart && len(r.tell) == 0 // without a queue, most calls save an allocation
	for o := hooks; o != nil && recorded && !now; o = o.outer {
		if o.OnAttempt != nil {
			r.tell = append(r.tell, told{o.OnAttempt, a})
		}
	}
	if of != nil && of.span != nil {
		telemetry.EndAttempt(of.span, a) // under the lock: leave ends it otherwise, as one without a record
	}
	r.mu.Unlock()
	for o := hooks; o != nil && now; o = o.outer {
		if o.OnAttempt != nil {
			contained(func() { o.OnAttempt(r.ctx, a) })
		}
	}
	s.tellHooks()
	return a
}

// inPreview reports whether s is part of a preview.
func (s *Sink) inPreview() bool {
	for ; s != nil; s = s.parent {
		if s.Preview {
			return true
		}
	}
	return false
}

// isClosed needs record.mu.
func (s *Sink) isClosed() bool {
	for ; s != nil; s = s.parent {
		if s.closed {
			return true
		}
	}
	return false
}

// Skip records that a target was not called: once, however many routers call it.
func (s *Sink) Skip(refused *RefusedError) {
	r := s.record
	r.mu.Lock()
	known := slices.Contains(r.skipped, refused)
	if !known {
		r.skipped = append(r.skipped, refused)
	}
	r.mu.Unlock()
	if !known {
		telemetry.Event(r.ctx, telemetry.EventSkip, refused.attributes)
		s.Record(call.Attempt{Model: refused.Model, Outcome: call.Skipped, Kind: string(KindRefused), Reason: refused.Reason})
	}
}

// close ends the recording through s. If an attempt is in progress, or none was
// recorded, a is recorded as the last one. A hedge that has lost before its first attempt
// has made none.
func (s *Sink) close(a call.Attempt) {
	s.record.mu.Lock()
	open, last, hooks := s.open, s.open > 0 || s.attempts == 0 && a.Kind != string(KindHedgeLost), s.latest
	a.Hedge = s.beside // s.Hedge belongs to the goroutine of the layer
	s.closed = true
	if s.deep != nil {
		s.span = s.deep // the attempt in progress may be that of a layer on a further goroutine
	}
	s.record.mu.Unlock()
	if last && a.Outcome != "" {
		s.count(&a)
		s.parent.add(a, open, hooks, s)
	}
}

// Attempts returns a copy of the record of the call, and how many attempts it
// dropped.
func (s *Sink) Attempts() (attempts []call.Attempt, dropped int) { return s.record.log.Attempts() }

// SetCause sets why the turn has left its first target, for a call that does not begin
// there. Of two routers' causes, the one with more failures wins.
func (s *Sink) SetCause(c Cause) {
	s.record.mu.Lock()
	defer s.record.mu.Unlock()
	if s.record.cause.Reason == "" || len(c.Failed) > len(s.record.cause.Failed) {
		s.record.cause = c
	}
}

// Cause returns why the turn has left its first target, from the failures of earlier
// calls of the turn and of this one so far.
func (s *Sink) Cause() Cause {
	s.record.mu.Lock()
	c := s.record.cause
	s.record.mu.Unlock()
	c.Failed = slices.Clone(c.Failed)
	var failed, skipped call.Attempt // the latest of each
	for a := range s.record.log.All {
		switch {
		case a.Kind == string(KindPreview): // no reason to fall back
		case a.Outcome == call.Failed && a.Kind != string(KindHedgeLost):
			failed = *a
			if !slices.Contains(c.Failed, a.Model) {
				c.Failed = append(c.Failed, a.Model)
			}
		case a.Outcome != call.OK && (a.Reason != "" || a.ErrorCode() != ""):
			skipped = *a
		}
	}
	if failed.Outcome != "" {
		c.Code, c.Reason = failed.ErrorCode(), failed.Reason
	}
	if c.Code == "" && c.Reason == "" {
		c.Code, c.Reason = skipped.ErrorCode(), skipped.Reason
	}
	return c
}
