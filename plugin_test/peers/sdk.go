package peers

import (
	"context"
	"errors"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/shared"
)

// sdk is the official SDK with its retries off. It has no failover of its own, so this
// is the loop that a user would write.
type sdk struct {
	targets  []openai.Client
	pool     *floor // owns the connections
	params   openai.ChatCompletionNewParams
	streamed bool
}

func newSDK(s *Site) (Client, error) { return newOpenAI(s) }

func newOpenAI(s *Site) (*sdk, error) {
	pool, err := newPool(s)
	if err != nil {
		return nil, err
	}
	c := &sdk{pool: pool, streamed: s.Chunks > 0}
	for _, m := range s.conversation() {
		as := openai.UserMessage[string]
		switch m.by {
		case bySystem:
			as = openai.SystemMessage[string]
		case byModel:
			as = openai.AssistantMessage[string]
		}
		c.params.Messages = append(c.params.Messages, as(m.text))
	}
	for _, name := range s.tools() {
		c.params.Tools = append(c.params.Tools, openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
			Name: name, Description: openai.String(toolText), Parameters: toolSchema(),
		}))
	}
	if c.streamed {
		c.params.StreamOptions.IncludeUsage = openai.Bool(true)
	}
	for _, target := range s.Targets {
		c.targets = append(c.targets, openai.NewClient(
			option.WithBaseURL(target.URL+"/v1/"), option.WithAPIKey("sk-test"), option.WithMaxRetries(0), option.WithHTTPClient(pool.client)))
	}
	c.params.Model = s.Targets[0].Name
	return c, nil
}

// toolSchema is the schema of every tool's parameters as JSON Schema.
func toolSchema() map[string]any {
	return map[string]any{"type": "object", "properties": map[string]any{
		"city": map[string]any{"type": "string", "description": cityText}, "day": map[string]any{"type": "string", "description": dayText},
	}}
}

func (c *sdk) Close() { c.pool.Close() }

func (c *sdk) Call(ctx context.Context, show func(string)) (err error) {
	for _, target := range c.targets {
		var answer *openai.ChatCompletion
		if c.streamed {
			err = c.stream(ctx, target, show)
		} else if answer, err = c.whole(ctx, target); err == nil {
			show(answer.Choices[0].Message.Content)
		}
		if err == nil {
			return nil
		}
	}
	return err
}

func (c *sdk) whole(ctx context.Context, target openai.Client) (*openai.ChatCompletion, error) {
	resp, err := target.Chat.Completions.New(ctx, c.params)
	if err == nil && len(resp.Choices) == 0 {
		err = errors.New("peers: the SDK returns no choice")
	}
	return resp, err
}

func (c *sdk) stream(ctx context.Context, target openai.Client, show func(string)) error {
	chunks := target.Chat.Completions.NewStreaming(ctx, c.params)
	defer chunks.Close()
	for chunks.Next() {
		for _, choice := range chunks.Current().Choices {
			if choice.Delta.Content != "" {
				show(choice.Delta.Content)
			}
		}
	}
	return chunks.Err()
}
