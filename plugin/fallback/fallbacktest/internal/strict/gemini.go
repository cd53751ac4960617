package strict

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/wire"
)

// geminiRequest is a GenerateContentRequest with all that the API knows of. A
// field that is not here is one that the API refuses.
type geminiRequest struct {
	Contents          []*genai.Content       `json:"contents"`
	SystemInstruction *genai.Content         `json:"systemInstruction"`
	Tools             []*genai.Tool          `json:"tools"`
	ToolConfig        *genai.ToolConfig      `json:"toolConfig"`
	SafetySettings    []*genai.SafetySetting `json:"safetySettings"`
	GenerationConfig  geminiConfig           `json:"generationConfig"`
	CachedContent     string                 `json:"cachedContent"`
	Labels            map[string]string      `json:"labels"` // AI Studio's answer to labels is not known: accepted
	ServiceTier       any                    `json:"serviceTier"`
	ContinuationToken any                    `json:"continuationToken"`
	Store             any                    `json:"store"`            // AI Studio only
	ModelArmorConfig  any                    `json:"modelArmorConfig"` // Vertex AI only
	OutputConfig      any                    `json:"outputConfig"`     // Vertex AI only

	model  string
	family geminiFamily
	vertex bool
}

type geminiConfig struct {
	genai.GenerationConfig
	ImageConfig any `json:"imageConfig"`
	ModelConfig any `json:"modelConfig"`
}

// Gemini applies the rules in the order in which a request is read. Rules that name
// no source are those of https://ai.google.dev/api/generate-content.
func Gemini(r Request) *Violation {
	g := geminiRequest{model: r.Model, family: geminiFamilyOf(r.Model), vertex: wire.IsVertex(r.Path)}
	text := g.read(r.Body)
	for _, rule := range []func() string{
		g.backendRule, g.systemRule, g.contentsRule, g.orderRule, g.answeredRule, g.signatureRule,
		g.declarationsRule, g.toolChoiceRule, g.toolMixRule,
		g.thinkingRule, g.samplingRule, g.outputRule, g.safetyRule, g.cacheRule,
	} {
		if text != "" {
			break
		}
		text = rule()
	}
	if text == "" {
		return nil
	}
	return &Violation{Status: http.StatusBadRequest, Kind: "INVALID_ARGUMENT", Message: text}
}

// read decodes the body. Unknown fields are refused with 400, as is a response that
// is no object. (https://github.com/chrishayuk/mcp-cli/issues/170)
func (g *geminiRequest) read(body []byte) string {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(g); err != nil {
		return "Invalid JSON payload received: " + strings.TrimPrefix(err.Error(), "json: ")
	}
	return ""
}

// backendRule: what one of the two APIs does not know. (The SDK at
// google.golang.org/genai v1.77.0, models.go, keeps the same lists.)
func (g *geminiRequest) backendRule() string {
	c := g.GenerationConfig
	vertexOnly := map[string]bool{
		"modelArmorConfig": g.ModelArmorConfig != nil,
		"outputConfig":     g.OutputConfig != nil,
		"routingConfig":    c.RoutingConfig != nil,
		"modelConfig":      c.ModelConfig != nil || c.ModelSelectionConfig != nil,
		"audioTimestamp":   c.AudioTimestamp,
	}
	studioOnly := map[string]bool{
		"store":                      g.Store != nil,
		"enableEnhancedCivicAnswers": c.EnableEnhancedCivicAnswers != nil,
	}
	for _, t := range g.Tools {
		if t == nil {
			return "tools: element is null"
		}
		vertexOnly["retrieval"] = vertexOnly["retrieval"] || t.Retrieval != nil
		vertexOnly["enterpriseWebSearch"] = vertexOnly["enterpriseWebSearch"] || t.EnterpriseWebSearch != nil
		vertexOnly["parallelAiSearch"] = vertexOnly["parallelAiSearch"] || t.ParallelAISearch != nil
		vertexOnly["exaAiSearch"] = vertexOnly["exaAiSearch"] || t.ExaAISearch != nil
		studioOnly["fileSearch"] = studioOnly["fileSearch"] || t.FileSearch != nil
		studioOnly["mcpServers"] = studioOnly["mcpServers"] || t.MCPServers != nil
	}
	if t := g.ToolConfig; t != nil {
		studioOnly["includeServerSideToolInvocations"] = t.IncludeServerSideToolInvocations != nil
		vertexOnly["streamFunctionCallArguments"] = t.FunctionCallingConfig != nil && t.FunctionCallingConfig.StreamFunctionCallArguments != nil
	}
	foreign := vertexOnly
	if g.vertex {
		foreign = studioOnly
	}
	for _, name := range slices.Sorted(maps.Keys(foreign)) {
		if foreign[name] {
			return fmt.Sprintf("Invalid JSON payload received: unknown name %q: cannot find field", name)
		}
	}
	return ""
}

