package chat

import (
	"encoding/json"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai/internal/api"
)

// usageMetadata returns the tokens as genai counts them; nil if none were reported.
func (a *answer) usageMetadata() *genai.GenerateContentResponseUsageMetadata {
	u := a.usage
	if u == (openaiwire.ChatUsage{}) {
		return nil
	}
	answer, reasoning := u.CompletionTokens, u.ReasoningTokens
	surplus := u.TotalTokens - u.PromptTokens - u.CompletionTokens
	switch {
	case reasoning > 0 && (surplus == reasoning || reasoning > answer):
		// xAI counts reasoning apart from completion_tokens.
	case reasoning == 0 && surplus > 0 && a.dialect.geminiThoughts:
		reasoning = surplus // Gemini counts thoughts in the total alone
	default:
		answer -= reasoning
	}
	total := u.TotalTokens
	if total == 0 {
		total = u.PromptTokens + answer + reasoning
	}
	return &genai.GenerateContentResponseUsageMetadata{
		PromptTokenCount: api.Int32(u.PromptTokens), CachedContentTokenCount: api.Int32(u.CachedTokens),
		CandidatesTokenCount: api.Int32(answer), ThoughtsTokenCount: api.Int32(reasoning), TotalTokenCount: api.Int32(total),
	}
}

// citations returns the web pages that an answer names. The places in the text
// are kept as the server counts them.
func citations(list json.RawMessage) []*genai.Citation {
	var annotations []struct {
		URL struct {
			URL   string `json:"url"`
			Title string `json:"title"`
			Start int64  `json:"start_index"`
			End   int64  `json:"end_index"`
		} `json:"url_citation"`
	}
	_ = json.Unmarshal(list, &annotations) // what has another shape is no citation
	var found []*genai.Citation
	for _, a := range annotations {
		if a.URL.URL != "" {
			found = append(found, &genai.Citation{URI: a.URL.URL, Title: a.URL.Title, StartIndex: api.Int32(a.URL.Start), EndIndex: api.Int32(a.URL.End)})
		}
	}
	return found
}

// images returns the pictures of an answer, which OpenRouter sends as data URLs.
func images(list json.RawMessage) []*genai.Part {
	var wire []openaiwire.ChatPart
	_ = json.Unmarshal(list, &wire) // what has another shape is no picture
	var found []*genai.Part
	for _, image := range wire {
		if image.ImageURL == nil {
			continue
		}
		if kind, data, ok := readDataURL(image.ImageURL.URL); ok {
			found = append(found, &genai.Part{InlineData: &genai.Blob{MIMEType: kind, Data: data}})
		}
	}
	return found
}
