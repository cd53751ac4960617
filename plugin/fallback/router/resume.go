package router

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// resume lets target i continue the text that the consumer has been shown.
func (r *run) resume(ctx context.Context, i int, req *model.LLMRequest, streamed bool) error {
	shown := r.out.ShownText()
	if r.traits[i].Prefill && !hasTools(req) {
		continued := request.Clone(req)
		continued.Contents = append(continued.Contents, genai.NewContentFromText(shown, genai.RoleModel))
		c := &continuation{out: r.out, shown: shown, text: shown}
		err := c.pass(ctx, r.targets[i], continued, streamed)
		if err == nil || c.passed || ctx.Err() != nil {
			return err
		}
		// It does not take a started answer: let it answer from the start.
	}
	c := &continuation{out: r.out, shown: shown}
	return c.pass(ctx, r.targets[i], req, streamed)
}

func hasTools(req *model.LLMRequest) bool {
	return len(req.Tools) > 0 || req.Config != nil && len(req.Config.Tools) > 0
}

// continuation passes on, of the text that a model sends, what goes beyond the
// text shown before.
type continuation struct {
	out    *stream.Sink
	shown  string // what the consumer has seen
	text   string // the model's answer so far, with what it was given to continue
	passed bool   // something new has reached the consumer
	other  bool   // the answer is another text
}

func (c *continuation) pass(ctx context.Context, target stream.Layer, req *model.LLMRequest, streamed bool) error {
	prefix := c.text
	fork := c.out.Fork(nil)
	fork.SetYield(func(resp *model.LLMResponse, _ error) bool {
		c.out.Model, c.out.Notes = fork.Model, fork.Notes
		return c.take(prefix, resp)
	})
	err := ask(ctx, target, req, streamed, fork)
	if c.other {
		return fmt.Errorf("%w: %s", ErrDiverged, target.Name())
	}
	return err
}

// take handles one response of the model, whose text so far is c.text.
func (c *continuation) take(prefix string, resp *model.LLMResponse) bool {
	if resp.CustomMetadata[call.KeyRestart] == true {
		c.text = prefix // a router further in begins again
		return true
	}
	if resp.Partial {
		c.text += textOf(resp.Content)
		if !agree(c.text, c.shown) {
			c.other = true
			return false
		}
		return c.extend(c.text)
	}
	whole := prefix + textOf(resp.Content)
	if !strings.HasPrefix(whole, c.shown) {
		c.other = true
		return false
	}
	if !c.extend(whole) {
		return false
	}
	final := *resp
	if prefix != "" { // the model sent only the rest
		final.Content = withText(resp.Content, whole)
	}
	c.passed = true
	return c.out.Send(&final)
}

// extend passes on what text has beyond what was shown.
func (c *continuation) extend(text string) bool {
	if len(text) <= len(c.shown) {
		return true
	}
	rest := genai.NewContentFromText(text[len(c.shown):], genai.RoleModel)
	c.shown, c.passed = text, true
	return c.out.Send(&model.LLMResponse{Content: rest, Partial: true})
}

// agree tells whether one text is the beginning of the other.
func agree(a, b string) bool {
	n := min(len(a), len(b))
	return a[:n] == b[:n]
}

// textOf is the answer in content: its text without thoughts.
func textOf(content *genai.Content) string {
	if content == nil {
		return ""
	}
	if len(content.Parts) == 1 && content.Parts[0] != nil && !content.Parts[0].Thought {
		return content.Parts[0].Text
	}
	var text strings.Builder
	for _, part := range content.Parts {
		if part != nil && !part.Thought {
			text.WriteString(part.Text)
		}
	}
	return text.String()
}

// withText returns content with text in place of its own.
func withText(content *genai.Content, text string) *genai.Content {
	replaced := &genai.Content{Role: genai.RoleModel, Parts: []*genai.Part{{Text: text}}}
	if content != nil {
		replaced.Role = content.Role
		for _, part := range content.Parts {
			if part != nil && (part.Text == "" || part.Thought) {
				replaced.Parts = append(replaced.Parts, part)
			}
		}
	}
	return replaced
}
