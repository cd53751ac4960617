package middleware

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/check"
	"github.com/adk-fallback/adk-fallback/internal/match"
	"github.com/adk-fallback/adk-fallback/internal/queue"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/tokens"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// Defaults of LimitConfig.
const (
	DefaultMaxQueue     = 100
	DefaultMaxQueueWait = 10 * time.Second
)

// LimitConfig bounds the calls to one target. A limit of 0 means no limit; at least
// one must be set.
type LimitConfig struct {
	// RequestsPerMinute is how fast calls may start. It is a bucket of that size, full
	// at first and refilled evenly: after a pause that many calls may start at once.
	RequestsPerMinute int
	// TokensPerMinute is how fast input tokens may be sent, also a bucket. Tokens are
	// estimated before the call: one for every four bytes of texts, function calls
	// and declarations, and 1,000 for an image. The provider's own count replaces the
	// estimate once the answer is there. Output is not counted: Gemini limits the
	// input (https://ai.google.dev/gemini-api/docs/rate-limits).
	TokensPerMinute int
	// MaxConcurrent is how many calls may be in progress, including abandoned models
	// that ignored their cancellation.
	MaxConcurrent int

	// MaxQueue is how many calls may wait. In a full queue, a call of a higher priority
	// replaces the latest call of the lowest. 0 means DefaultMaxQueue.
	MaxQueue int
	// MaxWait is how long a call may wait. A call that would wait longer is refused at
	// once. 0 means DefaultMaxQueueWait; a nanosecond means that no call waits.
	MaxWait time.Duration
	// Priorities ranks waiting calls by their call.Info.Priority: higher ranks first,
	// equal ranks in order of arrival. Case does not matter, so two spellings of one
	// priority are an error. Priorities not listed rank 0. A rank may be negative.
	Priorities map[string]int

	// Adaptive halves the limits, down to a tenth, when the provider reports that they
	// are exceeded (a rate limit, or no capacity). After each ten seconds without such
	// a failure, the first answer raises them by a tenth of the configured limit. A
	// failure of a call that started before the limits were halved does not halve
	// them again.
	Adaptive bool

	// State, if set, shares RequestsPerMinute and TokensPerMinute with the limits of other
	// replicas in front of the same model: all together keep them. MaxConcurrent, the queue
	// and Adaptive are each replica's own. Nil means that nothing is shared.
	State *state.Shared
	// StateKey says which models are the same to State. "" means the model's name.
	StateKey string
}

// NewLimit returns a middleware that makes calls wait when its model is at a limit. A
// call is refused with a *RefusedError, whose verdict is to fall back, if the queue is
// full, if its turn would come too late, or if it needs more tokens than a minute has.
// The caller's cancellation ends the wait at once. The error names every wrong field.
func NewLimit(config LimitConfig) (Middleware, error) {
	problems := []error{
		check.NotNegative("middleware: LimitConfig.RequestsPerMinute", config.RequestsPerMinute, "0 for no limit, or more"),
		check.NotNegative("middleware: LimitConfig.TokensPerMinute", config.TokensPerMinute, "0 for no limit, or more"),
		check.NotNegative("middleware: LimitConfig.MaxConcurrent", config.MaxConcurrent, "0 for no limit, or more"),
		check.NotNegative("middleware: LimitConfig.MaxQueue", config.MaxQueue, fmt.Sprintf("0 for %d, or more", DefaultMaxQueue)),
		check.NotNegative("middleware: LimitConfig.MaxWait", config.MaxWait, fmt.Sprintf("0 for %v, or more", DefaultMaxQueueWait)),
	}
	if config.RequestsPerMinute == 0 && config.TokensPerMinute == 0 && config.MaxConcurrent == 0 {
		problems = append(problems, errors.New("middleware: LimitConfig: no limit is set; set RequestsPerMinute, TokensPerMinute or MaxConcurrent above 0"))
	}
	priorities, err := check.Folded("middleware: LimitConfig.Priorities", config.Priorities)
	if err := errors.Join(append(problems, err)...); err != nil {
		return nil, err
	}
	config.MaxQueue = cmp.Or(config.MaxQueue, DefaultMaxQueue)
	config.MaxWait = cmp.Or(config.MaxWait, DefaultMaxQueueWait)
	config.Priorities = priorities
	return func(m model.LLM) model.LLM {
		check.Model("middleware: Limit", m)
		l := &limit{Around: stream.Around{Inner: stream.Of(m)}, config: &config}
		limits := queue.Limits{
			RequestsPerMinute: config.RequestsPerMinute, TokensPerMinute: config.TokensPerMinute, MaxConcurrent: config.MaxConcurrent,
			MaxQueue: config.MaxQueue, MaxWait: config.MaxWait,
		}
		if l.share(); l.requests != nil || l.tokens != nil {
			limits.Gate = l.gate
		}
		l.queue = queue.New(limits)
		return stream.Forward(l, m)
	}, nil
}