// systemRule: a system instruction holds texts, none of them empty.
func (g *geminiRequest) systemRule() string {
	s := g.SystemInstruction
	if s == nil {
		return ""
	}
	if len(s.Parts) == 0 {
		return "systemInstruction.parts must not be empty"
	}
	for i, p := range s.Parts {
		if p == nil || p.Text == "" || p.FunctionCall != nil || p.InlineData != nil || p.FileData != nil || p.FunctionResponse != nil {
			return fmt.Sprintf("systemInstruction.parts[%d]: only text that is not empty is allowed", i)
		}
	}
	return ""
}

// civicIntegrity is deprecated, and still accepted.
const civicIntegrity genai.HarmCategory = "HARM_CATEGORY_CIVIC_INTEGRITY"

// safetyRule: the categories that the API knows, each once.
// (https://ai.google.dev/api/generate-content#v1beta.HarmCategory; a repeated
// category is inferred)
func (g *geminiRequest) safetyRule() string {
	categories := []genai.HarmCategory{
		genai.HarmCategoryHarassment, genai.HarmCategoryHateSpeech, genai.HarmCategorySexuallyExplicit,
		genai.HarmCategoryDangerousContent, civicIntegrity, genai.HarmCategoryJailbreak,
	}
	if g.vertex {
		categories = append(categories, genai.HarmCategoryImageHate, genai.HarmCategoryImageDangerousContent,
			genai.HarmCategoryImageHarassment, genai.HarmCategoryImageSexuallyExplicit)
	}
	thresholds := []genai.HarmBlockThreshold{
		"", genai.HarmBlockThresholdUnspecified, genai.HarmBlockThresholdBlockLowAndAbove, genai.HarmBlockThresholdBlockMediumAndAbove,
		genai.HarmBlockThresholdBlockOnlyHigh, genai.HarmBlockThresholdBlockNone, genai.HarmBlockThresholdOff,
	}
	seen := map[genai.HarmCategory]bool{}
	for i, s := range g.SafetySettings {
		switch {
		case s == nil:
			return fmt.Sprintf("safety_settings[%d]: element is null", i)
		case !slices.Contains(categories, s.Category):
			return fmt.Sprintf("safety_settings[%d]: invalid category %q", i, s.Category)
		case !slices.Contains(thresholds, s.Threshold):
			return fmt.Sprintf("safety_settings[%d]: invalid threshold %q", i, s.Threshold)
		case seen[s.Category]:
			return fmt.Sprintf("safety_settings[%d]: category %s appears twice", i, s.Category)
		case s.Method != "" && !g.vertex:
			return fmt.Sprintf("safety_settings[%d]: unknown name \"method\"", i)
		case s.Category == civicIntegrity && s.Threshold == genai.HarmBlockThresholdOff && g.family.before(25):
			// https://github.com/danny-avila/LibreChat/issues/5666
			return "HARM_CATEGORY_CIVIC_INTEGRITY: threshold OFF is not allowed"
		}
		seen[s.Category] = true
	}
	return ""
}

// cacheRule: a cache holds the system instruction and the tools already
// (https://github.com/BerriAI/litellm/issues/17304); Gemini 4 has no explicit ones
// (https://docs.cloud.google.com/vertex-ai/generative-ai/docs/models/gemini/4-hydrogen).
func (g *geminiRequest) cacheRule() string {
	switch {
	case g.CachedContent == "":
	case g.SystemInstruction != nil || len(g.Tools) > 0 || g.ToolConfig != nil:
		return "cachedContent can not be used with system_instruction, tools or tool_config in the request"
	case g.family.from(40):
		return "cachedContent is not supported for this model"
	}
	return ""
}
