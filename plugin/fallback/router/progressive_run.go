package router

import (
	"context"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// progress is one call with a preview. The model and the preview hand their responses to
// the caller's goroutine; only that goroutine uses out.
type progress struct {
	out     *stream.Sink
	items   chan stream.Item
	answer  *stream.Detached
	preview *stream.Detached
	limited context.Context         // of the preview
	cancel  context.CancelCauseFunc // of limited
	release []context.CancelFunc    // of both
}

// previewOver is the cause of a preview's cancelled context.
type previewOver struct{ reason string }

func (e previewOver) Error() string { return "router: preview: " + e.reason }

func (e previewOver) Verdict() failure.Verdict {
	return failure.Verdict{Action: failure.Fail, Kind: KindPreview, Scope: failure.ScopeRequest, Reason: "preview: " + e.reason}
}

// start calls the model and the preview, each on a goroutine that ends when it returns.
func (r *progress) start(ctx context.Context, p *progressive, req *model.LLMRequest) {
	answered, release := context.WithCancel(ctx)
	limited, stop := context.WithTimeoutCause(ctx, p.timeout, previewOver{"it was too slow"})
	r.limited, r.cancel = context.WithCancelCause(limited)
	r.release = append(r.release, release, stop)
	r.answer = r.out.Detach(answered, p.Inner, req, true, r.items)
	r.preview = r.out.Detach(r.limited, p.preview, req, false, r.items)
}

// run passes the preview and the answer on.
func (r *progress) run(ctx context.Context) error {
	for {
		select {
		case item := <-r.items:
			switch {
			case item.From == r.preview:
				if !r.show(item) {
					return nil
				}
			case item.Response == nil:
				r.answer.Sink().Join()
				return item.Err
			default:
				r.stop(previewOver{"the answer has begun"}) // so that it is on record before the answer is
				if !r.answer.Pass(item.Response) {
					return nil
				}
			}
		case <-ctx.Done():
			if r.out.Final {
				return nil
			}
			return stream.Ended(ctx)
		}
	}
}

// show passes on what the preview has said, and reports whether more is wanted. Anything
// that follows it is preceded by the marker of a restart.
func (r *progress) show(item stream.Item) bool {
	resp := item.Response
	if resp == nil {
		return true // it has failed
	}
	d := r.preview
	if r.limited.Err() != nil {
		d.Refuse() // it ignores that it is over
		return true
	}
	name, text := d.Sink().Model, request.Text(resp.Content)
	d.Sink().Aside("preview of the answer")
	d.Refuse()
	if resp.Partial || text == "" || request.CallsFunction(resp.Content) {
		return true
	}
	before := r.out.Model
	r.out.Model = name
	more := r.out.Send(&model.LLMResponse{
		Content: genai.NewContentFromText(text, genai.RoleModel), Partial: true,
		CustomMetadata: map[string]any{call.KeyProvisional: true, call.KeyModelName: name},
	})
	r.out.Restart()
	r.out.Model = before
	return more
}

// stop cancels the preview and leaves it behind.
func (r *progress) stop(cause previewOver) {
	r.cancel(cause)
	r.preview.Leave(r.preview.Lost(cause.Verdict()))
}

// end stops both. The answer is cancelled too: its consumer may have stopped early.
func (r *progress) end(ctx context.Context) {
	r.stop(previewOver{"the call has ended"})
	var cut call.Attempt
	if ctx.Err() != nil && !r.out.Final {
		_, cut = r.answer.Deaf(ctx)
	}
	r.answer.Leave(cut)
	for _, release := range r.release {
		release()
	}
}
