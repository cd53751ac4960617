package openai

import (
	"encoding/json"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
)

// usageMetadata returns the tokens as genai counts them; nil if none were reported.
func (a *chatAnswer) usageMetadata() *genai.GenerateContentResponseUsageMetadata {
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
		PromptTokenCount: clamp32(u.PromptTokens), CachedContentTokenCount: clamp32(u.CachedTokens),
		CandidatesTokenCount: clamp32(answer), ThoughtsTokenCount: clamp32(reasoning), TotalTokenCount: clamp32(total),
	}
}

// logprobsOf returns the probabilities of the tokens, and their mean.
func logprobsOf(list []openaiwire.Logprob) (*genai.LogprobsResult, float64) {
	if len(list) == 0 {
		return nil, 0
	}
	result := &genai.LogprobsResult{ChosenCandidates: make([]*genai.LogprobsResultCandidate, len(list))}
	sum, tops := 0.0, false
	for i, token := range list {
		sum += token.Logprob
		tops = tops || len(token.TopLogprobs) > 0
		result.ChosenCandidates[i] = &genai.LogprobsResultCandidate{Token: token.Token, LogProbability: float32(token.Logprob)}
	}
	for _, token := range list {
		if !tops {
			break
		}
		top := &genai.LogprobsResultTopCandidates{}
		for _, other := range token.TopLogprobs {
			top.Candidates = append(top.Candidates, &genai.LogprobsResultCandidate{Token: other.Token, LogProbability: float32(other.Logprob)})
		}
		result.TopCandidates = append(result.TopCandidates, top)
	}
	total := float32(sum)
	result.LogProbabilitySum = &total
	return result, sum / float64(len(list))
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
			found = append(found, &genai.Citation{URI: a.URL.URL, Title: a.URL.Title, StartIndex: clamp32(a.URL.Start), EndIndex: clamp32(a.URL.End)})
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
