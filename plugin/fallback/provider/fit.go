package provider

import (
	"slices"
	"unicode/utf8"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
)

// Fitted is the result of [Target.Fit].
type Fitted struct {
	// Adapted names the settings that were omitted or changed, such as "top_k",
	// "stop_sequences: first 4" or "thinking_level: HIGH to MEDIUM": each once, at
	// most 16 of at most 64 bytes, free of what users wrote. The pairing of calls
	// and responses and signatures of other vendors are not named.
	Adapted []string
	// Answer converts an answer to the changed request into one to the original. If
	// it is nil, answers need no conversion. Partial answers lose their text, which the
	// converted answer would not begin with; Answer returns nil if nothing is left. It
	// never writes to its argument, and is safe for concurrent use.
	Answer func(*model.LLMResponse) *model.LLMResponse
}

// Fit changes req so that t accepts it.
//
// It omits or replaces optional parts: settings such as temperature or safety
// settings, a thinking level or budget, thoughts and signatures of other vendors.
// A response schema that t does not accept, or not together with functions,
// becomes a function named set_model_response, and Fitted.Answer turns its call
// back into text. Media that t does not accept in tool results or in model turns
// move to a user's turn.
//
// Fit returns an [*UnfitError], and leaves req unchanged, if t does not accept a
// part that affects the answer: tools that the provider runs, cached content,
// other modalities, media, function declarations, or a schema that t takes in no
// form. If t.Drop is set, Fit omits the part instead and names it in
// Fitted.Adapted.
//
// Fit replaces req.Config and req.Contents by changed copies and never writes to
// what they point to, so a shallow copy of a shared request is enough. A second
// Fit changes nothing. Fit takes linear time.
func (t Target) Fit(req *model.LLMRequest) (Fitted, error) {
	if isPlain(req) && (req.Config == nil || req.Config.SystemInstruction == nil || isTextOnly(req.Config.SystemInstruction) && !isNo(t.Accepts().System)) {
		return Fitted{}, nil
	}
	f := fitting{Target: t, takes: t.Accepts(), req: *req}
	if f.API != "" {
		f.roles()
	}
	f.vendorParts()
	for _, step := range []func() error{f.config, f.media} {
		if err := step(); err != nil {
			return Fitted{}, err
		}
	}
	f.history()
	req.Config, req.Contents = f.req.Config, f.req.Contents
	return Fitted{Adapted: f.adapted, Answer: f.answer}, nil
}

// isPlain tells whether every target that takes a system instruction accepts req as
// it is: texts that begin and end with the user, and no settings.
func isPlain(req *model.LLMRequest) bool {
	if req.Config != nil && !isPlainConfig(req.Config) {
		return false
	}
	n := len(req.Contents)
	if n == 0 || !isUser(req.Contents[0]) || !isUser(req.Contents[n-1]) {
		return false
	}
	for _, content := range req.Contents {
		if content == nil || len(content.Parts) == 0 || !hasRole(content) {
			return false
		}
		for _, part := range content.Parts {
			if part == nil || part.Text == "" || part.Thought || len(part.ThoughtSignature) > 0 || !isText(part) {
				return false
			}
		}
	}
	return true
}

func isUser(content *genai.Content) bool { return content != nil && content.Role == genai.RoleUser }

// isText tells whether part has no field but those of a text.
func isText(p *genai.Part) bool {
	return p.MediaResolution == nil && p.CodeExecutionResult == nil && p.ExecutableCode == nil && p.FileData == nil &&
		p.FunctionCall == nil && p.FunctionResponse == nil && p.InlineData == nil && p.VideoMetadata == nil && p.ToolCall == nil &&
		p.ToolResponse == nil && p.PartMetadata == nil && p.AudioTranscription == nil && p.MediaProcessing == "" && p.SpeechMetadata == nil
}

// isPlainConfig tells whether c sets nothing that a target could refuse, apart from a
// system instruction.
func isPlainConfig(c *genai.GenerateContentConfig) bool {
	return c.Temperature == nil && c.TopP == nil && c.TopK == nil && c.CandidateCount == 0 &&
		len(c.StopSequences) == 0 && !c.ResponseLogprobs && c.Logprobs == nil && c.PresencePenalty == nil && c.FrequencyPenalty == nil &&
		c.Seed == nil && c.ResponseMIMEType == "" && c.ResponseSchema == nil && c.ResponseJsonSchema == nil && c.RoutingConfig == nil &&
		c.ModelSelectionConfig == nil && len(c.SafetySettings) == 0 && len(c.Tools) == 0 && c.ToolConfig == nil && len(c.Labels) == 0 &&
		c.CachedContent == "" && len(c.ResponseModalities) == 0 && c.MediaResolution == "" && c.SpeechConfig == nil && !c.AudioTimestamp &&
		c.ThinkingConfig == nil && c.ImageConfig == nil && c.EnableEnhancedCivicAnswers == nil && c.ModelArmorConfig == nil &&
		c.ServiceTier == "" && c.AudioTranscriptionConfig == nil && len(c.ContinuationToken) == 0 && c.AutomaticContinuation == nil &&
		c.GenerationOutputConfig == nil && c.Store == nil
}

// fitting is one run of [Target.Fit].
type fitting struct {
	Target
	takes   Takes
	req     model.LLMRequest // shares with the caller's all that is not replaced
	owned   bool             // req.Config is a copy of our own
	adapted []string
	answer  func(*model.LLMResponse) *model.LLMResponse
}

// edit returns the configuration to be changed, one level deep.
func (f *fitting) edit() *genai.GenerateContentConfig {
	if !f.owned {
		f.owned = true
		config := genai.GenerateContentConfig{}
		if f.req.Config != nil {
			config = *f.req.Config
		}
		f.req.Config = &config
	}
	return f.req.Config
}

// Bounds of Fitted.Adapted.
const (
	maxAdapted     = 16
	maxAdaptedText = 64
)

// note records what was changed.
func (f *fitting) note(what string) {
	if len(what) > maxAdaptedText {
		end := maxAdaptedText
		for !utf8.RuneStart(what[end]) {
			end--
		}
		what = what[:end]
	}
	if len(f.adapted) < maxAdapted && !slices.Contains(f.adapted, what) {
		f.adapted = append(f.adapted, what)
	}
}

// refuse returns the error for a setting that affects the answer. With Drop, it
// notes that the setting is omitted and returns nil.
func (f *fitting) refuse(setting, reason string) error {
	if f.Drop {
		f.note(setting)
		return nil
	}
	return &UnfitError{Model: f.Model, Setting: setting, Reason: reason}
}

// history puts the contents into the order that every API requires, and makes
// them end in the form that the target requires.
func (f *fitting) history() {
	if isNo(f.takes.Tools) {
		f.rewrite(callAsText)
	}
	f.moveSystem()
	if f.API != "" {
		f.req.Contents = request.Pair(f.req.Contents, nil)
	}
	f.userTurns()
	if f.isGemini() && request.LacksSignature(f.req.Contents, f.Model) {
		contents := cloneSteps(f.req.Contents)
		request.Adapt(contents, f.Model, false)
		f.req.Contents = contents
	}
}

func (t Target) isGemini() bool { return t.API == Gemini || t.API == Vertex }

func isNo(takes *bool) bool { return takes != nil && !*takes }
