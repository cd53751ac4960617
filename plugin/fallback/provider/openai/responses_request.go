package openai

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/wireschema"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai/internal/responses/wire"
)

// minOutputTokens is the least that the API accepts as max_output_tokens.
// https://github.com/openai/openai-openapi
const minOutputTokens = 16

// encodeResponses returns the body for req, and the names that calls have in the
// answer. Nothing is stored at the server: the session holds the conversation.
func (m *Model) encodeResponses(req *model.LLMRequest, stream bool) ([]byte, wireNames, error) {
	input := responsesInput{reasoning: reasoning{host: m.host()}}
	if err := input.add(req.Contents); err != nil {
		return nil, nil, err
	}
	stored := false
	body := &wire.Request{Model: m.modelName(req), Input: input.items, Store: &stored, Stream: stream}
	if config := req.Config; config != nil {
		body.Instructions = textOf(config.SystemInstruction)
		applySettings(body, config)
		if err := applyTools(body, config, &input.names); err != nil {
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
	data, err := marshal(body)
	if err != nil {
		return nil, nil, fmt.Errorf("openai: the request is no JSON: %w", err)
	}
	return data, input.names, nil
}

// textOf returns the text of a system instruction.
func textOf(content *genai.Content) string {
	if content == nil {
		return ""
	}
	var texts []string
	for _, part := range content.Parts {
		if part != nil && part.Text != "" && !part.Thought {
			texts = append(texts, part.Text)
		}
	}
	return strings.Join(texts, "\n")
}

// applySettings sets the settings that the API has. It has no stop sequences,
// penalties, seeds, top_k or several candidates.
func applySettings(body *wire.Request, config *genai.GenerateContentConfig) {
	body.Temperature, body.TopP = shortest(config.Temperature), shortest(config.TopP)
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
		reasoning := wire.Reasoning{Effort: responsesEffort(thinking)}
		if thinking.IncludeThoughts {
			reasoning.Summary = "auto"
		}
		if reasoning != (wire.Reasoning{}) {
			body.Reasoning = &reasoning
		}
	}
	body.Metadata = metadataOf(config.Labels)
}

// shortest returns f as the number that it was written as: 0.7, not
// 0.699999988079071.
func shortest(f *float32) *float64 {
	if f == nil {
		return nil
	}
	n, err := strconv.ParseFloat(strconv.FormatFloat(float64(*f), 'g', -1, 32), 64)
	if err != nil {
		return nil
	}
	return &n
}

// responsesEffort returns the effort for a thinking level or, as a guess, for a
// budget. "" leaves it to the model.
func responsesEffort(thinking *genai.ThinkingConfig) string {
	switch level := thinking.ThinkingLevel; {
	case level == genai.ThinkingLevelUnspecified:
	case level != "":
		return strings.ToLower(string(level))
	}
	switch budget := thinking.ThinkingBudget; {
	case budget == nil || *budget < 0:
		return ""
	case *budget == 0:
		return "none"
	case *budget <= 2048:
		return "low"
	case *budget <= 8192:
		return "medium"
	}
	return "high"
}

// metadataOf returns labels as far as the API takes them: 16 pairs, keys of 64
// and values of 512 characters.
// https://github.com/openai/openai-python
func metadataOf(labels map[string]string) map[string]string {
	if len(labels) == 0 {
		return nil
	}
	metadata := make(map[string]string, min(len(labels), 16))
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		if len(metadata) < 16 && len(key) <= 64 && len(labels[key]) <= 512 {
			metadata[key] = labels[key]
		}
	}
	return metadata
}

// applyTools sets the functions, and how the model chooses among them.
func applyTools(body *wire.Request, config *genai.GenerateContentConfig, names *wireNames) error {
	var choice *genai.FunctionCallingConfig
	if config.ToolConfig != nil {
		choice = config.ToolConfig.FunctionCallingConfig
	}
	for _, tool := range config.Tools {
		if tool == nil {
			continue
		}
		for _, function := range tool.FunctionDeclarations {
			if function == nil || !isChoosable(function.Name, choice) {
				continue
			}
			declared, err := responsesTool(function, names)
			if err != nil {
				return err
			}
			body.Tools = append(body.Tools, declared)
		}
	}
	if choice == nil || len(body.Tools) == 0 {
		return nil
	}
	switch {
	case choice.Mode == genai.FunctionCallingConfigModeNone:
		body.ToolChoice = "none"
	case choice.Mode == genai.FunctionCallingConfigModeAny && len(choice.AllowedFunctionNames) == 1:
		body.ToolChoice = &wire.ToolChoice{Type: "function", Name: body.Tools[0].Name}
	case choice.Mode == genai.FunctionCallingConfigModeAny:
		body.ToolChoice = "required"
	}
	return nil
}

// isChoosable reports whether the model may call a function. Where only some may
// be called, the others are not declared: not every server knows a choice among
// several.
func isChoosable(name string, choice *genai.FunctionCallingConfig) bool {
	if choice == nil || choice.Mode != genai.FunctionCallingConfigModeAny || len(choice.AllowedFunctionNames) == 0 {
		return true
	}
	return slices.Contains(choice.AllowedFunctionNames, name)
}

func responsesTool(function *genai.FunctionDeclaration, names *wireNames) (wire.Tool, error) {
	var schema any = function.ParametersJsonSchema
	if schema == nil && function.Parameters != nil {
		schema = function.Parameters
	}
	parameters, err := wireschema.JSON(schema)
	if err != nil {
		return wire.Tool{}, fmt.Errorf("openai: the parameters of %q: %w", function.Name, err)
	}
	if parameters == nil {
		parameters = map[string]any{}
	}
	// A schema without these is refused, with invalid_function_parameters.
	if parameters["type"] == nil {
		parameters["type"] = "object"
	}
	if parameters["properties"] == nil && parameters["type"] == "object" {
		parameters["properties"] = map[string]any{}
	}
	// Strict mode is for those who write their schemas for it.
	strict := false
	if parameters["additionalProperties"] == false {
		_, strict = wireschema.Strict(parameters)
	}
	return wire.Tool{
		Type: "function", Name: names.wire(function.Name), Description: function.Description, Parameters: parameters, Strict: &strict,
	}, nil
}

// applyFormat sets the form of the text.
func applyFormat(body *wire.Request, config *genai.GenerateContentConfig) error {
	var schema any = config.ResponseJsonSchema
	if schema == nil && config.ResponseSchema != nil {
		schema = config.ResponseSchema
	}
	if schema == nil {
		if config.ResponseMIMEType == "application/json" {
			body.Text = &wire.Text{Format: &wire.Format{Type: "json_object"}}
			sayJSON(body)
		}
		return nil
	}
	converted, err := wireschema.JSON(schema)
	if err != nil {
		return fmt.Errorf("openai: the response schema: %w", err)
	}
	strict, ok := wireschema.Strict(converted)
	if ok {
		converted = strict
	}
	name := "response"
	if title, isText := converted["title"].(string); isText && title != "" {
		name = allowedID(title, maxNameLength)
	}
	body.Text = &wire.Text{Format: &wire.Format{Type: "json_schema", Name: name, Schema: converted, Strict: &ok}}
	return nil
}

// sayJSON makes sure that the input has the word JSON: without it the API refuses
// the form json_object. Whether instructions count is not established.
func sayJSON(body *wire.Request) {
	for _, item := range body.Input {
		for _, part := range item.Content {
			if item.Role != "assistant" && saysJSON(part.Text) {
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
	if req.Model == "" || req.Model == m.name {
		return m.levels
	}
	other := m.target
	other.Model = req.Model
	return other.Accepts().ThinkingLevels
}
