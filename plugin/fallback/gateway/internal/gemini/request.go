package gemini

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/jsonscan"
	"github.com/adk-fallback/adk-fallback/internal/plainjson"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/protocol"
)

// contentRequest is a GenerateContentRequest. genai's types have the API's names.
// https://ai.google.dev/api/generate-content#request-body
type contentRequest struct {
	Contents          []*genai.Content              `json:"contents"`
	SystemInstruction *genai.Content                `json:"systemInstruction"`
	Tools             []*genai.Tool                 `json:"tools"`
	ToolConfig        *genai.ToolConfig             `json:"toolConfig"`
	SafetySettings    []*genai.SafetySetting        `json:"safetySettings"`
	CachedContent     string                        `json:"cachedContent"`
	Labels            map[string]string             `json:"labels"`
	ModelArmorConfig  *genai.ModelArmorConfig       `json:"modelArmorConfig"`
	ServiceTier       genai.ServiceTier             `json:"serviceTier"`
	OutputConfig      *genai.GenerationOutputConfig `json:"outputConfig"`
	Store             *bool                         `json:"store"`
	ContinuationToken []byte                        `json:"continuationToken"`
	GenerationConfig  *generationConfig             `json:"generationConfig"`

	Model     string   `json:"model"`     // ignored: the path has the model
	Fallbacks []string `json:"fallbacks"` // an extension: models to try after the named one
}

// generationConfig is a GenerationConfig. genai's own type has more fields, such as the server to
// call, which a client must not set.
type generationConfig struct {
	Temperature                *float32                             `json:"temperature"`
	TopP                       *float32                             `json:"topP"`
	TopK                       *float32                             `json:"topK"`
	CandidateCount             *int32                               `json:"candidateCount"`
	MaxOutputTokens            *int32                               `json:"maxOutputTokens"`
	StopSequences              []string                             `json:"stopSequences"`
	ResponseLogprobs           bool                                 `json:"responseLogprobs"`
	Logprobs                   *int32                               `json:"logprobs"`
	PresencePenalty            *float32                             `json:"presencePenalty"`
	FrequencyPenalty           *float32                             `json:"frequencyPenalty"`
	Seed                       *int32                               `json:"seed"`
	ResponseMIMEType           string                               `json:"responseMimeType"`
	ResponseSchema             *genai.Schema                        `json:"responseSchema"`
	ResponseJSONSchema         json.RawMessage                      `json:"responseJsonSchema"`
	RoutingConfig              *genai.GenerationConfigRoutingConfig `json:"routingConfig"`
	ModelConfig                *genai.ModelSelectionConfig          `json:"modelConfig"`
	ResponseModalities         []string                             `json:"responseModalities"`
	MediaResolution            genai.MediaResolution                `json:"mediaResolution"`
	SpeechConfig               *genai.SpeechConfig                  `json:"speechConfig"`
	AudioTimestamp             bool                                 `json:"audioTimestamp"`
	ThinkingConfig             *genai.ThinkingConfig                `json:"thinkingConfig"`
	ImageConfig                *genai.ImageConfig                   `json:"imageConfig"`
	EnableEnhancedCivicAnswers *bool                                `json:"enableEnhancedCivicAnswers"`
}

// Decode returns the request of a body in the canonical form, and the request's own
// fallbacks; nil for none.
func Decode(body []byte) (req *model.LLMRequest, fallbacks []string, p *problem.Problem) {
	var in contentRequest
	body, err := decode(body, &in)
	if err != nil {
		return nil, nil, wrongJSON(err)
	}
	plainjson.KeepNumbers(body, in.Contents)
	keepOrder(body, in.Tools)
	in.Contents = slices.DeleteFunc(in.Contents, func(c *genai.Content) bool { return c == nil })
	if len(in.Contents) == 0 {
		return nil, nil, problem.Invalid("contents", "contents is missing; it must be a list with one content at least")
	}
	for i, content := range in.Contents {
		if p := checkContent(fmt.Sprintf("contents[%d]", i), content); p != nil {
			return nil, nil, p
		}
	}
	if in.SystemInstruction != nil {
		in.SystemInstruction.Parts = withoutNil(in.SystemInstruction.Parts)
	}
	if p := protocol.CheckFallbacks(in.Fallbacks); p != nil {
		return nil, nil, p
	}
	if p := in.GenerationConfig.check(); p != nil {
		return nil, nil, p
	}
	if p := in.checkCalling(); p != nil {
		return nil, nil, p
	}
	req = &model.LLMRequest{Contents: in.Contents, Config: in.config()}
	request.SetFields(req, request.Gemini, in.unknown(body))
	return req, in.Fallbacks, nil
}

