package gemini

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// wireRequest is a GenerateContentRequest. genai's types have the API's names.
// https://ai.google.dev/api/generate-content#request-body
type wireRequest struct {
	Contents          []any                         `json:"contents"`
	SystemInstruction *genai.Content                `json:"systemInstruction,omitempty"`
	Tools             []*genai.Tool                 `json:"tools,omitempty"`
	ToolConfig        *genai.ToolConfig             `json:"toolConfig,omitempty"`
	SafetySettings    []*genai.SafetySetting        `json:"safetySettings,omitempty"`
	CachedContent     string                        `json:"cachedContent,omitempty"`
	Labels            map[string]string             `json:"labels,omitempty"`
	ModelArmorConfig  *genai.ModelArmorConfig       `json:"modelArmorConfig,omitempty"`
	ServiceTier       genai.ServiceTier             `json:"serviceTier,omitempty"`
	OutputConfig      *genai.GenerationOutputConfig `json:"outputConfig,omitempty"`
	Store             *bool                         `json:"store,omitempty"`
	GenerationConfig  *wireConfig                   `json:"generationConfig,omitempty"`
	ContinuationToken []byte                        `json:"continuationToken,omitempty"`
}

// wireConfig is a GenerationConfig: what is left of genai's configuration when
// the fields with a place of their own are taken out.
type wireConfig struct {
	genai.GenerateContentConfig
	ModelConfig *genai.ModelSelectionConfig `json:"modelConfig,omitempty"`
}

// encode prepares the request. It never writes to what req points to.
func (c *exchange) encode(name string, req *model.LLMRequest) error {
	m := c.model
	var options *genai.HTTPOptions
	if req.Config != nil {
		options = req.Config.HTTPOptions
	}
	var err error
	if c.url, err = m.url(name, c.stream, options); err != nil {
		return err
	}
	c.header, c.options = m.header, options
	if options != nil && len(options.Headers) > 0 {
		c.header = m.header.Clone()
		merge(c.header, options.Headers)
	}
	contents := m.turns(name, request.Pair(req.Contents, nil))
	c.answer.names = newNames(req.Config, contents)
	c.wire.Contents = c.contents(contents)
	if req.Config != nil {
		return c.config(req.Config)
	}
	return nil
}

// The texts of user's turns that are added.
const (
	openingText  = "Continue the conversation that follows."
	continueText = "Continue processing previous requests as instructed. Exit or provide a summary if no more outputs are needed." // as ADK's model says
)

// turns makes contents begin with the user if a call would be first, which the
// API refuses, and end with the user, unless the model continues a text.
func (m *Model) turns(name string, contents []*genai.Content) []*genai.Content {
	if len(contents) == 0 {
		return contents
	}
	if first := contents[0]; first.Role == genai.RoleModel && slices.ContainsFunc(first.Parts, isCall) {
		contents = append([]*genai.Content{genai.NewContentFromText(openingText, genai.RoleUser)}, contents...)
	}
	if last := contents[len(contents)-1]; last.Role == genai.RoleModel {
		target := m.target
		target.Model = name
		if takes := target.Accepts().Prefill; takes == nil || !*takes {
			contents = append(slices.Clip(contents), genai.NewContentFromText(continueText, genai.RoleUser))
		}
	}
	return contents
}

func isCall(p *genai.Part) bool { return p != nil && p.FunctionCall != nil }

// wireContent is a content with parts that genai's type cannot say.
type wireContent struct {
	Parts []any  `json:"parts"`
	Role  string `json:"role,omitempty"`
}

// wireSignature is a signature on an empty text. genai would leave the text out,
// and a part without data is refused.
type wireSignature struct {
	Text             string `json:"text"`
	Thought          bool   `json:"thought,omitempty"`
	ThoughtSignature []byte `json:"thoughtSignature"`
}

// contents returns contents as they are written.
func (c *exchange) contents(contents []*genai.Content) []any {
	out := make([]any, 0, len(contents))
	for _, content := range contents {
		if content == nil {
			continue
		}
		if !slices.ContainsFunc(content.Parts, c.isOdd) {
			out = append(out, content)
			continue
		}
		changed := wireContent{Role: content.Role}
		for _, part := range content.Parts {
			if written := c.part(part); written != nil {
				changed.Parts = append(changed.Parts, written)
			}
		}
		if len(changed.Parts) > 0 {
			out = append(out, changed)
		}
	}
	return out
}

// isOdd tells whether a part cannot be written as it is.
func (c *exchange) isOdd(p *genai.Part) bool {
	switch {
	case p == nil:
		return true
	case p.FunctionCall != nil:
		call := p.FunctionCall
		if c.answer.names.Wire(call.Name) != call.Name || call.PartialArgs != nil || call.WillContinue != nil {
			return true
		}
	case p.FunctionResponse != nil:
		if c.answer.names.Wire(p.FunctionResponse.Name) != p.FunctionResponse.Name || len(p.FunctionResponse.Response) == 0 {
			return true
		}
	}
	return len(p.ThoughtSignature) > 0 && (isBare(p) || request.VendorOf(p.ThoughtSignature) != "")
}

