package provider

import (
	"encoding/json"
	"maps"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
)

// vendor returns the word under which the target's thoughts and signatures are
// sealed: "" for Gemini, whose own are not sealed, "anthropic", "openai" for
// Responses, and "chat:" with the endpoint for a server of chat completions. ok
// is false for an API that is not known: none are its own.
func (t Target) vendor() (vendor string, ok bool) {
	switch t.API {
	case Gemini, Vertex:
		return "", true
	case Anthropic:
		return "anthropic", true
	case Responses:
		return "openai", true
	case Chat:
		return "chat:" + t.Endpoint, true
	}
	return "", false
}

// vendorParts removes from the history the parts of other vendors, and fields that
// the target's API does not have.
func (f *fitting) vendorParts() {
	f.rewrite(func(p *genai.Part) *genai.Part {
		if p = f.ownThought(p); p == nil || f.API == "" {
			return p
		}
		if isText(p) {
			return p
		}
		if isMedia(p) && mediaOf(p) == nil {
			return nil // it is empty
		}
		if f.API != Gemini && (p.ToolCall != nil || p.ToolResponse != nil) {
			return nil // SDK models.go: the Gemini API's own
		}
		if !f.isGemini() {
			p = codeAsText(p)
		}
		return f.ownFieldsOf(p)
	})
}

// rewrite replaces each part by what change returns for it; nil drops it. It
// copies what holds a change.
func (f *fitting) rewrite(change func(*genai.Part) *genai.Part) {
	in := f.req.Contents
	var out []*genai.Content
	for i, content := range in {
		own := rewriteContent(content, change)
		if own != content && out == nil {
			out = append(make([]*genai.Content, 0, len(in)), in[:i]...)
		}
		if out != nil && (own == nil || len(own.Parts) > 0 || own == content) {
			out = append(out, own)
		}
	}
	if out != nil {
		f.req.Contents = out
	}
}

func rewriteContent(content *genai.Content, change func(*genai.Part) *genai.Part) *genai.Content {
	if content == nil {
		return nil
	}
	var parts []*genai.Part
	changed := false
	for i, part := range content.Parts {
		own := part
		if part != nil {
			own = change(part)
		}
		if own != part && !changed {
			changed = true
			parts = append(make([]*genai.Part, 0, len(content.Parts)), content.Parts[:i]...)
		}
		if changed && (own != nil || part == nil) {
			parts = append(parts, own)
		}
	}
	if !changed {
		return content
	}
	own := *content
	own.Parts = parts
	return &own
}

// ownThought drops a thought of another vendor, and another vendor's signature
// from a part that is none.
func (f *fitting) ownThought(p *genai.Part) *genai.Part {
	if !p.Thought && len(p.ThoughtSignature) == 0 {
		return p
	}
	from := request.VendorOf(p.ThoughtSignature)
	vendor, known := f.vendor()
	switch {
	case known && from == vendor, !known && from == "":
		return p
	case p.Thought:
		return nil
	}
	bare := *p
	bare.ThoughtSignature = nil
	return &bare
}

// codeAsText makes a text of code that Gemini ran, and of its result.
func codeAsText(p *genai.Part) *genai.Part {
	switch {
	case p.ExecutableCode != nil:
		return fenced(strings.ToLower(string(p.ExecutableCode.Language)), p.ExecutableCode.Code)
	case p.CodeExecutionResult != nil:
		return fenced("output", p.CodeExecutionResult.Output)
	}
	return p
}

// fenced returns a block of Markdown on lines of its own: chat completions join texts without a separator.
func fenced(kind, text string) *genai.Part {
	return &genai.Part{Text: "\n```" + kind + "\n" + text + "\n```\n"}
}

// callAsText makes a text of a call and of its result, for a target without
// tools.
func callAsText(p *genai.Part) *genai.Part {
	switch {
	case p.FunctionCall != nil:
		return &genai.Part{Text: "Called " + p.FunctionCall.Name + " with " + asJSON(p.FunctionCall.Args)}
	case p.FunctionResponse != nil:
		return &genai.Part{Text: "Result of " + p.FunctionResponse.Name + ": " + asJSON(p.FunctionResponse.Response)}
	}
	return p
}

func asJSON(object map[string]any) string {
	if object == nil {
		return "{}"
	}
	data, err := json.Marshal(object)
	if err != nil {
		return "{}"
	}
	return string(data)
}

// ownFieldsOf clears the fields of a part that the target's API does not have
// (SDK models.go, partToMldev and partToVertex).
func (f *fitting) ownFieldsOf(p *genai.Part) *genai.Part {
	studio := f.API == Gemini
	metadata, resolution := f.ownMetadata(p.PartMetadata), p.MediaResolution
	if !f.takesResolution(p) {
		resolution = nil
	}
	if len(metadata) == len(p.PartMetadata) && (studio || p.MediaProcessing == "") && resolution == p.MediaResolution &&
		(f.isGemini() || p.VideoMetadata == nil && p.AudioTranscription == nil && p.SpeechMetadata == nil) {
		return p
	}
	own := *p
	own.MediaResolution = resolution
	if own.PartMetadata = metadata; !studio {
		own.MediaProcessing = ""
	}
	if !f.isGemini() {
		own.VideoMetadata, own.AudioTranscription, own.SpeechMetadata = nil, nil, nil
	}
	return &own
}

// takesResolution reports whether the target takes the resolution of a part: Gemini for media,
// OpenAI's protocols for images, as detail.
func (f *fitting) takesResolution(p *genai.Part) bool {
	switch {
	case isNo(f.takes.PartResolution), !isMedia(p):
		return false
	case f.API == Chat, f.API == Responses:
		return true // the adapter reads it for images only
	}
	return f.isGemini()
}

// cacheKey is the key in the metadata of a part under which Anthropic's adapter
// finds a cache breakpoint.
const cacheKey = "cache_control"

// ownMetadata returns the metadata of a part that the target uses. Only the Gemini
// API has the field itself. Only Anthropic's API has the cache breakpoint.
func (f *fitting) ownMetadata(given map[string]any) map[string]any {
	control, ok := given[cacheKey]
	switch {
	case f.API == Gemini && !ok, f.API == Anthropic && ok && len(given) == 1:
		return given
	case f.API == Gemini && len(given) > 1:
		own := maps.Clone(given)
		delete(own, cacheKey)
		return own
	case f.API == Anthropic && ok:
		return map[string]any{cacheKey: control}
	}
	return nil
}