// MustLimit is NewLimit, but panics on an error.
func MustLimit(config LimitConfig) Middleware { return check.Must(NewLimit(config)) }

type limit struct {
	stream.Around
	config *LimitConfig // defaults filled in
	queue  *queue.Queue

	requests, tokens *state.SharedBucket // nil if not shared, or without that limit
}

func (l *limit) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(l, ctx, req, streamed)
}

func (l *limit) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	if out.AsksNoModel() {
		return l.Inner.Do(ctx, req, streamed, out)
	}
	estimated := l.estimate(req)
	if !l.requests.Ready(1) || !l.tokens.Ready(estimated) { // the call will wait; inner layers request what they need meanwhile
		defer out.Ahead(ctx, l.Inner, req)()
	}
	round, err := l.enter(ctx, estimated, out)
	if err != nil {
		return err
	}
	ticket := stream.Ticket{uint64(round), uint64(estimated), uint64(out.Stragglers())}
	out.Enter(l, ticket)
	var ended queue.Feedback
	defer func() { // also when a consumer panics
		if answered := out.Leave(); !answered {
			l.leave(out, ticket, ended, 0)
		}
	}()
	err = l.Inner.Do(ctx, req, streamed, out)
	if l.config.Adaptive {
		ended = feedback(ctx, err)
	}
	return err
}

// estimate returns the tokens of a request, 0 if they are not limited.
func (l *limit) estimate(req *model.LLMRequest) int {
	if l.config.TokensPerMinute == 0 {
		return 0
	}
	return max(tokens.Estimate(req), 1)
}

// enter lets a call start, as soon as the limits allow it.
func (l *limit) enter(ctx context.Context, estimated int, out *stream.Sink) (round int, err error) {
	var after time.Duration
	passed, ok := l.passed(ctx, estimated, out), false
	if passed {
		round, ok = l.queue.EnterPassed(estimated)
	} else {
		round, after, ok = l.queue.Enter(ctx, estimated)
	}
	if ok {
		return round, nil
	}
	if passed {
		l.putBack(estimated)
	}
	out.DropAhead() // a call holds nothing while it waits for its turn
	started := time.Now()
	rank := l.config.Priorities[match.Fold(call.From(ctx).Priority)]
	round, err = l.queue.Wait(ctx, rank, estimated, after, func(then time.Time) bool { return out.Ends(ctx, then) })
	switch refusal, refused := err.(*queue.Refusal); {
	case refused:
		return 0, &RefusedError{By: "limit", Model: l.Name(), Reason: refusal.Reason, Until: refusal.Until}
	case err != nil:
		return 0, stream.Ended(ctx)
	}
	out.Wait += time.Since(started)
	return round, nil
}

// Answered implements stream.Tap. A call gives its place back before the consumer gets
// the answer: ADK runs tools and other agents while it holds the answer, and their
// calls may need the place.
func (l *limit) Answered(out *stream.Sink, resp *model.LLMResponse, t stream.Ticket) (enough bool) {
	estimated := int(t[1])
	ended, more := queue.Unknown, 0
	if l.config.Adaptive {
		ended = queue.Kept
	}
	if usage := resp.UsageMetadata; estimated > 0 && usage != nil && usage.PromptTokenCount > 0 {
		more = int(usage.PromptTokenCount) - estimated
	}
	l.tokens.Settle(more)
	l.leave(out, t, ended, more)
	return true
}

// leave ends the call that entered with t. Its abandoned models still run at the
// provider, so it keeps its place until they have ended.
func (l *limit) leave(out *stream.Sink, t stream.Ticket, ended queue.Feedback, more int) {
	if earlier := int(t[2]); out.Stragglers() > earlier {
		out.WhenEnded(earlier, func() { l.queue.Leave(int(t[0]), ended, more) })
		return
	}
	l.queue.Leave(int(t[0]), ended, more)
}

// feedback returns what the end of a call shows about the provider's limits.
func feedback(ctx context.Context, err error) queue.Feedback {
	if err == nil {
		return queue.Kept
	}
	switch stream.VerdictOf(ctx, err).Kind {
	case failure.KindRateLimit, failure.KindCapacity:
		return queue.Exceeded
	}
	return queue.Unknown
}
