//go:build !noframeworks

package peers

import (
	"context"
	"errors"
	"fmt"
	"slices"

	bifrost "github.com/maximhq/bifrost/core"
	"github.com/maximhq/bifrost/core/schemas"
)

// account configures bifrost with one provider for each target, all of them
// OpenAI's protocol at a base URL of their own.
type account struct{ targets []*Target }

func provider(i int) schemas.ModelProvider { return schemas.ModelProvider(fmt.Sprintf("target-%d", i)) }

func (a account) GetConfiguredProviders() (providers []schemas.ModelProvider, _ error) {
	for i := range a.targets {
		providers = append(providers, provider(i))
	}
	return providers, nil
}

func (a account) GetKeysForProvider(context.Context, schemas.ModelProvider) ([]schemas.Key, error) {
	return []schemas.Key{{ID: "key", Name: "key", Value: *schemas.NewSecretVar("sk-test"), Models: schemas.WhiteList{"*"}, Weight: 1}}, nil
}

func (a account) GetConfigForProvider(key schemas.ModelProvider) (*schemas.ProviderConfig, error) {
	for i, target := range a.targets {
		if key == provider(i) {
			network := schemas.DefaultNetworkConfig // no retries
			network.BaseURL, network.AllowPrivateNetwork = target.URL, true
			return &schemas.ProviderConfig{
				NetworkConfig:            network,
				ConcurrencyAndBufferSize: schemas.DefaultConcurrencyAndBufferSize,
				CustomProviderConfig:     &schemas.CustomProviderConfig{BaseProviderType: schemas.OpenAI},
			}, nil
		}
	}
	return nil, fmt.Errorf("peers: bifrost asks for the unknown provider %q", key)
}

// bifrostClient is bifrost in process, with its defaults and no plugin.
type bifrostClient struct {
	bifrost   *bifrost.Bifrost
	messages  []schemas.ChatMessage
	params    schemas.ChatParameters
	fallbacks []schemas.Fallback
	model     string
	stream    bool
}

func newBifrost(s *Site) (Client, error) {
	b, err := bifrost.Init(context.Background(), schemas.BifrostConfig{
		Account: account{s.Targets}, Logger: bifrost.NewDefaultLogger(schemas.LogLevelError),
	})
	if err != nil {
		return nil, err
	}
	c := &bifrostClient{bifrost: b, model: s.Targets[0].Name, stream: s.Chunks > 0}
	for _, m := range s.conversation() {
		role := [...]schemas.ChatMessageRole{bySystem: schemas.ChatMessageRoleSystem, byUser: schemas.ChatMessageRoleUser, byModel: schemas.ChatMessageRoleAssistant}[m.by]
		c.messages = append(c.messages, schemas.ChatMessage{Role: role, Content: &schemas.ChatMessageContent{ContentStr: &m.text}})
	}
	text := func(description string) map[string]any {
		return map[string]any{"type": "string", "description": description}
	}
	for _, name := range s.tools() {
		c.params.Tools = append(c.params.Tools, schemas.ChatTool{Type: schemas.ChatToolTypeFunction, Function: &schemas.ChatToolFunction{
			Name: name, Description: new(toolText), Parameters: &schemas.ToolFunctionParameters{Type: "object", Properties: schemas.NewOrderedMapFromPairs(
				schemas.KV("city", text(cityText)), schemas.KV("day", text(dayText)),
			)},
		}})
	}
	if c.stream {
		c.params.StreamOptions = &schemas.ChatStreamOptions{IncludeUsage: new(true)}
	}
	for i, target := range s.Targets[1:] {
		c.fallbacks = append(c.fallbacks, schemas.Fallback{Provider: provider(i + 1), Model: target.Name})
	}
	return c, nil
}

func (c *bifrostClient) Close() { c.bifrost.Shutdown() }

// request is made anew for each call: bifrost keeps it and may change it.
func (c *bifrostClient) request() *schemas.BifrostChatRequest {
	params := c.params
	return &schemas.BifrostChatRequest{
		Provider: provider(0), Model: c.model, Input: slices.Clone(c.messages), Params: &params, Fallbacks: slices.Clone(c.fallbacks),
	}
}

func (c *bifrostClient) Call(ctx context.Context, show func(string)) error {
	bctx, cancel := schemas.NewBifrostContextWithCancel(ctx)
	defer cancel()
	if c.stream {
		return c.streamed(bctx, show)
	}
	resp, failed := c.bifrost.ChatCompletionRequest(bctx, c.request())
	if failed != nil {
		return asError(failed)
	}
	if len(resp.Choices) == 0 || resp.Choices[0].ChatNonStreamResponseChoice == nil {
		return errors.New("peers: bifrost returns no choice")
	}
	show(*resp.Choices[0].Message.Content.ContentStr)
	return nil
}

func (c *bifrostClient) streamed(ctx *schemas.BifrostContext, show func(string)) error {
	chunks, failed := c.bifrost.ChatCompletionStreamRequest(ctx, c.request())
	if failed != nil {
		return asError(failed)
	}
	for chunk := range chunks {
		if chunk.BifrostError != nil {
			return asError(chunk.BifrostError)
		}
		if chunk.BifrostChatResponse == nil {
			continue
		}
		for _, choice := range chunk.BifrostChatResponse.Choices {
			if delta := choice.ChatStreamResponseChoice; delta != nil && delta.Delta != nil && delta.Delta.Content != nil {
				show(*delta.Delta.Content)
			}
		}
	}
	return nil
}

func asError(failed *schemas.BifrostError) error {
	if failed.Error == nil {
		return errors.New("peers: bifrost fails and does not say why")
	}
	return fmt.Errorf("peers: bifrost: %s", failed.Error.Message)
}
