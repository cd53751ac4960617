package peers

import (
	"context"
	"errors"
	"fmt"
	"strings"

	bifrost "github.com/maximhq/bifrost/core"
	"github.com/maximhq/bifrost/core/schemas"
)

// account configures bifrost with one provider for each target, all of them
// OpenAI's protocol at a base URL of their own.
type account struct{ targets []string }

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
			network.BaseURL, network.AllowPrivateNetwork = target, true
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
	bifrost *bifrost.Bifrost
	targets int
}

func newBifrost(targets ...string) (Client, error) {
	b, err := bifrost.Init(context.Background(), schemas.BifrostConfig{
		Account: account{targets}, Logger: bifrost.NewDefaultLogger(schemas.LogLevelError),
	})
	if err != nil {
		return nil, err
	}
	return &bifrostClient{b, len(targets)}, nil
}

func (c *bifrostClient) Close() { c.bifrost.Shutdown() }

func message(role schemas.ChatMessageRole, text string) schemas.ChatMessage {
	return schemas.ChatMessage{Role: role, Content: &schemas.ChatMessageContent{ContentStr: &text}}
}

// request is made anew for each call: bifrost keeps it and may change it.
func (c *bifrostClient) request() *schemas.BifrostChatRequest {
	req := &schemas.BifrostChatRequest{
		Provider: provider(0), Model: Model, Input: []schemas.ChatMessage{
			message(schemas.ChatMessageRoleSystem, system),
			message(schemas.ChatMessageRoleUser, "Hello"),
			message(schemas.ChatMessageRoleAssistant, earlier),
			message(schemas.ChatMessageRoleUser, question),
		},
	}
	for i := 1; i < c.targets; i++ {
		req.Fallbacks = append(req.Fallbacks, schemas.Fallback{Provider: provider(i), Model: Model})
	}
	return req
}

func (c *bifrostClient) Call(ctx context.Context, stream bool) (string, error) {
	bctx, cancel := schemas.NewBifrostContextWithCancel(ctx)
	defer cancel()
	if stream {
		return c.stream(bctx)
	}
	resp, failed := c.bifrost.ChatCompletionRequest(bctx, c.request())
	if failed != nil {
		return "", asError(failed)
	}
	if len(resp.Choices) == 0 || resp.Choices[0].ChatNonStreamResponseChoice == nil {
		return "", errors.New("peers: bifrost returns no choice")
	}
	return *resp.Choices[0].Message.Content.ContentStr, nil
}

func (c *bifrostClient) stream(ctx *schemas.BifrostContext) (string, error) {
	req := c.request()
	include := true
	req.Params = &schemas.ChatParameters{StreamOptions: &schemas.ChatStreamOptions{IncludeUsage: &include}}
	chunks, failed := c.bifrost.ChatCompletionStreamRequest(ctx, req)
	if failed != nil {
		return "", asError(failed)
	}
	var text strings.Builder
	for chunk := range chunks {
		if chunk.BifrostError != nil {
			return "", asError(chunk.BifrostError)
		}
		if chunk.BifrostChatResponse == nil {
			continue
		}
		for _, choice := range chunk.BifrostChatResponse.Choices {
			if delta := choice.ChatStreamResponseChoice; delta != nil && delta.Delta != nil && delta.Delta.Content != nil {
				text.WriteString(*delta.Delta.Content)
			}
		}
	}
	return text.String(), nil
}

func asError(failed *schemas.BifrostError) error {
	if failed.Error == nil {
		return errors.New("peers: bifrost fails and does not say why")
	}
	return fmt.Errorf("peers: bifrost: %s", failed.Error.Message)
}
