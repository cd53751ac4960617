package router

import (
	"context"
	"sync"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/adaptive"
	"github.com/adk-fallback/adk-fallback/internal/group"
	"github.com/adk-fallback/adk-fallback/internal/stream"
)

// watch is one call of an arm whose share moves by itself. A nil *watch does nothing.
type watch struct {
	share    *adaptive.Share
	arm      int
	streamed bool
	started  time.Time
	fork     *stream.Sink // of the arm's layer
	timer    *time.Timer  // calls slow; nil if no limit is known

	mu    sync.Mutex
	heard time.Duration // guarded by mu; to the first content, 0 before
	late  bool          // guarded by mu; counted as bad, because it is slow
}

// newWatch begins to watch a call of an arm. It returns nil if share is nil.
func newWatch(share *adaptive.Share, arm int, streamed bool) *watch {
	if share == nil {
		return nil
	}
	w := &watch{share: share, arm: arm, streamed: streamed, started: time.Now()}
	if limit, ok := share.SlowAfter(arm, streamed); ok {
		// The timer's goroutine ends at once. A call counts as soon as it is slow: the
		// share must not wait for calls that do not end.
		w.timer = time.AfterFunc(limit, w.slow)
	}
	return w
}

// ask makes the call, of layer.
func (w *watch) ask(ctx context.Context, layer stream.Layer, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	if w == nil {
		return group.Ask(ctx, layer, req, streamed, out)
	}
	w.fork = out.Fork(w.take)
	defer w.fork.Join()
	defer w.stop()
	return group.Ask(ctx, layer, req, streamed, w.fork)
}

// take passes on a response. A fork holds back what comes before the first content.
func (w *watch) take(resp *model.LLMResponse) bool {
	w.hear()
	return w.fork.Pass(resp)
}

// hear notes the first content.
func (w *watch) hear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.heard == 0 {
		w.heard = max(time.Since(w.started), 1)
		w.stop()
	}
}

func (w *watch) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// slow counts the call as bad.
func (w *watch) slow() {
	w.mu.Lock()
	late := w.heard == 0
	w.late = late
	w.mu.Unlock()
	if late {
		w.share.Add(w.arm, 1, 1)
	}
}

// ended counts the call, unless it was counted when it was slow. counts is what it counts
// for its arm.
func (w *watch) ended(counts Counts) {
	if w == nil {
		return
	}
	w.mu.Lock()
	heard, late := w.heard, w.late
	w.heard = max(heard, 1) // too late to be slow
	w.mu.Unlock()
	bad := counts.Errors + counts.Fallbacks
	if bad == 0 && heard > 0 && (!late || w.arm != 0) {
		w.share.Measure(w.arm, w.streamed, heard)
	}
	if !late {
		w.share.Add(w.arm, counts.Calls, bad)
	}
}