// keepOrder puts the text of the functions' schemas in the place of maps, which have no order:
// models write arguments in the order of their properties.
func keepOrder(body []byte, tools []*genai.Tool) {
	var in struct {
		Tools []struct {
			FunctionDeclarations []struct {
				ParametersJSONSchema json.RawMessage `json:"parametersJsonSchema"`
			} `json:"functionDeclarations"`
		} `json:"tools"`
	}
	if json.Unmarshal(body, &in) != nil {
		return // not reached: it has been decoded
	}
	for i, tool := range tools {
		if tool == nil {
			continue
		}
		for j, declaration := range tool.FunctionDeclarations {
			if declaration != nil && declaration.ParametersJsonSchema != nil {
				declaration.ParametersJsonSchema = in.Tools[i].FunctionDeclarations[j].ParametersJSONSchema
			}
		}
	}
}

// checkContent checks a content, and sets the API's default role.
func checkContent(path string, content *genai.Content) *problem.Problem {
	switch content.Role {
	case genai.RoleUser, genai.RoleModel:
	case "", "function": // older clients send function
		content.Role = genai.RoleUser
	default:
		return problem.Invalid(path+".role", path+".role is "+problem.Quote(content.Role)+"; it must be user or model")
	}
	if content.Parts = withoutNil(content.Parts); len(content.Parts) == 0 {
		return problem.Invalid(path+".parts", path+".parts is missing; it must be a list with one part at least")
	}
	for i, part := range content.Parts {
		if hasSeveral(part) {
			path := fmt.Sprintf("%s.parts[%d]", path, i)
			return problem.Invalid(path, path+" has several fields such as text and inlineData; send each in a part of its own")
		}
	}
	return nil
}

// hasSeveral reports whether a part has more than one of the fields of which the API takes at most one.
// Targets would get only one of them.
func hasSeveral(p *genai.Part) bool {
	n := 0
	for _, given := range []bool{
		p.Text != "", p.InlineData != nil, p.FileData != nil, p.FunctionCall != nil, p.FunctionResponse != nil,
		p.ExecutableCode != nil, p.CodeExecutionResult != nil, p.ToolCall != nil, p.ToolResponse != nil,
	} {
		if given {
			n++
		}
	}
	return n > 1
}

// check checks the limits of the answer. c may be nil.
func (c *generationConfig) check() *problem.Problem {
	switch {
	case c == nil:
	case c.CandidateCount != nil && *c.CandidateCount != 1:
		return problem.Invalid("generationConfig.candidateCount", "candidateCount must be 1: the gateway returns one candidate")
	case c.MaxOutputTokens != nil && *c.MaxOutputTokens < 1:
		return problem.Invalid("generationConfig.maxOutputTokens", "maxOutputTokens must be at least 1")
	}
	return nil
}

// checkCalling sets the mode in upper case. It refuses a request that forces a call but declares no
// function that may be called: some targets would answer without a call.
func (in *contentRequest) checkCalling() *problem.Problem {
	const path = "toolConfig.functionCallingConfig"
	if in.ToolConfig == nil || in.ToolConfig.FunctionCallingConfig == nil {
		return nil
	}
	calling := in.ToolConfig.FunctionCallingConfig
	// Google's examples for curl have it in lower case.
	if calling.Mode = genai.FunctionCallingConfigMode(strings.ToUpper(string(calling.Mode))); calling.Mode != genai.FunctionCallingConfigModeAny {
		return nil
	}
	allowed, some := calling.AllowedFunctionNames, false
	isAllowed := request.SetOf(allowed...)
	for _, tool := range withoutNil(in.Tools) {
		for _, f := range withoutNil(tool.FunctionDeclarations) {
			if len(allowed) == 0 || isAllowed[f.Name] {
				return nil
			}
			some = true
		}
	}
	if some {
		return problem.Invalid(path+".allowedFunctionNames", "allowedFunctionNames names no function of tools; name at least one")
	}
	return problem.Invalid(path, "mode ANY needs functionDeclarations in tools")
}

