package provider

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/internal/setting"
)

// config fits the configuration.
func (f *fitting) config() error {
	if f.req.Config == nil {
		return nil
	}
	f.settings()
	f.ownFields()
	f.toolChoice()
	for _, step := range []func() error{f.cachedContent, f.modalities, f.providerTools, f.functions, f.schema} {
		if err := step(); err != nil {
			return err
		}
	}
	f.toolConfig()
	f.thinking()
	return nil
}

// settings omits the optional settings that the target does not take.
func (f *fitting) settings() {
	for i := range setting.Optional {
		if s := &setting.Optional[i]; s.Given(f.req.Config) && isNo(f.takes.of(s.Name)) {
			s.Clear(f.edit())
			f.note(s.Name)
		}
	}
	f.wholeTopK()
	f.topLogprobs()
	f.stopSequences()
	f.safety()
	f.labels()
}

// of reports whether t accepts an optional setting; nil if t does not say.
func (t *Takes) of(name string) *bool {
	switch name {
	case "temperature":
		return t.Temperature
	case "top_p":
		return t.TopP
	case "top_k":
		return t.TopK
	case "penalties":
		return t.Penalties
	case "seed":
		return t.Seed
	case "top_logprobs":
		return t.Logprobs
	case "candidate_count":
		return t.Candidates
	case "safety_settings":
		return t.Safety
	case "labels":
		return t.Labels
	}
	return nil
}

// stopSequences keeps the first of the stop sequences, as many as are accepted.
func (f *fitting) stopSequences() {
	given := f.req.Config.StopSequences
	kept := given
	if f.API != "" && slices.ContainsFunc(given, isBlank) {
		// Anthropic refuses blank ones, OpenAI empty ones.
		kept = slices.DeleteFunc(slices.Clone(given), isBlank)
	}
	if most := f.takes.StopSequences; most != nil && len(kept) > *most {
		kept = kept[:max(*most, 0):max(*most, 0)]
	}
	switch {
	case len(kept) == len(given):
	case len(kept) == 0:
		f.edit().StopSequences = nil
		f.note("stop_sequences")
	default:
		f.edit().StopSequences = kept
		f.note(fmt.Sprintf("stop_sequences: %d of %d", len(kept), len(given)))
	}
}

func isBlank(s string) bool { return strings.TrimSpace(s) == "" }

// safety omits all but the last setting of each category (that Gemini refuses others is
// inferred), and the settings that only Vertex AI has: genai's types.go; jailbreak is
// listed for the Gemini API since July 2026, but was refused there in 2025.
func (f *fitting) safety() {
	if !f.isGemini() || len(f.req.Config.SafetySettings) == 0 {
		return
	}
	f.lastOfCategory()
	given := f.req.Config.SafetySettings
	if f.API != Gemini {
		return
	}
	foreign := func(s *genai.SafetySetting) bool {
		return s == nil || strings.HasPrefix(string(s.Category), "HARM_CATEGORY_IMAGE_") || s.Category == genai.HarmCategoryJailbreak
	}
	if kept := slices.DeleteFunc(slices.Clone(given), foreign); len(kept) < len(given) {
		given = kept
		f.edit().SafetySettings = kept
		f.note("safety_settings: categories of Vertex AI")
	}
	if slices.ContainsFunc(given, func(s *genai.SafetySetting) bool { return s.Method != "" }) {
		kept := make([]*genai.SafetySetting, len(given))
		for i, s := range given {
			bare := *s
			bare.Method = ""
			kept[i] = &bare
		}
		f.edit().SafetySettings = kept
		f.note("safety_settings: method")
	}
}

func (f *fitting) lastOfCategory() {
	given := f.req.Config.SafetySettings
	kept, seen := make([]*genai.SafetySetting, 0, len(given)), make(map[genai.HarmCategory]bool, len(given))
	for _, s := range slices.Backward(given) {
		if s != nil && !seen[s.Category] {
			seen[s.Category] = true
			kept = append(kept, s)
		}
	}
	if len(kept) == len(given) {
		return
	}
	slices.Reverse(kept)
	f.edit().SafetySettings = kept
	f.note("safety_settings: the last of each category")
}

// Bounds of OpenAI's metadata, which labels become:
// openai/openai-python completion_create_params.py.
const (
	maxLabels     = 16
	maxLabelKey   = 64
	maxLabelValue = 512
)

// userLabel is the one label that Anthropic's metadata has: an opaque id that tells
// the application's users apart (SDK message.go, MetadataParam). Its bound, in
// characters, is inferred from that of other ids (SDK betadream.go).
const (
	userLabel    = "user_id"
	maxUserLabel = 256
)

// labels keeps the labels that fit into the metadata of OpenAI or Anthropic.
func (f *fitting) labels() {
	given := f.req.Config.Labels
	switch {
	case len(given) == 0:
		return
	case f.API == Anthropic:
		f.userLabel()
		return
	case f.API != Responses && f.API != Chat:
		return
	}
	kept := make(map[string]string, min(len(given), maxLabels))
	for _, key := range slices.Sorted(maps.Keys(given)) {
		if len(kept) < maxLabels && len(key) <= maxLabelKey && len(given[key]) <= maxLabelValue {
			kept[key] = given[key]
		}
	}
	if len(kept) < len(given) {
		f.edit().Labels = kept // empty is sent as none
		f.note(fmt.Sprintf("labels: %d of %d", len(kept), len(given)))
	}
}

// userLabel keeps the one label that Anthropic's API has a field for.
func (f *fitting) userLabel() {
	given := f.req.Config.Labels
	switch id := given[userLabel]; {
	case id == "" || utf8.RuneCountInString(id) > maxUserLabel:
		f.edit().Labels = nil
		f.note("labels")
	case len(given) > 1:
		f.edit().Labels = map[string]string{userLabel: id}
		f.note("labels: user_id only")
	}
}

