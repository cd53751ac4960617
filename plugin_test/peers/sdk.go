package peers

import (
	"context"
	"errors"
	"strings"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

// sdk is the official SDK with its retries off. It has no failover of its own: the
// loop that a user writes stands here.
type sdk struct {
	targets []openai.Client
	closed  Client // owns the connections
	params  openai.ChatCompletionNewParams
}

func newSDK(targets ...string) (Client, error) {
	pool, err := newFloor()
	if err != nil {
		return nil, err
	}
	s := &sdk{closed: pool, params: openai.ChatCompletionNewParams{Model: Model, Messages: []openai.ChatCompletionMessageParamUnion{
		openai.SystemMessage(system),
		openai.UserMessage("Hello"),
		openai.AssistantMessage(earlier),
		openai.UserMessage(question),
	}}}
	for _, target := range targets {
		s.targets = append(s.targets, openai.NewClient(
			option.WithBaseURL(target+"/v1/"), option.WithAPIKey("sk-test"), option.WithMaxRetries(0),
			option.WithHTTPClient(pool.(*floor).client)))
	}
	return s, nil
}

func (s *sdk) Close() { s.closed.Close() }

func (s *sdk) Call(ctx context.Context, stream bool) (text string, err error) {
	for _, client := range s.targets {
		if stream {
			text, err = s.stream(ctx, client)
		} else {
			text, err = s.whole(ctx, client)
		}
		if err == nil {
			return text, nil
		}
	}
	return "", err
}

func (s *sdk) whole(ctx context.Context, client openai.Client) (string, error) {
	resp, err := client.Chat.Completions.New(ctx, s.params)
	if err != nil {
		return "", err
	}
	if len(resp.Choices) == 0 {
		return "", errors.New("peers: the SDK returns no choice")
	}
	return resp.Choices[0].Message.Content, nil
}

func (s *sdk) stream(ctx context.Context, client openai.Client) (string, error) {
	params := s.params
	params.StreamOptions.IncludeUsage = openai.Bool(true)
	chunks := client.Chat.Completions.NewStreaming(ctx, params)
	defer chunks.Close()
	var text strings.Builder
	for chunks.Next() {
		for _, choice := range chunks.Current().Choices {
			text.WriteString(choice.Delta.Content)
		}
	}
	return text.String(), chunks.Err()
}
