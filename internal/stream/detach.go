package stream

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/clone"
	"github.com/adk-fallback/adk-fallback/internal/panics"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// Detached is a layer on its own goroutine, so that its caller need not wait if it
// ignores its context. The goroutine ends when the layer returns. The layer has a copy
// of the request, because the caller may reuse its own after the call, and a fork of
// the caller's Sink.
type Detached struct {
	name    string
	started time.Time
	fork    *Sink
	to      chan<- Item
	more    chan bool     // the answer to an item: more is wanted
	left    chan struct{} // closed by Leave
	copied  said          // by the layer's copy of the request
	copyOf  said          // by the caller's request

	running int    // the layer, and its own stragglers; guarded by the record's mu
	onEnd   func() // guarded by the record's mu
}

// Item is a response of a detached layer, or, without a response, the result of its
// call.
type Item struct {
	From     *Detached
	Response *model.LLMResponse
	Err      error
}

// Detach starts a call of layer. Its items go to the channel one at a time: the layer
// goes on when the caller has passed or refused a response. The caller must call Leave
// at the end.
func (s *Sink) Detach(ctx context.Context, layer Layer, req *model.LLMRequest, streamed bool, to chan<- Item) *Detached {
	d := &Detached{name: layer.Name(), started: time.Now(), to: to, more: make(chan bool), left: make(chan struct{}), running: 1}
	d.fork = s.Fork(d.hand)
	d.fork.apart, d.fork.detached = true, d
	own := clone.Request(req)
	d.copied, d.copyOf = saidBy(own), saidBy(req)
	go func() {
		err := fmt.Errorf("fallback: %s ended its goroutine", d.name)
		defer func() { d.end(err) }() // also after runtime.Goexit
		err = guarded(ctx, layer, own, streamed, d.fork)
	}()
	return d
}

// end sends the result of the layer to the caller and runs onEnd.
func (d *Detached) end(err error) {
	d.fork.record.mu.Lock()
	d.running += len(d.fork.stragglers)
	d.fork.record.mu.Unlock()
	for _, straggler := range d.fork.stragglers {
		straggler.whenEnded(d.finish)
	}
	d.finish()
	select {
	case d.to <- Item{From: d, Err: err}:
	case <-d.left:
	}
}

// guarded returns a panic of a layer as an error: on our own goroutine it would crash
// the application.
func guarded(ctx context.Context, layer Layer, req *model.LLMRequest, streamed bool, out *Sink) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("fallback: %s panicked: %s", layer.Name(), panics.Text(p))
		}
	}()
	return layer.Do(ctx, req, streamed, out)
}

// hand passes a response to the caller's goroutine and waits until the caller is done
// with it. Meanwhile the layer is blocked, so the caller may use its Sink.
func (d *Detached) hand(resp *model.LLMResponse) bool {
	select {
	case <-d.left:
		return false
	default:
	}
	select {
	case d.to <- Item{From: d, Response: resp}:
	case <-d.left:
		return false
	}
	select {
	case more := <-d.more:
		return more
	case <-d.left:
		return false
	}
}

// Sink returns the fork that the layer writes to. The caller may use it while it holds
// an item of the layer.
func (d *Detached) Sink() *Sink { return d.fork }

// Pass passes a response of the layer to the Sink that it was detached from, and lets
// the layer go on. It reports whether more is wanted.
func (d *Detached) Pass(resp *model.LLMResponse) bool {
	more := d.fork.Pass(resp)
	d.answer(more)
	return more
}

// Refuse drops a response of the layer and stops the layer.
func (d *Detached) Refuse() { d.answer(false) }

// answer lets the layer go on, unless it has been left behind: it may have handed a
// response over at that moment, and does not wait any more.
func (d *Detached) answer(more bool) {
	select {
	case d.more <- more:
	case <-d.left:
	}
}

// Leave leaves the layer behind: from now on it records nothing. An attempt in
// progress is recorded as a, if a has an Outcome.
func (d *Detached) Leave(a call.Attempt) {
	select {
	case <-d.left:
		return
	default:
	}
	close(d.left)
	if d.fork.parent.Final {
		a = call.Attempt{} // the answer is on record
	}
	d.fork.close(a)
	d.fork.record.mu.Lock()
	running := d.running > 0
	d.fork.record.mu.Unlock()
	for p := d.fork.parent; p != nil && running; p = p.parent {
		p.stragglers = append(p.stragglers, d)
		if p.detached != nil {
			break // Sinks further out belong to another goroutine
		}
	}
}

// Deaf is the error of a layer that ignores that ctx has ended, and what is recorded
// of the attempt that it has in progress.
func (d *Detached) Deaf(ctx context.Context) (*AttemptError, call.Attempt) {
	name, since := d.asked()
	failed := newAttemptError(ctx, name, ctx.Err())
	failed.Err = fmt.Errorf("the model ignores its cancellation: %w", failed.Err)
	a := FailedAttempt(name, failed.Means)
	a.Duration = time.Since(since)
	return failed, a
}

// Lost is what is recorded of an attempt that has not ended as its layer has, for the
// reason that v gives.
func (d *Detached) Lost(v failure.Verdict) call.Attempt {
	name, since := d.asked()
	a := FailedAttempt(name, v)
	a.Duration = time.Since(since)
	return a
}

// asked returns the model of the layer's latest attempt, and since when.
func (d *Detached) asked() (name string, since time.Time) {
	d.fork.record.mu.Lock()
	defer d.fork.record.mu.Unlock()
	if d.fork.asked == "" {
		return d.name, d.started
	}
	return d.fork.asked, d.fork.since
}

// Stragglers returns how many layers have been left behind in the call so far.
func (s *Sink) Stragglers() int { return len(s.stragglers) }

// WhenEnded calls f when all stragglers from index since on have returned, or at once
// if there are none. f may run on any goroutine.
func (s *Sink) WhenEnded(since int, f func()) {
	late := s.stragglers[since:]
	if len(late) == 0 {
		f()
		return
	}
	var left atomic.Int32
	left.Store(int32(len(late)))
	for _, d := range late {
		d.whenEnded(func() {
			if left.Add(-1) == 0 {
				f()
			}
		})
	}
}

// whenEnded calls f when the layer and its own stragglers have returned.
func (d *Detached) whenEnded(f func()) {
	mu := &d.fork.record.mu
	mu.Lock()
	if d.running > 0 {
		before := d.onEnd
		d.onEnd = func() {
			if before != nil {
				before()
			}
			f()
		}
		mu.Unlock()
		return
	}
	mu.Unlock()
	f()
}

func (d *Detached) finish() {
	mu := &d.fork.record.mu
	mu.Lock()
	d.running--
	f := d.onEnd
	if d.running > 0 {
		f = nil
	}
	mu.Unlock()
	if f != nil {
		f()
	}
}
