//go:build !noframeworks

package peers

import (
	"context"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/firebase/genkit/go/ai"
	"github.com/firebase/genkit/go/core/api"
	"github.com/firebase/genkit/go/core/status"
	"github.com/firebase/genkit/go/genkit"
	"github.com/firebase/genkit/go/plugins/compat_oai"
	"github.com/firebase/genkit/go/plugins/middleware"
	v1option "github.com/openai/openai-go/option"
)

// genkitClient is genkit.Generate with its middleware Retry around Fallback.
type genkitClient struct {
	genkit  *genkit.Genkit
	options []ai.GenerateOption
	stream  bool
	pool    *floor // owns the connections; nil in memory
}

func newGenkit(s *Site) (Client, error) {
	c := &genkitClient{stream: s.Chunks > 0}
	models, err := c.define(s)
	if err != nil {
		return nil, err
	}
	var messages []*ai.Message
	for _, m := range s.conversation() {
		as := ai.NewUserTextMessage
		switch m.by {
		case bySystem:
			as = ai.NewSystemTextMessage
		case byModel:
			as = ai.NewModelTextMessage
		}
		messages = append(messages, as(m.text))
	}
	type weather struct {
		City string `json:"city,omitempty" jsonschema_description:"The city, with its country if there are several."`
		Day  string `json:"day,omitempty" jsonschema_description:"The day, as in 2026-05-01."`
	}
	var tools []ai.ToolRef
	for _, name := range s.tools() {
		tools = append(tools, genkit.DefineTool(c.genkit, name, toolText, func(*ai.ToolContext, weather) (string, error) { return "", nil }))
	}
	c.options = []ai.GenerateOption{ai.WithModel(models[0]), ai.WithMessages(messages...)}
	use := []ai.Middleware{&middleware.Retry{MaxRetries: maxRetries, InitialDelayMs: int(baseDelay.Milliseconds()), MaxDelayMs: int(maxDelay.Milliseconds())}}
	if len(models) > 1 {
		use = append(use, &middleware.Fallback{Models: models[1:]})
	}
	c.options = append(c.options, ai.WithUse(use...))
	if tools != nil {
		c.options = append(c.options, ai.WithTools(tools...))
	}
	return c, nil
}

// define registers the targets as models.
func (c *genkitClient) define(s *Site) (models []ai.ModelRef, err error) {
	defer signal.Reset(os.Interrupt, syscall.SIGTERM) // which Init takes
	if !s.Wire {
		c.genkit = genkit.Init(context.Background())
		for _, target := range s.Targets {
			genkit.DefineModelAction(c.genkit, "memory/"+target.Name, &ai.ModelOptions{Supports: &compat_oai.BasicText}, newGenkitModel(s, target))
			models = append(models, ai.NewModelRef("memory/"+target.Name, nil))
		}
		return models, nil
	}
	if c.pool, err = newPool(s); err != nil {
		return nil, err
	}
	var plugins []*compat_oai.OpenAICompatible
	var all []api.Plugin
	for _, target := range s.Targets {
		plugin := &compat_oai.OpenAICompatible{
			Provider: "at-" + target.Name, APIKey: "sk-test", BaseURL: target.URL + "/v1",
			Opts: []v1option.RequestOption{v1option.WithMaxRetries(0), v1option.WithHTTPClient(c.pool.client)},
		}
		plugins, all = append(plugins, plugin), append(all, plugin)
	}
	c.genkit = genkit.Init(context.Background(), genkit.WithPlugins(all...))
	for i, target := range s.Targets {
		m := plugins[i].NewModel(target.Name, ai.ModelOptions{Supports: &compat_oai.BasicText})
		genkit.RegisterAction(c.genkit, m)
		models = append(models, ai.NewModelRef(m.Name(), nil))
	}
	return models, nil
}

func (c *genkitClient) Call(ctx context.Context, show func(string)) error {
	if c.stream {
		options := append(c.options[:len(c.options):len(c.options)], ai.WithStreaming(func(_ context.Context, chunk *ai.ModelResponseChunk) error {
			show(chunk.Text())
			return nil
		}))
		_, err := genkit.Generate(ctx, c.genkit, options...)
		return err
	}
	resp, err := genkit.Generate(ctx, c.genkit, c.options...)
	if err != nil {
		return err
	}
	show(resp.Text())
	return nil
}

// Close frees the connections.
func (c *genkitClient) Close() {
	if c.pool != nil {
		c.pool.Close()
	}
}

// newGenkitModel returns a target that answers from memory, as genkit's model. Genkit
// writes into responses and chunks, so each is new.
func newGenkitModel(s *Site, target *Target) ai.ModelActionFunc[any] {
	fails := target.err()
	switch target.Kind {
	case Down503:
		fails = status.Errorf(status.ErrUnavailable, "%w", fails)
	case Down429:
		fails = status.Errorf(status.ErrResourceExhausted, "%w", fails)
	}
	whole := ai.NewTextPart(strings.Join(s.Text, ""))
	var chunks []*ai.Part
	for _, text := range s.Text {
		chunks = append(chunks, ai.NewTextPart(text))
	}
	return func(ctx context.Context, req *ai.ModelRequest, _ any, show ai.ModelStreamCallback) (*ai.ModelResponse, error) {
		target.calls.Add(1)
		if fails != nil {
			return nil, fails
		}
		if show != nil {
			for _, chunk := range chunks {
				if err := show(ctx, &ai.ModelResponseChunk{Content: []*ai.Part{chunk}}); err != nil {
					return nil, err
				}
			}
		}
		return &ai.ModelResponse{Request: req, Message: &ai.Message{Role: ai.RoleModel, Content: []*ai.Part{whole}}, FinishReason: ai.FinishReasonStop}, nil
	}
}
