package chat

import (
	"encoding/json"
	"slices"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/wireschema"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai/internal/api"
)

// encode returns the body for req, and the names that calls have in the
// answer.
func (m *Model) encode(req *model.LLMRequest, stream bool) ([]byte, api.Names, error) {
	e := encoder{m: m, dialect: m.dialect(req), body: openaiwire.Chat{Model: m.server.ModelName(req.Model), Stream: stream}}
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
	if req.Model == "" || req.Model == m.target.Model {
		return &m.spoken
	}
	d := dialectOf(m.target.Endpoint, req.Model, m.azure)
	return &d
}

// encoder builds one request.
type encoder struct {
	m       *Model
	dialect *dialect
	body    openaiwire.Chat
	names   api.Names
	pending []openaiwire.ChatPart // media of calls, to stand behind their results
}

func (e *encoder) settings(config *genai.GenerateContentConfig) {
	body := &e.body
	body.Temperature, body.TopP = api.Number(config.Temperature), api.Number(config.TopP)
	body.PresencePenalty, body.FrequencyPenalty = api.Number(config.PresencePenalty), api.Number(config.FrequencyPenalty)
	if config.TopK != nil && *config.TopK >= 1 {
		k := int64(*config.TopK)
		body.TopK = &k
	}
	if n := int64(config.MaxOutputTokens); n > 0 {
		if e.dialect.maxCompletionTokens {
			body.MaxCompletionTokens = &n
		} else {
			body.MaxTokens = &n
		}
	}
	if config.CandidateCount > 1 {
		n := int64(config.CandidateCount)
		body.N = &n
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
		e.effort(api.Effort(config.ThinkingConfig))
	}
	if slices.ContainsFunc(config.ResponseModalities, func(s string) bool { return !strings.EqualFold(s, "text") }) {
		for _, modality := range config.ResponseModalities {
			body.Modalities = append(body.Modalities, strings.ToLower(modality))
		}
	}
	if e.dialect.metadata {
		body.Metadata = api.Metadata(config.Labels)
	}
}

func (e *encoder) effort(effort string) {
	if effort == "none" && e.dialect.thinkingSwitch {
		e.body.Extra = map[string]json.RawMessage{"thinking": json.RawMessage(`{"type":"disabled"}`)}
		return
	}
	e.body.ReasoningEffort = effort
}

// tools sets the functions, and how the model chooses among them. A request
// without functions has no list of them: an empty one is refused.
func (e *encoder) tools(config *genai.GenerateContentConfig) error {
	functions, choice, err := api.Functions(config, &e.names)
	if err != nil {
		return err
	}
	for _, function := range functions {
		e.body.Tools = append(e.body.Tools, openaiwire.ChatTool{Function: openaiwire.ChatDeclaration{
			Name: function.Name, Description: function.Description, Parameters: function.Parameters, Strict: e.dialect.strict && function.Strict,
		}})
	}
	switch {
	case choice == api.Free:
	case choice == api.None:
		e.body.ToolChoice = json.RawMessage(`"none"`)
	case e.dialect.forced != "":
		e.body.ToolChoice = json.RawMessage(`"` + e.dialect.forced + `"`)
	case choice == api.One:
		e.body.ToolChoice = openaiwire.ForcedTool(functions[0].Name)
	default:
		e.body.ToolChoice = json.RawMessage(`"required"`)
	}
	return nil
}

// format sets the form of the text.
func (e *encoder) format(config *genai.GenerateContentConfig) error {
	schema, err := api.AnswerSchema(config)
	if err != nil {
		return err
	}
	if schema == nil {
		if config.ResponseMIMEType == "application/json" {
			e.jsonObject()
		}
		return nil
	}
	form, strict := schema.JSON, false
	if e.dialect.strict {
		if conformant, ok := wireschema.Strict(form); ok {
			form, strict = conformant, true
		}
	}
	data, err := schema.Text(form)
	if err != nil {
		return err
	}
	if e.dialect.noJSONSchema {
		e.instruct("Answer with a JSON object that follows this JSON Schema, and nothing else:\n" + string(data))
		e.body.ResponseFormat = &openaiwire.ChatFormat{Type: "json_object"}
		return nil
	}
	e.body.ResponseFormat = &openaiwire.ChatFormat{Type: "json_schema", JSONSchema: &openaiwire.ChatSchema{Name: schema.Name, Schema: data, Strict: strict}}
	return nil
}

// jsonObject asks for JSON without a schema.
func (e *encoder) jsonObject() {
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
		if request.SaysJSON(content.Text) || slices.ContainsFunc(content.Parts, func(p openaiwire.ChatPart) bool { return request.SaysJSON(p.Text) }) {
			return
		}
	}
	e.instruct("Answer in JSON.")
}
