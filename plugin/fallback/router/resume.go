package router

import (
	"fmt"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/clone"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/tokens"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// resumed is a text that another model continues when one is cut off. The consumer
// is shown only the text beyond the text so far. Each byte of an attempt is compared
// once.
type resumed struct {
	*run
	shown   strings.Builder // the text that the consumer has been shown, without thoughts
	began   bool            // the consumer has been shown something, thoughts included
	alone   bool            // the attempt in progress has shown all of it
	over    bool            // an attempt has added to the text and then diverged
	cut     int             // the target that was cut off first, if oneMore
	oneMore bool
	paid    *tokens.Usage // of the attempts before this one

	// Of the attempt in progress.
	fork      *stream.Sink
	number    int64         // see Sink.Begun
	told      *tokens.Usage // what it has told of its tokens
	given     string        // the text that it was given to continue, without white space at its end
	gap       string        // that white space
	early     string        // the beginning of its continuation, if it may be repeating gap; not in at
	opening   bool          // its continuation has not gone beyond gap
	undecided bool          // it may be repeating given: its text so far is a prefix of it
	restated  bool          // it has repeated given
	at        int           // length of its text so far, within shown
	added     bool          // it has added to the text
	other     bool          // it has diverged from the text
}

// trailing is the white space that some APIs refuse, and some adapters remove, at the end of a
// text to continue. The model then begins with its own.
const trailing = " \t\r\n"

// canPrefill reports whether a model that continues texts can continue this one. A model that
// is held to JSON begins a new value instead.
func (c *resumed) canPrefill(req *model.LLMRequest) bool {
	return len(req.Tools) == 0 && (req.Config == nil || len(req.Config.Tools) == 0) && request.IsForText(req) &&
		strings.TrimRight(c.shown.String(), trailing) != ""
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
	if c.targets[i].traits.Prefill && c.canPrefill(c.req) {
		given := strings.TrimRight(c.shown.String(), trailing)
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
	c.given, c.gap, c.added, c.other, c.number = given, "", false, false, 0
	if given != "" {
		c.gap = c.shown.String()[len(given):]
	}
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
		c.number, c.at, c.undecided, c.restated, c.alone = n, 0, c.given != "", false, !c.began
		c.opening, c.early = false, ""
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
	rest, ok := c.beyond(request.Text(resp.Content))
	if !ok {
		c.other = true
		return false
	}
	if part := request.WithText(resp, rest); part != nil {
		return c.pass(part, rest)
	}
	c.fork.Shown = c.added
	return true
}

// pass shows the consumer a response whose text is new.
func (c *resumed) pass(resp *model.LLMResponse, rest string) bool {
	c.shown.WriteString(rest)
	c.began, c.added = true, c.added || rest != ""
	return c.fork.Pass(resp)
}

// beyond returns the part of text, the attempt's next piece, that goes beyond the
// text shown. ok is false if the attempt has diverged.
func (c *resumed) beyond(text string) (rest string, ok bool) {
	if c.undecided {
		n := min(len(text), len(c.given)-c.at)
		switch c.undecided = false; {
		case text[:n] != c.given[c.at:c.at+n]: // a continuation that began like the text
			text, c.at, c.opening = c.given[:c.at]+text, len(c.given), true
		case c.at+n < len(c.given):
			c.at, c.undecided = c.at+n, true
			return "", true
		default:
			text, c.at, c.restated = text[n:], len(c.given), true
		}
	}
	if c.opening {
		text = c.early + text
		if len(text) < len(c.gap) && strings.HasPrefix(c.gap, text) {
			c.early = text
			return "", true
		}
		c.opening, c.early = false, ""
		c.at += len(c.unspoken(text))
	}
	shown := c.shown.String()
	n := min(len(text), len(shown)-c.at)
	if text[:n] != shown[c.at:c.at+n] {
		return "", false
	}
	c.at += len(text)
	return text[n:], true
}

// unspoken returns the white space between the text that the attempt was given and its
// continuation that the continuation does not have.
func (c *resumed) unspoken(continuation string) string {
	if strings.HasPrefix(continuation, c.gap) {
		return ""
	}
	return c.gap
}

// finish passes on a final response, which has the whole text of the attempt. If no
// other attempt has shown anything, the response is passed on unchanged.
func (c *resumed) finish(resp *model.LLMResponse) bool {
	if c.began && !c.alone {
		whole := request.Text(resp.Content)
		missing := c.given + c.unspoken(whole)
		if c.restated || c.undecided && strings.HasPrefix(whole, c.given) {
			missing = ""
		}
		rest, ok := strings.CutPrefix(missing+whole, c.shown.String())
		if !ok {
			c.other = true
			return false
		}
		if rest != "" && !c.pass(&model.LLMResponse{Content: genai.NewContentFromText(rest, genai.RoleModel), ModelVersion: resp.ModelVersion, Partial: true}, rest) {
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