// isBare tells whether a part is a signature and nothing else.
func isBare(p *genai.Part) bool {
	return p.Text == "" && p.FunctionCall == nil && p.FunctionResponse == nil && p.InlineData == nil && p.FileData == nil &&
		p.ExecutableCode == nil && p.CodeExecutionResult == nil && p.ToolCall == nil && p.ToolResponse == nil
}

// part returns a part as it is written; nil for one to leave out.
func (c *exchange) part(p *genai.Part) any {
	if p == nil || !c.isOdd(p) {
		if p == nil {
			return nil
		}
		return p
	}
	changed := *p
	if request.VendorOf(p.ThoughtSignature) != "" { // another vendor's, which provider.Target.Fit removes
		if p.Thought || isBare(p) {
			return nil
		}
		changed.ThoughtSignature = nil
	}
	switch {
	case p.FunctionCall != nil:
		call := *p.FunctionCall
		call.Name, call.PartialArgs, call.WillContinue = c.answer.names.Wire(call.Name), nil, nil
		changed.FunctionCall = &call
	case p.FunctionResponse != nil:
		response := *p.FunctionResponse
		response.Name = c.answer.names.Wire(response.Name)
		if len(response.Response) == 0 { // which the API wants
			response.Response = map[string]any{"output": nil}
		}
		changed.FunctionResponse = &response
	case isBare(p):
		return wireSignature{Thought: p.Thought, ThoughtSignature: p.ThoughtSignature}
	}
	return &changed
}

// config writes the configuration.
func (c *exchange) config(config *genai.GenerateContentConfig) error {
	w := &c.wire
	w.SystemInstruction = instruction(config.SystemInstruction)
	w.SafetySettings, w.Labels, w.ModelArmorConfig = config.SafetySettings, config.Labels, config.ModelArmorConfig
	w.ServiceTier, w.OutputConfig, w.Store, w.ContinuationToken = config.ServiceTier, config.GenerationOutputConfig, config.Store, config.ContinuationToken
	w.CachedContent = c.model.cacheName(config.CachedContent)
	var err error
	if w.Tools, err = c.answer.names.tools(config.Tools); err != nil {
		return err
	}
	w.ToolConfig = c.answer.names.toolConfig(config.ToolConfig)
	c.once = config.AutomaticContinuation != nil && !*config.AutomaticContinuation

	rest := wireConfig{GenerateContentConfig: *config, ModelConfig: config.ModelSelectionConfig}
	rest.HTTPOptions, rest.SystemInstruction, rest.SafetySettings, rest.Tools, rest.ToolConfig = nil, nil, nil, nil, nil
	rest.Labels, rest.CachedContent, rest.ModelArmorConfig, rest.ServiceTier = nil, "", nil, ""
	rest.ContinuationToken, rest.AutomaticContinuation, rest.GenerationOutputConfig, rest.Store = nil, nil, nil, nil
	rest.ModelSelectionConfig, rest.ImageConfig = nil, c.model.imageConfig(config.ImageConfig)
	schema, ok := rest.ResponseJsonSchema.(*genai.Schema)
	if rest.ResponseJsonSchema == nil && !isTaken(rest.ResponseSchema, maxDepth) {
		schema, ok, rest.ResponseSchema = rest.ResponseSchema, true, nil
	}
	if ok {
		if rest.ResponseJsonSchema, err = asJSON(schema, false); err != nil {
			return fmt.Errorf("gemini: response schema: %w", err)
		}
	}
	if !reflect.ValueOf(&rest).Elem().IsZero() {
		w.GenerationConfig = &rest
	}
	return nil
}

// instruction returns the system instruction with the role that genai gives it,
// without empty parts, which the API refuses.
func instruction(given *genai.Content) *genai.Content {
	if given == nil {
		return nil
	}
	isEmpty := func(p *genai.Part) bool { return p == nil || isBare(p) }
	content := genai.Content{Role: given.Role, Parts: given.Parts}
	if content.Role == "" {
		content.Role = genai.RoleUser
	}
	if slices.ContainsFunc(content.Parts, isEmpty) {
		content.Parts = slices.DeleteFunc(slices.Clone(content.Parts), isEmpty)
	}
	if len(content.Parts) == 0 {
		return nil
	}
	return &content
}

// cacheName returns the full name of a cache, as genai does.
func (m *Model) cacheName(name string) string {
	switch {
	case name == "" || strings.HasPrefix(name, "projects/"):
		return name
	case !strings.HasPrefix(name, "cachedContents/"):
		name = "cachedContents/" + name
	}
	return m.scope + name
}

// imageConfig returns config with the names of Vertex AI, as genai does.
func (m *Model) imageConfig(config *genai.ImageConfig) *genai.ImageConfig {
	if m.target.API != provider.Vertex || config == nil || config.OutputMIMEType == "" && config.OutputCompressionQuality == nil {
		return config
	}
	changed := *config
	changed.OutputMIMEType, changed.OutputCompressionQuality = "", nil
	changed.ImageOutputOptions = &genai.ImageConfigImageOutputOptions{MIMEType: config.OutputMIMEType, CompressionQuality: config.OutputCompressionQuality}
	return &changed
}
