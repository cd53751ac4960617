//go:build !noframeworks

package peers

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/cloudwego/eino/adk"
	"github.com/cloudwego/eino/components/model"
	"github.com/cloudwego/eino/schema"
)

// einoClient is eino's ChatModelAgent, the only part of eino that retries and fails
// over.
type einoClient struct {
	agent  *adk.ChatModelAgent
	input  *adk.AgentInput
	option adk.AgentRunOption
}

func newEino(s *Site) (Client, error) {
	c := &einoClient{input: &adk.AgentInput{EnableStreaming: s.Chunks > 0}}
	config := &adk.ChatModelAgentConfig{Name: "peers"}
	for _, m := range s.conversation() {
		switch m.by {
		case bySystem:
			config.Instruction = m.text
		case byUser:
			c.input.Messages = append(c.input.Messages, schema.UserMessage(m.text))
		case byModel:
			c.input.Messages = append(c.input.Messages, schema.AssistantMessage(m.text, nil))
		}
	}
	var tools []*schema.ToolInfo
	for _, name := range s.tools() {
		tools = append(tools, &schema.ToolInfo{Name: name, Desc: toolText, ParamsOneOf: schema.NewParamsOneOfByParams(map[string]*schema.ParameterInfo{
			"city": {Type: schema.String, Desc: cityText}, "day": {Type: schema.String, Desc: dayText},
		})})
	}
	// Tools of the agent would be a graph that is compiled for each call.
	c.option = adk.WithChatModelOptions([]model.Option{model.WithTools(tools)})
	var models []model.BaseChatModel
	for _, target := range s.Targets {
		models = append(models, newEinoModel(s, target))
	}
	config.Model = models[0]
	config.ModelRetryConfig = &adk.ModelRetryConfig{
		MaxRetries: maxRetries,
		// Another target is available at once, so none is called again.
		ShouldRetry: func(context.Context, *adk.RetryContext) *adk.RetryDecision { return nil },
	}
	if len(models) > 1 {
		config.ModelFailoverConfig = &adk.ModelFailoverConfig[*schema.Message]{
			MaxRetries:     uint(len(models) - 1),
			ShouldFailover: func(_ context.Context, _ *schema.Message, err error) bool { return err != nil },
			GetFailoverModel: func(_ context.Context, at *adk.FailoverContext[*schema.Message]) (model.BaseChatModel, []*schema.Message, error) {
				return models[at.FailoverAttempt], nil, nil
			},
		}
	}
	var err error
	c.agent, err = adk.NewChatModelAgent(context.Background(), config)
	return c, err
}

// Call shows what the agent's events say.
func (c *einoClient) Call(ctx context.Context, show func(string)) error {
	events := c.agent.Run(ctx, c.input, c.option)
	for event, ok := events.Next(); ok; event, ok = events.Next() {
		if event.Err != nil {
			return event.Err
		}
		if event.Output == nil || event.Output.MessageOutput == nil {
			continue
		}
		output := event.Output.MessageOutput
		if !output.IsStreaming {
			show(output.Message.Content)
			continue
		}
		if err := received(output.MessageStream, show); err != nil {
			return err
		}
	}
	return nil
}

func received(chunks *schema.StreamReader[*schema.Message], show func(string)) error {
	defer chunks.Close()
	for {
		chunk, err := chunks.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		show(chunk.Content)
	}
}

// Close does nothing: an agent holds nothing.
func (c *einoClient) Close() {}

// einoModel is a target that answers from memory, as eino's model.
type einoModel struct {
	*Target
	chunks []*schema.Message
	whole  schema.Message
	fails  error
}

func newEinoModel(s *Site, target *Target) *einoModel {
	m := &einoModel{Target: target, fails: target.err(), whole: *schema.AssistantMessage(strings.Join(s.Text, ""), nil)}
	for _, chunk := range s.Text {
		m.chunks = append(m.chunks, schema.AssistantMessage(chunk, nil))
	}
	return m
}

// Generate returns a copy, since eino writes into the answer.
func (m *einoModel) Generate(context.Context, []*schema.Message, ...model.Option) (*schema.Message, error) {
	m.calls.Add(1)
	if m.fails != nil {
		return nil, m.fails
	}
	answer := m.whole
	return &answer, nil
}

func (m *einoModel) Stream(context.Context, []*schema.Message, ...model.Option) (*schema.StreamReader[*schema.Message], error) {
	m.calls.Add(1)
	if m.fails != nil {
		return nil, m.fails
	}
	return schema.StreamReaderFromArray(m.chunks), nil
}
