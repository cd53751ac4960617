package responses

import (
	"fmt"
	"slices"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/plainjson"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/wireschema"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai/internal/api"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai/internal/responses/wire"
)

// minOutputTokens is the least that the API accepts as max_output_tokens.
// https://github.com/openai/openai-openapi
const minOutputTokens = 16

// encode returns the body for req, and the names that calls have in the
// answer. Nothing is stored at the server: the session holds the conversation.
func (m *Model) encode(req *model.LLMRequest, stream bool) ([]byte, api.Names, error) {
	in := input{reasoning: reasoning{host: m.host()}}
	if err := in.add(req.Contents); err != nil {
		return nil, nil, err
	}
	stored := false
	body := &wire.Request{Model: m.server.ModelName(req.Model), Input: in.items, Store: &stored, Stream: stream}
	if config := req.Config; config != nil {
		body.Instructions = api.Instruction(config.SystemInstruction)
		applySettings(body, config)
		if err := applyTools(body, config, &in.names); err != nil {
			return nil, nil, err
		}
		if err := applyFormat(body, config); err != nil {
			return nil, nil, err
		}
	}
	switch levels := m.thinkingLevels(req); {
	case levels != nil && len(levels) == 0:
		body.Reasoning = nil // refused by a model that does not reason, and so is its encrypted form
	case levels != nil || body.Reasoning != nil:
		body.Include = append(body.Include, wire.IncludeEncryptedReasoning)
	}
	data, err := plainjson.Marshal(body)
	if err != nil {
		return nil, nil, fmt.Errorf("openai: the request is no JSON: %w", err)
	}
	return data, in.names, nil
}

// applySettings sets the settings that the API has. It has no stop sequences,
// penalties, seeds, top_k or several candidates.
func applySettings(body *wire.Request, config *genai.GenerateContentConfig) {
	body.Temperature, body.TopP = api.Number(config.Temperature), api.Number(config.TopP)
	if n := int64(config.MaxOutputTokens); n > 0 {
		n = max(n, minOutputTokens)
		body.MaxOutputTokens = &n
	}
	if config.ResponseLogprobs {
		body.Include = append(body.Include, wire.IncludeLogprobs)
		if config.Logprobs != nil {
			n := min(max(int64(*config.Logprobs), 0), 20)
			body.TopLogprobs = &n
		}
	}
	if thinking := config.ThinkingConfig; thinking != nil {
		reasoning := wire.Reasoning{Effort: api.Effort(thinking)}
		if thinking.IncludeThoughts {
			reasoning.Summary = "auto"
		}
		if reasoning != (wire.Reasoning{}) {
			body.Reasoning = &reasoning
		}
	}
	body.Metadata = api.Metadata(config.Labels)
}

// applyTools sets the functions, and how the model chooses among them.
func applyTools(body *wire.Request, config *genai.GenerateContentConfig, names *api.Names) error {
	functions, choice, err := api.Functions(config, names)
	if err != nil {
		return err
	}
	for i := range functions {
		f := &functions[i]
		body.Tools = append(body.Tools, wire.Tool{Type: "function", Name: f.Name, Description: f.Description, Parameters: f.Parameters, Strict: &f.Strict})
	}
	switch choice {
	case api.None:
		body.ToolChoice = "none"
	case api.One:
		body.ToolChoice = &wire.ToolChoice{Type: "function", Name: functions[0].Name}
	case api.Any:
		body.ToolChoice = "required"
	}
	return nil
}

// applyFormat sets the form of the text.
func applyFormat(body *wire.Request, config *genai.GenerateContentConfig) error {
	schema, err := api.AnswerSchema(config)
	if err != nil {
		return err
	}
	if schema == nil {
		if config.ResponseMIMEType == "application/json" {
			body.Text = &wire.Text{Format: &wire.Format{Type: "json_object"}}
			sayJSON(body)
		}
		return nil
	}
	form, strict := wireschema.Strict(schema.JSON)
	if !strict {
		form = schema.JSON
	}
	text, err := schema.Text(form)
	if err != nil {
		return err
	}
	body.Text = &wire.Text{Format: &wire.Format{Type: "json_schema", Name: schema.Name, Schema: text, Strict: &strict}}
	return nil
}

// sayJSON makes sure that the input has the word JSON: without it the API refuses
// the form json_object. Whether instructions count is not established.
func sayJSON(body *wire.Request) {
	for _, item := range body.Input {
		for _, part := range item.Content {
			if item.Role != "assistant" && request.SaysJSON(part.Text) {
				return
			}
		}
	}
	body.Input = slices.Insert(body.Input, 0, wire.Item{
		Type: wire.ItemMessage, Role: "system",
		Content: wire.Content{{Type: wire.PartInputText, Text: "Answer in JSON."}},
	})
}

// thinkingLevels returns the levels of the model that req is for: none for one
// that does not reason, nil for one that is not known.
func (m *Model) thinkingLevels(req *model.LLMRequest) []string {
	if req.Model == "" || req.Model == m.target.Model {
		return m.levels
	}
	other := m.target
	other.Model = req.Model
	return other.Accepts().ThinkingLevels
}