func valueOf(n *int32) int32 {
	if n == nil {
		return 0
	}
	return *n
}

func withoutNil[T any](list []*T) []*T {
	return slices.DeleteFunc(list, func(one *T) bool { return one == nil })
}

// config returns the configuration.
func (in *contentRequest) config() *genai.GenerateContentConfig {
	config := &genai.GenerateContentConfig{
		SystemInstruction: in.SystemInstruction, Tools: withoutNil(in.Tools), ToolConfig: in.ToolConfig,
		SafetySettings: withoutNil(in.SafetySettings), CachedContent: in.CachedContent, Labels: in.Labels,
		ModelArmorConfig: in.ModelArmorConfig, ServiceTier: in.ServiceTier, GenerationOutputConfig: in.OutputConfig,
		Store: in.Store, ContinuationToken: in.ContinuationToken,
	}
	for _, tool := range config.Tools {
		tool.FunctionDeclarations = withoutNil(tool.FunctionDeclarations)
	}
	if c := in.GenerationConfig; c != nil {
		config.Temperature, config.TopP, config.TopK, config.CandidateCount = c.Temperature, c.TopP, c.TopK, valueOf(c.CandidateCount)
		config.MaxOutputTokens, config.StopSequences, config.Seed = valueOf(c.MaxOutputTokens), c.StopSequences, c.Seed
		config.ResponseLogprobs, config.Logprobs = c.ResponseLogprobs, c.Logprobs
		config.PresencePenalty, config.FrequencyPenalty = c.PresencePenalty, c.FrequencyPenalty
		config.ResponseMIMEType, config.ResponseSchema = c.ResponseMIMEType, c.ResponseSchema
		if len(c.ResponseJSONSchema) > 0 && string(c.ResponseJSONSchema) != "null" {
			config.ResponseJsonSchema = c.ResponseJSONSchema
		}
		config.RoutingConfig, config.ModelSelectionConfig = c.RoutingConfig, c.ModelConfig
		config.ResponseModalities, config.MediaResolution, config.SpeechConfig = c.ResponseModalities, c.MediaResolution, c.SpeechConfig
		config.AudioTimestamp, config.ThinkingConfig, config.ImageConfig = c.AudioTimestamp, c.ThinkingConfig, c.ImageConfig
		config.EnableEnhancedCivicAnswers = c.EnableEnhancedCivicAnswers
	}
	return config
}

// unknown returns the fields that the canonical form does not have, each in its place; nil for
// none.
func (in *contentRequest) unknown(body []byte) map[string]any {
	extra, inner := map[string]any{}, map[string]any{}
	collect := func(known map[string]bool, into map[string]any) func(key, value []byte) {
		return func(key, value []byte) {
			if !known[strings.ToLower(string(key))] {
				into[string(key)] = json.RawMessage(slices.Clone(value))
			}
		}
	}
	add := collect(requestFields, extra)
	_ = jsonscan.Members(body, func(key, value []byte) { // decoded before
		add(key, value)
		if strings.EqualFold(string(key), "generationConfig") && in.GenerationConfig != nil {
			_ = jsonscan.Members(value, collect(configFields, inner))
		}
	})
	if len(inner) > 0 {
		extra["generationConfig"] = inner
	}
	return extra
}

// The known fields in lower case: package json does not distinguish case.
var (
	requestFields = fieldsOf(reflect.TypeFor[contentRequest]())
	configFields  = fieldsOf(reflect.TypeFor[generationConfig]())
)

func fieldsOf(t reflect.Type) map[string]bool {
	fields := make(map[string]bool, t.NumField())
	for i := range t.NumField() {
		fields[strings.ToLower(t.Field(i).Tag.Get("json"))] = true
	}
	return fields
}

// wrongJSON returns the problem of a body that cannot be decoded. It does not quote the body.
func wrongJSON(err error) *problem.Problem {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		kind, _, _ := strings.Cut(wrong.Value, " ") // what follows is the number itself
		if wrong.Field == "" {
			return problem.Invalid("", "the body is a JSON "+kind+"; it must be an object")
		}
		return problem.Invalid(wrong.Field, "the field "+problem.Quote(wrong.Field)+" has the wrong type: "+kind)
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return problem.Invalid("", fmt.Sprintf("the body is no JSON, from byte %d on", syntax.Offset))
	}
	return problem.Invalid("", "the body is no valid request: one of its values has the wrong form")
}
