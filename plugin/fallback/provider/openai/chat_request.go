package openai

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/internal/wireschema"
)

// encodeChat returns the body for req, and the names that calls have in the
// answer.
func (m *Model) encodeChat(req *model.LLMRequest, stream bool) ([]byte, wireNames, error) {
	e := chatEncoder{m: m, dialect: m.dialect(req), body: openaiwire.Chat{Model: m.modelName(req), Stream: stream}}
	if stream && !e.dialect.noStreamOptions {
		e.body.StreamOptions = &openaiwire.ChatStreamOptions{IncludeUsage: true}
	}
	config := req.Config
	if config == nil {
		config = &genai.GenerateContentConfig{}
	}
	if err := e.messages(config.SystemInstruction, req.Contents); err != nil {
		return nil, nil, err
	}
	e.settings(config)
	if err := e.tools(config); err != nil {
		return nil, nil, err
	}
	if err := e.format(config); err != nil {
		return nil, nil, err
	}
	return e.body.Append(nil), e.names, nil
}

// dialect returns how req is written for m's server.
func (m *Model) dialect(req *model.LLMRequest) *dialect {
	if req.Model == "" || req.Model == m.name {
		return &m.spoken
	}
	d := dialectOf(m.target.Endpoint, req.Model, m.azure)
	return &d
}

// chatEncoder builds one request.
type chatEncoder struct {
	m       *Model
	dialect *dialect
	body    openaiwire.Chat
	names   wireNames
	pending []openaiwire.ChatPart // media of calls, to stand behind their results
}

func (e *chatEncoder) settings(config *genai.GenerateContentConfig) {
	body := &e.body
	body.Temperature, body.TopP = shortest(config.Temperature), shortest(config.TopP)
	body.PresencePenalty, body.FrequencyPenalty = shortest(config.PresencePenalty), shortest(config.FrequencyPenalty)
	if config.TopK != nil && *config.TopK >= 1 {
		k := int64(*config.TopK)
		body.TopK = &k
	}
	if n := int64(config.MaxOutputTokens); n > 0 {
		if e.dialect.maxCompletionTokens {
			body.MaxCompletionTokens = n
		} else {
			body.MaxTokens = n
		}
	}
	if config.CandidateCount > 1 {
		body.N = int64(config.CandidateCount)
	}
	body.Stop = slices.DeleteFunc(slices.Clone(config.StopSequences), func(s string) bool { return s == "" })
	if config.Seed != nil {
		seed := int64(*config.Seed)
		switch {
		case e.dialect.randomSeed:
			body.RandomSeed = &seed
		case !e.dialect.noSeed:
			body.Seed = &seed
		}
	}
	if config.ResponseLogprobs {
		body.Logprobs = true
		if config.Logprobs != nil {
			body.TopLogprobs = min(max(int64(*config.Logprobs), 0), 20)
		}
	}
	if config.ThinkingConfig != nil {
		e.effort(responsesEffort(config.ThinkingConfig))
	}
	if slices.ContainsFunc(config.ResponseModalities, func(s string) bool { return !strings.EqualFold(s, "text") }) {
		for _, modality := range config.ResponseModalities {
			body.Modalities = append(body.Modalities, strings.ToLower(modality))
		}
	}
	if e.dialect.metadata {
		body.Metadata = metadataOf(config.Labels)
	}
}

func (e *chatEncoder) effort(effort string) {
	if effort == "none" && e.dialect.thinkingSwitch {
		e.body.Extra = map[string]json.RawMessage{"thinking": json.RawMessage(`{"type":"disabled"}`)}
		return
	}
	e.body.ReasoningEffort = effort
}

// tools sets the functions, and how the model chooses among them. A request
// without functions has no list of them: an empty one is refused.
func (e *chatEncoder) tools(config *genai.GenerateContentConfig) error {
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
			declared, err := responsesTool(function, &e.names)
			if err != nil {
				return err
			}
			parameters, err := marshal(declared.Parameters)
			if err != nil {
				return fmt.Errorf("openai: the parameters of %q: %w", function.Name, err)
			}
			e.body.Tools = append(e.body.Tools, openaiwire.ChatTool{Function: openaiwire.ChatDeclaration{
				Name: declared.Name, Description: declared.Description, Parameters: parameters,
				Strict: e.dialect.strict && declared.Strict != nil && *declared.Strict,
			}})
		}
	}
	if choice == nil || len(e.body.Tools) == 0 {
		return nil
	}
	switch {
	case choice.Mode == genai.FunctionCallingConfigModeNone:
		e.body.ToolChoice = json.RawMessage(`"none"`)
	case choice.Mode != genai.FunctionCallingConfigModeAny:
	case e.dialect.forced != "":
		e.body.ToolChoice = json.RawMessage(`"` + e.dialect.forced + `"`)
	case len(choice.AllowedFunctionNames) == 1:
		e.body.ToolChoice = openaiwire.ForcedTool(e.body.Tools[0].Function.Name)
	default:
		e.body.ToolChoice = json.RawMessage(`"required"`)
	}
	return nil
}

// format sets the form of the text.
func (e *chatEncoder) format(config *genai.GenerateContentConfig) error {
	var schema any = config.ResponseJsonSchema
	if schema == nil && config.ResponseSchema != nil {
		schema = config.ResponseSchema
	}
	if schema == nil && config.ResponseMIMEType == "application/json" {
		e.jsonObject()
		return nil
	}
	if schema == nil {
		return nil
	}
	converted, err := wireschema.JSON(schema)
	if err != nil {
		return fmt.Errorf("openai: the response schema: %w", err)
	}
	strict := false
	if e.dialect.strict {
		var conformant map[string]any
		if conformant, strict = wireschema.Strict(converted); strict {
			converted = conformant
		}
	}
	data, err := marshal(converted)
	if err != nil {
		return fmt.Errorf("openai: the response schema: %w", err)
	}
	if e.dialect.noJSONSchema {
		e.instruct("Answer with a JSON object that follows this JSON Schema, and nothing else:\n" + string(data))
		e.body.ResponseFormat = &openaiwire.ChatFormat{Type: "json_object"}
		return nil
	}
	name := "response"
	if title, isText := converted["title"].(string); isText && title != "" {
		name = allowedID(title, maxNameLength)
	}
	e.body.ResponseFormat = &openaiwire.ChatFormat{Type: "json_schema", JSONSchema: &openaiwire.ChatSchema{Name: name, Schema: data, Strict: strict}}
	return nil
}

// jsonObject asks for JSON without a schema.
func (e *chatEncoder) jsonObject() {
	if e.dialect.noJSONObject {
		e.body.ResponseFormat = &openaiwire.ChatFormat{Type: "json_schema", JSONSchema: &openaiwire.ChatSchema{
			Name: "response", Schema: json.RawMessage(`{"type":"object"}`),
		}}
		return
	}
	e.body.ResponseFormat = &openaiwire.ChatFormat{Type: "json_object"}
	// Without the word JSON in a message the server refuses the request.
	for i := range e.body.Messages {
		content := &e.body.Messages[i].Content
		if saysJSON(content.Text) || slices.ContainsFunc(content.Parts, func(p openaiwire.ChatPart) bool { return saysJSON(p.Text) }) {
			return
		}
	}
	e.instruct("Answer in JSON.")
}

func saysJSON(text string) bool { return strings.Contains(strings.ToLower(text), "json") }
