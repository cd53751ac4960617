package middleware

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/check"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/tokens"
	"github.com/adk-fallback/adk-fallback/internal/trim"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// TrimMark is the text that stands in a request where Trim has cut out the middle of the
// history, in a content of the user's role.
const TrimMark = trim.Mark

// TrimConfig says how much a model takes. Window is required.
type TrimConfig struct {
	// Window is how many tokens of input the model takes: system instruction, tools and
	// history. If the window also holds the answer, set Output.
	Window int
	// Output returns how many tokens of the window the answer to a request may need. A
	// request that is trimmed leaves them free. Nil means none.
	Output func(req *model.LLMRequest) int
	// OnlyOverflow refuses a request that fits as it is. Then the model can stand behind
	// the other targets of a router a second time, trimmed, and is called only if the
	// whole request fits none of them; see NewTrim.
	OnlyOverflow bool
}

// NewTrim returns a middleware that cuts out the middle of a history that does not fit
// the model's window. The system instruction, the tools, the user's first message and the
// current turn are kept. The cut is one piece of whole turns, or of a turn's earlier
// calls of functions with their responses; a call is never parted from its response.
// TrimMark stands in its place. The caller's request is not changed. If the model is a
// fallback, "fallback_adapted" has "history".
//
// If what must be kept does not fit, the model is not called: the error is a
// *RefusedError by "trim", a verdict to fall back.
//
// The length of a request is estimated, about four characters a token, and corrected by
// the model's own counts of earlier requests. A cut is larger than needed by up to an
// eighth of the window, so that it stays at its place for some turns and the provider's
// prompt cache stays useful.
//
// Trim goes outside of Limit and Budget, which estimate the request too. To try a larger
// window first, put the trimmed model behind the others:
//
//	trimmed := middleware.MustTrim(middleware.TrimConfig{Window: 32_000, OnlyOverflow: true})
//	m, err := router.NewFallback(router.Config{Guards: []guard.Guard{guard.ContextWindow}},
//		router.Describe(small, router.Traits{ContextWindow: 32_000}),
//		router.Describe(large, router.Traits{ContextWindow: 200_000}),
//		trimmed(small), // without a ContextWindow, which the guard would hold against it
//	)
//
// The error names every wrong field.
func NewTrim(config TrimConfig) (Middleware, error) {
	if config.Window <= 0 {
		return nil, fmt.Errorf("middleware: TrimConfig.Window is %d; must be 1 or more", config.Window)
	}
	return func(m model.LLM) model.LLM {
		check.Model("middleware: Trim", m)
		l := &trimmed{Around: stream.Around{Inner: stream.Of(m)}, config: config}
		if config.OnlyOverflow {
			return stream.Forward(&overflow{l}, m)
		}
		return stream.Forward(l, m)
	}, nil
}

// MustTrim is NewTrim, but panics on an error.
func MustTrim(config TrimConfig) Middleware { return check.Must(NewTrim(config)) }

// trimmed is the layer around one model.
type trimmed struct {
	stream.Around
	config TrimConfig
	scale  tokens.Scale
}

// overflow is a trimmed model that a router may have beside the same model untrimmed.
type overflow struct{ *trimmed }

// Absent implements stream.Optional: it is part of every call, and refuses those for
// which it is not needed.
func (*overflow) Absent(context.Context) bool { return false }

func (l *trimmed) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(l, ctx, req, streamed)
}

func (l *trimmed) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	if out.AsksNoModel() {
		return l.Inner.Do(ctx, req, streamed, out)
	}
	estimated := tokens.Estimate(req)
	if l.wasTooLong(out) {
		l.scale.TooLong(estimated, l.config.Window)
	}
	sent, reason := l.fit(req, estimated)
	if reason != "" {
		return &RefusedError{By: "trim", Model: l.Name(), Reason: reason}
	}
	if sent != req {
		estimated = tokens.Estimate(sent)
		out.Enter(trimNote{}, stream.Ticket{})
		defer out.Leave()
	}
	before := out.Begun()
	err := l.Inner.Do(ctx, sent, streamed, out)
	switch usage := out.Usage(); {
	case out.Begun() == before: // no attempt was made
	case err != nil && stream.VerdictOf(ctx, err).Kind == failure.KindContextLength:
		l.scale.TooLong(estimated, l.config.Window)
	case err == nil && usage != nil:
		l.scale.Learn(estimated, int(usage.PromptTokenCount))
	}
	return err
}

// fit returns req, or a shorter copy, or why there is none.
func (l *trimmed) fit(req *model.LLMRequest, estimated int) (sent *model.LLMRequest, reason string) {
	budget := l.scale.Estimate(l.config.Window - l.output(req))
	switch {
	case l.config.OnlyOverflow && estimated <= l.scale.Estimate(l.config.Window):
		return nil, "the request fits without trimming"
	case estimated <= budget:
		return req, ""
	}
	own := *req
	own.Contents = nil
	fixed := tokens.Estimate(&own)
	contents, ok := trim.History(req.Contents, budget-fixed, tokens.OfContent)
	if !ok {
		return nil, fmt.Sprintf("the request does not fit its window of %d tokens without the middle of the history either", l.config.Window)
	}
	own.Contents = contents
	return &own, ""
}

// output returns how many tokens to leave free for an answer, at most half of the window.
func (l *trimmed) output(req *model.LLMRequest) int {
	if l.config.Output == nil {
		return 0
	}
	return min(max(l.config.Output(req), 0), l.config.Window/2)
}

// wasTooLong reports whether the model has refused this call's request for its length
// already, in an earlier place of a router.
func (l *trimmed) wasTooLong(out *stream.Sink) bool {
	attempts, _ := out.Attempts()
	for _, a := range attempts {
		if a.Kind == string(failure.KindContextLength) && a.Model == l.Name() {
			return true
		}
	}
	return false
}

// trimNote writes to the answer's notes that the history was trimmed.
type trimNote struct{}

// Answered implements stream.Tap.
func (trimNote) Answered(out *stream.Sink, _ *model.LLMResponse, _ stream.Ticket) (enough bool) {
	out.Notes.Adapted = strings.TrimPrefix(out.Notes.Adapted+"\n"+"history", "\n")
	return true
}
