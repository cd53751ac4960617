package group

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/review"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// maxUnchecked bounds the responses that are held back after one with function calls.
const maxUnchecked = 1024

var errUnchecked = errors.New("it goes on too long after a function call")

// askChecked calls a fallback whose answer is checked if it calls functions. The check
// runs when the target has returned, so that the target's limits do not count its time.
func askChecked(ctx context.Context, target stream.Layer, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	before, c := out.Notes, &unchecked{}
	c.fork = out.Fork(c.take)
	reviewed, pending := review.With(ctx)
	err := target.Do(reviewed, req, streamed, c.fork)
	c.fork.Join()
	if len(c.held) == 0 {
		return err
	}
	rejected := c.check(ctx, target, out)
	if ctx.Err() != nil { // nobody waits for what the check has decided
		pending.Reject()
		ended := stream.Ended(ctx)
		out.Reject(ended, stream.VerdictOf(ctx, ended)) // on record, because it is paid for
		return ended
	}
	if rejected == nil {
		c.release()
		return err // it came after the answer
	}
	pending.Reject()
	out.Disown(before)
	return out.Reject(fmt.Errorf("router: the answer of %s is rejected: %w", out.Model, rejected), failure.Verdict{
		Action: failure.Fallback, Kind: failure.KindRejected, Scope: failure.ScopeRequest, Reason: rejected.Error(),
	})
}

// unchecked is the answer of a fallback.
type unchecked struct {
	fork    *stream.Sink
	held    []*model.LLMResponse // from the first final one with function calls on
	tooLong bool                 // more than maxUnchecked
}

// take passes on what calls no function, and holds back the rest.
func (c *unchecked) take(resp *model.LLMResponse) bool {
	switch calls := request.CallsFunction(resp.Content); {
	case len(c.held) == 0 && !calls:
		return c.fork.Pass(resp)
	case resp.Partial && calls:
		return true // it is for display only
	case len(c.held) == maxUnchecked:
		c.tooLong = true
		return false
	}
	c.held = append(c.held, resp)
	return true
}

// check returns why the answer is rejected, or nil.
func (c *unchecked) check(ctx context.Context, target stream.Layer, out *stream.Sink) error {
	if c.tooLong {
		return errUnchecked
	}
	for _, resp := range c.held {
		if resp.Partial {
			continue
		}
		if err := out.Check(ctx, resp, target); err != nil {
			return err
		}
	}
	return nil
}

// release passes on what was held back.
func (c *unchecked) release() {
	for _, resp := range c.held {
		if !c.fork.Pass(resp) {
			return
		}
	}
}