// ownField is a setting that some APIs have alone.
type ownField struct {
	name  string
	apis  []API
	given func(*genai.GenerateContentConfig) bool
	clear func(*genai.GenerateContentConfig)
}

// ownFields: google.golang.org/genai v1.77.0 models.go says what the client
// refuses for a backend; the other APIs have no word for them, or, for service
// tiers, other words.
var ownFields = []ownField{
	{"routing_config", onVertex, func(c *genai.GenerateContentConfig) bool { return c.RoutingConfig != nil }, func(c *genai.GenerateContentConfig) { c.RoutingConfig = nil }},
	{"model_selection_config", onVertex, func(c *genai.GenerateContentConfig) bool { return c.ModelSelectionConfig != nil }, func(c *genai.GenerateContentConfig) { c.ModelSelectionConfig = nil }},
	{"audio_timestamp", onVertex, func(c *genai.GenerateContentConfig) bool { return c.AudioTimestamp }, func(c *genai.GenerateContentConfig) { c.AudioTimestamp = false }},
	{"model_armor_config", onVertex, func(c *genai.GenerateContentConfig) bool { return c.ModelArmorConfig != nil }, func(c *genai.GenerateContentConfig) { c.ModelArmorConfig = nil }},
	{"generation_output_config", onVertex, func(c *genai.GenerateContentConfig) bool { return c.GenerationOutputConfig != nil }, func(c *genai.GenerateContentConfig) { c.GenerationOutputConfig = nil }},
	{"enhanced_civic_answers", onStudio, func(c *genai.GenerateContentConfig) bool { return c.EnableEnhancedCivicAnswers != nil }, func(c *genai.GenerateContentConfig) { c.EnableEnhancedCivicAnswers = nil }},
	{"store", onStudio, func(c *genai.GenerateContentConfig) bool { return c.Store != nil }, func(c *genai.GenerateContentConfig) { c.Store = nil }},
	{"media_resolution", onGoogle, func(c *genai.GenerateContentConfig) bool { return c.MediaResolution != "" }, func(c *genai.GenerateContentConfig) { c.MediaResolution = "" }},
	{"speech_config", onGoogle, func(c *genai.GenerateContentConfig) bool { return c.SpeechConfig != nil }, func(c *genai.GenerateContentConfig) { c.SpeechConfig = nil }},
	{"image_config", onGoogle, func(c *genai.GenerateContentConfig) bool { return c.ImageConfig != nil }, func(c *genai.GenerateContentConfig) { c.ImageConfig = nil }},
	{"audio_transcription_config", onGoogle, func(c *genai.GenerateContentConfig) bool { return c.AudioTranscriptionConfig != nil }, func(c *genai.GenerateContentConfig) { c.AudioTranscriptionConfig = nil }},
	{"continuation_token", onGoogle, func(c *genai.GenerateContentConfig) bool { return len(c.ContinuationToken) > 0 }, func(c *genai.GenerateContentConfig) { c.ContinuationToken = nil }},
	{"automatic_continuation", onGoogle, func(c *genai.GenerateContentConfig) bool { return c.AutomaticContinuation != nil }, func(c *genai.GenerateContentConfig) { c.AutomaticContinuation = nil }},
	{"service_tier", onGoogle, func(c *genai.GenerateContentConfig) bool { return c.ServiceTier != "" }, func(c *genai.GenerateContentConfig) { c.ServiceTier = "" }},
}

// ownFields omits the settings that the target's API does not have.
func (f *fitting) ownFields() {
	if f.API == "" {
		return
	}
	for i := range ownFields {
		if field := &ownFields[i]; !slices.Contains(field.apis, f.API) && field.given(f.req.Config) {
			field.clear(f.edit())
			f.note(field.name)
		}
	}
}

// cachedContent: a cache belongs to one backend, and its prefix cannot be given
// again: litellm#17304, instructor#2580.
func (f *fitting) cachedContent() error {
	c := f.req.Config
	var reason string
	switch ofVertex := strings.HasPrefix(c.CachedContent, "projects/"); {
	case c.CachedContent == "":
		return nil
	case isNo(f.takes.CachedContent):
		reason = "it has no explicit caches"
	case f.API == Gemini && ofVertex:
		reason = "the cache belongs to Vertex AI"
	case f.API == Vertex && !ofVertex:
		reason = "the cache belongs to the Gemini API"
	case f.isGemini() && (c.SystemInstruction != nil || len(c.Tools) > 0 || c.ToolConfig != nil):
		reason = "a cache excludes a system instruction, tools and tool_config in the request"
	default:
		return nil
	}
	if err := f.refuse("cached_content", reason); err != nil {
		return err
	}
	f.edit().CachedContent = ""
	return nil
}

// modalities checks the requested modalities of the answer.
func (f *fitting) modalities() error {
	given := f.req.Config.ResponseModalities
	if f.takes.Modalities == nil || len(given) == 0 {
		return nil
	}
	var kept []string
	for _, modality := range given {
		if i := slices.IndexFunc(f.takes.Modalities, func(s string) bool { return strings.EqualFold(s, modality) }); i >= 0 {
			kept = append(kept, f.takes.Modalities[i])
			continue
		}
		if err := f.refuse("response_modalities", "its answers are "+strings.ToLower(strings.Join(f.takes.Modalities, " and "))+" only"); err != nil {
			return err
		}
	}
	if !slices.Equal(kept, given) {
		f.edit().ResponseModalities = kept
	}
	return nil
}
