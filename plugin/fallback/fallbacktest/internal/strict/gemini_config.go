package strict

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/genai"
)

// functionName is the pattern that live errors describe. The SDK's text allows 128
// characters, live errors 64. (https://github.com/google-gemini/gemini-cli/issues/9535)
var functionName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$`)

func (g *geminiRequest) functions() (out []*genai.FunctionDeclaration) {
	for _, t := range g.Tools {
		out = append(out, t.FunctionDeclarations...)
	}
	return out
}

// declarationsRule: names of the allowed form, each once; parameters in one form,
// and an object with properties (google.golang.org/genai v1.77.0, FunctionDeclaration).
func (g *geminiRequest) declarationsRule() string {
	seen := map[string]bool{}
	for i, f := range g.functions() {
		switch {
		case f == nil:
			return fmt.Sprintf("function_declarations[%d]: element is null", i)
		case !functionName.MatchString(f.Name):
			return fmt.Sprintf("function_declarations[%d].name: invalid function name %q: must start with a letter or an underscore, with at most 64 of a-z, A-Z, 0-9, _, ., : and -", i, f.Name)
		case seen[f.Name]:
			return fmt.Sprintf("function_declarations[%d]: duplicate function declaration found: %s", i, f.Name)
		case f.Parameters != nil && f.ParametersJsonSchema != nil, f.Response != nil && f.ResponseJsonSchema != nil:
			return fmt.Sprintf("function_declarations[%d]: parameters and parameters_json_schema exclude each other, as do the two forms of response", i)
		case f.Parameters != nil && f.Parameters.Type != genai.TypeObject && !strings.EqualFold(string(f.Parameters.Type), "object"),
			f.ParametersJsonSchema != nil && !isObjectSchema(f.ParametersJsonSchema):
			return fmt.Sprintf("function_declarations[%d].parameters: schema type should be OBJECT", i)
		}
		if f.Parameters != nil && len(f.Parameters.Properties) == 0 { // https://github.com/pipecat-ai/pipecat-flows/issues/110
			return fmt.Sprintf("function_declarations[%d].parameters.properties: should be non-empty for OBJECT type", i)
		}
		if text := g.schemaRule(f.Parameters); text != "" {
			return fmt.Sprintf("function_declarations[%d].parameters%s", i, text)
		}
		seen[f.Name] = true
	}
	return ""
}

// isObjectSchema reports whether a JSON Schema is one of an object.
func isObjectSchema(schema any) bool {
	m, _ := schema.(map[string]any)
	typ, _ := m["type"].(string)
	return strings.EqualFold(typ, "object")
}

// toolChoiceRule (google.golang.org/genai v1.77.0, FunctionCallingConfig).
func (g *geminiRequest) toolChoiceRule() string {
	if g.ToolConfig == nil || g.ToolConfig.FunctionCallingConfig == nil {
		return ""
	}
	c, flag := g.ToolConfig.FunctionCallingConfig, g.ToolConfig.IncludeServerSideToolInvocations
	if !g.vertex && len(g.functions()) == 0 && (flag == nil || !*flag) { // https://github.com/pydantic/pydantic-ai/pull/5791
		return "function calling config is set without function_declarations"
	}
	if !slices.Contains([]genai.FunctionCallingConfigMode{"", "MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"}, c.Mode) {
		return fmt.Sprintf("tool_config.function_calling_config.mode: invalid value %q", c.Mode)
	}
	if len(c.AllowedFunctionNames) > 0 && c.Mode != "ANY" && c.Mode != "VALIDATED" {
		return "allowed_function_names should only be set when mode is ANY or VALIDATED"
	}
	for _, name := range c.AllowedFunctionNames {
		if !slices.ContainsFunc(g.functions(), func(f *genai.FunctionDeclaration) bool { return f.Name == name }) {
			return fmt.Sprintf("allowed_function_names: %s is not declared", name) // inferred
		}
	}
	return ""
}

// toolMixRule: what cannot stand beside function declarations. Models of 2.x answer
// in JSON or call functions, and search or call functions
// (https://github.com/googleapis/python-genai/issues/867,
// https://github.com/symfony/ai/issues/803); from 3 on the Gemini API wants a flag
// for the latter (https://github.com/ag2ai/ag2/issues/3145), Vertex AI does not.
func (g *geminiRequest) toolMixRule() string {
	builtIn, functions := false, len(g.functions()) > 0
	for _, t := range g.Tools {
		rest := *t
		rest.FunctionDeclarations = nil
		if b, err := json.Marshal(rest); err != nil || string(b) != "{}" {
			builtIn = true
		}
	}
	flag := g.ToolConfig != nil && g.ToolConfig.IncludeServerSideToolInvocations != nil && *g.ToolConfig.IncludeServerSideToolInvocations
	switch old := g.family.before(30); {
	case old && g.GenerationConfig.ResponseMIMEType == "application/json" && functions:
		return "function calling with a response mime type: 'application/json' is unsupported"
	case old && g.GenerationConfig.ResponseMIMEType == "application/json" && builtIn:
		return "tool use with a response mime type: 'application/json' is unsupported"
	case old && builtIn && functions:
		return "tool use with function calling is unsupported"
	case !g.vertex && g.family.from(30) && builtIn && functions && !flag:
		return "please enable tool_config.include_server_side_tool_invocations to use built-in tools with function calling"
	}
	return ""
}

// thinkingRule: a level or a budget, and one that the family takes.
// (https://ai.google.dev/gemini-api/docs/thinking and the sources of
// [geminiFamily.levels])
func (g *geminiRequest) thinkingRule() string {
	c := g.GenerationConfig.ThinkingConfig
	if c == nil {
		return ""
	}
	level, levels := string(c.ThinkingLevel), g.family.levels()
	switch {
	case g.family.before(25):
		return "thinking is not supported by this model" // inferred
	case level != "" && c.ThinkingBudget != nil:
		return "thinking_level and thinking_budget can not be used together"
	case level != "" && !slices.Contains([]string{"MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH"}, level):
		return fmt.Sprintf("thinking_level: invalid value %q", level)
	case level != "" && levels != nil && len(levels) == 0:
		return "thinking level is not supported for this model"
	case level != "" && levels != nil && !slices.Contains(levels, level):
		return fmt.Sprintf("thinking level %s is not supported for this model; allowed values are: %s", level, strings.Join(levels, ", "))
	case c.ThinkingBudget != nil && (g.family.from(40) || g.family.gemma):
		return "thinking budget is not supported for this model; use thinking level instead"
	case c.ThinkingBudget != nil && !g.family.takesBudget(*c.ThinkingBudget):
		return fmt.Sprintf("the thinking budget %d is invalid for this model", *c.ThinkingBudget)
	}
	return ""
}

// samplingRule: ranges, and settings that families lost. Temperature, topP and topK
// are ignored from 3.6 on, not refused.
func (g *geminiRequest) samplingRule() string {
	c := g.GenerationConfig
	outside := func(v *float32, low, high float32) bool { return v != nil && (*v < low || *v > high) }
	switch {
	case outside(c.Temperature, 0, 2):
		return "temperature must be in the range [0, 2]"
	case outside(c.TopP, 0, 1):
		return "topP must be in the range [0, 1]"
	case c.TopK != nil && *c.TopK != float32(int32(*c.TopK)):
		return "topK must be an integer"
	case g.vertex && outside(c.TopK, 1, 40):
		return "topK: supported range is from 1 (inclusive) to 41 (exclusive)" // older text
	case len(c.StopSequences) > 5:
		return "stopSequences: at most 5 are allowed"
	case c.MaxOutputTokens < 0:
		return "maxOutputTokens must be positive"
	case (c.PresencePenalty != nil || c.FrequencyPenalty != nil) && (g.family.modern() || g.family.version == 25):
		return "penalty is not enabled for this model" // https://github.com/PublicAffairs/openai-gemini/issues/63
	case c.CandidateCount > 8, c.CandidateCount < 0:
		return "candidateCount must be in the range [1, 8]"
	case c.CandidateCount > 1 && (!g.vertex || g.family.from(40)):
		return "multiple candidates is not enabled for this model" // https://github.com/googleapis/js-genai/issues/1609
	case c.Logprobs != nil && (!c.ResponseLogprobs || *c.Logprobs < 1 || *c.Logprobs > 20):
		return "logprobs needs responseLogprobs and a value in the range [1, 20]"
	case c.ResponseLogprobs && (g.family.from(35) || !g.vertex && g.family.from(25)):
		return "logprobs is not enabled for this model" // https://github.com/GoogleCloudPlatform/generative-ai/issues/2947
	}
	return ""
}

// outputRule: one schema, with its MIME type (google.golang.org/genai v1.77.0,
// GenerateContentConfig), and the modalities of a text model.
func (g *geminiRequest) outputRule() string {
	c := g.GenerationConfig
	schema := c.ResponseSchema != nil || c.ResponseJsonSchema != nil
	switch {
	case c.ResponseSchema != nil && c.ResponseJsonSchema != nil:
		return "responseSchema and responseJsonSchema exclude each other"
	case schema && c.ResponseMIMEType != "application/json" && c.ResponseMIMEType != "text/x.enum":
		return "responseSchema needs responseMimeType application/json or text/x.enum"
	case !slices.Contains([]string{"", "text/plain", "application/json", "text/x.enum"}, c.ResponseMIMEType):
		return fmt.Sprintf("responseMimeType: %q is not allowed", c.ResponseMIMEType)
	}
	if text := g.schemaRule(c.ResponseSchema); text != "" {
		return "responseSchema" + text
	}
	for _, m := range c.ResponseModalities {
		special := strings.Contains(g.family.variant, strings.ToLower(string(m))) || strings.Contains(g.family.variant, "tts")
		if m != genai.ModalityText && g.family.version > 0 && !special {
			return fmt.Sprintf("model does not support the requested response modalities: %s", strings.ToLower(string(m))) // inferred
		}
	}
	return ""
}
