package router

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/check"
	"github.com/adk-fallback/adk-fallback/internal/group"
	"github.com/adk-fallback/adk-fallback/internal/nilcheck"
	"github.com/adk-fallback/adk-fallback/internal/stream"
)

// DefaultPreviewTimeout is the default of [ProgressiveConfig.Timeout].
const DefaultPreviewTimeout = 2 * time.Second

// KindPreview is the kind of an attempt at a preview that failed, was skipped, or was
// cancelled because the answer had begun.
const KindPreview = stream.KindPreview

// ProgressiveConfig says how a preview is called. The zero value is ready to use.
type ProgressiveConfig struct {
	// Timeout is how long a preview may take; a later one is not shown. 0 means
	// DefaultPreviewTimeout.
	Timeout time.Duration
}

// NewProgressive returns a model that shows the answer of preview until m answers. It has
// the name and optional methods of m. preview is, for example, degrade.CachedAnswer,
// degrade.Template or a small fast model.
//
// In a streamed call, preview and m are called at the same time. If preview answers
// first, its text is passed on as one partial response with "provisional" in its
// metadata (call.KeyProvisional). When m has content, a partial response with
// "fallback_restart" tells the consumer to discard the preview, and m's answer follows.
// The final response is m's alone. If m fails, the result is its error: a preview is not
// an answer.
//
// The preview never delays m: it is cancelled when m has content, and ignored if it
// fails, has no text, or calls functions. It is an attempt of the call: it is on record
// under its own name, and layers around it charge it. Unary calls, and calls whose text
// an outer router must not discard (Resume, FailMidStream), have no preview.
//
// Guards of the enclosing routers run for preview; those inside m do not. Limits around
// the returned model count a preview as first content, so put timeouts, retries and
// routers inside m. The model is safe for concurrent use if both models are.
func NewProgressive(config ProgressiveConfig, preview, m model.LLM) (model.LLM, error) {
	var problems []error
	if nilcheck.Model(preview) {
		problems = append(problems, errors.New("router: NewProgressive: preview is nil; must be a model"))
	}
	if nilcheck.Model(m) {
		problems = append(problems, errors.New("router: NewProgressive: m is nil; must be a model"))
	}
	if config.Timeout < 0 {
		problems = append(problems, fmt.Errorf("router: ProgressiveConfig.Timeout: %v is negative; must be 0 (default: %v) or more", config.Timeout, DefaultPreviewTimeout))
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	if config.Timeout == 0 {
		config.Timeout = DefaultPreviewTimeout
	}
	p := &progressive{Around: stream.Around{Inner: stream.Of(m)}, timeout: config.Timeout}
	p.preview = previewed{Layer: stream.Of(preview), root: m.Name()}
	return stream.Forward(p, m), nil
}

// MustProgressive is NewProgressive, but panics on an error.
func MustProgressive(config ProgressiveConfig, preview, m model.LLM) model.LLM {
	return check.Must(NewProgressive(config, preview, m))
}

// progressive is the layer around m.
type progressive struct {
	stream.Around
	preview previewed
	timeout time.Duration
}

// GenerateContent implements model.LLM.
func (p *progressive) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(p, ctx, req, streamed)
}

// Do implements stream.Layer.
func (p *progressive) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	if !streamed || out.Continuous || out.Compared || out.Shown || out.AsksNoModel() {
		return p.Inner.Do(ctx, req, streamed, out)
	}
	r := &progress{out: out, items: make(chan stream.Item)}
	defer r.end(ctx)
	r.start(ctx, p, req)
	return r.run(ctx)
}

// previewed is the layer that calls the preview.
type previewed struct {
	stream.Layer
	root string // the model that the request is made for
}

// Do implements stream.Layer. out is the preview's own.
func (p previewed) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	out.Preview = true
	out.OwnAhead()
	out.Orders = stream.Orders{Guard: out.Guard}
	if out.Root == "" {
		out.Root = p.root
	}
	return group.Ask(ctx, p.Layer, req, streamed, out)
}
