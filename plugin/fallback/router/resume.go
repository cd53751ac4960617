package router

import (
	"fmt"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/clone"
	"github.com/adk-fallback/adk-fallback/internal/continuation"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/tokens"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// resumed is a text that another model continues when one is cut off. The consumer
// is shown only the text beyond the text so far; see package continuation.
type resumed struct {
	*run
	text    continuation.Text
	began   bool // the consumer has been shown something, thoughts included
	alone   bool // the attempt in progress has shown all of it
	over    bool // an attempt has added to the text and then diverged
	cut     int  // the target that was cut off first, if oneMore
	oneMore bool
	paid    *tokens.Usage // of the attempts before this one

	// Of the attempt in progress.
	fork     *stream.Sink
	compared *continuation.Attempt
	number   int64         // see Sink.Begun
	told     *tokens.Usage // the tokens that it has reported
	added    bool          // it has added to the text
	other    bool          // it has diverged from the text
}

// given returns the text for a model that continues texts, or "" if none can continue this
// one. A model that is held to JSON begins a new value instead.
func (c *resumed) given() string {
	if len(c.req.Tools) > 0 || c.req.Config != nil && len(c.req.Config.Tools) > 0 || !request.IsForText(c.req) {
		return ""
	}
	return c.text.Given()
}

// again reports whether the target that was cut off first may be called once more.
func (c *resumed) again(target *int) bool {
	if !c.oneMore {
		return false
	}
	c.oneMore, *target = false, c.cut
	return true
}

// ask calls target i. The target continues the text if it can, or else answers from
// the start.
func (c *resumed) ask(i int) error {
	before := c.began
	if given := c.given(); given != "" && c.targets[i].traits.Prefill {
		if err := c.attempt(i, c.prefilled(given), given); err == nil || c.added || !c.refusesPrefill(err) {
			return err
		}
	}
	err := c.attempt(i, c.req, "")
	if err != nil && c.began && !before {
		c.cut, c.oneMore = i, true
	}
	return err
}

// prefilled returns the request with the beginning of the answer.
func (c *resumed) prefilled(given string) *model.LLMRequest {
	req := clone.Request(c.req)
	req.Contents = append(req.Contents, genai.NewContentFromText(given, genai.RoleModel))
	return req
}

// refusesPrefill reports whether a model may have failed because of the prefill.
func (c *resumed) refusesPrefill(err error) bool {
	if c.ctx.Err() != nil {
		return false
	}
	switch stream.VerdictOf(c.ctx, err).Kind {
	case failure.KindInvalid, failure.KindUnsupported, failure.KindUnknown:
		return true
	}
	return false
}

// attempt calls target i and passes on the text that its answer adds.
func (c *resumed) attempt(i int, req *model.LLMRequest, given string) error {
	before := c.out.Notes
	c.compared, c.added, c.other, c.number = c.text.Attempt(given), false, false, 0
	c.fork = c.out.Fork(c.take)
	c.fork.Continuous, c.fork.Resumes, c.fork.Compared = false, false, true // a retry may start over
	err := c.targets[i].Do(c.ctx, req, c.streamed, c.fork)
	c.fork.Join()
	if c.fork.Begun() != c.number {
		c.pay() // for an attempt before the latest, which has sent nothing
	}
	c.told = c.fork.Usage()
	c.pay()
	if !c.other {
		return err
	}
	c.over = c.added
	c.out.Disown(before)
	return c.diverged()
}

// diverged returns the error of an attempt whose text differs from the text shown.
func (c *resumed) diverged() error {
	v := failure.Verdict{
		Action: failure.Fallback, Kind: failure.KindRejected, Scope: failure.ScopeRequest, Reason: "its answer does not continue what was shown",
	}
	return c.out.Reject(fmt.Errorf("%w: %s", ErrDiverged, c.fork.Model), v)
}

// pay adds the tokens of an attempt that has ended to those paid.
func (c *resumed) pay() {
	if c.began {
		c.paid = tokens.Sum(c.paid, c.told)
	}
	c.told = nil
}

// take handles one response of the attempt.
func (c *resumed) take(resp *model.LLMResponse) bool {
	if n := c.fork.Begun(); n != c.number {
		c.pay() // a layer within has tried again
		c.compared.Restart()
		c.number, c.alone = n, !c.began
	}
	if resp.UsageMetadata != nil {
		c.told = resp.UsageMetadata
	}
	if c.out.Final {
		return c.fork.Pass(resp) // it follows the final answer, such as a function call in its own response
	}
	if !resp.Partial {
		return c.finish(resp)
	}
	if resp.CustomMetadata[call.KeyRestart] == true {
		return true // the attempt that follows is compared from its start
	}
	if resp.CustomMetadata[call.KeyNotice] != nil {
		return c.fork.Pass(resp) // not the model's own text
	}
	beyond, ok := c.compared.Add(request.Text(resp.Content))
	if !ok {
		c.other = true
		return false
	}
	if part := request.WithText(resp, beyond); part != nil {
		return c.pass(part, beyond)
	}
	c.fork.Shown = c.added
	return true
}

// pass shows the consumer a response whose text is new.
func (c *resumed) pass(resp *model.LLMResponse, text string) bool {
	c.began, c.added = true, c.added || text != ""
	return c.fork.Pass(resp)
}

// finish passes on a final response, which has the whole text of the attempt. If no
// other attempt has shown anything, the response is passed on unchanged.
func (c *resumed) finish(resp *model.LLMResponse) bool {
	if c.began && !c.alone {
		missing, beyond, ok := c.compared.End(request.Text(resp.Content))
		if !ok {
			c.other = true
			return false
		}
		if beyond != "" && !c.pass(&model.LLMResponse{Content: genai.NewContentFromText(beyond, genai.RoleModel), ModelVersion: resp.ModelVersion, Partial: true}, beyond) {
			return false
		}
		final := *resp
		final.Content = request.Prepended(resp.Content, missing)
		final.UsageMetadata = tokens.Sum(resp.UsageMetadata, c.paid)
		resp = &final
	}
	c.added = true
	return c.fork.Pass(resp)
}
